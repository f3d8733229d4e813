package middleware_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// serveInMemory puts the API on connections without a network, whose time is that of
// the synctest bubble. The server ends when the returned function is called.
func (x *target) serveInMemory(t *testing.T, tokens verify.Verifier) (shutDown func()) {
	t.Helper()
	listener := &memoryListener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: x.api(t, tokens), ErrorLog: log.New(&x.faults, "", 0)}
	go func() { _ = server.Serve(listener) }()
	x.dial = func() (net.Conn, error) {
		client, conn := net.Pipe()
		listener.conns <- conn
		return client, nil
	}
	return func() { _ = server.Close() }
}

type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { close(l.closed); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble is a target whose issuer and time are the bubble's.
func inBubble(t *testing.T, keys jwks.RemoteConfig) (x *target, tokens *verify.Issuer) {
	t.Helper()
	x = &target{issuer: oauthtest.NewMemoryIssuer(t), trap: &trap{}, fetches: func() int { return 0 }}
	keys.HTTPClient, keys.Logger = x.issuer.HTTPClient(), slog.New(slog.DiscardHandler)
	tokens, err := verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: x.issuer.URL, Audience: []string{oauthtest.Audience}}, keys)
	if err != nil {
		t.Fatal(err)
	}
	return x, tokens
}

// A key that the issuer takes back is trusted until the next refresh, and no longer,
// whichever comes first: the time of one, or a token of the new key.
func TestHostileKeyThatWasWithdrawn(t *testing.T) { // C13, C21
	for name, settings := range map[string]struct {
		keys  jwks.RemoteConfig
		later func(t *testing.T, x *target)
	}{
		"after the lifetime that the issuer gives its keys": {jwks.RemoteConfig{}, func(*testing.T, *target) { time.Sleep(6 * time.Minute) }},
		"after MaxRefresh, which is shorter":                {jwks.RemoteConfig{MinRefresh: time.Second, MaxRefresh: 2 * time.Second}, func(*testing.T, *target) { time.Sleep(20 * time.Second) }},
		"as soon as a token of the new key comes": {jwks.RemoteConfig{}, func(t *testing.T, x *target) {
			x.check(t, "GET /invoices", bearerLine(x.issuer.Token("billing", "invoices.read")), "", "", accepted)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, tokens := inBubble(t, settings.keys)
				defer tokens.Close()
				defer x.serveInMemory(t, tokens)()
				stolen := x.issuer.Token("billing", "invoices.read")
				send := func(want verdict) { x.check(t, "GET /invoices", bearerLine(stolen), "", stolen, want) }
				send(accepted)
				x.issuer.Rotate("ES256")
				time.Sleep(time.Millisecond)
				send(accepted) // both are published
				x.issuer.Withdraw()
				settings.later(t, x)
				send(noSuchKey)
			})
		})
	}
}

// An issuer that cannot be reached does not bring a key back, and does not condemn a
// token of one that is known.
func TestHostileTokensDuringAnOutage(t *testing.T) { // C16, C34
	synctest.Test(t, func(t *testing.T) {
		x, tokens := inBubble(t, jwks.RemoteConfig{})
		defer tokens.Close()
		defer x.serveInMemory(t, tokens)()
		good := x.issuer.Token("billing", "invoices.read", oauthtest.Claim("exp", time.Now().Add(48*time.Hour).Unix()))
		short := x.issuer.Token("billing", "invoices.read", oauthtest.Claim("exp", time.Now().Add(time.Minute).Unix()))
		unknown := x.issuer.Token("billing", "invoices.read", oauthtest.Header("kid", marker))
		forged := x.issuer.Token("billing", "invoices.read", oauthtest.Forged(), oauthtest.Claim("exp", time.Now().Add(48*time.Hour).Unix()))
		x.issuer.Fail(http.StatusBadGateway)
		time.Sleep(20 * time.Minute) // several refreshes have failed
		x.check(t, "GET /invoices", bearerLine(good), "", good, accepted)
		x.check(t, "GET /invoices", bearerLine(short), "", short, expired)
		x.check(t, "GET /invoices", bearerLine(forged), "", forged, badSignature)
		x.check(t, "GET /invoices", bearerLine(unknown), "", unknown, noVerdict) // its key may be new
		time.Sleep(25 * time.Hour)                                               // beyond MaxStale: what has been withdrawn meanwhile nobody knows
		x.check(t, "GET /invoices", bearerLine(good), "", good, noVerdict)
		x.check(t, "GET /invoices", bearerLine(short), "", short, expired)
	})
}

// A token is good from nbf to exp, to the second, wherever the skew ends.
func TestHostileTokenAtTheEndOfItsTime(t *testing.T) { // C16
	synctest.Test(t, func(t *testing.T) {
		x, tokens := inBubble(t, jwks.RemoteConfig{})
		defer tokens.Close()
		defer x.serveInMemory(t, tokens)()
		now := time.Now()
		token := x.issuer.Token("billing", "invoices.read",
			oauthtest.Claim("nbf", now.Add(time.Minute).Unix()), oauthtest.Claim("exp", now.Add(2*time.Minute).Unix()))
		for _, step := range []struct {
			at   time.Duration
			want verdict
		}{
			{0, notYet}, {29 * time.Second, notYet}, {30 * time.Second, accepted},
			{149 * time.Second, accepted}, {150 * time.Second, expired}, {time.Hour, expired},
		} {
			time.Sleep(time.Until(now.Add(step.at)))
			x.check(t, "GET /invoices", bearerLine(token), "", token, step.want)
		}
	})
}

// memoryEndpoint is an introspection endpoint without a network.
type memoryEndpoint struct {
	answer atomic.Pointer[string]
	calls  atomic.Int64
}

func (e *memoryEndpoint) says(answer string) { e.answer.Store(&answer) }

func (e *memoryEndpoint) RoundTrip(*http.Request) (*http.Response, error) {
	e.calls.Add(1)
	w := httptest.NewRecorder()
	_, _ = io.WriteString(w, *e.answer.Load())
	return w.Result(), nil
}

// What was found good is taken for good for MaxAge, not beyond exp, and not after
// Close.
func TestHostileIntrospectedTokenLater(t *testing.T) { // C33
	type step struct {
		after time.Duration
		says  string
		want  verdict
		calls int64 // in all; each request is sent twice
	}
	until := func(exp time.Time) string {
		return string(must(json.Marshal(map[string]any{"active": true, "client_id": "billing", "scope": "invoices.read", "exp": exp.Unix()})))
	}
	const no = `{"active":false}`
	for name, row := range map[string]struct {
		maxAge time.Duration
		steps  func() []step
	}{
		"revoked: until MaxAge is over": {0, func() []step {
			return []step{{0, activeNow, accepted, 1}, {59 * time.Second, no, accepted, 1}, {time.Second, no, inactive, 2}}
		}},
		"revoked: at once, where every request asks": {time.Nanosecond, func() []step {
			return []step{{0, activeNow, accepted, 1}, {time.Nanosecond, no, inactive, 2}}
		}},
		"expired: at exp, which MaxAge does not outlive": {time.Hour, func() []step {
			exp := time.Now().Add(20 * time.Second)
			return []step{{0, until(exp), accepted, 1}, {19 * time.Second, no, accepted, 1}, {time.Second, no, inactive, 2}}
		}},
		"expired by what the endpoint itself says": {time.Hour, func() []step {
			exp := time.Now().Add(20 * time.Second)
			return []step{{0, until(exp), accepted, 1}, {50 * time.Second, until(exp), expired, 2}}
		}},
		"an outage: what is known serves on, for MaxAge and no longer": {0, func() []step {
			return []step{{0, activeNow, accepted, 1}, {59 * time.Second, marker, accepted, 1}, {time.Second, marker, noVerdict, 3}, {time.Second, activeNow, accepted, 4}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				endpoint := &memoryEndpoint{}
				x := &target{trap: &trap{}, fetches: func() int { return 0 }}
				tokens := x.introspection(t, "https://issuer.example/introspect", func(c *verify.IntrospectionConfig) {
					c.HTTPClient, c.MaxAge = &http.Client{Transport: endpoint}, row.maxAge
				})
				defer x.serveInMemory(t, tokens)()
				for i, step := range row.steps() {
					time.Sleep(step.after)
					endpoint.says(step.says)
					x.check(t, "GET /invoices", bearerLine(opaque), "", opaque, step.want)
					if calls := endpoint.calls.Load(); calls != step.calls {
						t.Errorf("step %d: %d calls, want %d", i, calls, step.calls)
					}
				}
				endpoint.says(activeNow)
				x.check(t, "GET /invoices", bearerLine("an0ther-t0ken"), "", "an0ther-t0ken", accepted)
				tokens.Close()
				x.check(t, "GET /invoices", bearerLine("an0ther-t0ken"), "", "an0ther-t0ken", noVerdict)
			})
		})
	}
}

// Revocable refuses what was good a moment ago, from the next request on.
func TestHostileTokenThatWasRevoked(t *testing.T) { // C33
	list, err := verify.NewRevocationList(verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	x := newTarget(t, nil)
	tokens, err := verify.Revocable(x.issuer.Verifier(), list, verify.RefuseOnFailure)
	if err != nil {
		t.Fatal(err)
	}
	x.serve(t, tokens)
	x.fetches = func() int { return 0 }
	token := x.withClaims("jti", fmt.Sprintf("%q", marker))
	x.check(t, "GET /invoices", bearerLine(token), "", token, accepted)
	if err := list.RevokeToken(x.issuer.URL, marker, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	x.check(t, "GET /invoices", bearerLine(token), "", token, invalid("The access token has been revoked.", verify.ReasonRevoked))
}

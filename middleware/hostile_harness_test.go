package middleware_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// The files hostile_*_test.go send what attackers send, the whole way: bytes on a
// connection to a server whose guard asks for invoices.read, by tokens of an issuer
// that is found by discovery. target.check is what must hold of every answer.

// marker is part of every text that the attackers choose. Where it turns up in an
// answer or in the log, a token has been repeated.
const marker = "3vil-w0rds"

// target is an API under attack.
type target struct {
	issuer  *oauthtest.Issuer
	dial    func() (net.Conn, error)
	fetches func() int // how often a token has had the key set fetched
	trap    *trap
	reached atomic.Int64
	log     protocol // of the guard and of the key set, everything
	faults  protocol // of net/http's server: panics
}

// newTarget is an API that trusts a new issuer, whose key set has the keys of ownKeys
// besides its own.
func newTarget(t *testing.T, change func(*verify.JWTConfig)) *target {
	t.Helper()
	x := &target{issuer: oauthtest.NewIssuer(t), trap: newTrap(t)}
	for _, key := range ownKeys() {
		x.issuer.Publish(key.jwk)
	}
	config := verify.JWTConfig{Issuer: x.issuer.URL, Audience: []string{oauthtest.Audience}}
	if change != nil {
		change(&config)
	}
	tokens, err := verify.DiscoverWith(t.Context(), config,
		jwks.RemoteConfig{HTTPClient: x.issuer.HTTPClient(), Logger: x.logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	x.fetches = x.issuer.Fetches
	x.serve(t, tokens)
	return x
}

func (x *target) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// serve puts the API on the loopback interface.
func (x *target) serve(t *testing.T, tokens verify.Verifier) {
	t.Helper()
	server := httptest.NewUnstartedServer(x.api(t, tokens))
	server.Config.ErrorLog = log.New(&x.faults, "", 0)
	server.Config.MaxHeaderBytes = 4 << 20 // the guard shall judge, not the server
	server.Start()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	x.dial = func() (net.Conn, error) { return net.Dial("tcp", address) }
}

func (x *target) api(t *testing.T, tokens verify.Verifier) http.Handler {
	guard := newGuard(t, func(c *middleware.Config) {
		c.Verifier, c.Observe = tokens, middleware.LogTo(x.logger())
	})
	mux := http.NewServeMux()
	mux.Handle("/invoices", guard.Require(scopes.All("invoices.read")).Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		x.reached.Add(1)
		_, _ = io.WriteString(w, "invoices")
	})))
	return mux
}

// verdict is what an answer must say.
type verdict struct {
	status                           int
	code, description, scope, reason string
	mayFetch                         bool // one fetch, of those that unknown keys may cause
}

func invalid(description, reason string) verdict {
	return verdict{status: 401, code: "invalid_token", description: description, reason: reason}
}

var (
	accepted      = verdict{status: 200}
	malformed     = invalid("The token is malformed.", verify.ReasonMalformed)
	tooLong       = invalid("The token is too long.", verify.ReasonMalformed)
	critical      = invalid("The token's header demands an extension that is not supported.", verify.ReasonCritical)
	wrongType     = invalid("The token is not typed as an access token.", verify.ReasonType)
	wrongAlg      = invalid("The token's signature algorithm is not accepted.", verify.ReasonAlgorithm)
	wrongIssuer   = invalid("The token was issued by another issuer.", verify.ReasonIssuer)
	wrongAudience = invalid("The token is meant for another audience.", verify.ReasonAudience)
	noExpiry      = invalid("The token has no expiry.", verify.ReasonClaims)
	expired       = invalid("The access token expired.", verify.ReasonExpired)
	notYet        = invalid("The access token is not valid yet.", verify.ReasonNotYetValid)
	fromTheFuture = invalid("The access token was issued in the future.", verify.ReasonNotYetValid)
	claimType     = invalid("A registered claim of the token is not of its type.", verify.ReasonClaims)
	noClient      = invalid("The token names no client.", verify.ReasonClaims)
	badScopes     = invalid("The token's scopes are malformed.", verify.ReasonClaims)
	badSignature  = invalid("The token's signature is invalid.", verify.ReasonSignature)
	noSuchKey     = invalid("The token was signed by an unknown key.", verify.ReasonUnknownKey)
	underScoped   = verdict{status: 403, code: "insufficient_scope", description: "The access token does not grant what this request needs.",
		scope: "invoices.read", reason: middleware.ReasonInsufficientScope}
	noToken = verdict{status: 401, code: "missing_token", description: "The request has no bearer access token.", reason: middleware.ReasonMissingToken}
	badForm = verdict{status: 400, code: "invalid_request", description: "The Authorization header is not Bearer, a space and a token.",
		reason: middleware.ReasonMalformedHeader}
	twice = verdict{status: 400, code: "invalid_request", description: "The request has more than one credential; send one Authorization header alone.",
		reason: middleware.ReasonTwoCredentials}
	noVerdict = verdict{status: 503, code: "temporarily_unavailable", description: "Access tokens cannot be verified at the moment; try again with the same token.",
		reason: middleware.ReasonUnavailable}
	byServer = verdict{status: 400} // net/http's own, before any handler
)

// fetching is v, for a token by which the key set may be fetched once more: its key
// may have been published a moment ago.
func (v verdict) fetching() verdict {
	v.mayFetch = true
	return v
}

// challenge is WWW-Authenticate to the letter.
func (v verdict) challenge() []string {
	challenge := `Bearer realm="api"`
	switch {
	case v.code == "" || v.status == 503:
		return nil
	case v.code != "missing_token":
		challenge += fmt.Sprintf(`, error="%s", error_description="%s"`, v.code, v.description)
	}
	if v.scope != "" {
		challenge += fmt.Sprintf(`, scope="%s"`, v.scope)
	}
	return []string{challenge}
}

func (v verdict) body() string {
	switch {
	case v.status == 200:
		return "invoices"
	case v.scope != "":
		return fmt.Sprintf(`{"error":"%s","error_description":"%s","scope":"%s"}`+"\n", v.code, v.description, v.scope)
	}
	body, _ := json.Marshal(v.description) // whose apostrophes stay as they are
	return fmt.Sprintf(`{"error":"%s","error_description":%s}`+"\n", v.code, body)
}

// row is one attack.
type row struct {
	name, token string
	want        verdict
}

// attack sends each token as a bearer token.
func (x *target) attack(t *testing.T, rows []row) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			x.check(t, "GET /invoices", "Authorization: Bearer "+row.token+"\r\n", "", row.token, row.want)
		})
	}
	x.check(t, "GET /invoices", "Authorization: Bearer "+x.issuer.Token("billing", "invoices.read")+"\r\n", "", "", accepted)
}

// check sends a request as these bytes, whatever Accept says, and looks at all that
// comes of it. No part of the secret may be repeated.
func (x *target) check(t *testing.T, line, header, body, secret string, want verdict) {
	t.Helper()
	for _, accept := range []string{"", "Accept: text/html\r\n"} {
		fetches, reached := x.fetches(), x.reached.Load()
		x.log.reset()
		answer := x.send(t, line+" HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n"+accept+header+"\r\n"+body)
		response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), &http.Request{Method: strings.Fields(line)[0]})
		if err != nil {
			t.Fatalf("no answer: %v: %q", err, answer)
		}
		got, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		said := x.log.String()
		if response.StatusCode != want.status {
			t.Errorf("status %d, want %d: %s%s", response.StatusCode, want.status, got, said)
			return
		}
		if more := x.reached.Load() - reached; (more == 1) != (want.status == 200) || more > 1 {
			t.Errorf("the handler was reached %d times", more)
		}
		if more := x.fetches() - fetches; more > 0 && (!want.mayFetch || x.fetches() > 2) {
			t.Errorf("the key set was fetched again; %d times in all", x.fetches())
		}
		if asked := x.trap.asked.Load(); asked > 0 {
			t.Errorf("the attacker's server was asked %d times", asked)
		}
		if faults := x.faults.String(); faults != "" {
			t.Errorf("the server complains: %s", faults)
		}
		x.mustRepeatNothing(t, secret, answer, said)
		if want == byServer {
			return // no word of this module's in it
		}
		mustSay(t, response, string(got), said, want)
	}
}

// mustSay holds an answer to the letter of the verdict, and the log to its reason.
func mustSay(t *testing.T, response *http.Response, body, log string, want verdict) {
	t.Helper()
	wantBody := want.body()
	if response.Request.Method == http.MethodHead {
		wantBody = ""
	}
	if body != wantBody {
		t.Errorf("body %s, want %s", body, wantBody)
	}
	headers := map[string]string{"Location": "", "Www-Authenticate": strings.Join(want.challenge(), "|")}
	if want.status != 200 {
		maps.Copy(headers, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Vary": "Authorization",
			"X-Content-Type-Options": "nosniff", "Set-Cookie": "", "Access-Control-Allow-Origin": ""})
	}
	for name, value := range headers {
		if got := strings.Join(response.Header[name], "|"); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
	if (response.Header.Get("Retry-After") != "") != (want.status == 503) {
		t.Errorf("Retry-After is %q", response.Header.Get("Retry-After"))
	}
	if want.reason != "" && (!strings.Contains(log, "reason="+want.reason+" ") || strings.Count(log, "reason=") != 1) {
		t.Errorf("the log does not name %s once: %s", want.reason, log)
	}
}

// mustRepeatNothing is that neither what is sent back nor what is logged has eight
// bytes of a secret in it, nor a text out of a token's parts.
func (x *target) mustRepeatNothing(t *testing.T, secret, answer, log string) {
	t.Helper()
	said := answer + "\n" + log
	if strings.Contains(said, marker) {
		t.Errorf("the attacker's words are repeated: %s", said)
	}
	const length = 8
	windows := make(map[string]bool, len(said))
	for i := range len(said) - length {
		windows[said[i:i+length]] = true
	}
	for i := 0; i+length <= len(secret); i++ {
		if windows[secret[i:i+length]] {
			t.Errorf("%q of the credential is repeated: %s", secret[i:i+length], said)
			break
		}
	}
	for part := range strings.SplitSeq(secret, ".") {
		decoded, _ := base64.RawURLEncoding.DecodeString(part)
		var value any
		_ = json.Unmarshal(decoded, &value) // what is no JSON has no texts
		for _, text := range texts(value) {
			if len(text) >= length && !x.own(text) && strings.Contains(said, text) {
				t.Errorf("%q of the token is repeated: %s", text, said)
			}
		}
	}
}

// own tells whether the API says the text by itself: of its configuration.
func (x *target) own(text string) bool {
	words := oauthtest.Audience + " invoices.read application/json"
	if x.issuer != nil {
		words += " " + x.issuer.URL
	}
	return strings.Contains(words, text)
}

// texts are all strings in a JSON value. Names are left out: the log speaks of claims by
// their names.
func texts(value any) (all []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, element := range value {
			all = append(all, texts(element)...)
		}
	case map[string]any:
		for _, member := range value {
			all = append(all, texts(member)...)
		}
	}
	return all
}

// send is what comes back on a new connection for these bytes.
func (x *target) send(t *testing.T, request string) string {
	t.Helper()
	conn, err := x.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, request) }() // a server that has heard enough hangs up
	answer, err := io.ReadAll(conn)
	if err != nil && len(answer) == 0 {
		t.Fatal(err)
	}
	return string(answer)
}

// protocol is a log that may be read while it is written.
type protocol struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *protocol) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *protocol) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *protocol) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Reset()
}

// trap is a server of the attacker's that nobody may ask.
type trap struct {
	url   string
	asked atomic.Int64
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	x := &trap{}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { x.asked.Add(1) }))
	t.Cleanup(server.Close)
	x.url = server.URL + "/" + marker
	return x
}

package middleware_test

import (
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// How long a decision takes is measured in benchmarks/, and told in docs/performance.md.
// How much garbage it makes is the same everywhere, and so a test.

// silence is a ResponseWriter that costs nothing.
type silence struct{ header http.Header }

func (s silence) Header() http.Header         { return s.header }
func (s silence) Write(b []byte) (int, error) { return len(b), nil }
func (s silence) WriteHeader(int)             {}

// guarded is a handler that does nothing behind a guard that wants a scope, and the
// issuer of its tokens.
func guarded(t testing.TB, alg string, maxEntries int) (http.Handler, *oauthtest.Issuer) {
	t.Helper()
	issuer := oauthtest.NewIssuer(t)
	issuer.Rotate(alg)
	return guardOf(t, issuer, maxEntries), issuer
}

func guardOf(t testing.TB, issuer *oauthtest.Issuer, maxEntries int) http.Handler {
	t.Helper()
	v, err := verify.DiscoverWith(t.Context(),
		verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}, MaxEntries: maxEntries},
		jwks.RemoteConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	guard, err := middleware.New(middleware.Config{Verifier: v, Observe: middleware.LogTo(slog.New(slog.NewTextHandler(io.Discard, nil)))})
	if err != nil {
		t.Fatal(err)
	}
	return guard.Require(scopes.All("invoices.read")).Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func requestWith(authorization string) *http.Request {
	r, _ := http.NewRequest(http.MethodGet, "https://api.example/invoices", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

const fourScopes = "invoices.read invoices.write orders.read orders.write"

func TestGarbageOfAnAcceptedRequest(t *testing.T) {
	for _, row := range []struct {
		alg         string
		maxEntries  int
		atMost      float64
		description string
	}{
		// A context and a copy of the request.
		{"ES256", 0, 2, "a token that comes again"},
		{"RS256", 0, 2, "a token that comes again"},
		// With those of the arithmetic: 9, 12, 21 and 0 for the bare verification
		// of the standard library, and a few for jwx's way to it.
		{"RS256", -1, 9 + 8, "a token that comes for the first time"},
		{"PS256", -1, 12 + 8, "a token that comes for the first time"},
		{"ES256", -1, 21 + 10, "a token that comes for the first time"},
		{"EdDSA", -1, 0 + 10, "a token that comes for the first time"},
	} {
		t.Run(row.alg+", "+row.description, func(t *testing.T) {
			handler, issuer := guarded(t, row.alg, row.maxEntries)
			r, w := requestWith("Bearer "+issuer.Token("billing", fourScopes)), silence{http.Header{}}
			n := testing.AllocsPerRun(100, func() { handler.ServeHTTP(w, r) })
			t.Logf("%v allocations", n)
			if n > row.atMost {
				t.Errorf("%v allocations, at most %v are expected", n, row.atMost)
			}
		})
	}
}

// A guard behind another one, and an optional one that nobody shows a token, leave the
// request as it is.
func TestGarbageOfAGuardWithNothingToDo(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard, err := middleware.New(middleware.Config{Verifier: issuer.Verifier()})
	if err != nil {
		t.Fatal(err)
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	good := requestWith("Bearer " + issuer.Token("billing", fourScopes))
	for _, row := range []struct {
		name    string
		handler http.Handler
		r       *http.Request
		want    float64
	}{
		{"a guard behind two others", guard.Protect(guard.Require(scopes.All("orders.read")).Protect(guard.Optional().Protect(nothing))), good, 2},
		{"an optional guard", guard.Optional().Protect(nothing), requestWith(""), 0},
	} {
		if n := testing.AllocsPerRun(100, func() { row.handler.ServeHTTP(silence{}, row.r) }); n > row.want {
			t.Errorf("%s: %v allocations, want %v", row.name, n, row.want)
		}
	}
}

// A principal is made when somebody asks for it, and once.
func TestGarbageOfAPrincipal(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard, err := middleware.New(middleware.Config{Verifier: issuer.Verifier()})
	if err != nil {
		t.Fatal(err)
	}
	r := requestWith("Bearer " + issuer.Token("billing", fourScopes))
	for asked, want := range []float64{2, 3, 3} {
		handler := guard.Protect(guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for range asked {
				if p, ok := principal.FromContext(r.Context()); !ok || p.ClientID != "billing" {
					t.Errorf("got %+v", p)
				}
			}
		})))
		if n := testing.AllocsPerRun(100, func() { handler.ServeHTTP(silence{}, r) }); n > want {
			t.Errorf("asked for %d times: %v allocations, want %v", asked, n, want)
		}
	}
}

// refusals are requests that are refused, by what is wrong with them.
func refusals(issuer *oauthtest.Issuer) []refusal {
	token := func(changes ...oauthtest.Change) string {
		return "Bearer " + issuer.Token("billing", fourScopes, changes...)
	}
	good := token()
	return []refusal{
		{"no credential", ""},
		{"another scheme", "Basic ZGVtbzpkZW1v"},
		{"malformed header", good + ","},
		{"too long", "Bearer " + strings.Repeat("a", 60<<10)},
		{"malformed token", "Bearer " + strings.Repeat("a", 600)},
		{"100,000 dots", "Bearer " + strings.Repeat(".", 16<<10)},
		{"deep JSON", "Bearer " + deep()},
		{"wrong algorithm", token(oauthtest.Unsigned())},
		{"wrong type", token(oauthtest.Header("typ", "JWT"))},
		{"unknown issuer", token(oauthtest.Claim("iss", "https://other.example"))},
		{"wrong audience", token(oauthtest.ForAudience("https://other.example"))},
		{"expired", token(oauthtest.Expired())},
		{"unknown key", token(oauthtest.Header("kid", "other"))},
		{"wrong signature", token(oauthtest.Forged())},
		{"too few scopes", "Bearer " + issuer.Token("billing", "orders.read")},
	}
}

type refusal struct{ kind, authorization string }

// deep is a token as long as may be whose claims nest as deep as they can.
func deep() string {
	const header = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9."
	nested := "eyJhIjpb" + strings.Repeat("W1tb", (16<<10-len(header)-20)/4)
	return header + nested + ".AAAA"
}

// A refusal makes a bounded amount of garbage, whatever a stranger sends: a copy or
// two of what he sent, and the answer.
func TestGarbageOfARefusedRequest(t *testing.T) {
	handler, issuer := guarded(t, "ES256", 0)
	handler.ServeHTTP(silence{http.Header{}}, requestWith("Bearer "+issuer.Token("billing", fourScopes, oauthtest.Header("kid", "other")))) // has had its fetch
	for _, refusal := range refusals(issuer) {
		t.Run(refusal.kind, func(t *testing.T) {
			r := requestWith(refusal.authorization)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n := testing.AllocsPerRun(100, func() { handler.ServeHTTP(silence{http.Header{}}, r) })
			runtime.ReadMemStats(&after)
			bytes, most := (after.TotalAlloc-before.TotalAlloc)/101, uint64(8<<10+3*min(len(refusal.authorization), 16<<10))
			t.Logf("%d bytes in %v allocations", bytes, n)
			if bytes > most || n > 80 {
				t.Errorf("%d bytes in %v allocations, at most %d in 80 are expected", bytes, n, most)
			}
		})
	}
}

// A guard that waits for requests, with its verifier and the issuer's keys.
func TestWhatAnIdleGuardTakes(t *testing.T) {
	const guards = 10
	takes := func() (bytes uint64, goroutines int) {
		time.Sleep(50 * time.Millisecond) // for connections to end that fetched keys
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse, runtime.NumGoroutine()
	}
	issuer := oauthtest.NewIssuer(t)
	make := func() http.Handler { return guardOf(t, issuer, 0) }
	kept := []http.Handler{make()} // and what libraries take once
	bytes, goroutines := takes()
	for range guards {
		kept = append(kept, make())
	}
	bytesNow, goroutinesNow := takes()
	each, routines := (int64(bytesNow)-int64(bytes))/guards, (goroutinesNow-goroutines)/guards
	t.Logf("%d bytes and %d goroutines", each, routines)
	if each > 100<<10 || routines > 4 {
		t.Errorf("an idle guard takes %d bytes and %d goroutines", each, routines)
	}
	runtime.KeepAlive(kept)
}

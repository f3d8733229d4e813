package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// failing is a key set that cannot tell.
type failing struct{ err error }

func (f failing) Find(context.Context, string, string) ([]*jwks.Key, error) { return nil, f.err }

// silent keeps expected warnings out of the test's output.
var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// site serves documents by path, for metadata in odd places.
type site map[string]any

func (s site) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch document := s[r.URL.Path].(type) {
		case nil:
			http.NotFound(w, r)
		case int:
			w.WriteHeader(document)
		case string:
			_, _ = io.WriteString(w, document)
		default:
			_ = json.NewEncoder(w).Encode(document)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// keySet is one key that nobody signs with.
const keySet = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

func TestDiscoveryAsksAtTheWellKnownPlaces(t *testing.T) { // C36
	const (
		oauth  = "/.well-known/oauth-authorization-server"
		openID = "/.well-known/openid-configuration"
	)
	for _, row := range []struct{ name, path, at string }{
		{"RFC 8414, no path", "", oauth},
		{"RFC 8414, between host and path", "/tenant/a", oauth + "/tenant/a"},
		{"OpenID Connect, no path", "", openID},
		{"OpenID Connect, behind the path", "/tenant/a", "/tenant/a" + openID},
		{"an issuer that ends in a slash, RFC 8414", "/", oauth},
		{"an issuer that ends in a slash, OpenID Connect", "/tenant/", "/tenant" + openID},
	} {
		t.Run(row.name, func(t *testing.T) {
			documents := site{"/keys": keySet}
			origin := documents.start(t)
			documents[row.at] = map[string]string{"issuer": origin + row.path, "jwks_uri": origin + "/keys"}
			v, err := verify.Discover(t.Context(), origin+row.path, "https://api.example")
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			if v.Issuer() != origin+row.path {
				t.Errorf("issuer %q", v.Issuer())
			}
		})
	}
}

func TestDiscoveryRefusesWrongMetadata(t *testing.T) { // C36
	const at = "/.well-known/oauth-authorization-server"
	for _, row := range []struct {
		name     string
		document func(origin string) any
		want     string
	}{
		{"there is none", func(string) any { return nil }, "404"},
		{"another issuer's", func(origin string) any {
			return map[string]string{"issuer": "https://evil.example", "jwks_uri": origin + "/keys"}
		}, `of issuer "https://evil.example"`},
		{"the issuer but for a slash", func(origin string) any {
			return map[string]string{"issuer": origin + "/", "jwks_uri": origin + "/keys"}
		}, "to the letter"},
		{"no issuer", func(origin string) any { return map[string]string{"jwks_uri": origin + "/keys"} }, `of issuer ""`},
		{"no jwks_uri", func(origin string) any { return map[string]string{"issuer": origin} }, "no jwks_uri"},
		{"jwks_uri a number", func(origin string) any { return map[string]any{"issuer": origin, "jwks_uri": 1} }, "no jwks_uri"},
		{"plain http keys elsewhere", func(origin string) any {
			return map[string]string{"issuer": origin, "jwks_uri": "http://keys.example/"}
		}, "plain http"},
		{"a file for keys", func(origin string) any { return map[string]string{"issuer": origin, "jwks_uri": "file:///etc/passwd"} }, "jwks_uri"},
		{"two issuers in one document", func(origin string) any {
			return `{"issuer":"https://evil.example","issuer":"` + origin + `","jwks_uri":"` + origin + `/keys"}`
		}, "duplicate"},
		{"a page for people", func(string) any { return "<html>" }, "not a JSON object"},
		{"301 KiB", func(origin string) any { return strings.Repeat(" ", 301<<10) }, "longer than"},
	} {
		t.Run(row.name, func(t *testing.T) {
			documents := site{"/keys": keySet}
			origin := documents.start(t)
			documents[at] = row.document(origin)
			_, err := verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: origin, Audience: []string{"a"}}, jwks.RemoteConfig{Logger: silent})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("want an error with %q, got %v", row.want, err)
			}
		})
	}
}

func TestDiscoveryRefusesBadArguments(t *testing.T) {
	for _, row := range []struct{ name, issuer, audience, want string }{
		{"no issuer", "", "a", "Issuer is empty"},
		{"no audience", "https://issuer.example", "", "Audience is empty"},
		{"plain http", "http://issuer.example", "a", "use https"},
		{"no scheme", "issuer.example", "a", "https://issuer.example"},
		{"a query", "https://issuer.example?tenant=1", "a", "query or fragment"},
		{"a fragment", "https://issuer.example#x", "a", "query or fragment"},
		{"a password", "https://user:password@issuer.example", "a", "user information"},
		{"another scheme", "ftp://issuer.example", "a", "use https"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := verify.Discover(t.Context(), row.issuer, row.audience); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("want an error with %q, got %v", row.want, err)
			}
		})
	}
	_, err := verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: "https://issuer.example", Audience: []string{"a"}, Keys: jwks.Static()}, jwks.RemoteConfig{})
	if err == nil || !strings.Contains(err.Error(), "use JWT with jwks.Remote") {
		t.Errorf("keys beside discovery: got %v", err)
	}
	_, err = verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: "https://issuer.example", Audience: []string{"a"}}, jwks.RemoteConfig{Timeout: -1})
	if err == nil || !strings.Contains(err.Error(), "RemoteConfig.Timeout") {
		t.Errorf("a bad timeout: got %v", err)
	}
}

func TestAnIssuerThatIsDownAtTheStartHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		issuer.Fail(http.StatusBadGateway)
		v, err := verify.DiscoverWith(t.Context(),
			verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}},
			jwks.RemoteConfig{HTTPClient: issuer.HTTPClient(), Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		token := issuer.Token("billing", "")

		// What no key is needed for is judged all the same.
		if got := reason(v, issuer.Token("billing", "", oauthtest.Expired())); got != verify.ReasonExpired {
			t.Errorf("an expired token during the outage: got %q", got)
		}
		_, err = v.Verify(t.Context(), token)
		unavailable, ok := errors.AsType[*verify.UnavailableError](err)
		if !ok || errors.Is(err, verify.ErrInvalidToken) {
			t.Fatalf("got %v", err)
		}
		issuer.Recover()
		time.Sleep(unavailable.RetryAfter)
		synctest.Wait()
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("after RetryAfter, which was %v: %v", unavailable.RetryAfter, err)
		}
	})
}

func TestARotatedKeyIsKnownOnFirstSight(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	old := issuer.Token("billing", "")
	issuer.Rotate("ES256")
	before := issuer.Fetches()
	if _, err := v.Verify(t.Context(), issuer.Token("billing", "")); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Errorf("the old key: %v", err)
	}
	if got := issuer.Fetches() - before; got != 1 {
		t.Errorf("%d fetches", got)
	}
}

func TestAClosedIssuerGivesNoVerdict(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	v.Close()
	_, err := v.Verify(t.Context(), issuer.Token("billing", ""))
	if _, ok := errors.AsType[*verify.UnavailableError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestKeysOfAnIssuerElsewhereAreNotSoughtOnThisMachine(t *testing.T) {
	for _, jwksURI := range []string{"https://127.0.0.1/keys", "https://localhost./keys", "https://[::1%25lo]/keys", "https://0.0.0.0/keys", "https://127.1/keys", "http://issuer.example/keys"} {
		metadata := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "issuer.example" {
				t.Errorf("asked %s", r.URL)
			}
			w := httptest.NewRecorder()
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": "https://issuer.example", "jwks_uri": jwksURI})
			return w.Result(), nil
		})
		_, err := verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: "https://issuer.example", Audience: []string{"a"}},
			jwks.RemoteConfig{HTTPClient: &http.Client{Transport: metadata}, Logger: silent})
		if err == nil || !strings.Contains(err.Error(), "jwks_uri") {
			t.Errorf("%s: got %v", jwksURI, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAContextThatIsDoneIsAMistake(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.Discover(ctx, "https://issuer.example", "a"); err == nil || !strings.Contains(err.Error(), "done already") {
		t.Errorf("got %v", err)
	}
}

package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// laravel is an application with Passport, and an API in Go that trusts its key.
type laravel struct {
	issuer *oauthtest.Issuer
	guard  *middleware.Guard
}

func newLaravel(t *testing.T) laravel {
	t.Helper()
	issuer := oauthtest.NewIssuer(t)
	issuer.Rotate("RS256")
	keys, err := jwks.File(t.Context(), jwks.FileConfig{Path: issuer.PublicKeyFile()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	tokens, err := verify.JWT(verify.JWTConfig{Keys: keys, Profile: verify.Passport()})
	if err != nil {
		t.Fatal(err)
	}
	guard := newGuard(t, func(c *middleware.Config) { c.Verifier, c.Body = tokens, middleware.LaravelMessage })
	return laravel{issuer, guard}
}

// token is one by Passport: sub is empty for a client up to Passport 12, the client
// id from 13 on, and a user's id else.
func (l laravel) token(sub string, granted ...string) string {
	if granted == nil {
		granted = []string{}
	}
	return l.issuer.Token("7", "",
		oauthtest.Header("typ", "JWT"), oauthtest.WithoutHeader("kid"), oauthtest.Without("iss"), oauthtest.Without("client_id"),
		oauthtest.Claim("aud", "7"), oauthtest.Claim("sub", sub), oauthtest.Claim("scopes", granted))
}

func (l laravel) status(guard *middleware.Guard, token string) int {
	return call(guard, "GET", "/", bearer(token)).StatusCode
}

// CheckClientCredentials of Passport 9 to 12 and CheckToken of 13: every listed scope,
// "*" passes all, no scope listed is any valid token, and a user's token will do.
func TestCheckClientCredentialsIsRequireAll(t *testing.T) {
	app := newLaravel(t)
	for _, row := range []struct {
		name   string
		rule   scopes.Rule
		token  string
		status int
	}{
		{"no scope listed: any valid token", scopes.All(), app.token(""), 200},
		{"both granted", scopes.All("a", "b"), app.token("", "a", "b"), 200},
		{"one missing", scopes.All("a", "b"), app.token("", "a"), 403},
		{"everything granted", scopes.All("a", "b"), app.token("", "*"), 200},
		{"in other case", scopes.All("a"), app.token("", "A"), 403},
		{"a user's token", scopes.All("a"), app.token("42", "a"), 200},
	} {
		if got := app.status(app.guard.Require(row.rule), row.token); got != row.status {
			t.Errorf("%s: %d, want %d", row.name, got, row.status)
		}
	}
}

// CheckClientCredentialsForAnyScope, and CheckTokenForAnyScope from 13 on.
func TestCheckClientCredentialsForAnyScopeIsRequireAny(t *testing.T) {
	app := newLaravel(t)
	for _, row := range []struct {
		name   string
		token  string
		status int
	}{
		{"one granted", app.token("", "b"), 200},
		{"none granted", app.token("", "c"), 403},
		{"everything granted", app.token("", "*"), 200},
	} {
		if got := app.status(app.guard.Require(scopes.Any("a", "b")), row.token); got != row.status {
			t.Errorf("%s: %d, want %d", row.name, got, row.status)
		}
	}
	// No scope listed refuses every request there; here the program does not start.
	defer func() {
		if message, _ := recover().(string); !strings.Contains(message, "name at least one") {
			t.Errorf("got %q", message)
		}
	}()
	scopes.Any()
}

// EnsureClientIsResourceOwner of 13. It answers 401 where this is 403, and refuses
// tokens from before the upgrade, whose sub is empty, which this does not.
func TestEnsureClientIsResourceOwnerIsClientsOnly(t *testing.T) {
	app := newLaravel(t)
	for _, row := range []struct {
		name, token string
		status      int
	}{
		{"a client's token of Passport 13", app.token("7"), 200},
		{"a client's token of Passport 12", app.token(""), 200},
		{"a user's token", app.token("42"), 403},
	} {
		if got := app.status(app.guard.ClientsOnly(), row.token); got != row.status {
			t.Errorf("%s: %d, want %d", row.name, got, row.status)
		}
	}
}

// GHSA-349c-2h2f-mxf6: a client's token must never become the user whose id the
// client has.
func TestAClientIsNeverAUser(t *testing.T) {
	app := newLaravel(t)
	for _, sub := range []string{"", "7"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = bearer(app.token(sub))
		app.guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if caller, _ := principal.FromContext(r.Context()); caller.UserID != "" || !caller.IsClient() {
				t.Errorf("sub %q: got %+v", sub, caller)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// tokenCan, and $token->can().
func TestTokenCanIsCan(t *testing.T) {
	app := newLaravel(t)
	for granted, can := range map[string]bool{"a": true, "*": true, "b": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = bearer(app.token("", granted))
		app.guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if caller, _ := principal.FromContext(r.Context()); caller.Can("a") != can {
				t.Errorf("%s granted: can a is %t", granted, !can)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// Passport::actingAsClient, for a handler by itself.
func TestActingAsClientIsActingAsClient(t *testing.T) {
	r := oauthtest.ActingAsClient(httptest.NewRequest("GET", "/", nil), "7", "a b")
	caller, ok := principal.FromContext(r.Context())
	if !ok || caller.ClientID != "7" || !caller.IsClient() || !caller.Can("a") || caller.Can("c") {
		t.Errorf("got %+v", caller)
	}
}

package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// directory is a verifier of opaque tokens: the token names who calls, and the
// scopes after a tilde.
func directory(_ context.Context, token string) (*principal.Principal, error) {
	name, granted, _ := strings.Cut(token, "~")
	p := &principal.Principal{Kind: principal.KindClient, ClientID: name, Scopes: scopes.Of(strings.FieldsFunc(granted, func(r rune) bool { return r == '+' })...)}
	switch {
	case strings.HasPrefix(name, "user"):
		p.Kind, p.UserID = principal.KindUser, name
	case name == "down":
		return nil, &verify.UnavailableError{RetryAfter: 1500 * time.Millisecond, Err: errors.New("connection refused")}
	case name == "untold":
		return nil, &verify.UnavailableError{Err: errors.New("connection refused")}
	case name == "curt":
		return nil, &verify.Refusal{}
	case name == "broken":
		return nil, errors.New("disk full")
	case name == "revoked":
		return nil, fmt.Errorf("row 7: %w", verify.ErrInvalidToken)
	case name == "nobody":
		return nil, nil
	}
	return p, nil
}

func newGuard(t *testing.T, change func(*middleware.Config)) *middleware.Guard {
	t.Helper()
	config := middleware.Config{Verifier: verify.Func(directory)}
	if change != nil {
		change(&config)
	}
	guard, err := middleware.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// call sends a request with these header lines through the guard.
func call(guard *middleware.Guard, method, target string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for name, lines := range header {
		r.Header[http.CanonicalHeaderKey(name)] = lines
	}
	w := httptest.NewRecorder()
	guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller, ok := principal.FromContext(r.Context()); ok {
			fmt.Fprintf(w, "hello %s", caller.ClientID)
			return
		}
		fmt.Fprint(w, "hello stranger")
	})).ServeHTTP(w, r)
	return w.Result()
}

func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

func TestTheAuthorizationHeader(t *testing.T) { // C1, C2, C3, C7
	const (
		passes    = "200 "
		missing   = "401 missing_token"
		malformed = "400 invalid_request"
		tooLong   = "401 invalid_token"
	)
	guard := newGuard(t, nil)
	for _, row := range []struct {
		name, target string
		lines        []string
		want         string
	}{
		{"a bearer token", "/", []string{"Bearer a"}, passes},
		{"the scheme in lower case", "/", []string{"bearer a"}, passes},
		{"the scheme in capitals", "/", []string{"BEARER a"}, passes},
		{"every character of b64token", "/", []string{"Bearer azAZ09-._~+/=="}, passes},
		{"1*SP is more than one space (RFC 9110 section 11.4)", "/", []string{"Bearer   a"}, passes},
		{"no header", "/", nil, missing},
		{"another scheme", "/", []string{"Basic ZGVtbzpkZW1v"}, missing},
		{"a DPoP token", "/", []string{"DPoP a"}, missing},
		{"a scheme that begins alike", "/", []string{"BearerX a"}, missing},
		{"an underscore for the space", "/", []string{"Bearer_a"}, missing},
		{"a token without a scheme", "/", []string{"eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}, missing},
		{"an empty header", "/", []string{""}, malformed},
		{"Bearer with nothing", "/", []string{"Bearer"}, malformed},
		{"Bearer and a space", "/", []string{"Bearer "}, malformed},
		{"a tab for the space", "/", []string{"Bearer\ta"}, malformed},
		{"a space within the token", "/", []string{"Bearer a b"}, malformed},
		{"two, with a comma", "/", []string{"Bearer a, Bearer b"}, malformed},
		{"a comma at the end", "/", []string{"Bearer a,"}, malformed},
		{"a quoted token", "/", []string{`Bearer "a"`}, malformed},
		{"padding alone", "/", []string{"Bearer =="}, malformed},
		{"padding in the middle", "/", []string{"Bearer a=b"}, malformed},
		{"a letter beyond ASCII", "/", []string{"Bearer é"}, malformed},
		{"a scheme beyond ASCII", "/", []string{"Beaрer a"}, malformed},
		{"a control character", "/", []string{"Bearer a\x00b"}, malformed},
		{"a line break", "/", []string{"Bearer a\r\nX: y"}, malformed},
		{"two header lines", "/", []string{"Bearer a", "Bearer a"}, malformed},
		{"two header lines, one of another scheme", "/", []string{"Basic ZGVtbzpkZW1v", "Bearer a"}, malformed},
		{"more than 64 KiB", "/", []string{"Bearer " + strings.Repeat("a", 64<<10+1)}, tooLong},
		{"a token in the query is not read", "/?access_token=a", nil, missing},
		{"a token in the query and in the header", "/?x=1&access_token=a", []string{"Bearer a"}, malformed},
		{"the same, in disguise", "/?%61ccess%5Ftoken=a", []string{"Bearer a"}, malformed},
		{"a parameter that is named alike", "/?access_tokens=a&my_access_token=b&q=access_token", []string{"Bearer a"}, passes},
	} {
		t.Run(row.name, func(t *testing.T) {
			response := call(guard, "GET", row.target, http.Header{"Authorization": row.lines})
			if got := fmt.Sprint(response.StatusCode, " ", code(t, response)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func TestWhatAGuardAsksFor(t *testing.T) { // C6
	guard := newGuard(t, nil)
	for _, row := range []struct {
		name   string
		guard  *middleware.Guard
		token  string
		status int
		scope  string
	}{
		{"any token", guard, "a", 200, ""},
		{"all of two, and both are granted", guard.Require(scopes.All("x", "y")), "a~x+y", 200, ""},
		{"all of two, and one is granted: both are named, for the next token must have both (C53)", guard.Require(scopes.All("x", "y")), "a~y", 403, "x y"},
		{"one of two, and one is granted", guard.Require(scopes.Any("x", "y")), "a~y", 200, ""},
		{"one of two, and none is granted: the first is named", guard.Require(scopes.Any("x", "y")), "a", 403, "x"},
		{"alternatives, and one lacks less", guard.Require(scopes.All("x", "y").Or(scopes.All("z", "w"))), "a~w", 403, "z w"},
		{"rules add up", guard.Require(scopes.All("x")).Require(scopes.All("y")), "a~x", 403, "x y"},
		{"rules of one call add up", guard.Require(scopes.All("x"), scopes.All("y")), "a~y", 403, "x y"},
		{"names are case-sensitive (C8)", guard.Require(scopes.All("x")), "a~X", 403, "x"},
		{"clients only, and it is one", guard.ClientsOnly(), "a", 200, ""},
		{"clients only, and it is a user", guard.ClientsOnly(), "user1~x", 403, ""},
		{"clients only with a rule, and it is a user", guard.ClientsOnly().Require(scopes.All("x")), "user1~x", 403, ""},
		{"optional, and a token that may not", guard.Require(scopes.All("x")).Optional(), "a", 403, "x"},
		{"optional, and a bad token", guard.Optional(), "revoked", 401, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			response := call(row.guard, "GET", "/", bearer(row.token))
			if response.StatusCode != row.status {
				t.Errorf("status %d, want %d", response.StatusCode, row.status)
			}
			challenge := response.Header.Get("WWW-Authenticate")
			if inChallenge := strings.Contains(challenge, "scope=\""+row.scope+"\""); inChallenge != (row.scope != "") {
				t.Errorf("challenge %s, want scope %q", challenge, row.scope)
			}
		})
	}
	for name, derived := range map[string]*middleware.Guard{"a rule": guard.Optional().Require(scopes.All("x")), "ClientsOnly": guard.Optional().ClientsOnly()} {
		if status := call(derived, "GET", "/", nil).StatusCode; status != 401 {
			t.Errorf("%s on an optional guard let a request without a credential pass: %d", name, status)
		}
	}
	if call(guard, "GET", "/", bearer("a")).StatusCode != 200 {
		t.Error("narrower copies narrowed the guard that they are copies of")
	}
	for name, header := range map[string]http.Header{"no credential": nil, "another scheme's": {"Authorization": {"Basic x"}}} {
		if response := call(guard.Require(scopes.All("x")).ClientsOnly().Optional(), "GET", "/", header); response.StatusCode != 200 {
			t.Errorf("optional, and %s: %d", name, response.StatusCode)
		}
	}
	if response := call(guard.Optional(), "GET", "/", http.Header{"Authorization": {"Bearer"}}); response.StatusCode != 400 {
		t.Errorf("optional, and a malformed credential: %d", response.StatusCode)
	}
}

// An outage of ours must not make a client throw its token away, and a bad token
// must not look like an outage.
func TestNoVerdictIs503(t *testing.T) { // C34, C47
	guard := newGuard(t, nil)
	for _, row := range []struct {
		token, status, code, retryAfter string
	}{
		{"down", "503", "temporarily_unavailable", "2"},
		{"untold", "503", "temporarily_unavailable", "5"},
		{"curt", "401", "invalid_token", ""},
		{"broken", "503", "temporarily_unavailable", "5"},
		{"nobody", "503", "temporarily_unavailable", "5"},
		{"revoked", "401", "invalid_token", ""},
	} {
		response := call(guard, "GET", "/", bearer(row.token))
		if fmt.Sprint(response.StatusCode) != row.status || response.Header.Get("Retry-After") != row.retryAfter || code(t, response) != row.code {
			t.Errorf("%s: got %d, %v", row.token, response.StatusCode, response.Header)
		}
		if _, challenged := response.Header["Www-Authenticate"]; challenged != (row.status == "401") {
			t.Errorf("%s: challenged %t", row.token, challenged)
		}
	}
}

func TestGuardsBehindGuardsVerifyOnce(t *testing.T) {
	verified := 0
	counting := verify.Func(func(ctx context.Context, token string) (*principal.Principal, error) {
		verified++
		return directory(ctx, token)
	})
	outer := newGuard(t, func(c *middleware.Config) { c.Verifier = counting })
	other := newGuard(t, func(c *middleware.Config) {
		c.Verifier = verify.Func(func(context.Context, string) (*principal.Principal, error) {
			return nil, verify.ErrInvalidToken
		})
	})
	serve := func(handler http.Handler, token string) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = bearer(token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

	nested := outer.Protect(outer.Require(scopes.All("x")).Protect(outer.Require(scopes.All("y")).Protect(ok)))
	if status := serve(nested, "a~x+y"); status != 200 || verified != 1 {
		t.Errorf("status %d after %d verifications", status, verified)
	}
	if status := serve(nested, "a~x"); status != 403 || verified != 2 {
		t.Errorf("the inner rule: status %d after %d verifications", status, verified)
	}
	if status := serve(outer.Protect(other.Protect(ok)), "a"); status != 401 {
		t.Errorf("what one verifier found good, another one took for good: %d", status)
	}
	// A credential that is changed on the way is another credential.
	swapped := outer.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header = bearer("revoked")
		outer.Protect(ok).ServeHTTP(w, r)
	}))
	if status := serve(swapped, "a"); status != 401 {
		t.Errorf("a changed credential: %d", status)
	}
}

// A handler behind an optional guard sees the caller of this request or nobody.
func TestAnOptionalGuardForgetsWhoWasThereBefore(t *testing.T) {
	guard := newGuard(t, nil)
	var caller *principal.Principal
	handler := guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Authorization")
		guard.Optional().Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			caller, _ = principal.FromContext(r.Context())
		})).ServeHTTP(w, r)
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = bearer("a")
	if handler.ServeHTTP(httptest.NewRecorder(), r); caller != nil {
		t.Errorf("got %+v", caller)
	}
}

func TestProtectingNothingFailsAtTheStart(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	newGuard(t, nil).Protect(nil)
}

// Preflights carry no credential. A guard that let them pass would let everybody
// reach a handler that does not look at the method; so they are refused, and CORS
// belongs around the guard.
func TestPreflightsAreRefusedLikeAnyRequestWithoutACredential(t *testing.T) {
	preflight := http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"POST"}}
	guard := newGuard(t, nil)
	if response := call(guard, "OPTIONS", "/", preflight); response.StatusCode != 401 {
		t.Errorf("status %d", response.StatusCode)
	}
	cors := func(next http.Handler) http.Handler { // stands for any CORS middleware
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	handler := cors(guard.Protect(http.NotFoundHandler()))
	for method, status := range map[string]int{"OPTIONS": 204, "POST": 401} {
		r := httptest.NewRequest(method, "/", nil)
		r.Header = preflight
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != status || w.Header().Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s behind CORS: %d, %v", method, w.Code, w.Header())
		}
	}
}

func TestBadConfigurationFailsInTheConstructor(t *testing.T) {
	for want, config := range map[string]middleware.Config{
		"Verifier is nil":     {},
		"nil *verify.Issuer":  {Verifier: (*verify.Issuer)(nil)},
		"not printable ASCII": {Verifier: verify.Func(directory), Realm: "a\r\nX: y"},
		"in plain letters":    {Verifier: verify.Func(directory), Realm: "prüfung"},
	} {
		if _, err := middleware.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// A token for the whole stack, from a real issuer over HTTP.
func TestAGuardWithARealIssuer(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, func(c *middleware.Config) { c.Verifier = issuer.Verifier() })
	for _, row := range []struct {
		name, token, description string
		status                   int
	}{
		{"good", issuer.Token("billing", "x"), "", 200},
		{"expired", issuer.Token("billing", "x", oauthtest.Expired()), "The access token expired.", 401},
		{"foreign", issuer.Token("billing", "x", oauthtest.ForAudience("https://other.example")), "The token is meant for another audience.", 401},
		{"forged", issuer.Token("billing", "x", oauthtest.Forged()), "The token's signature is invalid.", 401},
		{"unsigned", issuer.Token("billing", "x", oauthtest.Unsigned()), "The token's signature algorithm is not accepted.", 401},
	} {
		response := call(guard, "GET", "/", bearer(row.token))
		if response.StatusCode != row.status {
			t.Errorf("%s: %d", row.name, response.StatusCode)
		}
		if row.description != "" && !strings.Contains(response.Header.Get("WWW-Authenticate"), `error_description="`+row.description+`"`) {
			t.Errorf("%s: challenge %s", row.name, response.Header.Get("WWW-Authenticate"))
		}
	}
}

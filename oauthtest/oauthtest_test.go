package oauthtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

func TestClientsGetTokensOverHTTP(t *testing.T) {
	issuer := oauthtest.NewIssuer(t, oauthtest.Client{ID: "billing", Secret: "s3cret", Scope: "invoices.read"})
	response, err := issuer.HTTPClient().PostForm(issuer.URL+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"billing"}, "client_secret": {"s3cret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Error(response.Status)
	}
}

func TestSwitches(t *testing.T) {
	for name, issuer := range map[string]*oauthtest.Issuer{"over HTTP": oauthtest.NewIssuer(t), "in memory": oauthtest.NewMemoryIssuer(t)} {
		t.Run(name, func(t *testing.T) {
			v := issuer.Verifier()
			first := issuer.Token("billing", "")
			issuer.Rotate("RS256")
			issuer.Withdraw()
			if _, err := v.Verify(t.Context(), issuer.Token("billing", "")); err != nil {
				t.Errorf("after a rotation: %v", err)
			}
			if _, err := v.Verify(t.Context(), first); err == nil {
				t.Error("a token of a key that was withdrawn passed")
			}
			if issuer.Fetches() != 2 {
				t.Errorf("%d fetches", issuer.Fetches())
			}
			issuer.Fail(http.StatusTeapot)
			response, err := issuer.HTTPClient().Get(issuer.URL + "/.well-known/jwks.json")
			if err != nil || response.StatusCode != http.StatusTeapot {
				t.Errorf("got %v, %v", response, err)
			}
			issuer.Recover()
			issuer.Publish(`{"kty":"AKP"}`)
			if v := issuer.Verifier(); v == nil {
				t.Error("an unusable key disturbed the rest")
			}
		})
	}
}

// A test of a protected API, whole: real tokens, a real issuer.
func Example() {
	t := &testing.T{} // the test's own

	issuer := oauthtest.NewIssuer(t)
	guard, err := middleware.New(middleware.Config{Verifier: issuer.Verifier()})
	if err != nil {
		panic(err)
	}
	api := guard.Require(scopes.All("invoices.read")).Protect(http.HandlerFunc(invoices))

	for _, token := range []string{
		issuer.Token("billing", "invoices.read"),
		issuer.Token("billing", "invoices.read", oauthtest.Expired()),
		issuer.Token("billing", "invoices.write"),
	} {
		r := httptest.NewRequest("GET", "/invoices", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 invoices for billing
	// 401 {"error":"invalid_token","error_description":"The access token expired."}
	// 403 {"error":"insufficient_scope","error_description":"The access token does not grant what this request needs.","scope":"invoices.read"}
}

func invoices(w http.ResponseWriter, r *http.Request) {
	caller, _ := principal.FromContext(r.Context())
	fmt.Fprint(w, "invoices for ", caller.ClientID)
}

// A test of a handler alone needs no token and no guard.
func ExampleActingAsClient() {
	r := httptest.NewRequest("GET", "/invoices", nil)
	w := httptest.NewRecorder()
	invoices(w, oauthtest.ActingAsClient(r, "billing", "invoices.read"))
	fmt.Println(w.Body)
	// Output: invoices for billing
}

package conformance_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// audience is what the servers call the API, and secret what they know clients by:
// with characters that are lost unless both sides encode them as RFC 6749 §2.3.1
// says.
const (
	audience = "https://api.example"
	secret   = "50%+of this:secret/~'()"
)

// patience bounds every wait for something that takes its time.
const patience = 15 * time.Second

// caller is what the API's handler sees of the principal.
type caller struct {
	Kind                               principal.Kind
	Issuer, ClientID, UserID, Audience string
	Scopes                             string
	Read, Write                        bool
}

// newAPI is the URL of an API whose only route needs invoices.read, and answers with
// who calls.
func newAPI(t *testing.T, tokens verify.Verifier) string {
	t.Helper()
	guard, err := middleware.New(middleware.Config{Verifier: tokens})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(guard.Require(scopes.All("invoices.read")).Protect(http.HandlerFunc(whoCalls)))
	t.Cleanup(api.Close)
	return api.URL
}

func whoCalls(w http.ResponseWriter, r *http.Request) {
	p, _ := principal.FromContext(r.Context())
	_ = json.NewEncoder(w).Encode(caller{
		Kind: p.Kind, Issuer: p.Issuer, ClientID: p.ClientID, UserID: p.UserID, Audience: strings.Join(p.Audience, " "),
		Scopes: p.Scopes.String(), Read: p.Can("invoices.read"), Write: p.Can("invoices.write"),
	})
}

// answer is what a request got: a caller, or why not.
type answer struct {
	status      int
	caller      caller
	code        string
	description string
}

// call sends a token to the API.
func call(t *testing.T, api, token string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	status, body := do(t, r)
	got := answer{status: status}
	if status == http.StatusOK {
		err = json.Unmarshal(body, &got.caller)
	} else {
		var refusal struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		err = json.Unmarshal(body, &refusal)
		got.code, got.description = refusal.Error, refusal.Description
	}
	if err != nil {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	return got
}

// becomes waits until a token that the API accepts at first, or no more, gets another
// answer.
func becomes(t *testing.T, api, token string, want answer) {
	t.Helper()
	var got answer
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		if got = call(t, api, token); got == want {
			return
		}
		if got.status != http.StatusOK {
			break
		}
	}
	t.Errorf("got %+v, want %+v", got, want)
}

// billing is the answer to the client's own token: a client, and no user, though
// there are servers that write the client id into sub.
func billing(issuer, granted string) answer {
	return answer{status: http.StatusOK, caller: caller{
		Kind: principal.KindClient, Issuer: issuer, ClientID: "billing", Audience: audience, Scopes: granted,
		Read: strings.Contains(granted, "invoices.read"), Write: strings.Contains(granted, "invoices.write"),
	}}
}

// refused is the answer to a bad token, and underscoped to one that grants too
// little.
func refused(description string) answer {
	return answer{status: http.StatusUnauthorized, code: middleware.CodeInvalidToken, description: description}
}

const inactive = "The access token is not active."

var (
	underscoped = answer{status: http.StatusForbidden, code: middleware.CodeInsufficient,
		description: "The access token does not grant what this request needs."}
	noVerdict = answer{status: http.StatusServiceUnavailable, code: middleware.CodeUnavailable,
		description: "Access tokens cannot be verified at the moment; try again with the same token."}
)

// post sends a form to an authorization server, as a client that it knows.
func post(t *testing.T, endpoint, clientID string, form url.Values) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	status, body := do(t, r)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", endpoint, status, body)
	}
	return body
}

// obtain is a new access token by the client credentials grant.
func obtain(t *testing.T, endpoint, clientID string, form url.Values) string {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	var response struct {
		Token string `json:"access_token"`
	}
	body := post(t, endpoint, clientID, form)
	if err := json.Unmarshal(body, &response); err != nil || response.Token == "" {
		t.Fatalf("no token: %s", body)
	}
	return response.Token
}

func do(t *testing.T, r *http.Request) (status int, body []byte) {
	t.Helper()
	client := http.Client{Timeout: patience}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

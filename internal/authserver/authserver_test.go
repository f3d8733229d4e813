package authserver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/scopes"
)

func TestTokenEndpoint(t *testing.T) { // RFC 6749 §2.3.1, §4.4, §5
	server, err := New("https://issuer.example", "https://api.example",
		Client{ID: "demo", Secret: "s3cret", Scopes: scopes.Of("a", "b")},
		Client{ID: "with:colon", Secret: "and space+plus", Scopes: scopes.Of("a")})
	if err != nil {
		t.Fatal(err)
	}
	const form = "application/x-www-form-urlencoded"
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
	}
	anonymous := func(*http.Request) {}

	for _, row := range []struct {
		name, body string
		authorize  func(*http.Request)
		mediaType  string
		status     int
		failure    string
		scope      string
	}{
		{"client_secret_basic", "grant_type=client_credentials&scope=a", basic("demo", "s3cret"), form, 200, "", "a"},
		{"client_secret_post", "grant_type=client_credentials&scope=b&client_id=demo&client_secret=s3cret", anonymous, form, 200, "", "b"},
		{"odd characters in id and secret", "grant_type=client_credentials", basic("with:colon", "and space+plus"), form, 200, "", "a"},
		{"no scope asks for all that it may have", "grant_type=client_credentials", basic("demo", "s3cret"), form, 200, "", "a b"},
		{"a charset in the media type", "grant_type=client_credentials", basic("demo", "s3cret"), form + "; charset=utf-8", 200, "", "a b"},
		{"a wrong secret", "grant_type=client_credentials", basic("demo", "s3cre"), form, 401, "invalid_client", ""},
		{"an unknown client", "grant_type=client_credentials", basic("nobody", ""), form, 401, "invalid_client", ""},
		{"no client at all", "grant_type=client_credentials", anonymous, form, 401, "invalid_client", ""},
		{"both ways at once", "grant_type=client_credentials&client_id=demo&client_secret=s3cret", basic("demo", "s3cret"), form, 400, "invalid_request", ""},
		{"a scope that it may not have", "grant_type=client_credentials&scope=a+c", basic("demo", "s3cret"), form, 400, "invalid_scope", ""},
		{"a malformed scope", "grant_type=client_credentials&scope=a++b", basic("demo", "s3cret"), form, 400, "invalid_scope", ""},
		{"no grant type", "scope=a", basic("demo", "s3cret"), form, 400, "invalid_request", ""},
		{"another grant type", "grant_type=password", basic("demo", "s3cret"), form, 400, "unsupported_grant_type", ""},
		{"a parameter twice", "grant_type=client_credentials&scope=a&scope=b", basic("demo", "s3cret"), form, 400, "invalid_request", ""},
		{"JSON", `{"grant_type":"client_credentials"}`, basic("demo", "s3cret"), "application/json", 400, "invalid_request", ""},
		{"a body of 17 KiB", "x=" + strings.Repeat("x", 17<<10), basic("demo", "s3cret"), form, 400, "invalid_request", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(row.body))
			r.Header.Set("Content-Type", row.mediaType)
			row.authorize(r)
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			var answer struct {
				Token     string `json:"access_token"`
				Type      string `json:"token_type"`
				ExpiresIn int    `json:"expires_in"`
				Scope     string `json:"scope"`
				Error     string `json:"error"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if w.Code != row.status || answer.Error != row.failure || answer.Scope != row.scope {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %v", w.Header())
			}
			if (w.Header().Get("WWW-Authenticate") != "") != (row.status == 401) {
				t.Errorf("got %v", w.Header())
			}
			if row.status == 200 && (answer.Token == "" || answer.Type != "Bearer" || answer.ExpiresIn != 3600) {
				t.Errorf("got %s", w.Body)
			}
		})
	}
}

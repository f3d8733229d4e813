package authserver

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/scopes"
)

// post asks an endpoint as a client.
func post(s *Server, path, id, secret, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		r.SetBasicAuth(id, secret)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestRevocationAndIntrospection(t *testing.T) { // RFC 7009, RFC 7662
	s, err := New("https://issuer.example", "https://api.example",
		Client{ID: "a", Secret: "sa", Scopes: scopes.Of("x"), Owner: "acme"}, Client{ID: "b", Secret: "sb"})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	s.OnTokenRevoked = func(id string, _ time.Time) error { told = append(told, id); return nil }
	sign := func(d *Draft) string {
		token, err := d.Sign()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := sign(s.Draft("a", "x"))
	expired := s.Draft("a", "x")
	expired.Claims["exp"] = time.Now().Add(-time.Second).Unix()
	foreign := s.Draft("a", "x")
	foreign.Key, _ = NewSigningKey("ES256")

	active := func(token string) bool {
		w := post(s, "/oauth/introspect", "b", "sb", token)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"active":false,`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		return strings.Contains(w.Body.String(), `"active":true`)
	}
	for name, inactive := range map[string]string{"no token": "", "opaque": "x", "expired": sign(expired), "foreign": sign(foreign), "of no client": sign(s.Draft("c", ""))} {
		if active(inactive) {
			t.Errorf("%s: active", name)
		}
	}
	if !active(token) {
		t.Error("a good token is not active")
	}
	for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
		for _, id := range []string{"", "a", "nobody"} {
			if w := post(s, path, id, "wrong", token); w.Code != http.StatusUnauthorized {
				t.Errorf("%s by %q: %d", path, id, w.Code)
			}
		}
	}
	// Somebody else's token, or none, is revoked as far as the asker can see.
	for _, other := range []string{token, "opaque"} {
		if w := post(s, "/oauth/revoke", "b", "sb", other); w.Code != http.StatusOK || w.Body.Len() > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if !active(token) || told != nil {
		t.Error("another client has revoked the token")
	}
	if w := post(s, "/oauth/revoke", "a", "sa", token); w.Code != http.StatusOK || active(token) || len(told) != 1 {
		t.Errorf("%d, %q", w.Code, told)
	}
	// An API that could not be told is a revocation that has not happened.
	s.OnTokenRevoked = func(string, time.Time) error { return errors.New("full") }
	if w := post(s, "/oauth/revoke", "a", "sa", sign(s.Draft("a", ""))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", w.Code)
	}
	if err := s.Clients.Revoke("a"); err != nil || active(sign(s.Draft("a", ""))) {
		t.Errorf("a revoked client's token is active, %v", err)
	}
	if _, err := s.Clients.Create(Client{ID: "a"}); err == nil {
		t.Error("a revoked client's id was given away")
	}
}

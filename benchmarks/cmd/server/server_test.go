package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerguard/bearerguard/benchmarks"
)

// Every target of the load generator serves a good token, and refuses none but
// where it is meant to.
func TestTargets(t *testing.T) {
	issuer, err := benchmarks.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	token, err := issuer.Token("ES256")
	if err != nil {
		t.Fatal(err)
	}
	api := benchmarks.API{Issuer: issuer.URL, Audience: benchmarks.Audience, KeysURL: issuer.URL + "/jwks.json", Algorithm: "ES256", Scope: benchmarks.Scope}
	for _, target := range benchmarks.Targets() {
		t.Run(target.String(), func(t *testing.T) {
			handler, err := routed(t.Context(), target.Router, target.Implementation, api)
			if err != nil {
				t.Fatal(err)
			}
			without := http.StatusUnauthorized
			if target.Implementation == "unprotected" {
				without = http.StatusOK
			}
			for authorization, want := range map[string]int{"Bearer " + token: http.StatusOK, "": without} {
				r := httptest.NewRequest(http.MethodGet, "/invoices", nil)
				if authorization != "" {
					r.Header.Set("Authorization", authorization)
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != want {
					t.Errorf("%q: got %d, want %d", authorization, w.Code, want)
				}
			}
		})
	}
}

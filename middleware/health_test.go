package middleware_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// health is a verifier's own account.
type health []bool

func (h health) Health() []verify.Health {
	var all []verify.Health
	for i, ready := range h {
		all = append(all, verify.Health{Issuer: fmt.Sprintf("https://%d.example", i), Health: jwks.Health{Ready: ready}})
	}
	return all
}

func TestHealthHandler(t *testing.T) {
	for _, row := range []struct {
		name   string
		health health
		status int
	}{
		{"one issuer, ready", health{true}, 200},
		{"one issuer, not ready", health{false}, 503},
		{"two issuers, and one is not ready", health{false, true}, 200},
		{"two issuers, and neither is ready", health{false, false}, 503},
		{"no issuer", nil, 503},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				w := httptest.NewRecorder()
				middleware.HealthHandler(row.health).ServeHTTP(w, httptest.NewRequest(method, "/readyz", nil))
				if w.Code != row.status || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %d %v", method, w.Code, w.Header())
				}
				if method == "HEAD" {
					if w.Body.Len() > 0 {
						t.Errorf("HEAD: %s", w.Body)
					}
					continue
				}
				var body struct {
					Ready   bool
					Issuers []struct {
						Issuer string
						Ready  bool
					}
				}
				if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Ready != (row.status == 200) || len(body.Issuers) != len(row.health) {
					t.Errorf("got %s, %v", w.Body, err)
				}
			}
		})
	}
}

func TestHealthOfARealIssuer(t *testing.T) {
	w := httptest.NewRecorder()
	issuer := oauthtest.NewIssuer(t)
	middleware.HealthHandler(issuer.Verifier()).ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `"key_ids":["`) || !strings.Contains(body, `"issuer":"`+issuer.URL) || !strings.Contains(body, `"last_success":"`) {
		t.Errorf("%d %s", w.Code, body)
	}
}

package middleware

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/bearerguard/bearerguard/verify"
)

// HealthHandler is a readiness endpoint for a verifier: any of package verify's own
// but Func. It answers 200 while tokens of at least
// one issuer can be verified, and 503 when none can: with several issuers, the
// outage of one is no reason to take the service away from the others. The body
// tells of each:
//
//	{"ready":true,"issuers":[{"issuer":"https://issuer.example","ready":true,"key_ids":["2026-11"],…}]}
//
// It shows nothing that the issuers do not publish themselves.
func HealthHandler(verifier interface{ Health() []verify.Health }) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := struct {
			Ready   bool            `json:"ready"`
			Issuers []verify.Health `json:"issuers"`
		}{Issuers: verifier.Health()}
		answer.Ready = slices.ContainsFunc(answer.Issuers, func(h verify.Health) bool { return h.Ready })
		status := http.StatusOK
		if !answer.Ready {
			status = http.StatusServiceUnavailable
		}
		body, err := json.Marshal(answer)
		if err != nil { // it is made of strings, times and bools
			status, body = http.StatusInternalServerError, nil
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = w.Write(append(body, '\n')) // the client is gone: nobody is left to tell
		}
	})
}

package main

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// newAPI is an API for partners: what each route asks for stands beside it.
func newAPI(tokens verify.Verifier, logger *slog.Logger) (http.Handler, error) {
	guard, err := middleware.New(middleware.Config{
		Verifier: tokens,
		Realm:    "partner api",
		Observe:  middleware.LogTo(logger),
	})
	if err != nil {
		return nil, err
	}
	readers := guard.Require(scopes.All("invoices.read"))
	writers := readers.Require(scopes.All("invoices.write"))
	reporters := guard.Require(scopes.Any("reports.generate", "reports.admin"))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", health)
	mux.Handle("GET /whoami", guard.Protect(http.HandlerFunc(whoAmI)))
	mux.Handle("GET /partner/invoices", readers.Protect(http.HandlerFunc(listInvoices)))
	mux.Handle("POST /partner/invoices", writers.Protect(http.HandlerFunc(createInvoice)))
	mux.Handle("GET /partner/reports", reporters.Protect(http.HandlerFunc(report)))
	return mux, nil
}

func health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"status": "ok"})
}

// tenancy is what this server's tokens say beside the standard's claims.
type tenancy struct {
	Owner string `json:"owner,omitempty"`
}

func whoAmI(w http.ResponseWriter, r *http.Request) {
	caller, _ := principal.FromContext(r.Context())
	tenant, err := principal.Claims[tenancy](caller)
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "the token's owner is no string"})
		return
	}
	answer(w, http.StatusOK, struct {
		*principal.Principal
		tenancy
	}{caller, tenant})
}

func listInvoices(w http.ResponseWriter, r *http.Request) {
	caller, _ := principal.FromContext(r.Context())
	answer(w, http.StatusOK, map[string]any{
		"invoices": []string{"2026-001", "2026-002"},
		"writable": caller.Can("invoices.write"),
	})
}

func createInvoice(w http.ResponseWriter, r *http.Request) {
	caller, _ := principal.FromContext(r.Context())
	answer(w, http.StatusCreated, map[string]any{"invoice": "2026-003", "created_by": caller.ClientID})
}

func report(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"report": "all is well"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody is left to tell
}

package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/bearerguard/bearerguard/adapters/chiauth"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

func main() {
	tokens, err := verify.Discover(context.Background(), "http://127.0.0.1:8080", "https://api.example")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8081", api(tokens)))
}

func api(tokens verify.Verifier) http.Handler {
	guard, err := middleware.New(middleware.Config{Verifier: tokens, Observe: middleware.LogTo(slog.Default())})
	if err != nil {
		log.Fatal(err)
	}
	router := chi.NewRouter()
	router.With(chiauth.Protect(guard.Require(scopes.All("invoices.read")))).Get("/invoices", invoices)
	return router
}

func invoices(w http.ResponseWriter, r *http.Request) {
	caller, _ := principal.FromContext(r.Context())
	fmt.Fprintf(w, "invoices for %s, who may write them: %t\n", caller.ClientID, caller.Can("invoices.write"))
}

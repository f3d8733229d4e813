package chiauth

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
)

// What one request was routed by is not kept for the next.
func TestARouteLeavesNothingBehind(t *testing.T) {
	router := chi.NewRouter()
	router.Get("/invoices/{id}", func(http.ResponseWriter, *http.Request) {})
	for range 100 {
		if got := find(router, "GET", "/invoices/7"); got != "/invoices/{id}" {
			t.Fatalf("route %q", got)
		}
		if got := find(router, "GET", "/nothing"); got != "" {
			t.Fatalf("route %q where there is none", got)
		}
	}
	if ctx := scratch.Get().(*chi.Context); len(ctx.URLParams.Keys) > 1 || len(ctx.RoutePatterns) > 1 {
		t.Errorf("%d parameters, %d patterns", len(ctx.URLParams.Keys), len(ctx.RoutePatterns))
	}
}

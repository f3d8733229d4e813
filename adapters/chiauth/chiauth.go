// Package chiauth puts a middleware.Guard before chi handlers. A guard's own
// Protect is a chi middleware already; what this one adds is the full route
// pattern in events, even where chi has not finished routing: a router's Use runs
// before its routes are looked at.
//
//	router.With(chiauth.Protect(guard.Require(scopes.All("invoices.read")))).Get("/invoices", list)
package chiauth

import (
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/bearerguard/bearerguard/middleware"
)

// Protect is the guard as a chi middleware, for With, Use and Group.
func Protect(guard *middleware.Guard) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			request := middleware.RequestOf(r)
			request.Route = route(r)
			ctx, denial := guard.Check(r.Context(), request)
			if denial != nil {
				guard.Deny(w, r, denial)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// route is the pattern that chi has routed r by, or will.
func route(r *http.Request) string {
	here := chi.RouteContext(r.Context())
	if here == nil || here.Routes == nil {
		return r.Pattern
	}
	above := here.RoutePattern()
	if above != "" && !strings.HasSuffix(above, "*") {
		return above
	}
	path := here.RoutePath // where a middleware has changed it, or a router is mounted below
	if path == "" || above != "" {
		if path = r.URL.RawPath; path == "" {
			path = r.URL.Path
		}
	}
	pattern := find(here.Routes, r.Method, path)
	if pattern == "" && r.Method == http.MethodHead {
		pattern = find(here.Routes, http.MethodGet, path)
	}
	return pattern
}

// scratch is what chi routes with, as it has a pool of for itself.
var scratch = sync.Pool{New: func() any { return chi.NewRouteContext() }}

func find(routes chi.Routes, method, path string) string {
	ctx := scratch.Get().(*chi.Context)
	ctx.Reset()
	pattern := routes.Find(ctx, method, path)
	scratch.Put(ctx)
	return pattern
}

package chiauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/bearerguard/bearerguard/adapters/chiauth"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
)

func TestEventsHaveTheFullRoute(t *testing.T) {
	var route string
	guard, err := middleware.New(middleware.Config{
		Verifier: oauthtest.NewIssuer(t).Verifier(),
		Observe:  func(_ context.Context, e middleware.Event) { route = e.Route },
	})
	if err != nil {
		t.Fatal(err)
	}
	protect := chiauth.Protect(guard)
	handler := func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") }

	for name, mount := range map[string]func(chi.Router){
		"With":            func(r chi.Router) { r.With(protect).Get("/partner/invoices/{id}", handler) },
		"Use on a router": func(r chi.Router) { r.Use(protect); r.Get("/partner/invoices/{id}", handler) },
		"Use in a group": func(r chi.Router) {
			r.Group(func(r chi.Router) { r.Use(protect); r.Get("/partner/invoices/{id}", handler) })
		},
		"Use in a subrouter": func(r chi.Router) {
			r.Route("/partner", func(r chi.Router) { r.Use(protect); r.Get("/invoices/{id}", handler) })
		},
		"Use around a mounted router": func(r chi.Router) {
			inner := chi.NewRouter()
			inner.Get("/invoices/{id}", handler)
			r.Use(protect)
			r.Mount("/partner", inner)
		},
	} {
		t.Run(name, func(t *testing.T) {
			route = "none"
			router := chi.NewRouter()
			mount(router)
			w := httptest.NewRecorder()
			router.ServeHTTP(w, httptest.NewRequest("GET", "/partner/invoices/7", nil))
			if w.Code != 401 || route != "/partner/invoices/{id}" {
				t.Errorf("status %d, route %q", w.Code, route)
			}
		})
	}
}

func TestThePrincipalReachesTheHandler(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard, err := middleware.New(middleware.Config{Verifier: issuer.Verifier()})
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Use(chiauth.Protect(guard))
	router.Get("/", func(w http.ResponseWriter, r *http.Request) {
		caller, _ := principal.FromContext(r.Context())
		_, _ = w.Write([]byte(caller.ClientID))
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+issuer.Token("billing", ""))
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != "billing" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A guard's answer does not depend on there being a chi router around it.
func TestWithoutARouter(t *testing.T) {
	guard, err := middleware.New(middleware.Config{Verifier: oauthtest.NewIssuer(t).Verifier()})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	chiauth.Protect(guard)(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 401 {
		t.Errorf("status %d", w.Code)
	}
}

package ginauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/bearerguard/bearerguard/adapters/ginauth"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	os.Exit(m.Run())
}

func newGuard(t testing.TB, v verify.Verifier, observe func(context.Context, middleware.Event)) *middleware.Guard {
	t.Helper()
	guard, err := middleware.New(middleware.Config{Verifier: v, Observe: observe})
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func serve(handler http.Handler, method, target, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// A gin handler that returns without Abort lets the rest of its chain run.
func TestARefusalAbortsTheChain(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, issuer.Verifier(), nil)
	for name, mount := range map[string]func(*gin.Engine, gin.HandlerFunc, gin.HandlerFunc){
		"on a route":   func(e *gin.Engine, protect, handler gin.HandlerFunc) { e.GET("/x", protect, handler) },
		"on a group":   func(e *gin.Engine, protect, handler gin.HandlerFunc) { e.Group("/", protect).GET("/x", handler) },
		"on an engine": func(e *gin.Engine, protect, handler gin.HandlerFunc) { e.Use(protect); e.GET("/x", handler) },
	} {
		t.Run(name, func(t *testing.T) {
			engine, ran := gin.New(), 0
			mount(engine, ginauth.Protect(guard), func(c *gin.Context) { ran++; c.String(http.StatusOK, "ok") })
			if w := serve(engine, "GET", "/x", ""); w.Code != 401 || ran != 0 {
				t.Errorf("status %d, handler ran %d times", w.Code, ran)
			}
			if w := serve(engine, "GET", "/x", issuer.Token("billing", "")); w.Code != 200 || ran != 1 {
				t.Errorf("status %d, handler ran %d times", w.Code, ran)
			}
		})
	}
}

func TestPrincipal(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, issuer.Verifier(), nil)
	engine := gin.New()
	who := func(c *gin.Context) {
		if p, ok := ginauth.Principal(c); ok {
			c.String(http.StatusOK, p.ClientID)
			return
		}
		c.String(http.StatusOK, "nobody")
	}
	engine.GET("/optional", ginauth.Protect(guard.Optional()), who)
	engine.GET("/open", who)
	for _, row := range []struct{ target, token, want string }{
		{"/optional", issuer.Token("billing", ""), "billing"},
		{"/optional", "", "nobody"},
		{"/open", issuer.Token("billing", ""), "nobody"},
	} {
		if got := serve(engine, "GET", row.target, row.token).Body.String(); got != row.want {
			t.Errorf("%s: %s, want %s", row.target, got, row.want)
		}
	}
}

func TestEventsHaveTheRoute(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	var route string
	guard := newGuard(t, issuer.Verifier(), func(_ context.Context, e middleware.Event) { route = e.Route })
	engine := gin.New()
	engine.Group("/partner", ginauth.Protect(guard)).GET("/invoices/:id", func(*gin.Context) {})
	if serve(engine, "GET", "/partner/invoices/7", ""); route != "/partner/invoices/:id" {
		t.Errorf("got %q", route)
	}
}

func TestHEADHasNoBody(t *testing.T) {
	guard := newGuard(t, oauthtest.NewIssuer(t).Verifier(), nil)
	engine := gin.New()
	engine.HEAD("/x", ginauth.Protect(guard), func(*gin.Context) {})
	if w := serve(engine, "HEAD", "/x", ""); w.Code != 401 || w.Body.Len() > 0 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("status %d, %v, body %q", w.Code, w.Header(), w.Body)
	}
}

func ExampleProtect() {
	gin.SetMode(gin.ReleaseMode)
	defer gin.SetMode(gin.TestMode)
	var tokens verify.Verifier = verify.Func(demo) // verify.Discover(ctx, issuer, audience) in your program
	guard, err := middleware.New(middleware.Config{Verifier: tokens})
	if err != nil {
		panic(err)
	}
	router := gin.New()
	router.GET("/invoices", ginauth.Protect(guard.Require(scopes.All("invoices.read"))), func(c *gin.Context) {
		caller, _ := ginauth.Principal(c)
		c.String(http.StatusOK, "invoices for %s", caller.ClientID)
	})
	for _, token := range []string{"", "reader", "stranger"} {
		w := serve(router, "GET", "/invoices", token)
		fmt.Print(w.Code, " ", w.Body, "\n")
	}
	// Output:
	// 401 {"error":"missing_token","error_description":"The request has no bearer access token."}
	//
	// 200 invoices for reader
	// 403 {"error":"insufficient_scope","error_description":"The access token does not grant what this request needs.","scope":"invoices.read"}
}

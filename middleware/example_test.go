package middleware_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// tokens stands for verify.Discover(ctx, issuer, audience).
var tokens = verify.Func(directory)

func Example() {
	guard, err := middleware.New(middleware.Config{Verifier: tokens})
	if err != nil {
		log.Fatal(err)
	}
	readers := guard.Require(scopes.All("invoices.read"))

	mux := http.NewServeMux()
	mux.Handle("GET /invoices", readers.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := principal.FromContext(r.Context())
		fmt.Fprintln(w, "invoices for", caller.ClientID)
	})))

	for _, authorization := range []string{"Bearer billing~invoices.read", "Bearer stranger", ""} {
		r := httptest.NewRequest("GET", "/invoices", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 invoices for billing
	// 403 {"error":"insufficient_scope","error_description":"The access token does not grant what this request needs.","scope":"invoices.read"}
	// 401 {"error":"missing_token","error_description":"The request has no bearer access token."}
}

// Deciding without rendering, as adapters do.
func ExampleGuard_Check() {
	guard, err := middleware.New(middleware.Config{Verifier: tokens})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Basic ZGVtbw==")
	_, denial := guard.Check(r.Context(), middleware.RequestOf(r))
	fmt.Println(denial.Status, denial.Code, denial.Challenges)
	// Output: 401 missing_token [Bearer realm="api"]
}

// The body of a refusal in the words of a Laravel API.
func ExampleLaravelMessage() {
	guard, err := middleware.New(middleware.Config{Verifier: tokens, Body: middleware.LaravelMessage})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	guard.Protect(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 401 {"message":"Unauthenticated."}
}

// What is refused, and why, in the log.
func ExampleLogTo() {
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "took" {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: plain}))
	guard, err := middleware.New(middleware.Config{Verifier: tokens, Observe: middleware.LogTo(logger)})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer stranger")
	guard.Require(scopes.All("invoices.read")).Protect(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	// Output: level=INFO msg="request refused" reason=insufficient_scope hint="the route needs invoices.read (Guard.Require)" method=GET client_id=stranger
}

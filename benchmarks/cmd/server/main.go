// Server is a tiny API, protected or not, for a load generator. It prints its URL,
// and serves until its standard input ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"

	"github.com/bearerguard/bearerguard/adapters/chiauth"
	"github.com/bearerguard/bearerguard/adapters/ginauth"
	"github.com/bearerguard/bearerguard/benchmarks"
)

func main() {
	implementation := flag.String("impl", "unprotected", "an implementation of the benchmarks")
	router := flag.String("router", "nethttp", "nethttp, gin or chi; the latter two with bearerguard or unprotected")
	issuer := flag.String("issuer", "", "the issuer's URL")
	algorithm := flag.String("alg", "ES256", "what it signs with")
	flag.Parse()
	api := benchmarks.API{Issuer: *issuer, Audience: benchmarks.Audience, KeysURL: *issuer + "/jwks.json", Algorithm: *algorithm, Scope: benchmarks.Scope}
	handler, err := routed(context.Background(), *router, *implementation, api)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/invoices\n", listener.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, handler))
}

func invoices(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }

func routed(ctx context.Context, router, implementation string, api benchmarks.API) (http.Handler, error) {
	if router == "nethttp" {
		return protected(ctx, implementation, api)
	}
	guarded := implementation == "bearerguard"
	if !guarded && implementation != "unprotected" {
		return nil, fmt.Errorf("server: %s runs on net/http alone", implementation)
	}
	guard, err := benchmarks.Guard(ctx, api)
	if err != nil {
		return nil, err
	}
	switch router {
	case "gin":
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		if guarded {
			engine.Use(ginauth.Protect(guard))
		}
		engine.GET("/invoices", gin.WrapF(invoices))
		return engine, nil
	case "chi":
		mux := chi.NewRouter()
		if guarded {
			mux.Use(chiauth.Protect(guard))
		}
		mux.Get("/invoices", invoices)
		return mux, nil
	}
	return nil, fmt.Errorf("server: no router %q", router)
}

func protected(ctx context.Context, implementation string, api benchmarks.API) (http.Handler, error) {
	n := slices.IndexFunc(benchmarks.Implementations, func(i benchmarks.Implementation) bool { return i.Name == implementation })
	if n < 0 {
		return nil, fmt.Errorf("server: no implementation %q", implementation)
	}
	guard, err := benchmarks.Implementations[n].Build(ctx, api)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /invoices", guard(http.HandlerFunc(invoices)))
	return mux, nil
}

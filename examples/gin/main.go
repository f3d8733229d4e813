package main

import (
	"context"
	"log"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/bearerguard/bearerguard/adapters/ginauth"
	"github.com/bearerguard/bearerguard/middleware"
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
	router := gin.New()
	router.GET("/invoices", ginauth.Protect(guard.Require(scopes.All("invoices.read"))), invoices)
	return router
}

func invoices(c *gin.Context) {
	caller, _ := ginauth.Principal(c)
	c.String(http.StatusOK, "invoices for %s, who may write them: %t\n", caller.ClientID, caller.Can("invoices.write"))
}

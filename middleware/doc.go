// Package middleware protects HTTP handlers with OAuth 2.0 bearer access tokens
// (RFC 6750). A [Guard] lets requests with a good token through to the handler,
// the caller's principal in their context, and answers all others itself: always
// JSON, always the status and challenge of the RFC, never a redirect.
//
//	guard, err := middleware.New(middleware.Config{Verifier: tokens})
//	mux.Handle("GET /invoices", guard.Require(scopes.All("invoices.read")).Protect(invoices))
//
// Deciding and rendering are apart: [Guard.Check] decides about a request and
// touches no ResponseWriter, [Guard.Deny] renders what it decided. Adapters for
// routers translate between the two.
package middleware

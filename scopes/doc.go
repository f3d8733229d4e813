// Package scopes says what a token grants and what a route asks for: the
// granted [Set], the [Rule] of a route, and the [Matcher] by which an issuer's
// granted names cover required ones. It implements the scope syntax of RFC 6749
// §3.3 and imports the standard library only.
package scopes

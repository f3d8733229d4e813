// Package contextkey is what package principal finds a request's principal by, and the
// middleware answers to.
package contextkey

// Principal is the key in a context of a *principal.Principal, or of what has a method
// Principal that makes one when somebody asks.
type Principal struct{}

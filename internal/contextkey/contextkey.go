// Package contextkey is what package principal finds a request's principal by, and the
// middleware answers to.
package contextkey

// Principal is the key of a *principal.Principal in a context.
type Principal struct{}

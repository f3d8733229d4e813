// Package recall lets the middleware ask package verify about a token without a
// principal being made of it: many handlers want to know that a request may pass, and
// not who makes it.
package recall

import (
	"context"
	"time"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// Verifier is a verifier that need not make a principal.
type Verifier interface {
	// Recall is Verify, at a time that the caller has just read from the clock.
	Recall(ctx context.Context, token string, now time.Time) (Token, error)
}

// Of is v as such a verifier, or nil if it is none. Package verify, which knows, sets it.
var Of = func(v any) Verifier { return nil }

// Token is a good token.
type Token interface {
	// Caller is what a guard looks at.
	Caller() Caller
	// Principal makes the principal, whose claims are those of token itself.
	Principal(token string) *principal.Principal
}

// Caller is some of a principal.
type Caller struct {
	Kind             principal.Kind
	Issuer, ClientID string
	Scopes           scopes.Set
}

// Given is a token whose principal there is already; nil if there is none.
func Given(p *principal.Principal) Token {
	if p == nil {
		return nil
	}
	return (*given)(p)
}

type given principal.Principal

func (g *given) Caller() Caller { return Caller{g.Kind, g.Issuer, g.ClientID, g.Scopes} }

func (g *given) Principal(string) *principal.Principal { return (*principal.Principal)(g) }

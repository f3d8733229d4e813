package principal

import (
	"context"

	"github.com/bearerguard/bearerguard/internal/contextkey"
)

// NewContext is ctx with the principal of its request. The middleware calls it;
// so may the test of a handler.
func NewContext(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, contextkey.Principal{}, p)
}

// FromContext is the principal of the request that ctx belongs to. It is false
// where no token was verified: on routes without a guard, and behind an optional
// one when the request carried no credential.
func FromContext(ctx context.Context) (*Principal, bool) {
	var p *Principal
	switch kept := ctx.Value(contextkey.Principal{}).(type) {
	case *Principal:
		p = kept
	case interface{ Principal() *Principal }:
		p = kept.Principal()
	}
	return p, p != nil
}

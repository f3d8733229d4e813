package middleware

import (
	"context"
	"sync/atomic"

	"github.com/bearerguard/bearerguard/internal/contextkey"
	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/principal"
)

// verified is a context with a principal in it, and with what a guard leaves there for
// guards behind it: what was verified, and by whom. A guard with another verifier
// takes no notice of that.
type verified struct {
	context.Context
	by        *base
	token     string
	known     recall.Token
	principal atomic.Pointer[principal.Principal] // once somebody has asked
}

type verifiedKey struct{}

// Value makes it a context of one piece.
func (v *verified) Value(key any) any {
	switch key.(type) {
	case contextkey.Principal, verifiedKey:
		return v
	default:
		return v.Context.Value(key)
	}
}

// String keeps the token out of what is made of a context by fmt.
func (v *verified) String() string { return "a request whose access token is verified" }

// GoString is String, for %#v.
func (v *verified) GoString() string { return v.String() }

// Principal is the same for everybody who asks.
func (v *verified) Principal() *principal.Principal {
	if v.principal.Load() == nil {
		v.principal.CompareAndSwap(nil, v.known.Principal(v.token))
	}
	return v.principal.Load()
}

// in is ctx, which descends from v, with v's principal in it; nil if it has it.
func (v *verified) in(ctx context.Context) context.Context {
	if ctx.Value(contextkey.Principal{}) == any(v) {
		return nil
	}
	return context.WithValue(ctx, contextkey.Principal{}, v)
}

// withoutPrincipal is ctx without one; nil if it has none.
func withoutPrincipal(ctx context.Context) context.Context {
	if _, there := principal.FromContext(ctx); !there {
		return nil
	}
	return principal.NewContext(ctx, nil)
}

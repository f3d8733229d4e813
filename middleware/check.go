package middleware

import (
	"context"
	"errors"
	"time"

	"github.com/bearerguard/bearerguard/internal/contextkey"
	"github.com/bearerguard/bearerguard/principal"
)

// Check decides about a request. This is the one place where the order of a
// decision is written: extract, verify, authorize, attach. It touches no
// ResponseWriter, so every adapter is a translation of it.
//
// If the request passes, the denial is nil and the context that is returned is
// ctx with the principal in it, if there is one. ctx bounds what waiting there
// may be.
func (g *Guard) Check(ctx context.Context, r Request) (context.Context, *Denial) {
	attached, denial := g.check(ctx, r)
	if attached != nil {
		ctx = attached
	}
	return ctx, denial
}

// check is Check, with no context where ctx is good as it is.
func (g *Guard) check(ctx context.Context, r Request) (attached context.Context, denial *Denial) {
	if g.observe == nil {
		attached, _, denial = g.decide(ctx, r)
		return attached, denial
	}
	began := time.Since(start)
	attached, p, denial := g.decide(ctx, r)
	took := time.Since(start) - began
	if attached != nil {
		ctx = attached
	}
	g.observe(ctx, newEvent(r, p, denial, took))
	return attached, denial
}

// start is what time spans are measured from: one look at the monotonic clock is
// cheaper than time.Now, which looks at the wall clock as well.
var start = time.Now()

func (g *Guard) decide(ctx context.Context, r Request) (attached context.Context, p *principal.Principal, denial *Denial) {
	token, found := extract(r)
	if g.optional && (found == credentialNone || found == credentialInQuery) {
		return attach(ctx, nil), nil, nil
	}
	if found != credentialBearer {
		return nil, nil, g.denyCredential(found)
	}
	if !g.strict && !isB64Token(token) {
		return nil, nil, g.denyCredential(credentialMalformed)
	}
	attached, p, err := g.verify(ctx, token)
	switch {
	case err == nil:
		return attached, p, g.authorize(p)
	case g.strict && !isB64Token(token):
		return nil, nil, g.denyCredential(credentialMalformed)
	default:
		return nil, nil, g.denyToken(ctx, err)
	}
}

// attach is ctx with a principal, or without one; nil if that is what it is.
func attach(ctx context.Context, p *principal.Principal) context.Context {
	if there, _ := principal.FromContext(ctx); there == p {
		return nil
	}
	return principal.NewContext(ctx, p)
}

var errNoPrincipal = errors.New("middleware: the Verifier returned neither a principal nor an error")

// verify is the principal of token, and ctx with it, or nil if it has it.
func (g *Guard) verify(ctx context.Context, token string) (context.Context, *principal.Principal, error) {
	if v, ok := ctx.Value(verifiedKey{}).(*verified); ok && v.by == g.base && v.token == token {
		return attach(ctx, v.principal), v.principal, nil
	}
	p, err := g.verifier.Verify(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, errNoPrincipal
	}
	return &verified{ctx, g.base, token, p}, p, nil
}

// verified is a context with a principal in it, and with what a guard leaves there for
// guards behind it: what was verified, and by whom. A guard with another verifier
// takes no notice of that.
type verified struct {
	context.Context
	by        *base
	token     string
	principal *principal.Principal
}

type verifiedKey struct{}

// Value makes it a context of one piece.
func (v *verified) Value(key any) any {
	switch key.(type) {
	case contextkey.Principal:
		return v.principal
	case verifiedKey:
		return v
	default:
		return v.Context.Value(key)
	}
}

func (g *Guard) authorize(p *principal.Principal) *Denial {
	if g.clientsOnly && !p.IsClient() {
		return g.denyUser()
	}
	if !g.rule.Allows(p.Scopes) {
		return g.denyScopes(p)
	}
	return nil
}

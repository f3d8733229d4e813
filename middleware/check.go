package middleware

import (
	"context"
	"errors"
	"time"

	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/principal"
)

// Check decides about a request. This is the one place where the order of a
// decision is written: extract, verify, authorize, attach. It touches no
// ResponseWriter, so every adapter is a translation of it.
//
// If the request passes, the denial is nil and the context that is returned is
// ctx with the principal in it, if there is one; else it is ctx. ctx bounds what
// waiting there may be.
func (g *Guard) Check(ctx context.Context, r Request) (context.Context, *Denial) {
	attached, denial := g.check(ctx, r)
	if attached == nil || denial != nil {
		attached = ctx
	}
	return attached, denial
}

// check is Check, with no context where ctx is good as it is.
func (g *Guard) check(ctx context.Context, r Request) (attached context.Context, denial *Denial) {
	began := time.Now()
	attached, known, denial := g.decide(ctx, r, began)
	if g.observe != nil {
		took := time.Since(began)
		if attached != nil {
			ctx = attached
		}
		g.observe(ctx, newEvent(r, known, denial, took))
	}
	return attached, denial
}

func (g *Guard) decide(ctx context.Context, r Request, now time.Time) (attached context.Context, known recall.Token, denial *Denial) {
	token, found := extract(r)
	if g.optional && (found == credentialNone || found == credentialInQuery) {
		return withoutPrincipal(ctx), nil, nil
	}
	if found != credentialBearer {
		return nil, nil, g.denyCredential(found)
	}
	if g.recalls == nil && !isB64Token(token) {
		return nil, nil, g.denyCredential(credentialMalformed)
	}
	if v, ok := ctx.Value(verifiedKey{}).(*verified); ok && v.by == g.base && v.token == token {
		return v.in(ctx), v.known, g.authorize(v.known)
	}
	known, err := g.verify(ctx, token, now)
	switch {
	case err == nil:
		return &verified{Context: ctx, by: g.base, token: token, known: known}, known, g.authorize(known)
	case g.recalls != nil && !isB64Token(token):
		return nil, nil, g.denyCredential(credentialMalformed)
	default:
		return nil, nil, g.denyToken(ctx, err)
	}
}

var errNoPrincipal = errors.New("middleware: the Verifier returned neither a principal nor an error")

func (g *Guard) verify(ctx context.Context, token string, now time.Time) (known recall.Token, err error) {
	if g.recalls != nil {
		known, err = g.recalls.Recall(ctx, token, now)
	} else {
		var p *principal.Principal
		p, err = g.verifier.Verify(ctx, token)
		known = recall.Given(p)
	}
	if err == nil && known == nil {
		err = errNoPrincipal
	}
	return known, err
}

func (g *Guard) authorize(known recall.Token) *Denial {
	caller := known.Caller()
	if g.clientsOnly && caller.Kind != principal.KindClient {
		return g.denyUser()
	}
	if !g.rule.Allows(caller.Scopes) {
		return g.denyScopes(caller.Scopes)
	}
	return nil
}

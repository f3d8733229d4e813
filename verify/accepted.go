package verify

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// accepted is a token that was found good, and what it went by. That it is remembered
// says that its signature was good once.
type accepted struct {
	*grounds
	// from and before bound the whole seconds, in Unix time, in which the token's
	// dates are beyond doubt; in those at the edges they have to be compared.
	from, before uint32
	principal    principal.Principal
}

// grounds are what a token was accepted by; one for all tokens that have the same.
type grounds struct {
	by     *JWTVerifier
	header *jose.Header // by which the key was found
	key    *jwks.Key    // that has made the signature
}

// look is what is remembered of a token, or nil, and its digest if anything is
// remembered at all.
func look(where *cache.Cache[accepted], token string) (d cache.Digest, known *accepted) {
	if where != nil {
		d = cache.DigestOfJWT(token)
		known = where.Find(&d)
	}
	return d, known
}

// again is what Verify would say of a token that was accepted before: a principal or
// an error, or neither if only Verify can tell.
func (a *accepted) again(ctx context.Context) (*principal.Principal, error) {
	now := time.Now()
	if second := now.Unix(); second < int64(a.from) || second >= int64(a.before) {
		if refusal := a.by.claims.judgeTimes(&a.principal, now); refusal != nil {
			return nil, refusal
		}
	}
	keys, err := a.by.config.Keys.Find(ctx, a.header.KeyID, a.header.Algorithm)
	if err != nil {
		return nil, noKeys(err)
	}
	if !slices.Contains(keys, a.key) {
		return nil, nil
	}
	return &a.principal, nil
}

// accept is what is to be remembered of a token.
func (v *JWTVerifier) accept(header *jose.Header, key *jwks.Key, p principal.Principal) accepted {
	begin, skew := p.IssuedAt, v.config.ClockSkew
	if p.NotBefore.After(begin) {
		begin = p.NotBefore
	}
	a := accepted{grounds: v.grounds(header, key), principal: p, from: cache.Seconds(begin.Add(time.Second - 1 - skew)), before: math.MaxUint32}
	if !p.ExpiresAt.IsZero() {
		a.before = cache.Seconds(p.ExpiresAt.Add(skew))
	}
	return a
}

// grounds are those for a token with this header and key.
func (v *JWTVerifier) grounds(header *jose.Header, key *jwks.Key) *grounds {
	last := v.last.Load()
	switch {
	case last == nil || *last.header != *header:
		last = &grounds{v, header, key}
	case last.key != key:
		last = &grounds{v, last.header, key}
	default:
		return last
	}
	v.last.Store(last)
	return last
}

// lastHeader is that of the token accepted last, or nil.
func (v *JWTVerifier) lastHeader() *jose.Header {
	if last := v.last.Load(); last != nil {
		return last.header
	}
	return nil
}

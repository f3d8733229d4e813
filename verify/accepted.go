package verify

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/principal"
)

// accepted is a token that was found good, and what it went by. That it is remembered
// says that its signature was good once.
//
// Thousands of these lie in memory, and the garbage collector looks at every pointer in
// them each time; so there are two, rather than a principal with all of its strings,
// which is made when the token comes again. The claims come with the token.
type accepted struct {
	*alike
	names string // those that follow, none of them twice
	// from and before bound the whole seconds, in Unix time, in which the token's
	// dates are beyond doubt; in those at the edges they have to be compared.
	from, before                       uint32
	clientID, userID, subject, tokenID part
	issuedAt, notBefore, expiresAt     instant
}

// part is where in names a name is.
type part struct{ begin, end uint32 }

// instant is a time.Time without its pointer.
type instant struct {
	seconds     int64 // Unix time
	nanoseconds int32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), int32(t.Nanosecond())} }

func (i instant) time() time.Time { return time.Unix(i.seconds, int64(i.nanoseconds)).UTC() }

// look is what is remembered of a token, or nil, and its digest if anything is
// remembered at all.
func look(where *cache.Cache[accepted], token string) (d cache.Digest, known *accepted) {
	if where != nil {
		d = cache.DigestOfJWT(token)
		known = where.Find(&d)
	}
	return d, known
}

// again is what recall says of a token that was accepted before: that it is good, or an
// error, or neither if there is none or if only verifying it can tell.
func (a *accepted) again(ctx context.Context, now time.Time) (recall.Token, error) {
	if a == nil {
		return nil, nil
	}
	if second := now.Unix(); second < int64(a.from) || second >= int64(a.before) {
		if refusal := a.by.claims.judgeTimes(a.issuedAt.time(), a.notBefore.time(), a.expiresAt.time(), now); refusal != nil {
			return nil, refusal
		}
	}
	var edition uint64 // of the keys that Find may find, or of older ones
	if a.by.remote != nil {
		edition = a.by.remote.Edition(now)
		if edition != 0 && edition == a.edition.Load() {
			return a, nil
		}
	}
	keys, err := a.by.config.Keys.Find(ctx, a.header.KeyID, a.header.Algorithm)
	if err != nil {
		return nil, noKeys(err)
	}
	if !slices.Contains(keys, a.key) {
		return nil, nil
	}
	if edition != 0 {
		a.edition.Store(edition)
	}
	return a, nil
}

// Caller implements [recall.Token].
func (a *accepted) Caller() recall.Caller {
	return recall.Caller{Kind: a.common.Kind, Issuer: a.common.Issuer, ClientID: a.name(a.clientID), Scopes: a.common.Scopes}
}

// Principal implements [recall.Token].
func (a *accepted) Principal(token string) *principal.Principal {
	p := a.common
	p.ClientID, p.UserID, p.Subject, p.TokenID = a.name(a.clientID), a.name(a.userID), a.name(a.subject), a.name(a.tokenID)
	p.IssuedAt, p.NotBefore, p.ExpiresAt = a.issuedAt.time(), a.notBefore.time(), a.expiresAt.time()
	p.RawClaims = principal.RawClaimsOf(jose.EncodedPayload(token))
	return &p
}

func (a *accepted) name(at part) string { return a.names[at.begin:at.end] }

// accept is what is to be remembered of a token.
func (v *JWTVerifier) accept(common *alike, p *principal.Principal) accepted {
	begin, skew := p.IssuedAt, v.config.ClockSkew
	if p.NotBefore.After(begin) {
		begin = p.NotBefore
	}
	a := accepted{
		alike: common,
		from:  cache.Seconds(begin.Add(time.Second - 1 - skew)), before: math.MaxUint32,
		issuedAt: instantOf(p.IssuedAt), notBefore: instantOf(p.NotBefore), expiresAt: instantOf(p.ExpiresAt),
	}
	if !p.ExpiresAt.IsZero() {
		a.before = cache.Seconds(p.ExpiresAt.Add(skew))
	}
	var room [256]byte
	names := room[:0]
	own := [...]string{p.ClientID, p.UserID, p.Subject, p.TokenID}
	parts := [...]*part{&a.clientID, &a.userID, &a.subject, &a.tokenID}
	for i, name := range own {
		if same := slices.Index(own[:i], name); same >= 0 { // as a client's sub is its id
			*parts[i] = *parts[same]
			continue
		}
		*parts[i] = part{uint32(len(names)), uint32(len(names) + len(name))}
		names = append(names, name...)
	}
	a.names = string(names)
	return a
}

package verify

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// alike is what many good tokens have in common, so that it is kept once. It is
// immutable but for edition.
type alike struct {
	grounds
	scopes  string // the claim as it stands in the tokens
	common  principal.Principal
	edition atomic.Uint64 // of the keys among which key was seen last
}

// grounds are what a JWT was accepted by.
type grounds struct {
	by     *JWTVerifier
	header *jose.Header // by which the key was found
	key    *jwks.Key    // that has made the signature
}

// alikes are some of these, of one reader. Few lists of scopes are in all the tokens of
// an issuer, and they are found by theirs. Which of them are there is a matter of memory
// and time alone.
type alikes [64]atomic.Pointer[alike]

// maxAlike bounds the claim of scopes of those that are there, in octets. The scopes
// take 16 bytes a name beside.
const maxAlike = 512

var alikeSeed = maphash.MakeSeed()

func (l *alikes) of(scopes string) *atomic.Pointer[alike] {
	return &l[maphash.String(alikeSeed, scopes)%uint64(len(l))]
}

// find is one with a claim of scopes, or nil.
func (l *alikes) find(scopes string) *alike {
	if kept := l.of(scopes).Load(); kept != nil && kept.scopes == scopes {
		return kept
	}
	return nil
}

// alike is what a token that somebody has vouched for has in common with others.
func (r *reader) alike(g grounds, claims strictjson.Members, p *principal.Principal) *alike {
	claim := first(claims, r.profile.Scopes)
	last := r.alikes.find(claim.Text)
	if last != nil && last.is(g, p) {
		return last
	}
	// What is in the token's memory is copied, as it is to outlive the token.
	a := &alike{grounds: g, common: principal.Principal{Kind: p.Kind, Issuer: strings.Clone(p.Issuer), Grant: strings.Clone(p.Grant)}}
	for _, aud := range p.Audience {
		a.common.Audience = append(a.common.Audience, strings.Clone(aud))
	}
	if last != nil {
		a.scopes, a.common.Scopes = last.scopes, last.common.Scopes
	} else {
		a.scopes = strings.Clone(claim.Text)
		claim.Text = a.scopes
		granted, _ := r.grantedScopes(claim) // which read has found good
		a.common.Scopes = granted.Matching(r.profile.Matcher)
	}
	if len(a.scopes) <= maxAlike {
		r.alikes.of(a.scopes).Store(a)
	}
	return a
}

// is tells whether a has that in common with a token.
func (a *alike) is(g grounds, p *principal.Principal) bool {
	return a.key == g.key && (a.header == g.header || *a.header == *g.header) &&
		a.common.Kind == p.Kind && a.common.Issuer == p.Issuer && a.common.Grant == p.Grant && slices.Equal(a.common.Audience, p.Audience)
}

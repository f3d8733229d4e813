package verify

import (
	"hash/maphash"
	"math/rand/v2"
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

// grounds are what a JWT was accepted by; there are none of what introspection says.
type grounds struct {
	by     *JWTVerifier
	header *jose.Header // by which the key was found
	key    *jwks.Key    // that has made the signature
}

// alikes are some of these, of one reader. Few lists of scopes are in all the tokens of
// an issuer, so the claim of scopes is what one is found by: a row has those of some
// claims. Which of them are there is a matter of memory and time alone.
type alikes [32]row

type row [4]atomic.Pointer[alike]

// maxAlike bounds the claim of scopes of those that are there, in octets. The scopes
// take 16 bytes a name beside.
const maxAlike = 2 << 10

var alikeSeed = maphash.MakeSeed()

func (l *alikes) row(scopes string) *row {
	return &l[maphash.String(alikeSeed, scopes)%uint64(len(l))]
}

// find is one with a claim of scopes, or nil.
func (l *alikes) find(scopes string) *alike {
	row := l.row(scopes)
	for i := range row {
		if kept := row[i].Load(); kept != nil && kept.scopes == scopes {
			return kept
		}
	}
	return nil
}

// alike is what a token that somebody has vouched for has in common with others.
func (r *reader) alike(g grounds, claims strictjson.Members, p *principal.Principal) *alike {
	claim := first(claims, r.profile.Scopes)
	row := r.alikes.row(claim.Text)
	var where *atomic.Pointer[alike]
	for i := range row {
		switch kept := row[i].Load(); {
		case kept == nil:
			where = &row[i]
		case kept.scopes == claim.Text && kept.is(g, p):
			return kept
		}
	}
	// What is in the token's memory is copied, as it is to outlive the token.
	claim.Text = strings.Clone(claim.Text)
	granted, _ := r.grantedScopes(claim) // which read has found good
	a := &alike{grounds: g, scopes: claim.Text, common: principal.Principal{
		Kind: p.Kind, Issuer: strings.Clone(p.Issuer), Grant: strings.Clone(p.Grant),
		Scopes:   granted.Matching(r.profile.Matcher),
		Audience: slices.Clip(slices.Clone(p.Audience)), // nobody's append is to write into it
	}}
	for i, aud := range a.common.Audience {
		a.common.Audience[i] = strings.Clone(aud)
	}
	if where == nil {
		where = &row[rand.IntN(len(row))]
	}
	if len(a.scopes) <= maxAlike {
		where.Store(a)
	}
	return a
}

// is tells whether a has that in common with a token.
func (a *alike) is(g grounds, p *principal.Principal) bool {
	return a.key == g.key && (a.header == g.header || *a.header == *g.header) &&
		a.common.Kind == p.Kind && a.common.Issuer == p.Issuer && a.common.Grant == p.Grant && slices.Equal(a.common.Audience, p.Audience)
}

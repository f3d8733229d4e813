package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerguard/bearerguard/scopes"
)

// Profile says how one authorization server writes its JWT access tokens. The
// zero value reads tokens by RFC 9068, of which it does not insist on iat, jti and
// sub being there; each field changes one thing.
//
// A token speaks for the client itself if its sub is empty, absent or the client
// id, and for a user if it is anything else.
type Profile struct {
	// Types are the accepted values of the header's typ, "application/"
	// left out, upper and lower case alike. The default is at+jwt alone
	// (RFC 9068 §2.1), by which an access token is told from an ID token and
	// from every other JWT that the same keys sign. An issuer that does not
	// type its tokens so needs "JWT", or "" for tokens without typ; then their
	// aud alone tells them from its ID tokens.
	Types []string
	// ClientID are the claims that may name the client; the first that a
	// token has, counts, and one must be there. Default client_id (RFC 9068
	// §2.2), then azp.
	ClientID []string
	// Scopes are the claims that may grant scopes; the first that a token
	// has, counts. Each may be a string of names with spaces between them, or
	// an array of names. Default scope (RFC 8693 §4.2), scp, scopes.
	Scopes []string
	// Matcher is how granted scopes cover required ones. Default
	// scopes.Exact.
	Matcher scopes.Matcher
}

func (p Profile) complete() (Profile, error) {
	if p.Types == nil {
		p.Types = []string{"at+jwt"}
	}
	if p.ClientID == nil {
		p.ClientID = []string{"client_id", "azp"}
	}
	if p.Scopes == nil {
		p.Scopes = []string{"scope", "scp", "scopes"}
	}
	types := make([]string, len(p.Types))
	for i, typ := range p.Types {
		types[i] = mediaSubtype(typ)
	}
	p.Types, p.ClientID, p.Scopes = types, slices.Clone(p.ClientID), slices.Clone(p.Scopes)
	switch {
	case len(p.Types) == 0:
		return p, errors.New(`verify: Profile.Types is empty, so no token could pass; leave it nil for at+jwt, or name the types that the issuer uses, such as "JWT"`)
	case len(p.ClientID) == 0 || slices.Contains(p.ClientID, ""):
		return p, errors.New("verify: Profile.ClientID names no claim; leave it nil for client_id and azp")
	case slices.Contains(p.Scopes, ""):
		return p, errors.New("verify: Profile.Scopes names no claim; leave it nil for scope, scp and scopes")
	}
	return p, nil
}

// mediaSubtype is typ without the application/ that may be left out (RFC 7515
// §4.1.9).
func mediaSubtype(typ string) string {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		return typ[len(prefix):]
	}
	return typ
}

func (p Profile) acceptsType(typ string) bool {
	typ = mediaSubtype(typ)
	return slices.ContainsFunc(p.Types, func(accepted string) bool {
		// The lengths keep out what folds to ASCII without being it.
		return len(typ) == len(accepted) && strings.EqualFold(typ, accepted)
	})
}

// typeRefusals explain a typ without repeating it: what strangers write does not
// belong in a log.
type typeRefusals struct{ absent, jwt, other *Refusal }

func (p Profile) typeRefusals() typeRefusals {
	refusal := func(hint string) *Refusal {
		return &Refusal{ReasonType, "The token is not typed as an access token.", fmt.Sprintf(hint, p.Types)}
	}
	return typeRefusals{
		absent: refusal(`the header has no typ, and %q is expected; if this issuer's access tokens have none, add "" to Profile.Types`),
		jwt:    refusal(`the header's typ is JWT, and %q is expected; if this issuer types its access tokens so, add "JWT" to Profile.Types`),
		other:  refusal(`the header's typ is not one of %q (Profile.Types)`),
	}
}

func (r typeRefusals) of(typ string) *Refusal {
	typ = mediaSubtype(typ)
	switch {
	case typ == "":
		return r.absent
	case len(typ) == 3 && strings.EqualFold(typ, "JWT"):
		return r.jwt
	default:
		return r.other
	}
}

package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/scopes"
)

// Profile says how one authorization server writes its access tokens: which claims
// say what. The zero value reads tokens by RFC 9068, of which it does not insist on
// iat, jti and sub being there; each field changes one thing. The profiles of known
// servers, such as [Keycloak], are values of it to use or to derive from:
//
//	profile := verify.Keycloak()
//	profile.Scopes = []string{"permissions"}
type Profile struct {
	// Types are the accepted values of the header's typ, "application/"
	// left out, upper and lower case alike. The default is at+jwt alone
	// (RFC 9068 §2.1), by which an access token is told from an ID token and
	// from every other JWT that the same keys sign. An issuer that does not
	// type its tokens so needs "JWT", or "" for tokens without typ; then their
	// aud alone tells them from its ID tokens.
	Types []string
	// Algorithms are the values of alg that the server signs with, which
	// JWTConfig.Algorithms may replace. Default: all that are possible.
	Algorithms []string
	// Required are claims that a token must have with just that value, such as
	// token_use: access, where typ does not tell tokens apart.
	Required map[string]string
	// Audience is the claim that names whom the token is for. Default aud.
	Audience string
	// ClientID are the claims that may name the client; the first that a
	// token has, counts, and one must be there. Of an array the first element
	// counts. Default client_id (RFC 9068 §2.2), then azp.
	ClientID []string
	// UserID is the claim that names the user of a token that speaks for one.
	// Default sub.
	UserID string
	// Client tells a token that speaks for the client itself from one that
	// speaks for a user, by its arguments alone: of a token that is remembered it
	// is not asked again. Default [SubjectIsClient].
	Client func(clientID string, claims Claims) bool
	// Scopes are the claims that may grant scopes; the first that a token
	// has, counts. Each may be a string of names with spaces between them, or
	// an array of names. Default scope (RFC 8693 §4.2), scp, scopes.
	Scopes []string
	// Matcher is how granted scopes cover required ones. Default
	// scopes.Exact.
	Matcher scopes.Matcher
	// Grant is the claim that names the grant type. Default none.
	Grant string
	// TokenID is the claim that names the token. Default jti.
	TokenID string
	// Expiry is the claim that says until when the token is valid. Default exp.
	Expiry string
	// TextDates accepts dates in strings as well: numbers of seconds, written as
	// in JSON, and the date-time of RFC 3339.
	TextDates bool
	// NullAbsent takes a claim that is null for one that is not there.
	NullAbsent bool
	// NoClient is for tokens that name no client if they speak for a user.
	NoClient bool
	// InsecureNoIssuer is for servers whose tokens do not say who issued them.
	// The keys alone tell then: never use one key pair for two servers. A token
	// that does have iss is held to JWTConfig.Issuer, if that is set.
	InsecureNoIssuer bool
	// InsecureNoAudience is for servers whose tokens do not say whom they are
	// for: each API that trusts the server accepts the tokens of all others. A
	// token that does say is held to JWTConfig.Audience, if that is set.
	InsecureNoAudience bool
}

func (p Profile) complete() (Profile, error) {
	defaults := func(field *[]string, names ...string) {
		if *field == nil {
			*field = names
		}
		*field = slices.Clone(*field)
	}
	defaults(&p.Types, "at+jwt")
	defaults(&p.ClientID, "client_id", "azp")
	defaults(&p.Scopes, "scope", "scp", "scopes")
	for field, name := range map[*string]string{&p.Audience: "aud", &p.UserID: "sub", &p.TokenID: "jti", &p.Expiry: "exp"} {
		if *field == "" {
			*field = name
		}
	}
	for i, typ := range p.Types {
		p.Types[i] = mediaSubtype(typ)
	}
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

// isClient tells whether the claims speak for the client itself.
func (p *Profile) isClient(clientID string, claims strictjson.Members) bool {
	if p.Client == nil {
		return SubjectIsClient(clientID, Claims{claims})
	}
	// A copy, for a function that we do not know may keep what it is given, and
	// the claims are in memory that does not outlive the call.
	return p.Client(clientID, Claims{slices.Clone(claims)})
}

// Claims is what a token says, for a Profile's Client to look at.
type Claims struct{ members strictjson.Members }

// Has tells whether the token has the claim.
func (c Claims) Has(name string) bool { return c.members.Get(name).Kind != strictjson.Absent }

// Text is the claim if it is a string, else empty.
func (c Claims) Text(name string) string {
	s, _ := c.members.Get(name).String()
	return s
}

// SubjectIsClient takes a token for the client's own if its sub is the client id
// (RFC 9068 §2.2), empty, or not there.
func SubjectIsClient(clientID string, claims Claims) bool {
	sub := claims.Text("sub")
	return sub == "" || sub == clientID
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

func (p *Profile) acceptsType(typ string) bool {
	if slices.Contains(p.Types, typ) {
		return true
	}
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

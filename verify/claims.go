package verify

import (
	"math"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// judge checks the claims of a token that nobody has vouched for yet (RFC 9068
// §4) and reads the principal out of them.
func (v *JWTVerifier) judge(claims strictjson.Members, now time.Time) (*principal.Principal, *Refusal) {
	p := &principal.Principal{}
	if iss, ok := claims.Get("iss").String(); !ok || iss != v.config.Issuer {
		return nil, v.issuer
	}
	p.Issuer = v.config.Issuer

	audience, ok := stringOrStrings(claims.Get("aud"))
	if !ok || !slices.ContainsFunc(audience, func(aud string) bool { return slices.Contains(v.config.Audience, aud) }) {
		return nil, v.audience
	}
	p.Audience = audience

	if refusal := v.judgeTimes(p, claims, now); refusal != nil {
		return nil, refusal
	}
	if claims.Get("cnf").Kind != strictjson.Absent {
		return nil, bound
	}
	if !optionalString(claims, "jti", &p.TokenID) || !optionalString(claims, "sub", &p.Subject) {
		return nil, claimType
	}
	return v.judgeClient(p, claims)
}

// judgeTimes checks exp, nbf and iat (RFC 7519 §4.1.4 to §4.1.6).
func (v *JWTVerifier) judgeTimes(p *principal.Principal, claims strictjson.Members, now time.Time) *Refusal {
	if claims.Get("exp").Kind == strictjson.Absent {
		return noExpiry
	}
	if !numericDate(claims, "exp", &p.ExpiresAt) || !numericDate(claims, "nbf", &p.NotBefore) || !numericDate(claims, "iat", &p.IssuedAt) {
		return claimType
	}
	skew := v.config.ClockSkew
	switch {
	case !now.Before(p.ExpiresAt.Add(skew)):
		return expired
	case now.Add(skew).Before(p.NotBefore):
		return notYetValid
	case now.Add(skew).Before(p.IssuedAt):
		return issuedInFuture
	}
	return nil
}

// judgeClient reads who calls, and what the token grants.
func (v *JWTVerifier) judgeClient(p *principal.Principal, claims strictjson.Members) (*principal.Principal, *Refusal) {
	clientID, ok := first(claims, v.config.Profile.ClientID).String()
	if !ok || clientID == "" {
		return nil, v.client
	}
	p.ClientID = clientID

	// Issuers write a client's own token with sub equal to the client id
	// (RFC 9068 §2.2), empty, or not at all.
	if p.Subject == "" || p.Subject == p.ClientID {
		p.Kind, p.Grant = principal.KindClient, principal.GrantClientCredentials
	} else {
		p.Kind, p.UserID = principal.KindUser, p.Subject
	}

	granted, ok := grantedScopes(first(claims, v.config.Profile.Scopes))
	if !ok {
		return nil, badScopes
	}
	p.Scopes = granted.Matching(v.config.Profile.Matcher)
	return p, nil
}

func grantedScopes(claim strictjson.Value) (granted scopes.Set, ok bool) {
	if claim.Kind == strictjson.Absent {
		return granted, true
	}
	var err error
	if list, isString := claim.String(); isString {
		granted, err = scopes.Parse(list)
		return granted, err == nil
	}
	names, isArray := claim.Strings()
	if !isArray {
		return granted, false
	}
	granted, err = scopes.New(names)
	return granted, err == nil
}

// first is the first of the named claims that the token has.
func first(claims strictjson.Members, names []string) strictjson.Value {
	for _, name := range names {
		if claim := claims.Get(name); claim.Kind != strictjson.Absent {
			return claim
		}
	}
	return strictjson.Value{}
}

func optionalString(claims strictjson.Members, name string, into *string) bool {
	claim := claims.Get(name)
	if claim.Kind == strictjson.Absent {
		return true
	}
	s, ok := claim.String()
	*into = s
	return ok
}

// stringOrStrings reads the two shapes of aud (RFC 7519 §4.1.3).
func stringOrStrings(claim strictjson.Value) ([]string, bool) {
	if s, ok := claim.String(); ok {
		return []string{s}, true
	}
	return claim.Strings()
}

// endOfTime is the last second of the year 9999, beyond which dates cannot be
// written down.
const endOfTime = 253402300799

// numericDate reads a NumericDate (RFC 7519 §2), which may have a fraction, in
// the range of years that have four digits.
func numericDate(claims strictjson.Members, name string, into *time.Time) bool {
	claim := claims.Get(name)
	if claim.Kind == strictjson.Absent {
		return true
	}
	seconds, ok := claim.Float()
	if !ok || seconds < 0 || seconds > endOfTime {
		return false
	}
	whole, fraction := math.Modf(seconds)
	*into = time.Unix(int64(whole), int64(fraction*1e9))
	return true
}

var (
	expired        = &Refusal{ReasonExpired, "The access token expired.", "exp has passed"}
	notYetValid    = &Refusal{ReasonNotYetValid, "The access token is not valid yet.", "nbf lies in the future, beyond JWTConfig.ClockSkew"}
	issuedInFuture = &Refusal{ReasonNotYetValid, "The access token was issued in the future.", "iat lies in the future, beyond JWTConfig.ClockSkew; compare this clock and the issuer's"}
	bound          = &Refusal{ReasonBound, "The token is bound to its sender, which is not supported here.", "the token has cnf (DPoP or mTLS, RFC 9449 or RFC 8705); accepting it as a bearer token would let a thief use it"}
	noExpiry       = &Refusal{ReasonClaims, "The token has no expiry.", "exp is missing"}
	claimType      = &Refusal{ReasonClaims, "A registered claim of the token is not of its type.", "exp, nbf or iat is not a NumericDate from 1970 to 9999, or sub or jti is not a string"}
	badScopes      = &Refusal{ReasonClaims, "The token's scopes are malformed.", "the claim of Profile.Scopes is neither a string of scope names with single spaces between them nor an array of such names"}
)

package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// reader reads the principal out of a token's claims, and checks them: those of a
// JWT that nobody has vouched for yet (RFC 9068 §4), and those of an introspection
// response (RFC 7662 §2.2).
type reader struct {
	profile   Profile
	issuer    string
	audience  []string
	audiences []string // the same, for principals to share
	alikes    alikes
	skew      time.Duration
	// presentOnly checks iss, aud and exp only where they are there: an
	// introspection server has judged the token before.
	presentOnly bool

	// Refusals whose hint is made of the configuration.
	wrongIssuer, wrongAudience, noClient, notRequired, noExpiry *Refusal
}

func newReader(profile Profile, issuer string, audience []string, skew time.Duration, presentOnly bool) *reader {
	return &reader{
		profile: profile, issuer: issuer, audience: audience, audiences: slices.Clone(audience), skew: skew, presentOnly: presentOnly,
		wrongIssuer: &Refusal{ReasonIssuer, "The token was issued by another issuer.",
			fmt.Sprintf("iss is not to the letter %q (Issuer)", issuer)},
		wrongAudience: &Refusal{ReasonAudience, "The token is meant for another audience.",
			fmt.Sprintf("%s does not name one of %q (Audience)", profile.Audience, audience)},
		noClient: &Refusal{ReasonClaims, "The token names no client.",
			fmt.Sprintf("none of the claims %q is there as a string (Profile.ClientID)", profile.ClientID)},
		notRequired: &Refusal{ReasonType, "The token is not of the kind that is accepted here.",
			fmt.Sprintf("the token has not all of %q (Profile.Required)", profile.Required)},
		noExpiry: &Refusal{ReasonClaims, "The token has no expiry.",
			fmt.Sprintf("%s is missing (Profile.Expiry)", profile.Expiry)},
	}
}

// read reads the claims into p, or tells why there is no principal.
func (r *reader) read(p *principal.Principal, claims strictjson.Members, now time.Time) *Refusal {
	if r.profile.NullAbsent {
		claims = slices.DeleteFunc(claims, func(m strictjson.Member) bool { return m.Value.Kind == strictjson.Null })
	}
	p.Issuer = r.issuer
	if refusal := r.checkOrigin(p, claims); refusal != nil {
		return refusal
	}
	if refusal := r.checkTimes(p, claims, now); refusal != nil {
		return refusal
	}
	if claims.Get("cnf").Kind != strictjson.Absent {
		return bound
	}
	if !optionalString(claims, r.profile.TokenID, &p.TokenID) || !optionalString(claims, "sub", &p.Subject) {
		return claimType
	}
	if refusal := r.readCaller(p, claims); refusal != nil {
		return refusal
	}
	granted, ok := r.grantedScopes(first(claims, r.profile.Scopes))
	if !ok {
		return badScopes
	}
	p.Scopes = granted.Matching(r.profile.Matcher)
	return nil
}

// checkOrigin checks who issued the token, for whom, and as what.
func (r *reader) checkOrigin(p *principal.Principal, claims strictjson.Members) *Refusal {
	iss := claims.Get("iss")
	mayLack := r.presentOnly || r.profile.InsecureNoIssuer
	if iss.Kind != strictjson.Absent || !mayLack {
		s, ok := iss.String()
		if !ok || r.issuer != "" && s != r.issuer || r.issuer == "" && !mayLack {
			return r.wrongIssuer
		}
		if r.issuer == "" {
			p.Issuer = s
		}
	}
	aud := claims.Get(r.profile.Audience)
	mayLack = r.presentOnly || r.profile.InsecureNoAudience
	if aud.Kind != strictjson.Absent || !mayLack {
		var ok bool
		if p.Audience, ok = r.readAudience(aud); !ok {
			return r.wrongAudience
		}
		ours := slices.ContainsFunc(p.Audience, func(aud string) bool { return slices.Contains(r.audience, aud) })
		if !ours && (len(r.audience) > 0 || !mayLack) {
			return r.wrongAudience
		}
	}
	for name, value := range r.profile.Required {
		if s, ok := claims.Get(name).String(); !ok || s != value {
			return r.notRequired
		}
	}
	return nil
}

// checkTimes checks exp, nbf and iat (RFC 7519 §4.1.4 to §4.1.6).
func (r *reader) checkTimes(p *principal.Principal, claims strictjson.Members, now time.Time) *Refusal {
	if !r.presentOnly && claims.Get(r.profile.Expiry).Kind == strictjson.Absent {
		return r.noExpiry
	}
	if !r.date(claims, r.profile.Expiry, &p.ExpiresAt) || !r.date(claims, "nbf", &p.NotBefore) || !r.date(claims, "iat", &p.IssuedAt) {
		return claimType
	}
	return r.judgeTimes(p.IssuedAt, p.NotBefore, p.ExpiresAt, now)
}

func (r *reader) judgeTimes(issuedAt, notBefore, expiresAt, now time.Time) *Refusal {
	switch {
	case !expiresAt.IsZero() && !now.Before(expiresAt.Add(r.skew)):
		return expired
	case now.Add(r.skew).Before(notBefore):
		return notYetValid
	case now.Add(r.skew).Before(issuedAt):
		return issuedInFuture
	}
	return nil
}

// readCaller reads who calls.
func (r *reader) readCaller(p *principal.Principal, claims strictjson.Members) *Refusal {
	clientID := first(claims, r.profile.ClientID)
	if names, ok := clientID.Strings(); ok && len(names) > 0 {
		p.ClientID = names[0]
	} else {
		p.ClientID, _ = clientID.String()
	}
	if p.ClientID == "" && (!r.profile.NoClient || clientID.Kind != strictjson.Absent) {
		return r.noClient
	}
	if r.profile.Grant != "" && !optionalString(claims, r.profile.Grant, &p.Grant) {
		return claimType
	}
	if r.profile.isClient(p.ClientID, claims) {
		if p.ClientID == "" {
			return r.noClient
		}
		p.Kind = principal.KindClient
		if p.Grant == "" {
			p.Grant = principal.GrantClientCredentials
		}
		return nil
	}
	p.Kind = principal.KindUser
	if !optionalString(claims, r.profile.UserID, &p.UserID) || p.UserID == "" {
		return noUser
	}
	return nil
}

func (r *reader) grantedScopes(claim strictjson.Value) (granted scopes.Set, ok bool) {
	if claim.Kind == strictjson.Absent {
		return granted, true
	}
	if known := r.alikes.find(claim.Text); known != nil {
		return known.common.Scopes, true
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

// readAudience has nearly all principals share one list.
func (r *reader) readAudience(claim strictjson.Value) ([]string, bool) {
	if s, ok := claim.String(); ok {
		if i := slices.Index(r.audiences, s); i >= 0 {
			return r.audiences[i : i+1 : i+1], true
		}
	}
	return stringOrStrings(claim)
}

var (
	expired        = &Refusal{ReasonExpired, "The access token expired.", "exp has passed"}
	notYetValid    = &Refusal{ReasonNotYetValid, "The access token is not valid yet.", "nbf lies in the future, beyond ClockSkew"}
	issuedInFuture = &Refusal{ReasonNotYetValid, "The access token was issued in the future.", "iat lies in the future, beyond ClockSkew; compare this clock and the issuer's"}
	bound          = &Refusal{ReasonBound, "The token is bound to its sender, which is not supported here.", "the token has cnf (DPoP or mTLS, RFC 9449 or RFC 8705); accepting it as a bearer token would let a thief use it"}
	claimType      = &Refusal{ReasonClaims, "A registered claim of the token is not of its type.", "exp, nbf or iat is not a date from 1970 to 9999 (Profile.TextDates), or sub, jti or the grant is not a string"}
	noUser         = &Refusal{ReasonClaims, "The token names neither a client of its own nor a user.", "by Profile.Client it speaks for a user, and the claim of Profile.UserID is missing or not a string"}
	badScopes      = &Refusal{ReasonClaims, "The token's scopes are malformed.", "the claim of Profile.Scopes is neither a string of scope names with single spaces between them nor an array of such names"}
)

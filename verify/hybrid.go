package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

// HybridVerifier verifies JWTs of known issuers locally and has an endpoint asked
// about everything else. It is safe for concurrent use if the two verifiers are,
// which are the caller's to close.
type HybridVerifier struct {
	jwts    Verifier
	issuers *Issuers // jwts, or what it is alone among
	opaque  Verifier
}

// Hybrid verifies by jwts the tokens that are JWTs by their form and whose iss is one
// that it knows: its verdict is final, so that nobody gets a second opinion on a
// token that was refused. Everything else goes to opaque, as a rule an
// *[IntrospectionVerifier]: tokens of any other form, and JWTs of other issuers or of
// none, which the endpoint may know by ways of its own. That a token's iss is read
// before anybody has vouched for it decides who is asked, and nothing else.
//
// jwts is an *[Issuers], whose issuers may change, or an [IssuerVerifier], such as an
// *[Issuer] or a *[JWTVerifier]. Hybrid fails if it is something else, if its issuer
// has no name, or if either is nil. To revoke tokens, put [Revocable] around the
// result. JWTs that opaque is to judge may be longer than it accepts by default; see
// IntrospectionConfig.MaxTokenBytes.
func Hybrid(jwts, opaque Verifier) (*HybridVerifier, error) {
	switch {
	case jwts == nil || isNil(jwts):
		return nil, errors.New("verify: Hybrid without a verifier of JWTs; pass the result of Discover, JWT or ByIssuer")
	case opaque == nil || isNil(opaque):
		return nil, errors.New("verify: Hybrid without a verifier of opaque tokens; pass the result of Introspection")
	}
	h := &HybridVerifier{jwts: jwts, opaque: opaque}
	switch v := jwts.(type) {
	case *Issuers:
		h.issuers = v
	case IssuerVerifier:
		if v.Issuer() == "" {
			return nil, errors.New("verify: Hybrid with JWTs of an issuer without a name: by iss alone they are told from others; set JWTConfig.Issuer, or, for tokens without iss, pick the verifier in a Func of your own; Revocable belongs around Hybrid rather than into it")
		}
		var err error
		if h.issuers, err = ByIssuer(v); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("verify: Hybrid with JWTs verified by a %T, which does not say whose; pass the result of Discover, JWT or ByIssuer, and put Revocable around Hybrid rather than into it", jwts)
	}
	return h, nil
}

// Verify implements [Verifier].
func (h *HybridVerifier) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	if len(token) > maxTokenBytes {
		return nil, tooLongForAny
	}
	known, err := h.issuers.recallOr(ctx, token, time.Now(), h.opaque)
	return principalOf(token, known, err)
}

// Health is that of both verifiers, of those that tell.
func (h *HybridVerifier) Health() []Health {
	var all []Health
	for _, v := range []Verifier{h.jwts, h.opaque} {
		if v, ok := v.(interface{ Health() []Health }); ok {
			all = slices.Concat(all, v.Health())
		}
	}
	return all
}

var tooLongForAny = &Refusal{ReasonMalformed, "The token is too long.", fmt.Sprintf("longer than %d bytes, which no verifier accepts", maxTokenBytes)}

package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/strictjson"
)

// signedResponseType is the typ of a signed response, and behind application/ its
// media type (RFC 9701 §4 and §5).
const signedResponseType = "token-introspection+jwt"

// unsign is the token_introspection of a signed response to a call that began at a
// time, once the signature and what the response says of itself are good (RFC 9701
// §5). A response that is not good says nothing of the token.
func (v *IntrospectionVerifier) unsign(ctx context.Context, response []byte, began time.Time) ([]byte, error) {
	compact, err := jose.Parse(string(response))
	if err != nil {
		return nil, errors.New("the answer is not a signed JWT, which SignedIntrospection demands")
	}
	if typ := mediaSubtype(compact.Type); len(typ) != len(signedResponseType) || !strings.EqualFold(typ, signedResponseType) {
		return nil, errors.New("the answer's typ is not " + signedResponseType)
	}
	claims, err := compact.Claims(nil)
	if err != nil {
		return nil, errors.New("the answer's claims are not a JSON object")
	}
	if err := v.checkSigned(claims, began); err != nil {
		return nil, err
	}
	if _, err := findSigner(ctx, v.config.Signed.Keys, compact); err != nil {
		return nil, errors.New("the answer's signature: " + err.Error()) // not wrapped: the token is not condemned by it
	}
	return []byte(claims.Get("token_introspection").Text), nil
}

func (v *IntrospectionVerifier) checkSigned(claims strictjson.Members, began time.Time) error {
	if iss, _ := claims.Get("iss").String(); iss != v.config.Signed.Issuer {
		return errors.New("the answer's iss is not SignedIntrospection.Issuer")
	}
	aud, _ := stringOrStrings(claims.Get("aud"))
	if !slices.Contains(aud, v.config.Signed.Audience) {
		return errors.New("the answer's aud does not name SignedIntrospection.Audience")
	}
	// An answer is made for a call. One that is older has been kept by somebody,
	// from the days before the token was revoked maybe.
	var issued time.Time
	skew := v.config.ClockSkew
	if !v.claims.date(claims, "iat", &issued) || issued.IsZero() {
		return errors.New("the answer has no iat")
	}
	if issued.Before(began.Add(-skew).Truncate(time.Second)) || issued.After(time.Now().Add(skew)) {
		return errors.New("the answer's iat is not the time of the call, beyond IntrospectionConfig.ClockSkew")
	}
	if claims.Get("token_introspection").Kind != strictjson.Object {
		return errors.New("the answer has no token_introspection")
	}
	return nil
}

package verify

import (
	"context"
	"time"

	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/principal"
)

// The verifiers of JWTs can say of a token that it is good and leave it to others
// whether a principal is to be made. None of them takes a token with an octet that no
// b64token has (RFC 6750 §2.1): the alphabet of compact JWS is a part of that.
func init() {
	recall.Of = func(v any) recall.Verifier {
		switch v := v.(type) {
		case *JWTVerifier:
			return recaller(v.recall)
		case *Issuer:
			return recaller(v.verifier.recall)
		case *Issuers:
			return recaller(v.recall)
		default:
			return nil
		}
	}
}

type recaller func(ctx context.Context, token string, now time.Time) (recall.Token, error)

// Recall implements [recall.Verifier].
func (r recaller) Recall(ctx context.Context, token string, now time.Time) (recall.Token, error) {
	return r(ctx, token, now)
}

// principalOf is what Verify returns of what recall does.
func principalOf(token string, known recall.Token, err error) (*principal.Principal, error) {
	if known == nil {
		return nil, err
	}
	return known.Principal(token), nil
}

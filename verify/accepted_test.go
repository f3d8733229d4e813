package verify

import (
	"encoding/base64"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// Thousands of tokens that are remembered hold on to one header.
func TestTokensShareTheirHeader(t *testing.T) {
	header := func(text string) *jose.Header {
		c, err := jose.Parse(base64.RawURLEncoding.EncodeToString([]byte(text)) + ".e30.AA")
		if err != nil {
			t.Fatal(err)
		}
		return c.Header
	}
	v := &JWTVerifier{}
	first := header(`{"alg":"RS256","kid":"a"}`)
	if v.shared(first) != first || v.shared(header(`{"alg":"RS256","kid":"a"}`)) != first {
		t.Error("the same header is kept twice")
	}
	for _, text := range []string{`{"alg":"RS256","kid":"b"}`, `{"alg":"PS256","kid":"a"}`, `{"alg":"RS256","kid":"a","typ":"at+jwt"}`} {
		if other := header(text); v.shared(other) != other {
			t.Errorf("%s is taken for another header", text)
		}
	}
}

package verify

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
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
	key := &jwks.Key{}
	first := header(`{"alg":"RS256","kid":"a"}`)
	known := v.grounds(first, key)
	if known.header != first || v.grounds(header(`{"alg":"RS256","kid":"a"}`), key) != known {
		t.Error("the same header is kept twice")
	}
	if other := new(jwks.Key); v.grounds(first, other).key != other {
		t.Error("another key is taken for the one before")
	}
	for _, text := range []string{`{"alg":"RS256","kid":"b"}`, `{"alg":"PS256","kid":"a"}`, `{"alg":"RS256","kid":"a","typ":"at+jwt"}`} {
		if other := header(text); v.grounds(other, key).header != other {
			t.Errorf("%s is taken for another header", text)
		}
	}
}

// A token that is as long as may be is judged, and one that is longer is not.
func TestTheLongestToken(t *testing.T) {
	jwt, err := JWT(JWTConfig{Issuer: "https://issuer.example", Audience: []string{"https://api.example"}, Keys: jwks.Static(), MaxTokenBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := ByIssuer(jwt)
	if err != nil {
		t.Fatal(err)
	}
	opaque := Func(func(context.Context, string) (*principal.Principal, error) { return nil, malformed })
	hybrid, err := Hybrid(jwt, opaque)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name    string
		v       Verifier
		longest int
		longer  *Refusal
	}{
		{"of one issuer", jwt, 100, tooLong},
		{"of several", issuers, maxTokenBytes, tooLong},
		{"of any form", hybrid, maxTokenBytes, tooLongForAny},
	} {
		if _, err := row.v.Verify(t.Context(), strings.Repeat("a", row.longest)); err != malformed {
			t.Errorf("%s, as long as may be: %v", row.name, err)
		}
		if _, err := row.v.Verify(t.Context(), strings.Repeat("a", row.longest+1)); err != row.longer {
			t.Errorf("%s, longer: %v", row.name, err)
		}
	}
}

// Among several issuers, each has its own bound.
func TestTheLongestTokenOfOneIssuerAmongSeveral(t *testing.T) {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	token := part(`{"alg":"RS256","typ":"at+jwt"}`) + "." + part(`{"iss":"https://issuer.example"}`) + ".AA"
	for most, want := range map[int]bool{len(token): false, len(token) - 1: true} {
		jwt, err := JWT(JWTConfig{Issuer: "https://issuer.example", Audience: []string{"https://api.example"}, Keys: jwks.Static(), MaxTokenBytes: most})
		if err != nil {
			t.Fatal(err)
		}
		issuers, err := ByIssuer(jwt)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := issuers.Verify(t.Context(), token); (err == tooLong) != want {
			t.Errorf("%d octets, at most %d: %v", len(token), most, err)
		}
	}
}

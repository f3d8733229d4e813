package verify

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

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

// The seconds in which a token's dates are beyond doubt are those in which comparing
// them finds nothing wrong, but for one at either end at most.
func TestSecondsBeyondDoubt(t *testing.T) {
	const fraction = time.Second / 4
	at := func(second int64, quarters int) time.Time {
		return time.Unix(second, int64(quarters)*int64(fraction)).UTC()
	}
	for _, skew := range []time.Duration{1, time.Second - 1, 30 * time.Second, 30*time.Second + fraction} {
		v := &JWTVerifier{config: JWTConfig{ClockSkew: skew}, claims: &reader{skew: skew}}
		for _, row := range []struct {
			name string
			p    principal.Principal
		}{
			{"dates of whole seconds", principal.Principal{IssuedAt: at(5000, 0), NotBefore: at(5010, 0), ExpiresAt: at(5200, 0)}},
			{"dates with fractions", principal.Principal{IssuedAt: at(5010, 1), NotBefore: at(5009, 3), ExpiresAt: at(5200, 2)}},
			{"nbf and exp in one second", principal.Principal{NotBefore: at(5100, 1), ExpiresAt: at(5100, 2)}},
			{"exp before nbf", principal.Principal{NotBefore: at(5150, 0), ExpiresAt: at(5050, 0)}},
			{"exp alone", principal.Principal{ExpiresAt: at(5100, 0)}},
			{"no dates at all", principal.Principal{}},
			{"iat alone", principal.Principal{IssuedAt: at(5100, 3)}},
			{"from the beginning of time", principal.Principal{IssuedAt: at(0, 0), ExpiresAt: at(5100, 0)}},
			{"to the end of time", principal.Principal{IssuedAt: at(5100, 0), ExpiresAt: at(endOfTime, 0)}},
			{"in a later age", principal.Principal{IssuedAt: at(1<<32+100, 0), ExpiresAt: at(1<<32+200, 0)}},
			{"across the end of an age", principal.Principal{IssuedAt: at(1<<32-100, 1), ExpiresAt: at(1<<32+100, 1)}},
		} {
			t.Run(row.name, func(t *testing.T) {
				a := v.accept(&jose.Header{}, nil, row.p)
				beyond, good := 0, 0
				for _, around := range []int64{-1 << 40, -100, 0, 5000, 5050, 5100, 5150, 5200, 1 << 32, 1<<32 + 100, endOfTime} {
					for second := around - 40; second <= around+40; second++ {
						isBeyond := second >= int64(a.from) && second < int64(a.before)
						isGood := true
						for _, now := range []time.Time{at(second, 0), at(second, 1), at(second, 2), at(second, 3), at(second+1, 0).Add(-1)} {
							isGood = isGood && v.claims.judgeTimes(&row.p, now) == nil
						}
						if isBeyond && !isGood {
							t.Fatalf("skew %v: second %d is said to be beyond doubt", skew, second)
						}
						if isGood && second > 0 && second < 1<<32-1 {
							good++
							if isBeyond {
								beyond++
							}
						}
					}
				}
				if good-beyond > 2 {
					t.Errorf("skew %v: of %d good seconds, %d are", skew, good, beyond)
				}
			})
		}
	}
}

package verify

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// The principal that is made when a token comes again is the one that was read.
func TestThePrincipalOfATokenThatComesAgain(t *testing.T) {
	utc := func(seconds, nanoseconds int64) time.Time { return time.Unix(seconds, nanoseconds).UTC() }
	const token = "eyJ9.eyJqdGkiOiIxIn0.AA"
	long := strings.Repeat("long", 10_000)
	v := &JWTVerifier{claims: &reader{}}
	common := &alike{common: principal.Principal{Kind: principal.KindUser, Issuer: "https://issuer.example", Grant: "password", Scopes: scopes.Of("a", "b"), Audience: []string{"https://api.example"}}}
	for name, own := range map[string]principal.Principal{
		"of a client":                 {ClientID: "billing", Subject: "billing", TokenID: "1f3a", IssuedAt: utc(5000, 0), NotBefore: utc(5001, 0), ExpiresAt: utc(8600, 0)},
		"of a user":                   {ClientID: "app", UserID: "42", Subject: "42", TokenID: "7", ExpiresAt: utc(8600, 0)},
		"with four names":             {ClientID: "app", UserID: "42", Subject: "auth0|42", TokenID: "7"},
		"with all that there is":      {ClientID: "abcabc", UserID: "bca", Subject: "abcabca", TokenID: "c", IssuedAt: utc(5000, 0), NotBefore: utc(5001, 0), ExpiresAt: utc(8600, 0)},
		"without most":                {ClientID: "billing"},
		"without any":                 {},
		"with long names":             {ClientID: long, UserID: "4", Subject: long + "2", TokenID: "1" + long},
		"with fractions of a second":  {ClientID: "a", IssuedAt: utc(5000, 1), NotBefore: utc(5000, 999_999_999), ExpiresAt: utc(8600, 500_000_000)},
		"from the beginning of time":  {ClientID: "a", IssuedAt: utc(0, 0), ExpiresAt: utc(1, 0)},
		"until the end of time":       {ClientID: "a", IssuedAt: utc(1<<32+1, 0), ExpiresAt: utc(endOfTime, 999_999_999)},
		"with letters of many octets": {ClientID: "büro", Subject: "ü", TokenID: "📎"},
	} {
		want := own
		want.Kind, want.Issuer, want.Grant, want.Scopes, want.Audience = common.common.Kind, common.common.Issuer, common.common.Grant, common.common.Scopes, common.common.Audience
		want.RawClaims = principal.RawClaimsOf("eyJqdGkiOiIxIn0")
		if name == "with all that there is" {
			for field, value := range reflect.ValueOf(want).Fields() {
				if value.IsZero() {
					t.Fatalf("%s is missing in this test", field.Name)
				}
			}
		}
		a := v.accept(common, &own)
		if name == "of a client" && a.names != "billing1f3a" {
			t.Errorf("%q is kept", a.names)
		}
		if got := a.Principal(token); !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, want %+v", name, *got, want)
		}
		caller := recall.Caller{Kind: want.Kind, Issuer: want.Issuer, ClientID: want.ClientID, Scopes: want.Scopes}
		if got := a.Caller(); !reflect.DeepEqual(got, caller) {
			t.Errorf("%s: got %+v, want %+v", name, got, caller)
		}
	}
}

// However many kinds of tokens there are, and though Issuers reads each header anew, one
// that is the same is in memory once.
func TestTokensShareTheirHeader(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwks.NewKey("a", "EdDSA", public)
	if err != nil {
		t.Fatal(err)
	}
	v, err := JWT(JWTConfig{Issuer: "https://issuer.example", Audience: []string{"https://api.example"}, Keys: jwks.Static(key)})
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := ByIssuer(v)
	if err != nil {
		t.Fatal(err)
	}
	accept := func(kid, scope string) *jose.Header {
		t.Helper()
		part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		input := part(`{"alg":"EdDSA","typ":"at+jwt"`+kid+`}`) + "." +
			part(`{"iss":"https://issuer.example","aud":"https://api.example","client_id":"a","sub":"a","exp":4000000000,"scope":"`+scope+`"}`)
		known, err := issuers.recall(t.Context(), input+"."+part(string(ed25519.Sign(private, []byte(input)))), time.Now())
		a, ok := known.(*accepted)
		if err != nil || !ok {
			t.Fatalf("%T, %v", known, err)
		}
		return a.header
	}
	first := accept(`,"kid":"a"`, "invoices.read")
	if accept(`,"kid":"a"`, "orders.read") != first {
		t.Error("the same header is kept twice")
	}
	other := accept(``, "invoices.read")
	if other == first || other.KeyID != "" {
		t.Errorf("another header is taken for it: %+v", other)
	}
	if accept(``, "orders.read") != other {
		t.Error("the other header is kept twice")
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
				a := v.accept(&alike{}, &row.p)
				beyond, good := 0, 0
				for _, around := range []int64{-1 << 40, -100, 0, 5000, 5050, 5100, 5150, 5200, 1 << 32, 1<<32 + 100, endOfTime} {
					for second := around - 40; second <= around+40; second++ {
						isBeyond := second >= int64(a.from) && second < int64(a.before)
						isGood := true
						for _, now := range []time.Time{at(second, 0), at(second, 1), at(second, 2), at(second, 3), at(second+1, 0).Add(-1)} {
							isGood = isGood && v.claims.judgeTimes(row.p.IssuedAt, row.p.NotBefore, row.p.ExpiresAt, now) == nil
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

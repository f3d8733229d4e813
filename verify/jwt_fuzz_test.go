package verify_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

const fuzzIssuer = "https://issuer.example"

// fuzzKey signs what is fuzzed. It is the same on every run, so that inputs that were
// found once mean the same later.
var fuzzKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func fuzzKeys(f *testing.F) jwks.Set {
	f.Helper()
	key, err := jwks.NewKey("k1", "", fuzzKey.Public())
	if err != nil {
		f.Fatal(err)
	}
	return jwks.Static(key)
}

// signedBy makes the compact serialization (RFC 7515 §7.1) of any octets.
func signedBy(key ed25519.PrivateKey, header, payload []byte) string {
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input)))
}

// condemned is that err is a refusal, and nothing else: with keys at hand there is a
// verdict on whatever comes.
func condemned(t *testing.T, err error, token string) *verify.Refusal {
	t.Helper()
	refusal, ok := errors.AsType[*verify.Refusal](err)
	if !ok || !errors.Is(err, verify.ErrInvalidToken) || refusal.Reason == "" || refusal.Description == "" {
		t.Fatalf("an error of another kind: %#v", err)
	}
	if len(token) > 3 && strings.Contains(err.Error(), token) {
		t.Fatalf("the refusal repeats the token: %v", err)
	}
	return refusal
}

// fuzzedProfiles are verifiers of tokens that fuzzKey signed, and what is expected of
// their tokens: by which typ, and by which claims.
func fuzzedProfiles(f *testing.F, keys jwks.Set) []fuzzedProfile {
	f.Helper()
	strict, texts := byRFC9068(fuzzIssuer, api), byRFC9068(fuzzIssuer, api)
	texts.textDates = true
	atJWT, jwt := regexp.MustCompile(`\A(?i:(application/)?at\+jwt)\z`), regexp.MustCompile(`\A(?i:(application/)?jwt)\z`)
	all := []fuzzedProfile{
		{name: "RFC 9068", typ: atJWT, expectation: strict},
		{name: "RFC 9068 with dates in strings", typ: atJWT, expectation: texts},
		{name: "League", typ: jwt, expectation: byLeague()},
		{name: "Passport", typ: jwt, expectation: byLeague()},
	}
	for i, profile := range []verify.Profile{{}, {TextDates: true}, verify.League(), verify.Passport()} {
		config := verify.JWTConfig{Keys: keys, Profile: profile, Algorithms: []string{"EdDSA", "Ed25519"}}
		if !profile.InsecureNoIssuer {
			config.Issuer, config.Audience = fuzzIssuer, []string{api}
		}
		var err error
		if all[i].verifier, err = verify.JWT(config); err != nil {
			f.Fatal(err)
		}
	}
	return all
}

type fuzzedProfile struct {
	name     string
	verifier *verify.JWTVerifier
	typ      *regexp.Regexp
	expectation
}

// acceptsHeader is whether a header may stand before claims that are good: RFC 7515
// §4.1 and RFC 9068 §4, once more.
func (p fuzzedProfile) acceptsHeader(header []byte) bool {
	members, ok := readStrictly(header)
	_, crit := members["crit"]
	_, b64 := members["b64"]
	typ, _ := members["typ"].(string)
	kid, named := members["kid"]
	return ok && !crit && !b64 && p.typ.MatchString(typ) &&
		(members["alg"] == "EdDSA" || members["alg"] == "Ed25519") && (!named || kid == "k1")
}

// Of any header and claims, signed by the issuer's own key, a token passes if and
// only if a second reading of both finds nothing wrong, and its principal is whom
// that reading finds. Where the token leads to one verifier among several, the
// verdict is the same.
func FuzzClaims(f *testing.F) { // C9 to C12, C16, C24, C27 to C30
	const header, claims = `{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`, `{"iss":"https://issuer.example","aud":"https://api.example","exp":4102444800,"client_id":"billing"}`
	f.Add([]byte(header), []byte(claims))
	f.Add([]byte(`{"alg":"Ed25519","typ":"application/AT+JWT","jku":"https://evil.example"}`), []byte(`{"iss":"https://issuer.example","aud":["x","https://api.example"],"exp":4.1024448e9,"nbf":0,"iat":1616497508.795617,"sub":"7","azp":"billing","scp":["a","b"],"jti":"1"}`))
	f.Add([]byte(`{"typ":"JWT","alg":"EdDSA"}`), []byte(`{"aud":"7","jti":"aa","iat":"1610376242.152245","nbf":"2021-01-11T15:10:42Z","exp":"4102444800","sub":"","scopes":["*"]}`))
	f.Add([]byte(`{"alg":"EdDSA","crit":["exp"],"b64":false}`), []byte(`{}`))
	paths, err := filepath.Glob("testdata/profiles/*.json")
	if err != nil || len(paths) == 0 {
		f.Fatal("no samples", err)
	}
	for _, path := range paths {
		sample, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"typ":"JWT","alg":"EdDSA"}`), sample)
	}
	profiles := fuzzedProfiles(f, fuzzKeys(f))
	several, opaque := besideOthers(f, profiles[0].verifier)

	f.Fuzz(func(t *testing.T, header, claims []byte) {
		token := signedBy(fuzzKey, header, claims)
		for _, profile := range profiles {
			members, isObject := readStrictly(claims)
			now := time.Now()
			want, verdict := profile.read(members, now)
			if !isObject || !profile.acceptsHeader(header) || len(token) > 16<<10 {
				verdict = mustNot
			}
			p, err := profile.verifier.Verify(context.Background(), token)
			if err != nil {
				if condemned(t, err, token); p != nil || verdict == must {
					t.Fatalf("%s: %s %s is refused: %v", profile.name, header, claims, err)
				}
				continue
			}
			if verdict == mustNot {
				t.Fatalf("%s: %s %s is accepted", profile.name, header, claims)
			}
			if other := want.agrees(p, profile.expectation); other != "" || p.RawClaims.String() != string(claims) {
				t.Fatalf("%s: %s: %s, of %+v", profile.name, claims, other, p)
			}
			again, err := profile.verifier.Verify(context.Background(), token)
			if err != nil || want.agrees(again, profile.expectation) != "" || again.RawClaims != p.RawClaims {
				t.Fatalf("%s: %s, once remembered: %+v, %v", profile.name, claims, again, err)
			}
		}

		direct, directErr := profiles[0].verifier.Verify(context.Background(), token)
		members, _ := readStrictly(claims)
		for name, v := range several {
			*opaque = false
			p, err := v.Verify(context.Background(), token)
			if *opaque || members["iss"] != fuzzIssuer {
				if p != nil || direct != nil {
					t.Fatalf("%s leads %s %s elsewhere", name, header, claims)
				}
				continue
			}
			if (err == nil) != (directErr == nil) || err == nil && p.ClientID != direct.ClientID {
				t.Fatalf("%s: %s %s: %v, not %v", name, header, claims, err, directErr)
			}
		}
	})
}

// besideOthers is v as one among several, and whether one that judges opaque tokens
// was asked instead.
func besideOthers(f *testing.F, v *verify.JWTVerifier) (several map[string]verify.Verifier, opaque *bool) {
	f.Helper()
	stranger, err := verify.JWT(verify.JWTConfig{Issuer: "https://other.example", Audience: []string{api}, Keys: jwks.Static()})
	if err != nil {
		f.Fatal(err)
	}
	issuers, err := verify.ByIssuer(stranger, v)
	if err != nil {
		f.Fatal(err)
	}
	opaque = new(bool)
	hybrid, err := verify.Hybrid(v, verify.Func(func(context.Context, string) (*principal.Principal, error) {
		*opaque = true
		return nil, verify.ErrInvalidToken
	}))
	if err != nil {
		f.Fatal(err)
	}
	return map[string]verify.Verifier{"ByIssuer": issuers, "Hybrid": hybrid}, opaque
}

// A token that is accepted is, octet for octet, one that the issuer has signed: there
// is no second way of writing it.
func FuzzToken(f *testing.F) { // C9, C26
	const lasting = `"iss":"https://issuer.example","aud":"https://api.example","exp":4102444800,"client_id":"billing"`
	signed := map[string]bool{}
	for _, header := range []string{`{"alg":"EdDSA","typ":"at+jwt"}`, `{"alg":"Ed25519","kid":"k1","typ":"at+jwt"}`} {
		for _, claims := range []string{`{` + lasting + `}`, `{` + lasting + `,"x":1}`, `{` + lasting + `,"x":12}`} {
			// Payloads of every length modulo 3, for base64 to end in every way.
			token := signedBy(fuzzKey, []byte(header), []byte(claims))
			signed[token] = true
			f.Add(token)
			f.Add(token + "=")
			f.Add(token + "\n")
			f.Add(strings.Replace(token, ".", "..", 1))
			f.Add(" " + token)
		}
	}
	for _, token := range []string{"", ".", "..", "...", strings.Repeat(".", 1000), "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", `{"payload":"e30","signatures":[]}`} {
		f.Add(token)
	}
	verifier := fuzzedProfiles(f, fuzzKeys(f))[0].verifier
	several, opaque := besideOthers(f, verifier)
	f.Fuzz(func(t *testing.T, token string) {
		*opaque = false
		verifiers := map[string]verify.Verifier{"JWT": verifier, "ByIssuer": several["ByIssuer"], "Hybrid": several["Hybrid"]}
		for name, v := range verifiers {
			p, err := v.Verify(context.Background(), token)
			if (err == nil) != signed[token] || (err == nil) != (p != nil) {
				t.Fatalf("%s: %q: %v", name, token, err)
			}
			if err != nil && !*opaque {
				condemned(t, err, token)
			}
		}
	})
}

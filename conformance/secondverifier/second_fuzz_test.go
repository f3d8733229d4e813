// Package secondverifier_test has a second library judge the tokens that ours
// accepts: golang-jwt, which has no code in common with it.
package secondverifier_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
)

// key signs what is fuzzed, the same on every run.
var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// byItsNewName is EdDSA as RFC 9864 §2.2 calls it, which golang-jwt does not know.
type byItsNewName struct{ *jwt.SigningMethodEd25519 }

func (byItsNewName) Alg() string { return "Ed25519" }

func init() {
	jwt.RegisterSigningMethod("Ed25519", func() jwt.SigningMethod { return byItsNewName{jwt.SigningMethodEdDSA} })
}

// second judges a token by golang-jwt, which is told to demand what we demand and
// whose remaining demands are fewer.
func second(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"EdDSA", "Ed25519"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(30*time.Second),
		jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
	).ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return key.Public(), nil })
	return claims, err
}

func verifier(f *testing.F) *verify.JWTVerifier {
	f.Helper()
	public, err := jwks.NewKey("k1", "", key.Public())
	if err != nil {
		f.Fatal(err)
	}
	v, err := verify.JWT(verify.JWTConfig{Issuer: issuer, Audience: []string{audience}, Keys: jwks.Static(public)})
	if err != nil {
		f.Fatal(err)
	}
	return v
}

// A token that we accept is accepted by golang-jwt as well, which reads the same
// claims.
func FuzzSecondVerifier(f *testing.F) { // C9, C14 to C16, C28, C29
	const lasting = `"iss":"https://issuer.example","aud":"https://api.example","exp":4102444800,"client_id":"billing"`
	f.Add([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`), []byte(`{`+lasting+`}`))
	f.Add([]byte(`{"alg":"Ed25519","kid":"k1","typ":"application/at+jwt"}`), []byte(`{`+lasting+`,"scope":"a b","sub":"7","iat":1616497508.795617,"nbf":0}`))
	f.Add([]byte(`{"alg":"EdDSA","typ":"at+jwt","x":1e400}`), []byte(`{`+lasting+`,"x":1e400}`))
	f.Add([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`), []byte(`{`+lasting+`,"exp":1}`))
	v := verifier(f)
	f.Fuzz(func(t *testing.T, header, claims []byte) {
		input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
		token := input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input)))
		p, err := v.Verify(context.Background(), token)
		if err != nil {
			return
		}
		var parameters map[string]any
		if json.Unmarshal(header, &parameters) != nil {
			return // a parameter that nobody reads is beyond a float64: golang-jwt reads them all
		}
		read, err := second(token)
		if err != nil {
			t.Fatalf("golang-jwt refuses %s %s: %v", header, claims, err)
		}
		if other := differ(p, read); other != "" {
			t.Fatalf("golang-jwt reads another %s in %s than %+v", other, claims, p)
		}
	})
}

// differ is a claim that the two have read differently, or "".
func differ(p *principal.Principal, read jwt.MapClaims) string {
	iss, _ := read.GetIssuer()
	aud, _ := read.GetAudience()
	sub, _ := read.GetSubject()
	exp, _ := read.GetExpirationTime()
	client, scope := read["client_id"], read["scope"]
	if _, there := read["client_id"]; !there {
		client = read["azp"]
	}
	if list, ok := client.([]any); ok {
		client = list[0]
	}
	switch {
	case iss != p.Issuer:
		return "iss"
	case !slices.Equal(aud, p.Audience):
		return "aud"
	case sub != p.Subject:
		return "sub"
	case exp == nil || exp.Unix() != p.ExpiresAt.Unix():
		return "exp"
	case client != p.ClientID:
		return "client_id"
	}
	if list, ok := scope.(string); ok {
		for name := range strings.FieldsSeq(list) {
			if !p.Scopes.Has(name) {
				return "scope"
			}
		}
	}
	return ""
}

package middleware_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
)

// base64url is the encoding of RFC 7515 §2.
var base64url = base64.RawURLEncoding

// signature makes the signature of a token's input, whatever the token calls it.
type signature func(input string) []byte

// compact is a token of just these bytes.
func compact(header, payload string, sign signature) string {
	input := base64url.EncodeToString([]byte(header)) + "." + base64url.EncodeToString([]byte(payload))
	return input + "." + base64url.EncodeToString(sign(input))
}

// object is the JSON object of the members as changed: changes are names and JSON
// texts in turn. An empty text leaves the member out, a name that begins with + is
// written a second time, if need be.
func object(members [][2]string, changes []string) string {
	members = slices.Clone(members)
	for i := 0; i < len(changes); i += 2 {
		name, text := changes[i], changes[i+1]
		at := slices.IndexFunc(members, func(m [2]string) bool { return m[0] == name })
		switch {
		case at >= 0 && text == "":
			members = slices.Delete(members, at, at+1)
		case at >= 0:
			members[at][1] = text
		default:
			members = append(members, [2]string{strings.TrimPrefix(name, "+"), text})
		}
	}
	written := make([]string, len(members))
	for i, m := range members {
		written[i] = `"` + m[0] + `":` + m[1]
	}
	return "{" + strings.Join(written, ",") + "}"
}

// header is the JOSE header of an access token under the key of ownKeys.
func header(kid string, changes ...string) string {
	return object([][2]string{{"typ", `"at+jwt"`}, {"alg", strconv.Quote(ownKeys()[kid].alg)}, {"kid", strconv.Quote(kid)}}, changes)
}

// payload is the claims of an access token that grants all that is asked for.
func (x *target) payload(changes ...string) string {
	now := time.Now().Unix()
	return object([][2]string{
		{"iss", strconv.Quote(x.issuer.URL)}, {"aud", strconv.Quote(oauthtest.Audience)},
		{"sub", `"billing"`}, {"client_id", `"billing"`}, {"jti", strconv.Quote(marker + rand.Text())},
		{"iat", fmt.Sprint(now)}, {"exp", fmt.Sprint(now + 3600)}, {"scope", `"invoices.read"`},
	}, changes)
}

// withHeader and withClaims are good tokens, changed before they are signed.
func (x *target) withHeader(changes ...string) string {
	return compact(header("p256", changes...), x.payload(), ownKeys()["p256"].sign)
}

func (x *target) withClaims(changes ...string) string {
	return compact(header("p256"), x.payload(changes...), ownKeys()["p256"].sign)
}

// ownKey is a key that the issuer publishes and that the test holds, to sign what no
// issuer would.
type ownKey struct {
	alg    string
	public crypto.PublicKey
	jwk    string
	sign   signature
}

var (
	rsaOwn     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256Own    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384Own    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	ed25519Own = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(rand.Text() + rand.Text())[:32]) })
)

// ownKeys are those keys by their kid. The kids do not say "own": an attacker knows
// them.
var ownKeys = sync.OnceValue(func() map[string]ownKey {
	rsaMembers := fmt.Sprintf(`"kty":"RSA","n":"%s","e":"AQAB"`, base64url.EncodeToString(rsaOwn().N.Bytes()))
	keys := map[string]ownKey{
		"rsa":     {"RS256", rsaOwn().Public(), rsaMembers, pkcs1},
		"rs256":   {"RS256", rsaOwn().Public(), rsaMembers + `,"alg":"RS256"`, pkcs1},
		"p256":    {"ES256", p256Own().Public(), ecMembers("P-256", p256Own()), ecdsaBy(p256Own())},
		"p384":    {"ES384", p384Own().Public(), ecMembers("P-384", p384Own()), ecdsaBy(p384Own())},
		"ed25519": {"EdDSA", ed25519Own().Public(), `"kty":"OKP","crv":"Ed25519","x":"` + base64url.EncodeToString(ed25519Own()[32:]) + `"`, eddsa},
	}
	for kid, key := range keys {
		key.jwk = "{" + key.jwk + `,"kid":"` + kid + `"}`
		keys[kid] = key
	}
	return keys
})

func ecMembers(curve string, key *ecdsa.PrivateKey) string {
	octets := must(key.PublicKey.Bytes())[1:] // after the 4 that says uncompressed
	half := len(octets) / 2
	return fmt.Sprintf(`"kty":"EC","crv":"%s","x":"%s","y":"%s"`, curve, base64url.EncodeToString(octets[:half]), base64url.EncodeToString(octets[half:]))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func hashed(hash crypto.Hash, input string) []byte {
	h := hash.New()
	h.Write([]byte(input))
	return h.Sum(nil)
}

func pkcs1(input string) []byte {
	return must(rsa.SignPKCS1v15(rand.Reader, rsaOwn(), crypto.SHA256, hashed(crypto.SHA256, input)))
}

func pss(input string) []byte {
	return must(rsa.SignPSS(rand.Reader, rsaOwn(), crypto.SHA256, hashed(crypto.SHA256, input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
}

func eddsa(input string) []byte { return ed25519.Sign(ed25519Own(), []byte(input)) }

// ecdsaBy signs with the hash that goes with the key's curve (RFC 7518 §3.4).
func ecdsaBy(key *ecdsa.PrivateKey) signature {
	return func(input string) []byte {
		r, s, size := ecdsaNumbers(key, input)
		return slices.Concat(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size)))
	}
}

func ecdsaNumbers(key *ecdsa.PrivateKey, input string) (r, s *big.Int, size int) {
	hash, size := hashOf(key)
	r, s, err := ecdsa.Sign(rand.Reader, key, hashed(hash, input))
	return must(r, err), s, size
}

func hashOf(key *ecdsa.PrivateKey) (hash crypto.Hash, size int) {
	if key.Curve == elliptic.P384() {
		return crypto.SHA384, 48
	}
	return crypto.SHA256, 32
}

func hmacWith(hash crypto.Hash, secret []byte) signature {
	return func(input string) []byte {
		mac := hmac.New(hash.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

func unsigned(string) []byte { return nil }

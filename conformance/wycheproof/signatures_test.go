package wycheproof_test

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// parameters are what an algorithm of RFC 7518 §3 or RFC 8037 §3.1 stands for, in
// Wycheproof's words.
type parameters struct {
	Type, Curve, SHA, MGFSHA string
	SLen                     int
}

// algorithms has the parameters of all that we have. Ed25519 is EdDSA's other name.
var algorithms = map[parameters]string{
	{Type: "RsassaPkcs1Verify", SHA: "SHA-256"}:                            "RS256",
	{Type: "RsassaPkcs1Verify", SHA: "SHA-384"}:                            "RS384",
	{Type: "RsassaPkcs1Verify", SHA: "SHA-512"}:                            "RS512",
	{Type: "RsassaPssVerify", SHA: "SHA-256", MGFSHA: "SHA-256", SLen: 32}: "PS256",
	{Type: "RsassaPssVerify", SHA: "SHA-384", MGFSHA: "SHA-384", SLen: 48}: "PS384",
	{Type: "RsassaPssVerify", SHA: "SHA-512", MGFSHA: "SHA-512", SLen: 64}: "PS512",
	{Type: "EcdsaP1363Verify", Curve: "secp256r1", SHA: "SHA-256"}:         "ES256",
	{Type: "EcdsaP1363Verify", Curve: "secp384r1", SHA: "SHA-384"}:         "ES384",
	{Type: "EcdsaP1363Verify", Curve: "secp521r1", SHA: "SHA-512"}:         "ES512",
	{Type: "EddsaVerify", Curve: "edwards25519"}:                           "EdDSA",
}

// signatureGroup are signatures by one key.
type signatureGroup struct {
	parameters
	PublicKey            struct{ Curve string }
	PublicKeyDER         string
	PublicKeyJWK, KeyJWK json.RawMessage
	Tests                []struct {
		vector
		Msg, Sig string
	}
}

// TestSignatures: what is signed by the parameters of an algorithm is judged by it.
// What is good by other parameters (another hash, mask or salt, or in DER) is good by no
// algorithm. What is bad by those is left out: it may be good by ours.
func TestSignatures(t *testing.T) {
	unmet := maps.Clone(algorithms)
	read(t, "signatures", signatureFiles, nil, func(c *tally, group signatureGroup) {
		group.Curve = group.PublicKey.Curve
		alg := algorithms[group.parameters]
		delete(unmet, group.parameters)
		if !slices.Contains([]string{"RsassaPkcs1Verify", "RsassaPssVerify", "EcdsaP1363Verify", "EcdsaVerify", "EddsaVerify"}, group.Type) {
			t.Errorf("%s: unknown kind of group %q", c.file, group.Type)
		}
		keys := group.keys(t, alg)
		for _, v := range group.Tests {
			verifies := func(alg string) bool {
				return keys[0].Verify(alg, unhex(t, v.Msg), unhex(t, v.Sig)) == nil
			}
			switch valid := v.valid(t); {
			case alg != "":
				accepted := verifies(alg)
				c.count(v.vector, accepted, valid)
				for _, same := range keys[1:] {
					if (same.Verify(alg, unhex(t, v.Msg), unhex(t, v.Sig)) == nil) != accepted {
						t.Errorf("%s %d: accepted is %v, but not by the same key as a JWK", c.file, v.TcID, accepted)
					}
				}
			case valid:
				c.count(v.vector, slices.ContainsFunc(jose.Algorithms(), verifies), false)
			default:
				c.leave(1)
			}
		}
	})
	for _, alg := range unmet {
		t.Errorf("no signature by %s", alg)
	}
}

// keys is the group's key, and then the same once more, as it would be published, where
// they have it for this algorithm.
func (g signatureGroup) keys(t *testing.T, alg string) []*jose.Key {
	t.Helper()
	public, err := x509.ParsePKIXPublicKey(unhex(t, g.PublicKeyDER))
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.NewKey("", alg, public)
	if err != nil {
		t.Fatal(err)
	}
	jwk := append(g.PublicKeyJWK, g.KeyJWK...)
	if alg == "" || jwk == nil {
		return []*jose.Key{key}
	}
	published := taken(jwk)
	if len(published) != 1 {
		t.Fatalf("not a key: %s", jwk)
	}
	return []*jose.Key{key, published[0]}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	octets, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

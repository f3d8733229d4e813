package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// What the issuers of tests and examples sign and publish is what an issuer
// would: the standard library verifies it, and so does the published key.
func TestSignAndPublish(t *testing.T) { // C14, C15
	for alg, key := range map[string]crypto.Signer{
		"RS256": rsaKey(), "RS384": rsaKey(), "RS512": rsaKey(),
		"PS256": rsaKey(), "PS384": rsaKey(), "PS512": rsaKey(),
		"ES256": p256(), "ES384": p384(), "ES512": p521(),
		"EdDSA": edKey(), "Ed25519": edKey(),
	} {
		t.Run(alg, func(t *testing.T) {
			header, payload := fmt.Sprintf(`{"alg":%q}`, alg), `{"iss":"joe"}`
			token, err := jose.Sign(alg, key, []byte(header), []byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			c, err := jose.Parse(token)
			if err != nil {
				t.Fatal(err)
			}
			if want := encode(header) + "." + encode(payload); string(c.Input()) != want {
				t.Errorf("signed %s, want %s", c.Input(), want)
			}
			if !signed(alg, key.Public(), c.Input(), c.Signature()) {
				t.Error("the standard library does not verify the signature")
			}

			element, err := jose.Publish("k1", alg, key.Public())
			if err != nil {
				t.Fatal(err)
			}
			keys, skipped, err := jose.ParseSet([]byte(`{"keys":[` + string(element) + `]}`))
			if err != nil {
				t.Fatal(err, skipped)
			}
			if err := keys[0].Verify(alg, c.Input(), c.Signature()); err != nil || keys[0].ID != "k1" {
				t.Errorf("the published key %q: %v", keys[0].ID, err)
			}
		})
	}
}

// signed verifies as the standard library does.
func signed(alg string, public crypto.PublicKey, input, signature []byte) bool {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
	switch public := public.(type) {
	case *rsa.PublicKey:
		if strings.HasPrefix(alg, "PS") {
			return rsa.VerifyPSS(public, hash, digest(hash, input), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, hash, digest(hash, input), signature) == nil
	case *ecdsa.PublicKey:
		half := len(signature) / 2
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		return ecdsa.Verify(public, digest(hash, input), r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, signature)
	}
	return false
}

func TestPublishLeavesOutWhatIsNotSaid(t *testing.T) {
	element, err := jose.Publish("", "", edKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal(element, &members); err != nil {
		t.Fatal(err)
	}
	if _, kid := members["kid"]; kid || members["alg"] != "" || members["use"] != "sig" || members["d"] != "" {
		t.Errorf("published %s", element)
	}
}

func TestSignRefusesWhatItCannotSign(t *testing.T) {
	for name, test := range map[string]struct {
		alg string
		key crypto.Signer
	}{
		"an unknown algorithm":          {"XX256", rsaKey()},
		"none":                          {"none", rsaKey()},
		"a key of another type":         {"ES256", rsaKey()},
		"a key of another type, for RS": {"RS256", edKey()},
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := jose.Sign(test.alg, test.key, []byte(`{}`), []byte(`{}`)); err == nil || token != "" {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
}

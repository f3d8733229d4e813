// Package jose is the JOSE part of the module: the compact serialization
// (RFC 7515 §7.1), public keys (RFC 7517) and signature verification (RFC 7518
// §3, RFC 8037). It alone imports jwx, and takes from it two things only: a JWK
// as a crypto.PublicKey, and the arithmetic of a signature. What is accepted is
// decided here.
package jose

import (
	"crypto"
	"crypto/rsa"
	"errors"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// algorithm is one asymmetric signature algorithm. There is no other kind here:
// neither none nor the HMAC algorithms can be configured, so no token can bring
// them back.
type algorithm struct {
	name   string
	family family
	verify func(key crypto.PublicKey, input, signature []byte) error
}

// family is the kind of key that an algorithm needs, the curve included.
type family string

const (
	familyRSA     family = "RSA"
	familyP256    family = "P-256"
	familyP384    family = "P-384"
	familyP521    family = "P-521"
	familyEd25519 family = "Ed25519"
)

// algorithms are what RFC 7518 §3.1, RFC 8037 §3.1 and RFC 9864 §2.2 name,
// those that prove who signed. EdDSA is the older name of Ed25519.
var algorithms = []algorithm{
	{"RS256", familyRSA, primitive(jwa.RS256)},
	{"RS384", familyRSA, primitive(jwa.RS384)},
	{"RS512", familyRSA, primitive(jwa.RS512)},
	{"PS256", familyRSA, pss(crypto.SHA256)},
	{"PS384", familyRSA, pss(crypto.SHA384)},
	{"PS512", familyRSA, pss(crypto.SHA512)},
	{"ES256", familyP256, primitive(jwa.ES256)},
	{"ES384", familyP384, primitive(jwa.ES384)},
	{"ES512", familyP521, primitive(jwa.ES512)},
	{"EdDSA", familyEd25519, primitive(jwa.EdDSA)},
	{"Ed25519", familyEd25519, primitive(jwa.EdDSA)},
}

// Algorithms are the names of all signature algorithms that can be accepted.
func Algorithms() []string {
	names := make([]string, len(algorithms))
	for i := range algorithms {
		names[i] = algorithms[i].name
	}
	return names
}

// primitive is jwx's verifier of one algorithm, looked up once: jws.NewVerifier
// takes a lock.
func primitive(name jwa.SignatureAlgorithm) func(crypto.PublicKey, []byte, []byte) error {
	verifier, err := jws.NewVerifier(name)
	if err != nil {
		panic("jose: " + err.Error()) // at start-up: jwx came without an algorithm that it is built with
	}
	return func(key crypto.PublicKey, input, signature []byte) error {
		return verifier.Verify(input, signature, key)
	}
}

// pss demands a salt as long as the hash (RFC 7518 §3.5); jwx takes any length.
func pss(hash crypto.Hash) func(crypto.PublicKey, []byte, []byte) error {
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	return func(key crypto.PublicKey, input, signature []byte) error {
		public, ok := key.(*rsa.PublicKey)
		if !ok {
			return errors.New("jose: not an RSA key")
		}
		digest := hash.New()
		digest.Write(input)
		return rsa.VerifyPSS(public, hash, digest.Sum(nil), signature, options)
	}
}

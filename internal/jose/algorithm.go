// Package jose is the JOSE part of the module: the compact serialization
// (RFC 7515 §7.1), public keys (RFC 7517) and signature verification (RFC 7518
// §3, RFC 8037). It alone imports jwx, and takes from it two things only: a JWK
// as a crypto.PublicKey, and the verification of a signature on a curve. What is
// accepted is decided here.
package jose

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
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
	{"RS256", familyRSA, rsaBy(pkcs1, crypto.SHA256, sum256)},
	{"RS384", familyRSA, rsaBy(pkcs1, crypto.SHA384, sum384)},
	{"RS512", familyRSA, rsaBy(pkcs1, crypto.SHA512, sum512)},
	{"PS256", familyRSA, rsaBy(pss, crypto.SHA256, sum256)},
	{"PS384", familyRSA, rsaBy(pss, crypto.SHA384, sum384)},
	{"PS512", familyRSA, rsaBy(pss, crypto.SHA512, sum512)},
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

// rsaBy verifies by one of the two paddings. It is not jwx's, which takes a salt of
// any length, and copies the key for each signature.
func rsaBy(padding func(*rsa.PublicKey, crypto.Hash, []byte, []byte) error, hash crypto.Hash, sum func([]byte) []byte) func(crypto.PublicKey, []byte, []byte) error {
	return func(key crypto.PublicKey, input, signature []byte) error {
		public, ok := key.(*rsa.PublicKey)
		if !ok {
			return errors.New("jose: not an RSA key")
		}
		return padding(public, hash, sum(input), signature)
	}
}

// pkcs1 is RFC 7518 §3.3.
func pkcs1(key *rsa.PublicKey, hash crypto.Hash, digest, signature []byte) error {
	return rsa.VerifyPKCS1v15(key, hash, digest, signature)
}

// pss is RFC 7518 §3.5, which demands a salt as long as the hash.
func pss(key *rsa.PublicKey, hash crypto.Hash, digest, signature []byte) error {
	return rsa.VerifyPSS(key, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}

func sum256(input []byte) []byte { sum := sha256.Sum256(input); return sum[:] }
func sum384(input []byte) []byte { sum := sha512.Sum384(input); return sum[:] }
func sum512(input []byte) []byte { sum := sha512.Sum512(input); return sum[:] }

package middleware_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strconv"
	"testing"
)

// RFC 7518 §3.6 and RFC 8725 §3.1: none is never accepted, however it is spelled.
func TestHostileAlgNone(t *testing.T) { // C14, C19, C29
	x := newTarget(t, nil)
	var rows []row
	for alg, want := range map[string]verdict{
		`"none"`: wrongAlg, `"None"`: wrongAlg, `"NONE"`: wrongAlg, `"noNE"`: wrongAlg, `"none "`: wrongAlg, `" none"`: wrongAlg,
		`"none\u0000"`: wrongAlg, `"\u006eone"`: wrongAlg, `"nоne"`: wrongAlg, `"` + marker + `"`: wrongAlg,
		`""`: malformed, `null`: malformed, `0`: malformed, `false`: malformed, `["none"]`: malformed, `["ES256"]`: malformed,
		`{"ES256":true}`: malformed, "": malformed,
	} {
		for how, sign := range map[string]signature{
			"no signature":        unsigned,
			"a zero as signature": func(string) []byte { return []byte{0} },
			"a good signature":    ownKeys()["p256"].sign,
		} {
			for _, kid := range []string{`"p256"`, ""} {
				rows = append(rows, row{fmt.Sprintf("alg %s, kid %s, %s", alg, kid, how),
					compact(header("p256", "alg", alg, "kid", kid), x.payload(), sign), want})
			}
		}
	}
	x.attack(t, rows)
}

// What everybody may know must not serve as a secret (RFC 8725 §2.1).
func TestHostileHMACWithThePublicKey(t *testing.T) { // C14, C19
	x := newTarget(t, nil)
	hashes := map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512}
	var rows []row
	for kid, key := range ownKeys() {
		der := must(x509.MarshalPKIXPublicKey(key.public))
		armoured := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		forms := map[string][]byte{
			"PEM":                                   armoured,
			"PEM without the line break at the end": armoured[:len(armoured)-1],
			"DER":                                   der,
			"its JWK":                               []byte(key.jwk),
			"nothing":                               nil,
		}
		switch public := key.public.(type) {
		case *ecdsa.PublicKey:
			point := must(public.Bytes())
			forms["x and y"], forms["the point"] = point[1:], point
		default:
			if kid == "rsa" {
				forms["the modulus"] = rsaOwn().N.Bytes()
				forms["PKCS #1"] = x509.MarshalPKCS1PublicKey(&rsaOwn().PublicKey)
			}
			if kid == "ed25519" {
				forms["x"] = ed25519Own()[32:]
			}
		}
		for form, secret := range forms {
			for alg, hash := range hashes {
				rows = append(rows, row{fmt.Sprintf("%s with the key %s as %s", alg, kid, form),
					compact(header(kid, "alg", strconv.Quote(alg)), x.payload(), hmacWith(hash, secret)), wrongAlg})
			}
			// The header says what the key is for, and the signature is an HMAC.
			rows = append(rows, row{fmt.Sprintf("HS256 that calls itself %s, with the key %s as %s", key.alg, kid, form),
				compact(header(kid), x.payload(), hmacWith(crypto.SHA256, secret)), badSignature})
		}
	}
	x.attack(t, rows)
}

// The key has the last word on the algorithm (RFC 8725 §3.1, RFC 7517 §4.4): the
// signatures are good ones of some key of the issuer's.
func TestHostileAlgorithmThatIsNotTheKeys(t *testing.T) { // C13, C14, C19
	x := newTarget(t, nil)
	keys := ownKeys()
	token := func(kid, alg string, sign signature) string {
		return compact(header(kid, "alg", strconv.Quote(alg)), x.payload(), sign)
	}
	x.attack(t, []row{
		{"RS256 under the kid of a P-256 key", token("p256", "RS256", pkcs1), noSuchKey},
		{"ES256 under the kid of an RSA key", token("rsa", "ES256", keys["p256"].sign), noSuchKey},
		{"EdDSA under the kid of a P-256 key", token("p256", "EdDSA", eddsa), noSuchKey},
		{"ES256 under the kid of an Ed25519 key", token("ed25519", "ES256", keys["p256"].sign), noSuchKey},
		{"ES256 by a P-384 key", token("p384", "ES256", keys["p384"].sign), noSuchKey},
		{"ES384 by a P-256 key", token("p256", "ES384", keys["p256"].sign), noSuchKey},
		{"ES512 by a P-256 key", token("p256", "ES512", keys["p256"].sign), noSuchKey},
		{"the signature of a P-384 key under a P-256 kid", token("p256", "ES256", keys["p384"].sign), badSignature},
		{"a PS256 signature that calls itself RS256", token("rsa", "RS256", pss), badSignature},
		{"an RS256 signature that calls itself PS256", token("rsa", "PS256", pkcs1), badSignature},
		{"an RS256 signature that calls itself RS512", token("rsa", "RS512", pkcs1), badSignature},
		{"an RS256 signature under a P-256 kid", token("p256", "ES256", pkcs1), badSignature},
		{"PS256 by a key that is published for RS256", token("rs256", "PS256", pss), noSuchKey},
		{"RS512 by a key that is published for RS256", token("rs256", "RS512", pkcs1), noSuchKey},
		{"ES256K", token("p256", "ES256K", keys["p256"].sign), wrongAlg},
		{"Ed448", token("ed25519", "Ed448", eddsa), wrongAlg},
		{"es256", token("p256", "es256", keys["p256"].sign), wrongAlg},
		{"ML-DSA-44", token("p256", "ML-DSA-44", keys["p256"].sign), wrongAlg},
		{"RSA-OAEP, dir and their like are for encryption", token("rsa", "RSA-OAEP", pkcs1), wrongAlg},
		{"RS1", token("rsa", "RS1", pkcs1), wrongAlg},

		{"and RS256 by a key that is published for it passes", token("rs256", "RS256", pkcs1), accepted},
		{"and PS256 by an RSA key that is published for no algorithm", token("rsa", "PS256", pss), accepted},
		{"and ES384 by a P-384 key", token("p384", "ES384", keys["p384"].sign), accepted},
		{"and EdDSA by an Ed25519 key (C15)", token("ed25519", "EdDSA", eddsa), accepted},
		{"and Ed25519, as it is called now (C15)", token("ed25519", "Ed25519", eddsa), accepted},
	})
}

// stranger is a key of the attacker's own.
func stranger() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

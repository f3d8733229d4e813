package jose_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017 appendix C
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}     // RFC 5480 §2.1.1
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}             // RFC 8410 §3
	curves     = map[string]struct {
		oid asn1.ObjectIdentifier
		elliptic.Curve
	}{
		"P-256": {asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256()},
		"P-384": {asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384()},
		"P-521": {asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521()},
	}
)

// asSPKI writes a JWK's parameters down as a SubjectPublicKeyInfo and lets
// crypto/x509 read the key from that: no code of ours or of jwx has a part in it.
func asSPKI(element json.RawMessage) (crypto.PublicKey, bool) {
	var members map[string]any
	if json.Unmarshal(element, &members) != nil {
		return nil, false
	}
	octets := func(name string) []byte {
		text, _ := members[name].(string)
		decoded, _ := base64.RawURLEncoding.DecodeString(text)
		return decoded
	}
	var info struct {
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key asn1.BitString
	}
	crv, _ := members["crv"].(string)
	curve := curves[crv]
	switch {
	case members["kty"] == "RSA":
		info.Algorithm.OID, info.Algorithm.Parameters = oidRSA, asn1.NullRawValue
		info.Key.Bytes, _ = asn1.Marshal(struct{ N, E *big.Int }{new(big.Int).SetBytes(octets("n")), new(big.Int).SetBytes(octets("e"))})
	case members["kty"] == "EC" && curve.oid != nil:
		info.Algorithm.OID = oidEC
		info.Algorithm.Parameters.FullBytes, _ = asn1.Marshal(curve.oid)
		info.Key.Bytes = slices.Concat([]byte{4}, octets("x"), octets("y"))
	case members["kty"] == "OKP" && crv == "Ed25519":
		info.Algorithm.OID, info.Key.Bytes = oidEd25519, octets("x")
	default:
		return nil, false
	}
	info.Key.BitLength = 8 * len(info.Key.Bytes)
	der, err := asn1.Marshal(info)
	if err != nil {
		return nil, false
	}
	public, err := x509.ParsePKIXPublicKey(der)
	return public, err == nil
}

// Each key of a set is the very key that crypto/x509 finds in the element, for the
// kid and the alg that encoding/json finds there; none comes of an element with a
// private member; and none that is plainly good is left out.
func FuzzKeySet(f *testing.F) { // C13, C14
	for _, key := range []jwk{rsaJWK(), ecJWK(), edJWK(), rsaJWK().with(jwk{"alg": "PS256", "kid": "k"}), edJWK().with(jwk{"alg": "Ed25519", "d": nil})} {
		f.Add([]byte(`{"keys":[` + key.String() + `]}`))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, _, err := jose.ParseSet(document)
		var set map[string]json.RawMessage
		var elements []json.RawMessage
		if json.Unmarshal(document, &set) != nil || json.Unmarshal(set["keys"], &elements) != nil {
			if err == nil {
				t.Fatal("encoding/json refuses the set")
			}
			return
		}
		for _, key := range keys {
			i := slices.IndexFunc(elements, func(element json.RawMessage) bool { return isKey(element, key) })
			if i < 0 {
				t.Fatalf("no element is the key %q, or none in its place: %s", key.ID, document)
			}
			if slices.ContainsFunc(elements[:i], plainlyGood) {
				t.Fatalf("a good key is left out: %s", document)
			}
			elements = elements[i+1:]
		}
		if slices.ContainsFunc(elements, plainlyGood) {
			t.Fatalf("a good key is left out: %s", document)
		}
	})
}

// plainlyGood tells whether an element is written as our tests write it, of a key
// that is fit, its parameters no longer and no shorter than need be, and nothing but
// what a verifier needs.
func plainlyGood(element json.RawMessage) bool {
	var members map[string]string
	if json.Unmarshal(element, &members) != nil {
		return false
	}
	for name, text := range members {
		octets, err := base64.RawURLEncoding.Strict().DecodeString(text)
		long := map[string]int{"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}[members["crv"]]
		switch name {
		case "kty", "crv", "kid", "alg":
		case "x", "y":
			if err != nil || len(octets) != long {
				return false
			}
		case "n", "e":
			if err != nil || len(octets) == 0 || octets[0] == 0 || name == "e" && len(octets) > 4 {
				return false
			}
		default:
			return false
		}
	}
	alg, named := members["alg"]
	written, err := json.Marshal(members)
	public, ok := asSPKI(element)
	if err != nil || !bytes.Equal(written, element) || !ok || named && alg == "" || len(members["kid"]) > 1024 {
		return false
	}
	_, err = jose.NewKey(members["kid"], alg, public)
	return err == nil
}

func isKey(element json.RawMessage, key *jose.Key) bool {
	var members map[string]any
	if json.Unmarshal(element, &members) != nil {
		return false
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, secret := members[name]; secret {
			return false
		}
	}
	public, ok := asSPKI(element)
	if !ok {
		return false
	}
	kid, _ := members["kid"].(string)
	alg, _ := members["alg"].(string)
	same, err := jose.NewKey(kid, alg, public)
	return err == nil && same.Equal(key)
}

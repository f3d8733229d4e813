package jose_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// jwk is the members of a JSON Web Key.
type jwk map[string]any

// with is the key with members changed; nil leaves a member out.
func (k jwk) with(changes jwk) jwk {
	changed := maps.Clone(k)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

func (k jwk) String() string { return string(must(json.Marshal(k))) }

// The good keys that the tables spoil.
func rsaJWK() jwk {
	return jwk{"kty": "RSA", "kid": "odd", "n": raw.EncodeToString(rsaKey().N.Bytes()), "e": "AQAB"}
}

func ecJWK() jwk {
	x, y := coordinates(p256())
	xy := pair(x, y, 32)
	return jwk{"kty": "EC", "kid": "odd", "crv": "P-256", "x": raw.EncodeToString(xy[:32]), "y": raw.EncodeToString(xy[32:])}
}

func edJWK() jwk {
	return jwk{"kty": "OKP", "kid": "odd", "crv": "Ed25519", "x": raw.EncodeToString(edKey()[32:])}
}

func number(n *big.Int) string { return raw.EncodeToString(n.Bytes()) }

// octets are so many, in base64url.
func octets(n int) string { return raw.EncodeToString(modulus(8 * n).Bytes()) }

// withGood is sets of one good key and an odd one, in either order.
func withGood(odd string) []string {
	good := edJWK().with(jwk{"kid": "good"}).String()
	return []string{`{"keys":[` + good + `,` + odd + `]}`, `{"keys":[` + odd + `,` + good + `]}`}
}

// A key that nobody here can use must not take its neighbours along, as one
// ML-DSA or Ed448 key did to whole services.
func TestAKeyThatCannotBeUsedIsSkipped(t *testing.T) { // C13
	x, _ := coordinates(p256())
	for name, odd := range map[string]jwk{
		"kty AKP: ML-DSA":                      {"kty": "AKP", "kid": "odd", "alg": "ML-DSA-44", "pub": octets(1312)},
		"kty unknown":                          {"kty": "XYZ", "kid": "odd", "x": octets(32)},
		"kty in other case":                    rsaJWK().with(jwk{"kty": "rsa"}),
		"kty missing":                          rsaJWK().with(jwk{"kty": nil}),
		"kty a number":                         rsaJWK().with(jwk{"kty": 1}),
		"kty oct: a secret":                    {"kty": "oct", "kid": "odd", "k": octets(32)},
		"kty oct for HS256":                    {"kty": "oct", "kid": "odd", "alg": "HS256", "use": "sig", "k": octets(32)},
		"kty oct without its secret":           {"kty": "oct", "kid": "odd"},
		"crv Ed448":                            {"kty": "OKP", "kid": "odd", "crv": "Ed448", "x": octets(57)},
		"crv X25519":                           edJWK().with(jwk{"crv": "X25519"}),
		"crv secp256k1":                        {"kty": "EC", "kid": "odd", "crv": "secp256k1", "x": octets(32), "y": octets(32)},
		"crv P-224":                            {"kty": "EC", "kid": "odd", "crv": "P-224", "x": octets(28), "y": octets(28)},
		"crv missing":                          ecJWK().with(jwk{"crv": nil}),
		"crv in other case":                    ecJWK().with(jwk{"crv": "p-256"}),
		"crv of another type of key":           ecJWK().with(jwk{"crv": "Ed25519"}),
		"crv of another type of key, reversed": edJWK().with(jwk{"crv": "P-256"}),
		"crv an array":                         ecJWK().with(jwk{"crv": []string{"P-256"}}),
		"use enc":                              rsaJWK().with(jwk{"use": "enc"}),
		"use unknown":                          rsaJWK().with(jwk{"use": "Sig"}),
		"use a number":                         rsaJWK().with(jwk{"use": 1}),
		"use empty":                            rsaJWK().with(jwk{"use": ""}),
		"alg empty":                            rsaJWK().with(jwk{"alg": ""}),
		"x with an octet of zero before it":    ecJWK().with(jwk{"x": raw.EncodeToString(append([]byte{0}, x.FillBytes(make([]byte, 32))...))}),
		"use an array":                         rsaJWK().with(jwk{"use": []string{"sig"}}),
		"key_ops without verify":               rsaJWK().with(jwk{"key_ops": []string{"sign", "encrypt"}}),
		"key_ops empty":                        rsaJWK().with(jwk{"key_ops": []string{}}),
		"key_ops a string":                     rsaJWK().with(jwk{"key_ops": "verify"}),
		"key_ops with a number":                rsaJWK().with(jwk{"key_ops": []any{"verify", 1}}),
		"key_ops for encryption, use sig":      rsaJWK().with(jwk{"use": "sig", "key_ops": []string{"wrapKey"}}),
		"private: RSA d":                       rsaJWK().with(jwk{"d": octets(256)}),
		"private: RSA p":                       rsaJWK().with(jwk{"p": octets(128)}),
		"private: RSA q":                       rsaJWK().with(jwk{"q": octets(128)}),
		"private: RSA dp":                      rsaJWK().with(jwk{"dp": octets(128)}),
		"private: RSA dq":                      rsaJWK().with(jwk{"dq": octets(128)}),
		"private: RSA qi":                      rsaJWK().with(jwk{"qi": octets(128)}),
		"private: RSA oth":                     rsaJWK().with(jwk{"oth": []any{}}),
		"private: EC d":                        ecJWK().with(jwk{"d": octets(32)}),
		"private: OKP d":                       edJWK().with(jwk{"d": octets(32)}),
		"private: d of another type":           edJWK().with(jwk{"d": 1}),
		"private: k beside a public key":       rsaJWK().with(jwk{"k": octets(32)}),
		"private: priv beside a public key":    rsaJWK().with(jwk{"priv": octets(32)}),
		"private: AKP priv":                    {"kty": "AKP", "kid": "odd", "alg": "ML-DSA-44", "pub": octets(1312), "priv": octets(32)},
		"alg of another type of key":           rsaJWK().with(jwk{"alg": "ES256"}),
		"alg of another curve":                 ecJWK().with(jwk{"alg": "ES384"}),
		"alg Ed448 on Ed25519":                 edJWK().with(jwk{"alg": "Ed448"}),
		"alg for encryption":                   rsaJWK().with(jwk{"alg": "RSA-OAEP-256"}),
		"alg HS256":                            rsaJWK().with(jwk{"alg": "HS256"}),
		"alg none":                             rsaJWK().with(jwk{"alg": "none"}),
		"alg in other case":                    rsaJWK().with(jwk{"alg": "rs256"}),
		"alg an array":                         rsaJWK().with(jwk{"alg": []string{"RS256"}}),
		"RSA of 1024 bits":                     rsaJWK().with(jwk{"n": number(modulus(1024))}), // C14
		"RSA of 2047 bits":                     rsaJWK().with(jwk{"n": number(modulus(2047))}),
		"RSA of 8193 bits":                     rsaJWK().with(jwk{"n": number(modulus(8193))}),
		"RSA of 16384 bits":                    rsaJWK().with(jwk{"n": number(modulus(16384))}),
		"RSA of 1024 bits behind zeros":        rsaJWK().with(jwk{"n": raw.EncodeToString(modulus(1024).FillBytes(make([]byte, 256)))}),
		"RSA modulus even":                     rsaJWK().with(jwk{"n": number(new(big.Int).Lsh(modulus(2047), 1))}),
		"RSA modulus zero":                     rsaJWK().with(jwk{"n": "AA"}),
		"RSA modulus empty":                    rsaJWK().with(jwk{"n": ""}),
		"RSA modulus missing":                  rsaJWK().with(jwk{"n": nil}),
		"RSA modulus a number":                 rsaJWK().with(jwk{"n": 65537}),
		"RSA exponent even":                    rsaJWK().with(jwk{"e": "AQAA"}), // 65536
		"RSA exponent zero":                    rsaJWK().with(jwk{"e": "AA"}),
		"RSA exponent one":                     rsaJWK().with(jwk{"e": "AQ"}),
		"RSA exponent of 32 bits":              rsaJWK().with(jwk{"e": "gAAAAQ"}),
		"RSA exponent of 5 octets":             rsaJWK().with(jwk{"e": "AQAAAAM"}), // 3, to whoever keeps 32 bits
		"RSA exponent of 9 octets":             rsaJWK().with(jwk{"e": "AQAAAAAAAQAB"}),
		"RSA exponent of 256 octets":           rsaJWK().with(jwk{"e": octets(256)}),
		"RSA exponent empty":                   rsaJWK().with(jwk{"e": ""}),
		"RSA exponent missing":                 rsaJWK().with(jwk{"e": nil}),
		"RSA exponent a number":                rsaJWK().with(jwk{"e": 65537}),
		"base64: with padding":                 rsaJWK().with(jwk{"e": "Aw=="}),
		"base64: with padding, n":              rsaJWK().with(jwk{"n": rsaJWK()["n"].(string) + "=="}),
		"base64: the other alphabet":           edJWK().with(jwk{"x": strings.Repeat("+", 42) + "w"}),
		"base64: a line break":                 edJWK().with(jwk{"x": edJWK()["x"].(string) + "\n"}),
		"base64: a space":                      edJWK().with(jwk{"x": " " + edJWK()["x"].(string)}),
		"base64: stray bits":                   edJWK().with(jwk{"x": strings.Repeat("A", 42) + "B"}),
		"base64: none at all":                  edJWK().with(jwk{"x": "!"}),
		"EC point off the curve":               ecJWK().with(jwk{"y": ecJWK()["x"]}),
		"EC point at infinity":                 ecJWK().with(jwk{"x": "AA", "y": "AA"}),
		"EC point beyond p":                    ecJWK().with(jwk{"x": number(new(big.Int).Add(x, p256().Params().P))}),
		"EC point of another curve":            ecJWK().with(jwk{"crv": "P-384"}),
		"EC coordinates of 1000 octets":        ecJWK().with(jwk{"x": octets(1000), "y": octets(1000)}),
		"EC y missing":                         ecJWK().with(jwk{"y": nil}),
		"EC x empty":                           ecJWK().with(jwk{"x": ""}),
		"EC y a number":                        ecJWK().with(jwk{"y": 1}),
		"Ed25519 of 31 octets":                 edJWK().with(jwk{"x": octets(31)}),
		"Ed25519 of 33 octets":                 edJWK().with(jwk{"x": octets(33)}),
		"Ed25519 x missing":                    edJWK().with(jwk{"x": nil}),
		"Ed25519 x empty":                      edJWK().with(jwk{"x": ""}),
		"Ed25519 x null, by an array":          edJWK().with(jwk{"x": []any{nil}}),
	} {
		for _, document := range withGood(odd.String()) {
			t.Run(name, func(t *testing.T) {
				reason := skipsOne(t, document, "odd")
				for member, value := range odd {
					if text, ok := value.(string); ok && len(text) > 20 && strings.Contains(reason, text) {
						t.Errorf("the reason repeats %s", member)
					}
				}
			})
		}
	}
}

// Those that have no kid to be named by, or none that can be believed.
func TestAnElementThatIsNoKeyIsSkipped(t *testing.T) { // C10, C13
	for name, odd := range map[string]string{
		"null":                          `null`,
		"a number":                      `7`,
		"a string":                      `"key"`,
		"an array":                      `[` + edJWK().String() + `]`,
		"an empty object":               `{}`,
		"no kid and no use":             edJWK().with(jwk{"kid": nil, "use": "enc"}).String(),
		"a duplicate name":              `{"kty":"OKP",` + edJWK().String()[1:],
		"a duplicate name, escaped":     `{"k\u0074y":"RSA",` + edJWK().String()[1:],
		"a duplicate name that differs": `{"x":"` + octets(32) + `",` + edJWK().String()[1:],
		"a duplicate unknown name":      `{"a":1,"a":1,` + edJWK().String()[1:],
		"a duplicate name deep within":  `{"a":{"b":1,"b":2},` + edJWK().String()[1:],
		"not UTF-8":                     `{"a":"` + "\xff" + `",` + edJWK().String()[1:],
		"kid a number":                  edJWK().with(jwk{"kid": 1}).String(),
		"kid null":                      `{"kid":null,` + edJWK().with(jwk{"kid": nil}).String()[1:],
		"kid an object":                 edJWK().with(jwk{"kid": jwk{}}).String(),
		"kid of 1 MB":                   edJWK().with(jwk{"kid": strings.Repeat("k", 1<<20)}).String(),
		"use null":                      `{"use":null,` + edJWK().with(jwk{"kid": nil}).String()[1:],
		"alg null":                      `{"alg":null,` + edJWK().with(jwk{"kid": nil}).String()[1:],
		"key_ops null":                  `{"key_ops":null,` + edJWK().with(jwk{"kid": nil}).String()[1:],
	} {
		for i, document := range withGood(odd) {
			t.Run(name, func(t *testing.T) {
				skipsOne(t, document, fmt.Sprintf("keys[%d]", 1-i))
			})
		}
	}
}

// skipsOne reads a set of which only the key named good can be used, and is the
// reason why the other cannot.
func skipsOne(t *testing.T, document, name string) string {
	t.Helper()
	keys, skipped, err := jose.ParseSet([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 || keys[0].ID != "good" {
		t.Fatalf("%d keys are used, want the good one alone", len(keys))
	}
	if keys[0].Verify("Ed25519", input, signers()["Ed25519"].sign(input)) != nil {
		t.Error("the good key does not verify")
	}
	if len(skipped) != 1 || skipped[0].Key != name || skipped[0].Reason == "" {
		t.Fatalf("skipped %q, want one, named %s", skipped, name)
	}
	return skipped[0].Reason
}

func TestAKeyIsUsedWhateverElseItSays(t *testing.T) { // C13, C15
	for name, test := range map[string]struct {
		key jwk
		alg string
	}{
		"RSA":                          {rsaJWK(), "RS256"},
		"RSA, use sig":                 {rsaJWK().with(jwk{"use": "sig"}), "PS384"},
		"RSA, alg PS256":               {rsaJWK().with(jwk{"alg": "PS256"}), "PS256"},
		"RSA, key_ops with verify":     {rsaJWK().with(jwk{"key_ops": []string{"sign", "verify"}}), "RS512"},
		"EC":                           {ecJWK(), "ES256"},
		"EC, alg ES256":                {ecJWK().with(jwk{"alg": "ES256"}), "ES256"},
		"Ed25519":                      {edJWK(), "Ed25519"},
		"Ed25519, alg EdDSA":           {edJWK().with(jwk{"alg": "EdDSA"}), "Ed25519"},
		"Ed25519, alg Ed25519":         {edJWK().with(jwk{"alg": "Ed25519"}), "EdDSA"},
		"Ed25519, a stray y":           {edJWK().with(jwk{"y": 1}), "Ed25519"},
		"unknown members":              {rsaJWK().with(jwk{"ext": true, "iat": 1, "x": jwk{"y": []any{nil}}}), "RS256"},
		"a chain that is none":         {rsaJWK().with(jwk{"x5c": []string{"!"}, "x5t": "!", "x5t#S256": 1, "x5u": "::"}), "RS256"},
		"a chain of another type":      {rsaJWK().with(jwk{"x5c": "MIIB", "x5u": 7}), "RS256"},
		"names in other case":          {rsaJWK().with(jwk{"D": "AQAB", "USE": "enc", "Alg": "none", "KTY": "oct"}), "RS256"},
		"no kid":                       {rsaJWK().with(jwk{"kid": nil}), "RS256"},
		"a kid of 1024 octets":         {rsaJWK().with(jwk{"kid": strings.Repeat("k", 1024)}), "RS256"},
		"a modulus with a zero before": {rsaJWK().with(jwk{"n": raw.EncodeToString(append([]byte{0}, rsaKey().N.Bytes()...))}), "RS256"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, skipped, err := jose.ParseSet([]byte(`{"keys":[` + test.key.String() + `]}`))
			if err != nil {
				t.Fatal(err, skipped)
			}
			if id, _ := test.key["kid"].(string); keys[0].ID != id {
				t.Errorf("kid is %q, want %q", keys[0].ID, id)
			}
			if err := keys[0].Verify(test.alg, input, signers()[test.alg].sign(input)); err != nil {
				t.Errorf("%s: %v", test.alg, err)
			}
		})
	}
}

func TestTheLargestExponentIsTaken(t *testing.T) { // C14
	keys, skipped, err := jose.ParseSet(must(json.Marshal(map[string]any{"keys": []jwk{rsaJWK().with(jwk{"e": number(big.NewInt(1<<31 - 1))})}})))
	if err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v, %v", len(keys), skipped, err)
	}
}

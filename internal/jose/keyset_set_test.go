package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// An answer without a usable key must not pass for a set, or it would replace
// good keys.
func TestADocumentThatIsNoKeySet(t *testing.T) {
	good, bad := edJWK().String(), edJWK().with(jwk{"use": "enc"}).String()
	for name, test := range map[string]struct {
		document string
		skipped  int
	}{
		"nothing":                        {``, 0},
		"not JSON":                       {`<html>503</html>`, 0},
		"null":                           {`null`, 0},
		"an array of keys":               {`[` + good + `]`, 0},
		"a key alone":                    {good, 0},
		"an error of the issuer":         {`{"error":"temporarily_unavailable"}`, 0},
		"cut off":                        {`{"keys":[` + good, 0},
		"a set and more":                 {`{"keys":[` + good + `]}{}`, 0},
		"keys in other case":             {`{"Keys":[` + good + `]}`, 0},
		"keys in capitals":               {`{"KEYS":[` + good + `]}`, 0},
		"keys with a letter that folds":  {`{"\u212Aeys":[` + good + `]}`, 0},
		"keys is null":                   {`{"keys":null}`, 0},
		"keys is a key":                  {`{"keys":` + good + `}`, 0},
		"keys is an object of keys":      {`{"keys":{"a":` + good + `}}`, 0},
		"keys is a string":               {`{"keys":"[]"}`, 0},
		"no keys":                        {`{"keys":[]}`, 0},
		"a key that cannot be used":      {`{"keys":[` + bad + `]}`, 1},
		"many keys that cannot be used":  {`{"keys":[` + bad + strings.Repeat(`,`+bad, 99) + `]}`, 100},
		"more of them than are told of":  {`{"keys":[` + bad + strings.Repeat(`,`+bad, 999) + `]}`, 100},
		"elements that are not keys":     {`{"keys":[null,1,"a",[],{}]}`, 5},
		"keys twice, the last one empty": {`{"keys":[` + good + `],"keys":[]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			keys, skipped, err := jose.ParseSet([]byte(test.document))
			if err == nil || len(keys) > 0 {
				t.Errorf("got %d keys, %v", len(keys), err)
			}
			if len(skipped) != test.skipped {
				t.Errorf("%d keys were skipped, want %d: whoever looks for the reason reads them", len(skipped), test.skipped)
			}
		})
	}
}

func TestAroundTheKeysAnythingMayStand(t *testing.T) { // C13
	good := edJWK().String()
	for name, document := range map[string]string{
		"other members":            `{"issuer":"https://issuer.example","keys":[` + good + `],"x":{"keys":[]}}`,
		"other members twice":      `{"x":1,"keys":[` + good + `],"x":2}`,
		"names in other case":      `{"Keys":[],"keys":[` + good + `],"KEYS":null}`,
		"white space":              " {\n\t\"keys\" :\r\n [ " + good + " ] } \n",
		"the name with an escape":  `{"\u006beys":[` + good + `]}`,
		"many keys not for us":     `{"keys":[` + strings.Repeat(edJWK().with(jwk{"use": "enc"}).String()+",", 999) + good + `]}`,
		"elements nested too deep": `{"keys":[{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `},` + good + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			keys, _, err := jose.ParseSet([]byte(document))
			if err != nil || len(keys) != 1 || keys[0].ID != "odd" {
				t.Errorf("got %d keys, %v", len(keys), err)
			}
		})
	}
}

// Two keys may share a kid, and their order is that of the set: an issuer that
// changes the type of its key may keep its name.
func TestKeysStayInTheirOrder(t *testing.T) {
	set := fmt.Sprintf(`{"keys":[%s,%s,%s]}`, ecJWK(), rsaJWK(), edJWK().with(jwk{"kid": "last"}))
	keys, skipped, err := jose.ParseSet([]byte(set))
	if err != nil || len(keys) != 3 || len(skipped) > 0 {
		t.Fatal(keys, skipped, err)
	}
	for i, alg := range []string{"ES256", "RS256", "EdDSA"} {
		if id := []string{"odd", "odd", "last"}[i]; keys[i].ID != id || !keys[i].Supports(alg) {
			t.Errorf("keys[%d] has the kid %q, and supports %s: %v", i, keys[i].ID, alg, keys[i].Supports(alg))
		}
	}
}

func TestNoMoreThan1000KeysAreUsed(t *testing.T) {
	const surplus = 3
	elements := []string{edJWK().with(jwk{"kid": "unused", "use": "enc"}).String()} // does not count
	for i := range 1000 + surplus {
		elements = append(elements, edJWK().with(jwk{"kid": fmt.Sprint(i)}).String())
	}
	keys, skipped, err := jose.ParseSet([]byte(`{"keys":[` + strings.Join(elements, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1000 || keys[0].ID != "0" || keys[999].ID != "999" {
		t.Errorf("%d keys are used, want the first 1000", len(keys))
	}
	if len(skipped) != surplus+1 || skipped[1].Key != "1000" || !strings.Contains(skipped[1].Reason, "1000") {
		t.Errorf("skipped %q", skipped)
	}
}

// What ParseSet accepts is in the set, in its order, and is a key to encoding/json
// and the standard library too.
func FuzzParseSet(f *testing.F) {
	for _, key := range []jwk{
		rsaJWK(), ecJWK(), edJWK(), rsaJWK().with(jwk{"use": "sig", "alg": "PS256", "key_ops": []string{"verify"}}),
		rsaJWK().with(jwk{"e": "AQ"}), edJWK().with(jwk{"d": "AA"}), ecJWK().with(jwk{"crv": "P-384"}),
	} {
		f.Add([]byte(`{"keys":[` + key.String() + `]}`))
		f.Add([]byte(`{"keys":[` + edJWK().String() + `,` + key.String() + `,null]}`))
	}
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"Keys":[{}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, skipped, err := jose.ParseSet(document)
		if err != nil {
			if len(keys) > 0 {
				t.Fatalf("an error and %d keys beside it: %v", len(keys), err)
			}
			return
		}
		var set map[string]json.RawMessage
		var elements []json.RawMessage
		if json.Unmarshal(document, &set) != nil || json.Unmarshal(set["keys"], &elements) != nil {
			t.Fatal("encoding/json refuses the set")
		}
		if min(len(elements)-len(keys), 100) != len(skipped) {
			t.Fatalf("%d keys and %d skipped of %d", len(keys), len(skipped), len(elements))
		}
		for _, key := range keys {
			i := slices.IndexFunc(elements, func(element json.RawMessage) bool { return describes(element, key) })
			if i < 0 {
				t.Fatalf("no element of the set is the key %q, or none in its place", key.ID)
			}
			elements = elements[i+1:]
			if key.Verify("none", nil, nil) == nil || key.Verify("RS256", []byte("x"), nil) == nil {
				t.Fatal("a key that verifies nothing at all")
			}
		}
	})
}

// describes tells whether the element is a JWK that a signature may be verified
// with, and whether key supports just what such a key may be used for.
func describes(element json.RawMessage, key *jose.Key) bool {
	var members map[string]any
	if json.Unmarshal(element, &members) != nil {
		return false
	}
	text := func(name string) string { s, _ := members[name].(string); return s }
	number := func(name string) *big.Int {
		octets, err := raw.DecodeString(text(name))
		if err != nil {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(octets)
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, secret := members[name]; secret {
			return false
		}
	}
	ops, limited := members["key_ops"].([]any)
	if text("kid") != key.ID || text("use") == "enc" || limited && !slices.Contains(ops, any("verify")) {
		return false
	}
	var fits []string
	switch text("kty") + " " + text("crv") {
	case "EC P-256":
		fits = onCurve(elliptic.P256(), number("x"), number("y"), "ES256")
	case "EC P-384":
		fits = onCurve(elliptic.P384(), number("x"), number("y"), "ES384")
	case "EC P-521":
		fits = onCurve(elliptic.P521(), number("x"), number("y"), "ES512")
	case "OKP Ed25519":
		if octets, err := raw.DecodeString(text("x")); err == nil && len(octets) == 32 {
			fits = []string{"EdDSA", "Ed25519"}
		}
	default:
		n, e := number("n"), number("e")
		if text("kty") == "RSA" && n.BitLen() >= 2048 && n.BitLen() <= 8192 && n.Bit(0) == 1 && e.Bit(0) == 1 && e.BitLen() >= 2 && e.BitLen() <= 31 {
			fits = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	}
	alg := text("alg")
	if alg != "" && !slices.Contains(fits, alg) {
		return false
	}
	if alg != "" && text("kty") == "RSA" {
		fits = []string{alg}
	}
	supported := slices.DeleteFunc(jose.Algorithms(), func(alg string) bool { return !key.Supports(alg) })
	slices.Sort(fits)
	slices.Sort(supported)
	return len(fits) > 0 && slices.Equal(fits, supported)
}

// onCurve is the algorithm, if the point is on its curve.
func onCurve(curve elliptic.Curve, x, y *big.Int, alg string) []string {
	size := (curve.Params().BitSize + 7) / 8
	if x.BitLen() > 8*size || y.BitLen() > 8*size {
		return nil
	}
	if _, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, pair(x, y, size)...)); err != nil {
		return nil
	}
	return []string{alg}
}

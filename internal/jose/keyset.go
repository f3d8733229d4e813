package jose

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/bearerguard/bearerguard/internal/strictjson"
)

// maxKeys and maxSkipped bound how many keys of one set are used, and reported.
const (
	maxKeys    = 1000
	maxSkipped = 100
)

// Skipped is a key of a set that is not used, and why. Neither text repeats key
// material.
type Skipped struct {
	// Key is the key's kid, or its place in the set.
	Key string
	// Reason is for the people who run the service.
	Reason string
}

// ParseSet reads a JWK Set. A key that cannot be used is skipped, never fatal
// (RFC 7517 §5): what other keys say is not its business. At most the first 100
// skipped are told of. A document that is not a JWK Set, or that has no usable
// key, is an error.
func ParseSet(document []byte) ([]*Key, []Skipped, error) {
	// Duplicate names are harmless around the keys and fatal within one.
	var set map[string]json.RawMessage
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, nil, errors.New("not a JSON object")
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(set["keys"], &elements); err != nil {
		return nil, nil, errors.New(`no array "keys", so not a JWK Set (RFC 7517 section 5)`)
	}
	var keys []*Key
	var skipped []Skipped
	for i, element := range elements {
		key, name, err := parseJWK(element)
		if err == nil && len(keys) == maxKeys {
			err = fmt.Errorf("more than %d keys", maxKeys)
		}
		switch {
		case err == nil:
			keys = append(keys, key)
		case len(skipped) < maxSkipped:
			if name == "" {
				name = fmt.Sprintf("keys[%d]", i)
			}
			skipped = append(skipped, Skipped{name, err.Error()})
		}
	}
	if len(keys) == 0 {
		return nil, skipped, fmt.Errorf("no usable key among %d", len(elements))
	}
	return keys, skipped, nil
}

// private are the members that only a private or symmetric key has (RFC 7518
// §6). Whoever publishes one has published the key; nothing it signs is proof.
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

func parseJWK(element []byte) (key *Key, name string, err error) {
	members, err := strictjson.Parse(string(element), nil)
	if err != nil {
		return nil, "", err
	}
	text := func(name string) (string, error) {
		value := members.Get(name)
		s, ok := value.String()
		if !ok && value.Kind != strictjson.Absent {
			return "", fmt.Errorf("%s is not a string", name)
		}
		return s, nil
	}
	kid, err := text("kid")
	if err != nil || len(kid) > maxKeyID {
		return nil, "", errors.New("kid is not a string, or too long")
	}
	if slices.ContainsFunc(private, func(name string) bool { return members.Get(name).Kind != strictjson.Absent }) {
		return nil, kid, errors.New("private or symmetric key material in a public document")
	}
	if use := members.Get("use"); use.Kind != strictjson.Absent {
		if s, _ := use.String(); s != "sig" {
			return nil, kid, errors.New("use is not sig")
		}
	}
	if ops := members.Get("key_ops"); ops.Kind != strictjson.Absent {
		if all, ok := ops.Strings(); !ok || !slices.Contains(all, "verify") {
			return nil, kid, errors.New("key_ops without verify")
		}
	}
	alg, err := text("alg")
	if err != nil || alg == "" && members.Get("alg").Kind != strictjson.Absent {
		return nil, kid, errors.New("alg is not the name of an algorithm")
	}
	public, err := publicKey(members)
	if err != nil {
		return nil, kid, err
	}
	key, err = NewKey(kid, alg, public)
	return key, kid, err
}

// parameters are the members that make up a public key, by kty (RFC 7518 §6.2.1
// and §6.3.1, RFC 8037 §2).
var parameters = map[string][]string{
	"RSA": {"n", "e"},
	"EC":  {"x", "y"},
	"OKP": {"x"},
}

// coordinateSize is the length of x and y in octets.
var coordinateSize = map[string]int{"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}

// publicKey hands jwx a JWK of the key's own parameters and nothing else, so
// that members which do not matter here (x5c, x5u …) cannot make it fail.
func publicKey(members strictjson.Members) (crypto.PublicKey, error) {
	kty, _ := members.Get("kty").String()
	names := parameters[kty]
	if names == nil {
		return nil, errors.New("kty not supported; RSA, EC and OKP are")
	}
	reduced := map[string]string{"kty": kty}
	if kty != "RSA" {
		crv, _ := members.Get("crv").String()
		if !slices.Contains([]family{familyP256, familyP384, familyP521, familyEd25519}, family(crv)) {
			return nil, errors.New("crv not supported; P-256, P-384, P-521 and Ed25519 are")
		}
		reduced["crv"] = crv
	}
	for _, name := range names {
		value, ok := members.Get(name).String()
		octets, err := decode(value)
		if err != nil || !ok || len(octets) == 0 {
			return nil, fmt.Errorf("%s is missing or not base64url", name)
		}
		if size := coordinateSize[reduced["crv"]]; size != 0 && len(octets) != size {
			return nil, fmt.Errorf("%s is not %d octets long", name, size) // RFC 7518 §6.2.1.2, RFC 8037 §2
		}
		if name == "e" && len(octets) > 4 { // jwx would cut it to an int
			return nil, errors.New("RSA exponent beyond 31 bits")
		}
		reduced[name] = value
	}
	document, err := json.Marshal(reduced)
	if err != nil {
		return nil, err
	}
	key, err := jwk.ParseKey(document)
	if err != nil {
		return nil, fmt.Errorf("not a valid %s key", kty)
	}
	var public any
	if err := key.Raw(&public); err != nil {
		return nil, fmt.Errorf("not a valid %s key", kty)
	}
	return public, nil
}

package jose

import (
	"crypto"
	"encoding/json"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Sign makes the compact serialization of a signed header and payload, for the
// issuers of tests and examples. It asks nothing of either: tests want bad ones.
func Sign(alg string, key crypto.Signer, header, payload []byte) (string, error) {
	if alg == "Ed25519" {
		alg = "EdDSA"
	}
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		return "", err
	}
	input := base64url.EncodeToString(header) + "." + base64url.EncodeToString(payload)
	signature, err := signer.Sign([]byte(input), key)
	if err != nil {
		return "", err
	}
	return input + "." + base64url.EncodeToString(signature), nil
}

// Publish is a public key as the element of a JWK Set.
func Publish(id, alg string, public crypto.PublicKey) (json.RawMessage, error) {
	key, err := jwk.FromRaw(public)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{jwk.KeyIDKey: id, jwk.AlgorithmKey: alg, jwk.KeyUsageKey: "sig"} {
		if value == "" {
			continue
		}
		if err := key.Set(name, value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(key)
}

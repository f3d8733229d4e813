package authserver

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// Keys are the server's signing keys: one that signs, and those that are
// published. They are safe for concurrent use.
type Keys struct {
	mu        sync.Mutex
	current   SigningKey
	published []json.RawMessage
}

// SigningKey is a private key with its JWS algorithm.
type SigningKey struct {
	ID, Algorithm string
	Signer        crypto.Signer
}

// NewSigningKey generates a key for the algorithm.
func NewSigningKey(alg string) (SigningKey, error) {
	var signer crypto.Signer
	var err error
	switch {
	case strings.HasPrefix(alg, "RS"), strings.HasPrefix(alg, "PS"):
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case alg == "ES256":
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case alg == "ES384":
		signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case alg == "ES512":
		signer, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case alg == "EdDSA", alg == "Ed25519":
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("authserver: no keys for %q", alg)
	}
	return SigningKey{strings.ToLower(rand.Text()[:12]), alg, signer}, err
}

// NewKeys is one new key.
func NewKeys(alg string) (*Keys, error) {
	k := &Keys{}
	return k, k.Rotate(alg)
}

// Current is the key that signs.
func (k *Keys) Current() SigningKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// Published is the elements of the JWK Set.
func (k *Keys) Published() []json.RawMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.published)
}

// Rotate publishes a new key and signs with it from now on. Older ones stay
// published.
func (k *Keys) Rotate(alg string) error {
	key, err := NewSigningKey(alg)
	if err != nil {
		return err
	}
	public, err := jose.Publish(key.ID, alg, key.Signer.Public())
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = key
	k.published = append(k.published, public)
	return nil
}

// Withdraw leaves nothing published but the current key.
func (k *Keys) Withdraw() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.published = slices.Clone(k.published[len(k.published)-1:])
}

// Publish adds any JSON value to the key set.
func (k *Keys) Publish(jwk json.RawMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.published = append([]json.RawMessage{jwk}, k.published...)
}

// verify tells whether the current key, or one before it, has signed.
func (k *Keys) verify(compact *jose.Compact) bool {
	keys, _, err := jose.ParseSet(k.document())
	return err == nil && slices.ContainsFunc(keys, func(key *jose.Key) bool {
		return key.Verify(compact.Algorithm, compact.Input(), compact.Signature()) == nil
	})
}

// document is the JWK Set.
func (k *Keys) document() []byte {
	document, err := json.Marshal(map[string]any{"keys": k.Published()})
	if err != nil {
		return nil // a test has published what is no JSON
	}
	return document
}

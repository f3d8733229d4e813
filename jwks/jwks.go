// Package jwks holds the public keys that access tokens are verified with: a JWK
// Set behind a URL ([Remote]) as a snapshot that is refreshed behind the
// requests, a file that is read again when it changes ([File]), or keys that are
// known beforehand ([PEM], [Static]).
//
// RFC 7517 (JSON Web Key), RFC 7518 §3 and §6, RFC 8037 §2.
package jwks

import (
	"context"
	"crypto"
	"fmt"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// Set finds keys. Implementations are safe for concurrent use.
type Set interface {
	// Find is the keys that may have signed a token whose header names this
	// kid, empty if it names none, and this alg; at most a handful, in a slice
	// that others read too and nobody may change. No key
	// and no error means that there is none: the token is bad. An error means
	// that it cannot be told, such as *UnavailableError, and condemns no
	// token.
	//
	// It is asked about every token, one whose signature has been verified
	// before as well: that is good for as long as the same *Key is found.
	Find(ctx context.Context, kid, alg string) ([]*Key, error)
}

// UnavailableError is that a set has no keys to judge by.
type UnavailableError struct {
	// RetryAfter is when it is worth asking again.
	RetryAfter time.Duration
	// Err is why, for a log.
	Err error
}

func (e *UnavailableError) Error() string { return fmt.Sprintf("jwks: no keys: %v", e.Err) }

// Unwrap is Err.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Key is one public key, with the algorithms it may be used for. It is immutable
// and safe for concurrent use.
type Key struct{ key *jose.Key }

// NewKey is a key for [Static]. public is an *rsa.PublicKey of 2048 to 8192
// bits, an *ecdsa.PublicKey on P-256, P-384 or P-521, or an ed25519.PublicKey;
// else it fails. kid may be empty. alg, unless empty, is the one JWS algorithm
// that the key is used for (RFC 8725 §3.1); if empty, an RSA key serves RS256 to
// PS512, and any other the one algorithm of its curve.
func NewKey(kid, alg string, public crypto.PublicKey) (*Key, error) {
	key, err := jose.NewKey(kid, alg, public)
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	return &Key{key}, nil
}

func wrap(keys []*jose.Key) []*Key {
	wrapped := make([]*Key, len(keys))
	for i := range keys {
		wrapped[i] = &Key{keys[i]}
	}
	return wrapped
}

func (k *Key) equal(other *Key) bool { return k.key.Equal(other.key) }

// ID is the key's kid, or empty.
func (k *Key) ID() string { return k.key.ID }

// Verify tells by a nil error that signature is this key's over input, made by
// the JWS algorithm alg.
func (k *Key) Verify(alg string, input, signature []byte) error {
	return k.key.Verify(alg, input, signature)
}

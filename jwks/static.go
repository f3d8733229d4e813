package jwks

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// StaticSet is a set of keys that never changes.
type StaticSet struct{ index *index }

// Static is the set of the given keys. For a token that does not tell them apart,
// by kid or alg, all are tried.
func Static(keys ...*Key) *StaticSet { return &StaticSet{newIndex(keys, len(keys))} }

// Find implements [Set]. It never fails.
func (s *StaticSet) Find(_ context.Context, kid, alg string) ([]*Key, error) {
	keys, _ := s.index.find(kid, alg)
	return keys, nil
}

// PEM is the set of the public keys in a PEM document, such as Laravel Passport's
// oauth-public.key: one or more blocks PUBLIC KEY (X.509 SubjectPublicKeyInfo),
// RSA PUBLIC KEY (PKCS #1) or CERTIFICATE, of which the key alone counts. The keys
// have no kid and serve tokens with and without one.
//
// It fails if there is no key, if a block is something else, above all a private
// key, or if a key is not fit for use (see [NewKey]).
func PEM(document []byte) (*StaticSet, error) {
	keys, err := parsePEM(document)
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	return Static(keys...), nil
}

func parsePEM(document []byte) ([]*Key, error) {
	var keys []*Key
	for rest := document; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		public, err := publicKey(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", len(keys)+1, err)
		}
		key, err := jose.NewKey("", "", public)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", len(keys)+1, err)
		}
		keys = append(keys, &Key{key})
	}
	// pem.Decode passes over what it cannot read.
	if begun := bytes.Count(document, []byte("-----BEGIN ")); begun > len(keys) && len(keys) > 0 {
		return nil, fmt.Errorf("%d PEM blocks begin and %d could be read; one is damaged or cut off", begun, len(keys))
	}
	if len(keys) == 0 {
		return nil, errors.New("no PEM block; pass the contents of the public key file, which begin with -----BEGIN PUBLIC KEY-----")
	}
	return keys, nil
}

func publicKey(block *pem.Block) (crypto.PublicKey, error) {
	switch {
	case block.Type == "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("a private key, which belongs to the authorization server alone; pass its public key: openssl pkey -in private.pem -pubout")
	default:
		return nil, fmt.Errorf("of type %q; PUBLIC KEY is wanted", block.Type)
	}
}

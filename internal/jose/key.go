package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Bounds of RSA moduli in bits: RFC 7518 §3.3 demands at least 2048, and a
// modulus beyond 8192 costs more to verify with than a request is worth.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// ErrSignature is a signature that the key did not make.
var ErrSignature = errors.New("the signature does not match")

// Key is a public key fit to verify signatures, and the algorithms that it may
// be used with. It is immutable and safe for concurrent use.
type Key struct {
	// ID is the key's kid, or empty.
	ID string

	public     crypto.PublicKey
	algorithms []*algorithm
}

// NewKey checks a public key. alg, if not empty, ties it to that algorithm
// (RFC 7517 §4.4); otherwise its type and curve do.
func NewKey(id, alg string, public crypto.PublicKey) (*Key, error) {
	k := &Key{ID: id, public: public}
	fam, err := familyOf(public)
	if err != nil {
		return nil, err
	}
	for i := range algorithms {
		if a := &algorithms[i]; a.family == fam && (alg == "" || alg == a.name || bothEd25519(alg, a)) {
			k.algorithms = append(k.algorithms, a)
		}
	}
	if len(k.algorithms) == 0 {
		return nil, fmt.Errorf("%s key with an alg that is not a signature algorithm for it", fam)
	}
	return k, nil
}

// bothEd25519: EdDSA and Ed25519 are two names of one algorithm (RFC 9864 §2.2),
// and a key set may use one where tokens use the other.
func bothEd25519(alg string, a *algorithm) bool {
	return a.family == familyEd25519 && (alg == "EdDSA" || alg == "Ed25519")
}

func familyOf(public crypto.PublicKey) (family, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if key == nil || key.N == nil {
			return "", errors.New("RSA key without modulus")
		}
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return "", fmt.Errorf("RSA modulus of %d bits; %d to %d are accepted", bits, minRSABits, maxRSABits)
		}
		if key.E < 3 || key.E > math.MaxInt32 || key.E%2 == 0 || key.N.Bit(0) == 0 {
			return "", errors.New("RSA exponent below 3 or beyond 31 bits, or exponent or modulus even")
		}
		if factorable(key.N) {
			return "", errors.New("RSA key of a chip whose keys can be factored (CVE-2017-15361)")
		}
		return familyRSA, nil
	case *ecdsa.PublicKey:
		//lint:ignore SA1019 the fields are deprecated for arithmetic, and only looked for here
		if key == nil || key.Curve == nil || key.X == nil || key.Y == nil {
			return "", errors.New("EC key without curve or point")
		}
		fam := family(key.Curve.Params().Name)
		if fam != familyP256 && fam != familyP384 && fam != familyP521 {
			return "", errors.New("elliptic curve not supported; P-256, P-384 and P-521 are")
		}
		if _, err := key.ECDH(); err != nil {
			return "", errors.New("point not on the curve")
		}
		return fam, nil
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return "", errors.New("Ed25519 key of wrong size")
		}
		return familyEd25519, nil
	default:
		return "", errors.New("key type not supported; RSA, EC and Ed25519 public keys are")
	}
}

// Equal tells whether other is the same key, for the same kid and algorithms.
func (k *Key) Equal(other *Key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && public.Equal(other.public) && slices.Equal(k.algorithms, other.algorithms)
}

// Supports tells whether signatures of the named algorithm may be verified with
// this key.
func (k *Key) Supports(alg string) bool {
	return k.algorithm(alg) != nil
}

func (k *Key) algorithm(name string) *algorithm {
	i := slices.IndexFunc(k.algorithms, func(a *algorithm) bool { return a.name == name })
	if i < 0 {
		return nil
	}
	return k.algorithms[i]
}

// Verify checks the signature of input. That alg is one of this key's is checked
// here again, at the moment of use (RFC 8725 §3.1).
func (k *Key) Verify(alg string, input, signature []byte) error {
	if a := k.algorithm(alg); a == nil || a.verify(k.public, input, signature) != nil {
		return ErrSignature
	}
	return nil
}

package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// A salt of any other length would make one more signature of the same input,
// and RFC 7518 §3.5 leaves no choice.
func TestThePSSSaltIsAsLongAsTheHash(t *testing.T) { // C14
	for name, hash := range map[string]crypto.Hash{"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512} {
		key := must(jose.NewKey("", name, rsaKey().Public()))
		longest := rsaKey().Size() - hash.Size() - 2
		for _, salt := range []int{1, 20, 32, 48, 64, hash.Size() - 1, hash.Size(), hash.Size() + 1, longest, rsa.PSSSaltLengthAuto} {
			t.Run(fmt.Sprint(name, " with a salt of ", salt), func(t *testing.T) {
				signature := pss(hash, salt).sign(input)
				// Only the length is wrong: whoever takes any length takes it.
				if err := rsa.VerifyPSS(&rsaKey().PublicKey, hash, digest(hash, input), signature, nil); err != nil {
					t.Fatal(err)
				}
				if got, want := key.Verify(name, input, signature) == nil, salt == hash.Size(); got != want {
					t.Errorf("verified: %v", got)
				}
			})
		}
	}
}

// The name of an algorithm stands for one hash.
func TestTheHashIsTheAlgorithms(t *testing.T) { // C14
	for name, other := range map[string]signing{
		"RS256": pkcs1(crypto.SHA512),
		"RS512": pkcs1(crypto.SHA256),
		"PS256": pss(crypto.SHA384, crypto.SHA256.Size()),
		"PS384": pss(crypto.SHA256, crypto.SHA384.Size()),
		"ES256": fixed(p256(), crypto.SHA384, 32),
		"ES384": fixed(p384(), crypto.SHA256, 48),
		"ES512": fixed(p521(), crypto.SHA256, 66),
	} {
		t.Run(name, func(t *testing.T) {
			key := must(jose.NewKey("", name, other.public))
			if err := key.Verify(name, input, other.sign(input)); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("got %v, want ErrSignature", err)
			}
		})
	}
}

func TestECDSASignaturesHaveOneForm(t *testing.T) { // C14
	for _, curve := range []struct {
		alg  string
		key  *ecdsa.PrivateKey
		hash crypto.Hash
		size int
	}{
		{"ES256", p256(), crypto.SHA256, 32},
		{"ES384", p384(), crypto.SHA384, 48},
		{"ES512", p521(), crypto.SHA512, 66},
	} {
		hashed := digest(curve.hash, input)
		r, s, err := ecdsa.Sign(rand.Reader, curve.key, hashed)
		if err != nil {
			t.Fatal(err)
		}
		n, size := curve.key.Params().N, curve.size
		zero := new(big.Int)
		key := must(jose.NewKey("", curve.alg, curve.key.Public()))
		if err := key.Verify(curve.alg, input, pair(r, s, size)); err != nil {
			t.Fatalf("%s: the signature that the table spoils: %v", curve.alg, err)
		}
		spoiled := map[string][]byte{
			"DER":                          must(ecdsa.SignASN1(rand.Reader, curve.key, hashed)),
			"r is zero":                    pair(zero, s, size),
			"s is zero":                    pair(r, zero, size),
			"both are zero":                pair(zero, zero, size),
			"r is n":                       pair(n, s, size),
			"s is n":                       pair(r, n, size),
			"both are n":                   pair(n, n, size),
			"both are n-1":                 pair(new(big.Int).Sub(n, big.NewInt(1)), new(big.Int).Sub(n, big.NewInt(1)), size),
			"r and s have changed places":  pair(s, r, size),
			"r alone":                      r.FillBytes(make([]byte, size)),
			"r and s in more octets":       pair(r, s, size+1),
			"r and s in many more octets":  pair(r, s, 1000),
			"r, s and r":                   append(pair(r, s, size), r.FillBytes(make([]byte, size))...),
			"an odd number of octets":      pair(r, s, size)[1:],
			"zeros on both sides":          slices.Concat([]byte{0}, pair(r, s, size), []byte{0}),
			"r and s with the last first":  slices.Concat(reversed(r, size), reversed(s, size)),
			"r and s as text":              fmt.Appendf(nil, "%d.%d", r, s),
			"r and s as hexadecimal":       fmt.Appendf(nil, "%0*x%0*x", 2*size, r, 2*size, s),
			"the compact length of ES256K": make([]byte, 65),
		}
		if curve.alg == "ES512" {
			// Only here is there room for the same number once more: a check
			// modulo n alone would take these.
			spoiled["n more than r"] = pair(new(big.Int).Add(r, n), s, size)
			spoiled["n more than s"] = pair(r, new(big.Int).Add(s, n), size)
		}
		for name, signature := range spoiled {
			t.Run(curve.alg+": "+name, func(t *testing.T) {
				if err := key.Verify(curve.alg, input, signature); !errors.Is(err, jose.ErrSignature) {
					t.Errorf("got %v, want ErrSignature", err)
				}
			})
		}
	}
}

func reversed(x *big.Int, size int) []byte {
	octets := x.FillBytes(make([]byte, size))
	slices.Reverse(octets)
	return octets
}

// A signature that is larger than the modulus is the same number to a careless
// verifier.
func TestAnRSASignatureIsBelowTheModulus(t *testing.T) { // C14
	n, size := rsaKey().N, rsaKey().Size()
	for _, name := range []string{"RS256", "PS256"} {
		key := must(jose.NewKey("", name, rsaKey().Public()))
		for i := range 1000 { // until there is room for the sum
			text := fmt.Append(nil, "input ", i)
			sum := new(big.Int).SetBytes(signers()[name].sign(text))
			if sum.Add(sum, n).BitLen() > 8*size {
				continue
			}
			if err := key.Verify(name, text, sum.FillBytes(make([]byte, size))); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("%s: got %v, want ErrSignature", name, err)
			}
			break
		}
	}
}

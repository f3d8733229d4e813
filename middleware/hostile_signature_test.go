package middleware_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestHostileECDSASignatures(t *testing.T) { // C14
	x := newTarget(t, nil)
	for _, kid := range []string{"p256", "p384"} {
		key := map[string]*ecdsa.PrivateKey{"p256": p256Own(), "p384": p384Own()}[kid]
		n := key.Curve.Params().N
		// made is a token whose signature is made of the good one's numbers.
		made := func(of func(r, s *big.Int, size int) []byte) string {
			return compact(header(kid), x.payload(), func(input string) []byte { return of(ecdsaNumbers(key, input)) })
		}
		pair := func(r, s *big.Int, size int) []byte {
			return slices.Concat(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size)))
		}
		zero, one := new(big.Int), big.NewInt(1)
		payload := x.payload()
		numbers := func(change func(r, s *big.Int) (*big.Int, *big.Int)) string {
			return made(func(r, s *big.Int, size int) []byte {
				r, s = change(r, s)
				return pair(r, s, size)
			})
		}
		x.attack(t, []row{
			{kid + ": none", made(func(_, _ *big.Int, _ int) []byte { return nil }), badSignature},
			{kid + ": DER", compact(header(kid), x.payload(), func(input string) []byte { return der(key, input) }), badSignature},
			{kid + ": r is zero", numbers(func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }), badSignature},
			{kid + ": s is zero", numbers(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }), badSignature},
			{kid + ": both are zero", numbers(func(_, _ *big.Int) (*big.Int, *big.Int) { return zero, zero }), badSignature},
			{kid + ": both are one", numbers(func(_, _ *big.Int) (*big.Int, *big.Int) { return one, one }), badSignature},
			{kid + ": r is n", numbers(func(_, s *big.Int) (*big.Int, *big.Int) { return n, s }), badSignature},
			{kid + ": s is n", numbers(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, n }), badSignature},
			{kid + ": r is n-r", numbers(func(r, s *big.Int) (*big.Int, *big.Int) { return new(big.Int).Sub(n, r), s }), badSignature},
			{kid + ": r is p", numbers(func(_, s *big.Int) (*big.Int, *big.Int) { return key.Curve.Params().P, s }), badSignature},
			{kid + ": nothing but ones", made(func(_, _ *big.Int, size int) []byte { return slices.Repeat([]byte{0xff}, 2*size) }), badSignature},
			{kid + ": r and s have changed places", numbers(func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }), badSignature},
			{kid + ": an octet less", made(func(r, s *big.Int, size int) []byte { return pair(r, s, size)[:2*size-1] }), badSignature},
			{kid + ": an octet more", made(func(r, s *big.Int, size int) []byte { return append(pair(r, s, size), 0) }), badSignature},
			{kid + ": an octet of zero in front", made(func(r, s *big.Int, size int) []byte { return append([]byte{0}, pair(r, s, size)...) }), badSignature},
			{kid + ": both numbers an octet longer", made(func(r, s *big.Int, size int) []byte { return pair(r, s, size+1) }), badSignature},
			{kid + ": r alone", made(func(r, _ *big.Int, size int) []byte { return r.FillBytes(make([]byte, size)) }), badSignature},
			{kid + ": twice", made(func(r, s *big.Int, size int) []byte { return append(pair(r, s, size), pair(r, s, size)...) }), badSignature},
			{kid + ": of the payload alone", compact(header(kid), x.payload(), func(input string) []byte {
				return ownKeys()[kid].sign(input[strings.IndexByte(input, '.')+1:])
			}), badSignature},
			{kid + ": of the decoded text", compact(header(kid), payload, func(string) []byte { return ownKeys()[kid].sign(header(kid) + "." + payload) }), badSignature},

			// ECDSA has two signatures for one text, and RFC 7518 §3.4 asks for
			// neither: so a signature does not identify a token.
			{kid + ": and r with n-s is as good as r with s", numbers(func(r, s *big.Int) (*big.Int, *big.Int) { return r, new(big.Int).Sub(n, s) }), accepted},
		})
	}
}

func der(key *ecdsa.PrivateKey, input string) []byte {
	hash, _ := hashOf(key)
	return must(ecdsa.SignASN1(rand.Reader, key, hashed(hash, input)))
}

func TestHostileRSASignatures(t *testing.T) { // C14
	x := newTarget(t, nil)
	n, size := rsaOwn().N, rsaOwn().Size()
	rows := []row{}
	for alg, sign := range map[string]signature{"RS256": pkcs1, "PS256": pss} {
		made := func(of func(good []byte) []byte) string {
			return compact(header("rsa", "alg", `"`+alg+`"`), x.payload(), func(input string) []byte { return of(sign(input)) })
		}
		constant := func(value *big.Int) string {
			return made(func([]byte) []byte { return value.FillBytes(make([]byte, size)) })
		}
		rows = append(rows,
			row{alg + ": none", made(func([]byte) []byte { return nil }), badSignature},
			row{alg + ": a zero in front", made(func(good []byte) []byte { return append([]byte{0}, good...) }), badSignature},
			row{alg + ": a zero behind", made(func(good []byte) []byte { return append(slices.Clip(good), 0) }), badSignature},
			row{alg + ": an octet less", made(func(good []byte) []byte { return good[1:] }), badSignature},
			row{alg + ": an octet less behind", made(func(good []byte) []byte { return good[:size-1] }), badSignature},
			row{alg + ": twice", made(func(good []byte) []byte { return append(slices.Clip(good), good...) }), badSignature},
			row{alg + ": the modulus more, in as many octets as that takes", made(func(good []byte) []byte {
				return new(big.Int).Add(new(big.Int).SetBytes(good), n).Bytes()
			}), badSignature},
			row{alg + ": the modulus less, which is negative", made(func(good []byte) []byte {
				return new(big.Int).Sub(n, new(big.Int).SetBytes(good)).FillBytes(make([]byte, size))
			}), badSignature},
			row{alg + ": zero", constant(new(big.Int)), badSignature},
			row{alg + ": one", constant(big.NewInt(1)), badSignature},
			row{alg + ": the modulus less one", constant(new(big.Int).Sub(n, big.NewInt(1))), badSignature},
			row{alg + ": the modulus", constant(n), badSignature},
			row{alg + ": a bit changed", made(func(good []byte) []byte { good[size-1] ^= 1; return good }), badSignature},
			row{alg + ": and the good one passes", made(func(good []byte) []byte { return good }), accepted},
		)
	}
	x.attack(t, rows)
}

// RFC 8032 §5.1.7: S is below L, else one signature had many forms.
func TestHostileEd25519Signatures(t *testing.T) { // C14, C15
	x := newTarget(t, nil)
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10) // 2^252 + 27742317777372353535851937790883648493
	made := func(of func(good []byte) []byte) string {
		return compact(header("ed25519"), x.payload(), func(input string) []byte { return of(eddsa(input)) })
	}
	added := func(times int64) string {
		return made(func(good []byte) []byte {
			s := new(big.Int).SetBytes(reversed(good[32:]))
			s.Add(s, new(big.Int).Mul(order, big.NewInt(times)))
			return append(slices.Clip(good[:32]), reversed(s.FillBytes(make([]byte, 32)))...)
		})
	}
	rows := []row{
		{"none", made(func([]byte) []byte { return nil }), badSignature},
		{"L more than S", added(1), badSignature},
		{"twice L more than S", added(2), badSignature},
		{"the highest bit of S", made(func(good []byte) []byte { good[63] |= 0x80; return good }), badSignature},
		{"the sign of R", made(func(good []byte) []byte { good[31] ^= 0x80; return good }), badSignature},
		{"an octet less", made(func(good []byte) []byte { return good[:63] }), badSignature},
		{"an octet more", made(func(good []byte) []byte { return append(good, 0) }), badSignature},
		{"of the digest (Ed25519ph)", compact(header("ed25519"), x.payload(), prehashed), badSignature},
		{"S alone is zero", made(func(good []byte) []byte { return append(slices.Clip(good[:32]), make([]byte, 32)...) }), badSignature},
	}
	// Points of small order, which a careless sum leaves out.
	for name, point := range map[string]string{
		"1":                "0100000000000000000000000000000000000000000000000000000000000000",
		"2":                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"4":                "0000000000000000000000000000000000000000000000000000000000000000",
		"8":                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"1, not canonical": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		small := must(hex.DecodeString(point))
		rows = append(rows,
			row{"R of order " + name + ", S is zero", made(func([]byte) []byte { return append(slices.Clip(small), make([]byte, 32)...) }), badSignature},
			row{"R of order " + name + ", S is the good one", made(func(good []byte) []byte { return append(slices.Clip(small), good[32:]...) }), badSignature},
		)
	}
	x.attack(t, append(rows, row{"and the good one passes", made(func(good []byte) []byte { return good }), accepted}))
}

func prehashed(input string) []byte {
	return must(ed25519Own().Sign(rand.Reader, hashed(crypto.SHA512, input), &ed25519.Options{Hash: crypto.SHA512}))
}

func reversed(octets []byte) []byte {
	octets = slices.Clone(octets)
	slices.Reverse(octets)
	return octets
}

// Parts of good tokens do not make a good token.
func TestHostileTokensOfTwoParts(t *testing.T) { // C9, C29
	x := newTarget(t, nil)
	reader, writer := strings.Split(x.withClaims("scope", `"x"`), "."), strings.Split(x.withClaims(), ".")
	x.attack(t, []row{
		{"another token's payload", reader[0] + "." + writer[1] + "." + reader[2], badSignature},
		{"another token's signature", reader[0] + "." + reader[1] + "." + writer[2], badSignature},
		{"another header", base64url.EncodeToString([]byte(header("p256", "x", "1"))) + "." + writer[1] + "." + writer[2], badSignature},
		{"the header with a space more", base64url.EncodeToString([]byte(header("p256")+" ")) + "." + writer[1] + "." + writer[2], badSignature},
		{"a key of the attacker's under the issuer's kid", compact(header("p256"), x.payload(), ecdsaBy(stranger())), badSignature},
		{"a key of the attacker's without a kid", compact(header("p256", "kid", ""), x.payload(), ecdsaBy(stranger())), badSignature.fetching()},
		{"the tokens one behind the other", strings.Join(reader, ".") + "." + strings.Join(writer, "."), malformed},
	})
}

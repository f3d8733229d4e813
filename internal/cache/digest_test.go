package cache

import (
	"crypto/cipher"
	"crypto/sha256"
	"math/bits"
	"strings"
	"testing"
)

var digests = map[string]func(token string) Digest{"of any token": DigestOf, "of a JWT": DigestOfJWT}

// What is kept of a token is not what another process keeps, nor what a list of
// common tokens could be compared with.
func TestADigestIsOfThisProcessAlone(t *testing.T) {
	common := sha256.Sum256([]byte("opaque"))
	if DigestOf("opaque") == Digest(common[:]) {
		t.Error("it is that of every process")
	}
}

func TestADigestIsOfTheWholeToken(t *testing.T) {
	for name, of := range digests {
		t.Run(name, func(t *testing.T) {
			for _, length := range []int{0, 1, 15, 16, 17, 255, 256, 257, 4096} {
				token := strings.Repeat("a", length)
				if d := of(token); of(strings.Clone(token)) != d {
					t.Errorf("%d octets have two digests", length)
				}
				for i := range length {
					if of(token) == of(token[:i]+"b"+token[i+1:]) {
						t.Errorf("octet %d of %d makes no difference", i, length)
					}
				}
				if of(token) == of(token+"\x00") || length > 0 && of(token) == of(token[1:]) {
					t.Errorf("%d octets have the digest of others", length)
				}
			}
		})
	}
}

// Tokens that are nearly the same have nothing in common.
func TestADigestIsRandom(t *testing.T) {
	for name, of := range digests {
		t.Run(name, func(t *testing.T) {
			const tokens = 1000
			token, differ := []byte(strings.Repeat("a", 600)), 0
			last := of(string(token))
			for i := range tokens {
				token[i%len(token)] ^= 1
				d := of(string(token))
				for k := range d {
					differ += bits.OnesCount8(d[k] ^ last[k])
				}
				last = d
			}
			if share := float64(differ) / tokens / (8 * float64(len(last))); share < 0.49 || share > 0.51 {
				t.Errorf("%.3f of the bits change, not half of them", share)
			}
		})
	}
}

// Of GHASH alone, the digests of four tokens that cancel each other out would cancel
// each other out too; who has its key could make a token for a digest.
func TestADigestIsNotLinear(t *testing.T) {
	token := func(changes ...int) string {
		octets := []byte(strings.Repeat("a", 600))
		for _, at := range changes {
			octets[at] ^= 1
		}
		return string(octets)
	}
	for name, of := range digests {
		a, b, c, d := of(token()), of(token(100)), of(token(500)), of(token(100, 500))
		sum := 0
		for i := range a {
			sum |= int(a[i] ^ b[i] ^ c[i] ^ d[i])
		}
		if sum == 0 {
			t.Errorf("%s: it is", name)
		}
	}
}

// In FIPS 140-only mode there is no GCM of this kind.
func TestADigestWithoutGCM(t *testing.T) {
	defer func(before cipher.AEAD) { hash = before }(hash)
	hash = nil
	if DigestOfJWT("a.b.c") != DigestOf("a.b.c") {
		t.Error("it is not the other digest")
	}
}

func TestADigestIsNoGarbage(t *testing.T) {
	long := strings.Repeat("a", 4096)
	for name, of := range digests {
		if n := testing.AllocsPerRun(100, func() { of(long) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	token := strings.Repeat("a", 700)
	for name, of := range digests {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				of(token)
			}
		})
	}
}

// sameForAll is a hash that somebody is in command of.
type sameForAll struct{ cipher.AEAD }

func (sameForAll) Seal(dst, _, _, _ []byte) []byte { return append(dst, make([]byte, tagSize)...) }

// Who can give a token any GHASH that he likes, as he has its key, lacks the end of the
// token all the same.
func TestADigestIsOfTheTokensEndAsWell(t *testing.T) {
	defer func(before cipher.AEAD) { hash = before }(hash)
	hash = sameForAll{hash}
	const signed = "eyJhbGciOiJFUzI1NiJ9.e30."
	end := strings.Repeat("a", 39)
	for i := range end {
		if other := end[:i] + "b" + end[i+1:]; DigestOfJWT(signed+end) == DigestOfJWT(signed+other) {
			t.Errorf("octet %d of the last 39 makes no difference", i)
		}
	}
}

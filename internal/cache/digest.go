package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"github.com/bearerguard/bearerguard/internal/octets"
)

// Digest stands for a token: a token itself is not kept in memory, and no two have
// the same (RFC 9700 §4.9.3).
type Digest [16]byte

// seed makes the digests different in each process, so that nobody can tell from one
// what another remembers, nor where.
var seed = random()

func random() (key [16]byte) {
	_, _ = rand.Read(key[:]) // it never fails
	return key
}

// DigestOf is the digest of a token, of any length: SHA-256, of which half is enough
// for who cannot compute it.
func DigestOf(token string) (d Digest) {
	h := sha256.New()
	h.Write(seed[:])
	h.Write(octets.Of(token))
	var sum [sha256.Size]byte
	copy(d[:], h.Sum(sum[:0]))
	return d
}

// DigestOfJWT is a digest that costs a third, for tokens that hold a signature. From
// 128 bits nobody gets back the 512 or more of a signature, not even who has the keys.
// An opaque token may have fewer; for those there is DigestOf.
//
// It is a hash of the token, universal by its secret key, that a block cipher with
// another key makes random. That two given tokens have the same digest has a
// probability of n/2¹²⁸, n being their length in blocks of 16 octets, and all that one
// could learn of digests, say by how long it takes to find them, tells nothing of the
// keys. The hash is GHASH: what AES-GCM says of a message that has no plaintext. GCM's
// rule that no nonce comes twice is for tags that others see (NIST SP 800-38D §8.3,
// appendix A); nobody sees these, and so the nonce is always the same.
func DigestOfJWT(token string) (d Digest) {
	if hash == nil {
		return DigestOf(token)
	}
	room := rooms.Get().(*Digest)
	hash.Seal(room[:0], nonce, nil, octets.Of(token))
	whiten.Encrypt(room[:], room[:])
	d = *room
	rooms.Put(room)
	return d
}

// hash is nil where the standard library has no GCM with a nonce of our own, which is
// in FIPS 140-only mode.
var (
	hash, _ = cipher.NewGCM(newAES())
	whiten  = newAES()
	nonce   = make([]byte, 12)
	rooms   = sync.Pool{New: func() any { return new(Digest) }}
)

func newAES() cipher.Block {
	key := random()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // it is for keys of another length
	}
	return block
}

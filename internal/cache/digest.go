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

// DigestOfJWT is a digest that costs half, for tokens that end in a signature.
//
// It is SHA-256 of one block, made of a keyed hash of the whole token and of the end of
// the token. By the hash, which is universal, no two given tokens have the same digest
// but with a probability of (n+1)/2¹²⁸, n being their length in blocks of 16 octets. It
// is no one-way function for who has the key, which is in the same memory; so the end
// of the token is what he would have to know, or invert SHA-256: there he lacks more
// than 200 bits of the signature. Opaque tokens may have fewer; for those there is
// DigestOf.
//
// The hash is GHASH: what AES-GCM says of a message that has no plaintext. GCM's rule
// that no nonce comes twice is for tags that others see (NIST SP 800-38D §8.3, appendix
// A); nobody sees these, and so the nonce is always the same.
func DigestOfJWT(token string) Digest {
	if hash == nil {
		return DigestOf(token)
	}
	tag := tags.Get().(*[tagSize]byte)
	hash.Seal(tag[:0], nonce, nil, octets.Of(token))
	var block [oneBlock]byte
	copy(block[copy(block[:], tag[:]):], token[max(len(token)-(oneBlock-tagSize), 0):])
	tags.Put(tag)
	sum := sha256.Sum256(block[:])
	return Digest(sum[:len(Digest{})])
}

const (
	tagSize = 16
	// oneBlock is how much SHA-256 takes in one step: a block without its padding.
	oneBlock = sha256.BlockSize - 9
)

// hash is nil where the standard library has no GCM with a nonce of our own, which is
// in FIPS 140-only mode.
var (
	hash, _ = cipher.NewGCM(newAES())
	nonce   = make([]byte, 12)
	// tags are used again, for what is passed to an interface is allocated.
	tags = sync.Pool{New: func() any { return new([tagSize]byte) }}
)

func newAES() cipher.Block {
	key := random()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // it is for keys of another length
	}
	return block
}

package cache

import (
	"crypto/rand"
	"crypto/sha256"
)

// Digest stands for a token: a token itself is not kept in memory, and no two have
// the same (RFC 9700 §4.9.3).
type Digest [sha256.Size]byte

// seed makes the digests different in each process, so that nobody can tell from one
// what another remembers, nor where.
var seed = func() (seed [sha256.Size]byte) {
	_, _ = rand.Read(seed[:]) // it never fails
	return seed
}()

// DigestOf is the digest of a token, of any length.
func DigestOf(token string) (d Digest) {
	h := sha256.New()
	h.Write(seed[:])
	var room [256]byte // by which a long token makes no more garbage than a short one
	for len(token) > 0 {
		n := copy(room[:], token)
		h.Write(room[:n])
		token = token[n:]
	}
	h.Sum(d[:0])
	return d
}

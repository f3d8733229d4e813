package verify

import (
	"crypto/rand"
	"crypto/sha256"
)

// digest stands for a token: a token itself is not kept in memory, and no two have
// the same (RFC 9700 §4.9.3).
type digest [sha256.Size]byte

// seed makes the digests different in each process, so that nobody can tell from one
// what another remembers, nor where.
var seed = func() (seed [sha256.Size]byte) {
	_, _ = rand.Read(seed[:]) // it never fails
	return seed
}()

func digestOf(token string) (d digest) {
	h := sha256.New()
	h.Write(seed[:])
	var room [256]byte // by which a token of any length makes no garbage
	for len(token) > 0 {
		n := copy(room[:], token)
		h.Write(room[:n])
		token = token[n:]
	}
	h.Sum(d[:0])
	return d
}

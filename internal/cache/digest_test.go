package cache

import (
	"crypto/sha256"
	"strings"
	"testing"
)

// What is kept of a token is not what another process keeps, nor what a list of
// common tokens could be compared with.
func TestADigestIsOfThisProcessAlone(t *testing.T) {
	if DigestOf("opaque") == sha256.Sum256([]byte("opaque")) {
		t.Error("it is that of every process")
	}
}

func TestADigestIsOfTheWholeToken(t *testing.T) {
	for _, length := range []int{0, 1, 255, 256, 257, 4096} {
		token := strings.Repeat("a", length)
		if d := DigestOf(token); DigestOf(token) != d {
			t.Errorf("%d octets have two digests", length)
		}
		if DigestOf(token) == DigestOf(token+"a") || length > 0 && DigestOf(token) == DigestOf(token[1:]+"b") {
			t.Errorf("%d octets have the digest of others", length)
		}
	}
	long := strings.Repeat("a", 4096)
	if n := testing.AllocsPerRun(10, func() { DigestOf(long) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

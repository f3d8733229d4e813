package middleware

import (
	"strings"
	"testing"
)

// Looking at 8 octets at once and looking at each come to the same.
func TestB64TokensEightByEight(t *testing.T) { // C1
	for c := range 256 {
		for length := 1; length <= 20; length++ {
			for at := range length {
				s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("Z", length-at-1)
				if areCommon(s) && !b64token.has(s) {
					t.Fatalf("%q is taken for a token", s)
				}
				want := b64token.has(strings.TrimRight(s, "="))
				if isB64Token(s) != want {
					t.Fatalf("%q is a token: %v, want %v", s, !want, want)
				}
				if common := length >= 8 && b64token[c] && c != '~' && c != '+'; areCommon(s) != common {
					t.Fatalf("%q is looked at the quick way: %v", s, !common)
				}
			}
		}
	}
	for _, s := range []string{"", "=", "==="} {
		if isB64Token(s) {
			t.Errorf("%q is a token", s)
		}
	}
}

package octets

import "testing"

func TestOf(t *testing.T) {
	for _, s := range []string{"", "a", "a longer one, with \x00 and ſ"} {
		if o := Of(s); string(o) != s || cap(o) != len(s) {
			t.Errorf("%q: %q, of capacity %d", s, o, cap(o))
		}
	}
}

package middleware

import "strings"

// challenge writes one challenge of WWW-Authenticate (RFC 9110 §11.6.1): a
// scheme and its parameters, each a quoted-string.
type challenge struct {
	strings.Builder
	parameters int
}

func newChallenge(scheme string) *challenge {
	c := &challenge{}
	c.Grow(192) // most are shorter
	c.WriteString(scheme)
	return c
}

// quoted adds a parameter whose value is printable ASCII, with the quoted-pairs
// that a quoted-string needs (RFC 9110 §5.6.4).
func (c *challenge) quoted(name, value string) *challenge {
	if c.parameters > 0 {
		c.WriteByte(',')
	}
	c.parameters++
	c.WriteByte(' ')
	c.WriteString(name)
	c.WriteString(`="`)
	for i := range len(value) {
		if value[i] == '"' || value[i] == '\\' {
			c.WriteByte('\\')
		}
		c.WriteByte(value[i])
	}
	c.WriteByte('"')
	return c
}

// plain adds a parameter whose value may only have the characters %x20-21 /
// %x23-5B / %x5D-7E (RFC 6750 §3), whatever a verifier's description holds.
func (c *challenge) plain(name, value string) *challenge {
	return c.quoted(name, strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\':
			return '/'
		case r < ' ' || r > '~':
			return ' '
		default:
			return r
		}
	}, value))
}

// Package octets looks at strings as what they are made of. Tokens are strings, and
// cryptography wants slices; this spares a copy of each token.
package octets

import "unsafe"

// Of are the octets of s, in its own memory. Nobody may change them.
func Of(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

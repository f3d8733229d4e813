package scopes

import (
	"errors"
	"iter"
	"slices"
	"strings"
)

// Set is the set of scopes that an access token grants. It carries the
// [Matcher] of the issuer that granted them, so that every question asked of
// it, by [Rule.Allows] or by the principal's Can, gets the same answer.
//
// The zero value grants nothing. A Set is immutable and safe for concurrent
// use.
type Set struct {
	names []string
	match Matcher
}

var errInvalid = errors.New(`scopes: not a list of scope tokens: names of the characters ! # to [ ] to ~ (no quote, no backslash), one space between them (RFC 6749 section 3.3)`)

// Parse reads the scope parameter of RFC 6749 §3.3: case-sensitive names,
// separated by single spaces. The empty string is the empty set; a name given
// twice counts once.
func Parse(s string) (Set, error) {
	if s == "" {
		return Set{}, nil
	}
	return own(strings.Split(s, " "))
}

// New is the Set of the given names, in their order. It fails if a name is not
// a scope-token of RFC 6749 §3.3; the error does not repeat the name, which may
// be a stranger's.
func New(names []string) (Set, error) { return own(slices.Clone(names)) }

// own makes names, which nobody else holds, a Set.
func own(names []string) (Set, error) {
	for _, name := range names {
		if !Valid(name) {
			return Set{}, errInvalid
		}
	}
	return Set{names: unique(names)}, nil
}

// Of is New for names written in the program: it panics where New fails.
func Of(names ...string) Set {
	set, err := New(names)
	if err != nil {
		panic(err)
	}
	return set
}

// Matching is the same grants, judged by m from now on. A nil m is [Exact].
func (s Set) Matching(m Matcher) Set {
	s.match = m
	return s
}

// Has tells whether the granted scopes cover the required one. It is false for
// anything that is not a scope-token.
func (s Set) Has(required string) bool {
	if s.match == nil {
		return slices.Contains(s.names, required)
	}
	return Valid(required) && slices.ContainsFunc(s.names, func(granted string) bool { return s.match(granted, required) })
}

// All yields the granted names as the token wrote them.
func (s Set) All() iter.Seq[string] { return slices.Values(s.names) }

// Len is the number of granted names.
func (s Set) Len() int { return len(s.names) }

// String is the scope parameter of RFC 6749 §3.3; [Parse] reads it back.
func (s Set) String() string { return strings.Join(s.names, " ") }

// MarshalText makes a Set in JSON what it is in a token: one string.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Valid tells whether name is a scope-token of RFC 6749 §3.3:
// 1*( %x21 / %x23-5B / %x5D-7E ).
func Valid(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return name != ""
}

// unique is names without repetitions, in the order of first appearance, and in the
// same memory.
func unique(names []string) []string {
	kept := names[:0]
	// Tokens and rules hold a handful of scopes. Only a hostile token holds
	// thousands, and a quadratic search must not be its reward.
	if len(names) <= 64 {
		for _, name := range names {
			if !slices.Contains(kept, name) {
				kept = append(kept, name)
			}
		}
		return kept
	}
	seen := make(map[string]struct{}, len(names))
	for _, name := range names {
		if _, again := seen[name]; !again {
			seen[name] = struct{}{}
			kept = append(kept, name)
		}
	}
	return kept
}

package scopes

import "strings"

// A Matcher tells whether a granted scope covers a required one. What a
// granted scope means is the issuer's to say: "*" is everything in one issuer's
// tokens and a name like any other elsewhere. So a matcher is configured with
// the verifier and travels in the [Set], never with the route.
//
// A matcher is called with scope-tokens only, must not fail, and must be safe
// for concurrent use.
type Matcher func(granted, required string) bool

// Exact is the matcher of RFC 6749 §3.3 and the default: the same name, in the
// same case.
func Exact(granted, required string) bool { return granted == required }

// Wildcard reads "*" in a granted scope, whose segments sep separates: it
// stands for one whole segment that is not empty, at the end for one or more.
// With sep ".", "invoices.*" covers "invoices.read" and "invoices.read.own", not
// "invoices"; "*.read" covers "invoices.read"; "*" covers them all. A "*" that is
// only a part of a segment is a letter like any other.
func Wildcard(sep string) Matcher {
	mustSeparate("Wildcard", sep)
	return func(granted, required string) bool {
		for {
			pattern, morePattern, patternGoesOn := strings.Cut(granted, sep)
			segment, moreRequired, requiredGoesOn := strings.Cut(required, sep)
			if pattern == "*" {
				if segment == "" {
					return false
				}
				if !patternGoesOn {
					return true
				}
			} else if pattern != segment {
				return false
			}
			if !patternGoesOn || !requiredGoesOn {
				return patternGoesOn == requiredGoesOn
			}
			granted, required = morePattern, moreRequired
		}
	}
}

// Hierarchy lets a parent grant its children, never the reverse: with sep ":",
// "invoices" covers "invoices", "invoices:read" and "invoices:read:own".
func Hierarchy(sep string) Matcher {
	mustSeparate("Hierarchy", sep)
	return func(granted, required string) bool {
		rest, ok := strings.CutPrefix(required, granted)
		return ok && (rest == "" || strings.HasPrefix(rest, sep))
	}
}

// Superscope lets one granted name, such as "*", cover every scope.
func Superscope(name string) Matcher {
	if !Valid(name) {
		panic("scopes: Superscope wants the name of a scope, such as Superscope(\"*\")")
	}
	return func(granted, required string) bool { return granted == name || granted == required }
}

// Or covers what either matcher covers, such as
// Superscope("*").Or(Hierarchy(":")).
func (m Matcher) Or(other Matcher) Matcher {
	return func(granted, required string) bool { return m(granted, required) || other(granted, required) }
}

func mustSeparate(matcher, sep string) {
	if !Valid(sep) || strings.Contains(sep, "*") {
		panic("scopes: " + matcher + " wants the separator of a scope's segments, such as " + matcher + `(":")`)
	}
}

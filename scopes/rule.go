package scopes

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is what a route asks of a token's scopes. The zero value asks nothing:
// any valid token satisfies it. Rules are built by [All] and [Any], joined by
// [Rule.And] and [Rule.Or] to any depth, immutable, and safe for concurrent use.
//
// A mistake in a rule is a mistake in the program: the functions that build
// rules panic, at start-up and at the line that is wrong, with a message that
// says what to write.
type Rule struct {
	// alternatives is the rule as a list of lists: at least one list must be
	// granted in full. No list holds another. Empty is the zero rule.
	alternatives [][]string
}

// maxAlternatives bounds what joining rules can grow into, and with it the time
// that one decision takes; 16 times as many may be multiplied out on the way.
const maxAlternatives = 256

// All asks for every one of the scopes. Without names it is the zero rule.
func All(names ...string) Rule {
	mustBeScopes("All", names)
	if len(names) == 0 {
		return Rule{}
	}
	return Rule{[][]string{unique(slices.Clone(names))}}
}

// Any asks for at least one of the scopes, and so for at least one name.
func Any(names ...string) Rule {
	mustBeScopes("Any", names)
	if len(names) == 0 {
		panic(`scopes: Any() names no scope, so no token could satisfy it; name at least one, such as Any("invoices.read"), or write All() where any valid token will do`)
	}
	var rule Rule
	for _, name := range names {
		rule.add([]string{name})
	}
	return rule
}

// And asks for r and for every one of the others.
func (r Rule) And(others ...Rule) Rule {
	for _, other := range others {
		switch {
		case len(r.alternatives) == 0:
			r = other
		case len(other.alternatives) == 0 || r.equal(other):
			// nothing more is asked for
		case len(r.alternatives)*len(other.alternatives) > 16*maxAlternatives:
			panic(tooMany)
		default:
			var both Rule
			for _, left := range r.alternatives {
				for _, right := range other.alternatives {
					both.add(unique(slices.Concat(left, right)))
				}
			}
			r = both
		}
	}
	return r
}

// Or asks for r or for any one of the others. None of them may be the zero
// rule: every valid token satisfies that, and the others would mean nothing.
func (r Rule) Or(others ...Rule) Rule {
	if len(others) == 0 {
		return r
	}
	var either Rule
	for _, rule := range append([]Rule{r}, others...) {
		if len(rule.alternatives) == 0 {
			panic("scopes: Or with a rule that any valid token satisfies, which makes the rest of it meaningless; begin with All(...) or Any(...), not with the zero Rule, and leave empty rules out")
		}
		for _, alternative := range rule.alternatives {
			either.add(alternative)
		}
	}
	return either
}

// Allows tells whether the granted scopes satisfy the rule.
func (r Rule) Allows(granted Set) bool {
	for _, alternative := range r.alternatives {
		if missing(alternative, granted) == 0 {
			return true
		}
	}
	return len(r.alternatives) == 0
}

// Wanted is every scope that a token needs to satisfy the rule, those already
// granted included, for the scope parameter of a challenge (RFC 6750 §3). Of
// several alternatives it is the one that adds the fewest scopes to the granted
// ones; of equals, the one that was written first.
func (r Rule) Wanted(granted Set) []string {
	var best []string
	fewest := -1
	for _, alternative := range r.alternatives {
		if n := missing(alternative, granted); fewest < 0 || n < fewest {
			best, fewest = alternative, n
		}
	}
	return slices.Clone(best)
}

// String is the rule for people: names joined by "and" and "or".
func (r Rule) String() string {
	if len(r.alternatives) == 0 {
		return "any valid token"
	}
	either := make([]string, len(r.alternatives))
	for i, alternative := range r.alternatives {
		either[i] = strings.Join(alternative, " and ")
	}
	return strings.Join(either, ", or ")
}

// add keeps the list minimal: an alternative that asks for more than another
// one does can never decide anything.
func (r *Rule) add(alternative []string) {
	if slices.ContainsFunc(r.alternatives, func(held []string) bool { return holds(alternative, held) }) {
		return
	}
	r.alternatives = slices.DeleteFunc(r.alternatives, func(held []string) bool { return holds(held, alternative) })
	r.alternatives = append(r.alternatives, alternative)
	if len(r.alternatives) > maxAlternatives {
		panic(tooMany)
	}
}

var tooMany = fmt.Sprintf("scopes: the rule has more than %d alternatives; ask for fewer scopes, or grant one scope that stands for several", maxAlternatives)

func (r Rule) equal(other Rule) bool {
	return slices.EqualFunc(r.alternatives, other.alternatives, slices.Equal[[]string])
}

func holds(all, some []string) bool {
	for _, name := range some {
		if !slices.Contains(all, name) {
			return false
		}
	}
	return true
}

func missing(alternative []string, granted Set) (n int) {
	for _, name := range alternative {
		if !granted.Has(name) {
			n++
		}
	}
	return n
}

func mustBeScopes(function string, names []string) {
	for _, name := range names {
		if Valid(name) {
			continue
		}
		if fields := strings.Fields(name); len(fields) > 1 {
			panic(fmt.Sprintf(`scopes: %s(%q) has a space in a name; write one string a scope: %s("%s")`, function, name, function, strings.Join(fields, `", "`)))
		}
		panic(fmt.Sprintf(`scopes: %s(%q): not a scope name; a name has one or more characters of ! # to [ ] to ~, no space, quote or backslash (RFC 6749 section 3.3)`, function, name))
	}
}

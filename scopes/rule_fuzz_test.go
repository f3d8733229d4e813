package scopes_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bearerguard/bearerguard/scopes"
)

// names are what the generated rules ask for, one bit each. Some are parents of
// others, so that Hierarchy has something to do.
var names = []string{"a", "a:b", "a:b:c", "d", "d:e", "f"}

// expression is a rule as it was written, before anything is worked out.
type expression struct {
	operator string // All, Any, And or Or
	names    []string
	parts    []expression
}

// holds judges the expression from the top down, as a reader would.
func (e expression) holds(has func(string) bool) bool {
	switch e.operator {
	case "All":
		return !slices.ContainsFunc(e.names, func(name string) bool { return !has(name) })
	case "Any":
		return slices.ContainsFunc(e.names, has)
	case "And":
		return !slices.ContainsFunc(e.parts, func(part expression) bool { return !part.holds(has) })
	default:
		return slices.ContainsFunc(e.parts, func(part expression) bool { return part.holds(has) })
	}
}

func (e expression) rule() scopes.Rule {
	switch e.operator {
	case "All":
		return scopes.All(e.names...)
	case "Any":
		return scopes.Any(e.names...)
	}
	var rest []scopes.Rule
	for _, part := range e.parts[1:] {
		rest = append(rest, part.rule())
	}
	if e.operator == "And" {
		return e.parts[0].rule().And(rest...)
	}
	return e.parts[0].rule().Or(rest...)
}

func (e expression) String() string {
	if e.parts == nil {
		return fmt.Sprintf("%s%q", e.operator, e.names)
	}
	return fmt.Sprint(e.operator, e.parts)
}

// read makes an expression of arbitrary octets. Each octet is used once, so it
// ends; the zero rule appears only where it may stand, outside of Or.
func read(octets *[]byte, depth int, mayBeZero bool) expression {
	next := func() byte {
		if len(*octets) == 0 {
			return 0
		}
		octet := (*octets)[0]
		*octets = (*octets)[1:]
		return octet
	}
	octet := next()
	e := expression{operator: []string{"All", "Any", "And", "Or"}[octet%4]}
	if depth == 0 || len(*octets) == 0 {
		e.operator = []string{"All", "Any"}[octet%2]
	}
	if e.operator == "And" || e.operator == "Or" {
		for range 1 + octet/4%3 {
			e.parts = append(e.parts, read(octets, depth-1, e.operator == "And" && mayBeZero))
		}
		return e
	}
	e.names = chosen(uint(next()))
	if len(e.names) == 0 && !(mayBeZero && e.operator == "All") {
		e.names = names[:1]
	}
	return e
}

// chosen are the names whose bits are set.
func chosen(mask uint) (some []string) {
	for i, name := range names {
		if mask&(1<<i) != 0 {
			some = append(some, name)
		}
	}
	return some
}

// fewest is the least number of names that, added to the granted ones, make the
// expression hold: all of the possible additions are tried.
func fewest(e expression, granted uint) int {
	least := len(names)
	for added := range uint(1) << len(names) {
		if n := bits.OnesCount(added &^ granted); n < least {
			together := chosen(granted | added)
			if e.holds(func(name string) bool { return slices.Contains(together, name) }) {
				least = n
			}
		}
	}
	return least
}

func checkRule(t *testing.T, octets []byte, granted uint) {
	e := read(&octets, 4, true)
	rule := e.rule()
	granted %= 1 << len(names)
	// The rule asks the set and compares no names itself, so that the reading
	// holds for every matcher.
	for matcher, set := range map[string]scopes.Set{
		"Exact":     scopes.Of(chosen(granted)...),
		"Hierarchy": scopes.Of(chosen(granted)...).Matching(scopes.Hierarchy(":")),
	} {
		allowed, want := rule.Allows(set), e.holds(set.Has)
		if allowed != want {
			t.Fatalf("%v with %q granted, %s: Allows is %v, want %v", e, set, matcher, allowed, want)
		}
		wanted := rule.Wanted(set)
		enough := scopes.Of(slices.Concat(slices.Collect(set.All()), wanted)...)
		if !rule.Allows(enough) {
			t.Fatalf("%v with %q granted, %s: what is Wanted, %q, does not satisfy it", e, set, matcher, wanted)
		}
		if missing := slices.ContainsFunc(wanted, func(name string) bool { return !set.Has(name) }); missing == allowed {
			t.Fatalf("%v with %q granted, %s: Allows is %v, and Wanted %q", e, set, matcher, allowed, wanted)
		}
		if matcher == "Exact" {
			if got, want := enough.Len()-set.Len(), fewest(e, granted); got != want {
				t.Fatalf("%v with %q granted: %q adds %d scopes, %d would do", e, set, wanted, got, want)
			}
		}
	}
}

// Allows is what a reader of the rule says, Wanted is enough, and no fewer
// scopes would do.
func FuzzRule(f *testing.F) { // C53
	f.Add([]byte{}, uint(0))
	f.Add([]byte{0, 3}, uint(1))
	f.Add([]byte{1, 0b101}, uint(4))
	f.Add([]byte{6, 0, 3, 1, 12}, uint(5))
	f.Add([]byte{11, 6, 0, 3, 1, 12, 0, 7, 1, 48}, uint(9))
	f.Fuzz(checkRule)
}

func TestRulesAgreeWithTheirReading(t *testing.T) {
	random := rand.New(rand.NewPCG(6749, 6750)) // the same rules each time
	octets := make([]byte, 24)
	for range 2000 {
		for i := range octets {
			octets[i] = byte(random.Uint32())
		}
		checkRule(t, octets, uint(random.Uint32()))
	}
}

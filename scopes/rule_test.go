package scopes_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerguard/bearerguard/scopes"
)

var allOf, anyOf = scopes.All, scopes.Any

func TestAllows(t *testing.T) {
	for name, test := range map[string]struct {
		rule    scopes.Rule
		granted string
		want    bool
	}{
		"the zero rule: any token":                 {scopes.Rule{}, "", true},
		"All without names: any token":             {allOf(), "", true},
		"All: each is granted":                     {allOf("a", "b"), "b a c", true},
		"All: one is missing":                      {allOf("a", "b"), "a c", false},
		"All: none is granted":                     {allOf("a"), "", false},
		"All: a name twice is asked once":          {allOf("a", "a"), "a", true},
		"All: case matters":                        {allOf("a"), "A", false}, // C8
		"Any: the first":                           {anyOf("a", "b"), "a", true},
		"Any: the last":                            {anyOf("a", "b"), "b", true},
		"Any: none":                                {anyOf("a", "b"), "c", false},
		"And: both hold":                           {anyOf("a", "b").And(allOf("c")), "b c", true},
		"And: one does not":                        {anyOf("a", "b").And(allOf("c")), "a b", false},
		"And with the zero rule changes nothing":   {allOf("a").And(scopes.Rule{}), "b", false},
		"And on the zero rule is the other":        {scopes.Rule{}.And(allOf("a")), "b", false},
		"And on the zero rule is the other, holds": {scopes.Rule{}.And(allOf("a")), "a", true},
		"And of nothing is the rule":               {allOf("a").And(), "b", false},
		"And of zero rules is a zero rule":         {scopes.Rule{}.And(allOf(), scopes.Rule{}), "", true},
		"And of three":                             {allOf("a").And(allOf("b"), anyOf("c", "d")), "a b d", true},
		"And of three, the last one missing":       {allOf("a").And(allOf("b"), anyOf("c", "d")), "a b", false},
		"Or: the left one":                         {allOf("a", "b").Or(allOf("c")), "a b", true},
		"Or: the right one":                        {allOf("a", "b").Or(allOf("c")), "c", true},
		"Or: half of the left one":                 {allOf("a", "b").Or(allOf("c")), "a", false},
		"Or of nothing is the rule":                {allOf("a").Or(), "b", false},
		"Or of nothing on the zero rule":           {scopes.Rule{}.Or(), "", true},
		"Or within And within Or":                  {allOf("a").And(allOf("b").Or(allOf("c"))).Or(allOf("d")), "a c", true},
		"Or within And within Or, not":             {allOf("a").And(allOf("b").Or(allOf("c"))).Or(allOf("d")), "b c", false},
		"an alternative that asks for more":        {allOf("a").Or(allOf("a", "b")), "a", true},
		"an alternative that asks for less":        {allOf("a", "b").Or(allOf("a")), "a", true},
	} {
		t.Run(name, func(t *testing.T) {
			granted, err := scopes.Parse(test.granted)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.rule.Allows(granted); got != test.want {
				t.Errorf("%q with %q granted: %v", test.rule, granted, got)
			}
		})
	}
}

func TestWanted(t *testing.T) { // C6, C53
	for name, test := range map[string]struct {
		rule    scopes.Rule
		granted scopes.Set
		want    string
	}{
		"the zero rule wants nothing":              {scopes.Rule{}, scopes.Set{}, ""},
		"all of All":                               {allOf("b", "a"), scopes.Set{}, "b a"},
		"those already granted are named too":      {allOf("a", "b"), scopes.Of("a"), "a b"},
		"those granted beside are not":             {allOf("a"), scopes.Of("c"), "a"},
		"one of Any, the first":                    {anyOf("b", "a"), scopes.Set{}, "b"},
		"one of Any, the one granted":              {anyOf("b", "a"), scopes.Of("a"), "a"},
		"the alternative that adds the fewest":     {allOf("a", "b").Or(allOf("c")), scopes.Set{}, "c"},
		"additions count, not names":               {allOf("c", "d").Or(allOf("a", "b", "e")), scopes.Of("a", "b"), "a b e"},
		"of equals the one written first":          {allOf("a", "b").Or(allOf("c", "d")), scopes.Set{}, "a b"},
		"of equals the one written first, in And":  {allOf("x").And(anyOf("a", "b")), scopes.Set{}, "x a"},
		"a name asked for twice is named once":     {allOf("a", "b").And(allOf("b", "c")), scopes.Set{}, "a b c"},
		"a satisfied rule wants what satisfies it": {allOf("a").Or(allOf("b")), scopes.Of("b"), "b"},
		"what a matcher covers is not missing": {
			allOf("orders:read", "orders:write").Or(allOf("admin")),
			scopes.Of("orders").Matching(scopes.Hierarchy(":")), "orders:read orders:write",
		},
		"to Exact the same is missing": {
			allOf("orders:read", "orders:write").Or(allOf("admin")),
			scopes.Of("orders"), "admin",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(test.rule.Wanted(test.granted), " "); got != test.want {
				t.Errorf("%q with %q granted wants %q, want %q", test.rule, test.granted, got, test.want)
			}
		})
	}
}

func TestARuleReadsAsASentence(t *testing.T) {
	for want, rule := range map[string]scopes.Rule{
		"any valid token":              {},
		"a":                            allOf("a"),
		"a and b":                      allOf("a", "b"),
		"a, or b":                      anyOf("a", "b"),
		"a and c, or b and c":          anyOf("a", "b").And(allOf("c")),
		"a and b, or c":                allOf("a", "b").Or(allOf("c")),
		"x":                            allOf("x", "y").Or(anyOf("x")),
		"a and b, or a and c, or d":    allOf("a").And(anyOf("b", "c")).Or(allOf("d")),
		"a and c, or b and c, or also": anyOf("a", "b").And(allOf("c")).Or(allOf("also"), allOf("c", "b")),
	} {
		if got := rule.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A rule that cannot mean what its author thinks must not reach production: the
// panic comes where it is written, and says what to write.
func TestAMistakeInARulePanics(t *testing.T) { // C8
	for name, test := range map[string]struct {
		build func()
		says  string
	}{
		"All: two names in one string":    {func() { allOf("a b") }, `write one string a scope: All("a", "b")`},
		"Any: two names in one string":    {func() { anyOf("a  b") }, `write one string a scope: Any("a", "b")`},
		"All: the empty name":             {func() { allOf("a", "") }, `All(""): not a scope name`},
		"All: a quote":                    {func() { allOf(`a"`) }, "not a scope name"},
		"Any: a letter beyond ASCII":      {func() { anyOf("é") }, "not a scope name"},
		"Any: a trailing space":           {func() { anyOf("a ") }, "not a scope name"},
		"Any without names":               {func() { anyOf() }, "name at least one"},
		"Any of no names in a slice":      {func() { anyOf([]string{}...) }, "name at least one"},
		"Or on the zero rule":             {func() { scopes.Rule{}.Or(allOf("a")) }, "begin with All(...) or Any(...)"},
		"Or with the zero rule":           {func() { allOf("a").Or(scopes.Rule{}) }, "leave empty rules out"},
		"Or with All() of no names":       {func() { allOf("a").Or(allOf("b"), allOf()) }, "leave empty rules out"},
		"more alternatives than are read": {func() { pairs(9) }, "more than 256 alternatives"},
		"Any of more names than are read": {func() { anyOf(numbered(257)...) }, "more than 256 alternatives"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := panicOf(test.build); !strings.HasPrefix(got, "scopes: ") || !strings.Contains(got, test.says) {
				t.Errorf("panic %q, want one that says %q", got, test.says)
			}
		})
	}
}

func TestTheLargestRule(t *testing.T) {
	rule := pairs(8)
	if !rule.Allows(scopes.Of(numbered(8)...)) {
		t.Error("one of each pair is granted and it is refused")
	}
	if rule.Allows(scopes.Of(numbered(7)...)) {
		t.Error("nothing of the last pair is granted and it is allowed")
	}
	if names := numbered(256); !anyOf(names...).Allows(scopes.Of("s255")) {
		t.Error("the last of 256 names is granted and it is refused")
	}
}

// A group's rule that a route repeats is not multiplied by itself.
func TestARuleRepeated(t *testing.T) {
	rule := pairs(8)
	if got, want := rule.And(rule).String(), rule.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// pairs asks for one of each of n pairs, which makes 2 to the n alternatives.
func pairs(n int) scopes.Rule {
	var rule scopes.Rule
	for _, name := range numbered(n) {
		rule = rule.And(anyOf(name, "other-"+name))
	}
	return rule
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i)
	}
	return names
}

// Rules are shared: a group's rule is the beginning of each of its routes'.
func TestARuleDoesNotChange(t *testing.T) {
	names := []string{"a", "b"}
	group := allOf(names...)
	choice := anyOf(names...)
	names[0], names[1] = "z", "z"
	if group.String() != "a and b" || choice.String() != "a, or b" {
		t.Errorf("the rules follow the caller's slice: %q; %q", group, choice)
	}

	read, write := choice.And(allOf("read")), choice.And(allOf("write"))
	either := choice.Or(allOf("c"))
	sibling := choice.Or(allOf("d"))
	for want, rule := range map[string]scopes.Rule{
		"a, or b":                     choice,
		"a and read, or b and read":   read,
		"a and write, or b and write": write,
		"a, or b, or c":               either,
		"a, or b, or d":               sibling,
	} {
		if got := rule.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}

	group.Wanted(scopes.Set{})[0] = "z"
	if got := group.Wanted(scopes.Set{}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the rule follows the answer that it gave: %q", got)
	}

	var routes sync.WaitGroup
	for range 8 {
		routes.Go(func() {
			derived := either.And(allOf("x")).Or(group)
			if !derived.Allows(scopes.Of("c", "x")) || derived.Allows(scopes.Of("c")) {
				t.Error("a derived rule decides otherwise when others are derived beside it")
			}
		})
	}
	routes.Wait()
}

package scopes_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/scopes"
)

func TestMatchers(t *testing.T) {
	var (
		wildcard  = scopes.Wildcard(".")
		hierarchy = scopes.Hierarchy(":")
		star      = scopes.Superscope("*")
	)
	for name, test := range map[string]struct {
		matcher           scopes.Matcher
		granted, required string
		want              bool
	}{
		"Exact: the same name":                      {scopes.Exact, "a.read", "a.read", true},
		"Exact: other case":                         {scopes.Exact, "a.read", "a.Read", false},
		"Exact: a star is a name":                   {scopes.Exact, "*", "a", false},
		"Exact: the star itself":                    {scopes.Exact, "*", "*", true},
		"Exact: a parent is another name":           {scopes.Exact, "a", "a.read", false},
		"Wildcard: the same name":                   {wildcard, "invoices.read", "invoices.read", true},
		"Wildcard: a star ends for one segment":     {wildcard, "invoices.*", "invoices.read", true},
		"Wildcard: a star ends for several":         {wildcard, "invoices.*", "invoices.read.own", true},
		"Wildcard: a star is not for none":          {wildcard, "invoices.*", "invoices", false},
		"Wildcard: a star is not for an empty one":  {wildcard, "invoices.*", "invoices.", false},
		"Wildcard: a star in front for one segment": {wildcard, "*.read", "invoices.read", true},
		"Wildcard: a star in front is not for two":  {wildcard, "*.read", "invoices.own.read", false},
		"Wildcard: a star in the middle":            {wildcard, "a.*.c", "a.b.c", true},
		"Wildcard: a star in the middle, not two":   {wildcard, "a.*.c", "a.b.b.c", false},
		"Wildcard: a star in the middle, not none":  {wildcard, "a.*.c", "a.c", false},
		"Wildcard: a star in the middle, not empty": {wildcard, "a.*.c", "a..c", false},
		"Wildcard: two stars":                       {wildcard, "*.*", "a.b", true},
		"Wildcard: two stars want two segments":     {wildcard, "*.*", "a", false},
		"Wildcard: a star alone covers a name":      {wildcard, "*", "a", true},
		"Wildcard: a star alone covers a path":      {wildcard, "*", "a.b.c", true},
		"Wildcard: another segment":                 {wildcard, "invoices.*", "orders.read", false},
		"Wildcard: other case":                      {wildcard, "invoices.*", "Invoices.read", false},
		"Wildcard: a longer first segment":          {wildcard, "invoices.*", "invoicesX.read", false},
		"Wildcard: a star within a segment":         {wildcard, "inv*.read", "invoices.read", false},
		"Wildcard: a star within, to the letter":    {wildcard, "inv*.read", "inv*.read", true},
		"Wildcard: two stars as one segment":        {wildcard, "**", "a", false},
		"Wildcard: a parent grants no child":        {wildcard, "invoices", "invoices.read", false},
		"Wildcard: a required star is a name":       {wildcard, "invoices.read", "invoices.*", false},
		"Wildcard: a star covers a required star":   {wildcard, "invoices.*", "invoices.*", true},
		"Wildcard: another separator is a letter":   {wildcard, "invoices:*", "invoices:read", false},
		"Wildcard: a separator of two characters":   {scopes.Wildcard("::"), "a::*", "a::b", true},
		"Hierarchy: the same name":                  {hierarchy, "invoices", "invoices", true},
		"Hierarchy: a child":                        {hierarchy, "invoices", "invoices:read", true},
		"Hierarchy: a grandchild":                   {hierarchy, "invoices", "invoices:read:own", true},
		"Hierarchy: never the parent":               {hierarchy, "invoices:read", "invoices", false},
		"Hierarchy: never a sibling":                {hierarchy, "invoices:read", "invoices:write", false},
		"Hierarchy: a name that begins so":          {hierarchy, "invoices", "invoices-archive", false},
		"Hierarchy: a path that begins so":          {hierarchy, "invoices", "invoicesX:read", false},
		"Hierarchy: other case":                     {hierarchy, "invoices", "Invoices:read", false},
		"Hierarchy: a star is a name":               {hierarchy, "*", "invoices", false},
		"Hierarchy: another separator":              {hierarchy, "invoices", "invoices.read", false},
		"Superscope: the name covers all":           {star, "*", "invoices.read", true},
		"Superscope: other names are exact":         {star, "invoices", "invoices", true},
		"Superscope: other names cover no more":     {star, "invoices", "invoices.read", false},
		"Superscope: it is no wildcard":             {star, "invoices.*", "invoices.read", false},
		"Superscope: requiring it takes having it":  {star, "invoices", "*", false},
		"Superscope: other case":                    {scopes.Superscope("admin"), "Admin", "invoices", false},
		"Or: the left one":                          {star.Or(hierarchy), "*", "invoices:read", true},
		"Or: the right one":                         {star.Or(hierarchy), "invoices", "invoices:read", true},
		"Or: neither":                               {star.Or(hierarchy), "invoices:read", "invoices", false},
		"Or: a function is a Matcher":               {scopes.Matcher(scopes.Exact).Or(star), "*", "a", true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.matcher(test.granted, test.required); got != test.want {
				t.Errorf("granted %q, required %q: %v", test.granted, test.required, got)
			}
			// The route's rule and the handler's question get one answer.
			set := scopes.Of(test.granted).Matching(test.matcher)
			if scopes.Valid(test.required) && (set.Has(test.required) != test.want || scopes.All(test.required).Allows(set) != test.want) {
				t.Error("Has or Allows disagrees with the matcher")
			}
		})
	}
}

// A separator that cannot separate would quietly turn a matcher into another.
func TestMatchersAreConfiguredRightOrNotAtAll(t *testing.T) {
	for name, build := range map[string]func(){
		"Wildcard: no separator":           func() { scopes.Wildcard("") },
		"Wildcard: a space":                func() { scopes.Wildcard(" ") },
		"Wildcard: the star":               func() { scopes.Wildcard("*") },
		"Wildcard: a star in it":           func() { scopes.Wildcard(".*") },
		"Hierarchy: no separator":          func() { scopes.Hierarchy("") },
		"Hierarchy: a backslash":           func() { scopes.Hierarchy(`\`) },
		"Superscope: no name":              func() { scopes.Superscope("") },
		"Superscope: two names":            func() { scopes.Superscope("a b") },
		"Superscope: a name beyond ASCII":  func() { scopes.Superscope("é") },
		"Superscope: a name with a quote":  func() { scopes.Superscope(`"*"`) },
		"Superscope: a name with newlines": func() { scopes.Superscope("*\n") },
	} {
		t.Run(name, func(t *testing.T) {
			function, _, _ := strings.Cut(name, ":")
			message := panicOf(build)
			if !strings.HasPrefix(message, "scopes: "+function) || !strings.Contains(message, "such as "+function+"(") {
				t.Errorf("panic %q; want one that names %s and shows how to call it", message, function)
			}
		})
	}
}

// panicOf is what build panics with, or "".
func panicOf(build func()) (message string) {
	defer func() { message, _ = recover().(string) }()
	build()
	return ""
}

// The sentences of Wildcard's comment as a regular expression.
func FuzzWildcard(f *testing.F) {
	for _, seed := range [][2]string{{"a.*", "a.b"}, {"a.*", "a"}, {"*.b", "a.b"}, {"*", "a.b.c"}, {"a.*.c", "a.b.c"}, {"a*.b", "a*.b"}, {"a.", "a."}, {"*.", "a."}} {
		f.Add(seed[0], seed[1])
	}
	matcher := scopes.Wildcard(".")
	f.Fuzz(func(t *testing.T, granted, required string) {
		if !scopes.Valid(granted) || !scopes.Valid(required) {
			return
		}
		segments := strings.Split(granted, ".")
		for i, segment := range segments {
			switch {
			case segment != "*":
				segments[i] = regexp.QuoteMeta(segment)
			case i < len(segments)-1:
				segments[i] = `[^.]+`
			default:
				segments[i] = `[^.]+(\..*)?`
			}
		}
		want := regexp.MustCompile(`\A(?:` + strings.Join(segments, `\.`) + `)\z`).MatchString(required)
		if got := matcher(granted, required); got != want {
			t.Fatalf("granted %q, required %q: %v, want %v", granted, required, got, want)
		}
	})
}

// A parent's segments are the first ones of its child.
func FuzzHierarchy(f *testing.F) {
	for _, seed := range [][2]string{{"a", "a:b"}, {"a:b", "a"}, {"a", "ab"}, {"a:", "a::b"}, {":", "::"}, {"a", "a:"}} {
		f.Add(seed[0], seed[1])
	}
	matcher := scopes.Hierarchy(":")
	f.Fuzz(func(t *testing.T, granted, required string) {
		if !scopes.Valid(granted) || !scopes.Valid(required) {
			return
		}
		parent, child := strings.Split(granted, ":"), strings.Split(required, ":")
		want := len(parent) <= len(child) && slices.Equal(parent, child[:len(parent)])
		if got := matcher(granted, required); got != want {
			t.Fatalf("granted %q, required %q: %v, want %v", granted, required, got, want)
		}
	})
}

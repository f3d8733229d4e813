package scopes_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerguard/bearerguard/scopes"
)

func TestParseReadsTheScopeParameter(t *testing.T) { // C8
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"nothing is the empty set":                  {"", nil},
		"one name":                                  {"read", []string{"read"}},
		"order is kept":                             {"b a c", []string{"b", "a", "c"}},
		"a name given twice counts once":            {"a b a", []string{"a", "b"}},
		"case tells names apart":                    {"Read read", []string{"Read", "read"}},
		"the first character of the grammar, 0x21":  {"!", []string{"!"}},
		"the characters around the quote":           {"!# #!", []string{"!#", "#!"}},
		"the characters around the backslash":       {"[ ]", []string{"[", "]"}},
		"the last character of the grammar, 0x7E":   {"~", []string{"~"}},
		"URLs, as some issuers write them":          {"https://api.example/invoices.read", []string{"https://api.example/invoices.read"}},
		"a star is a character like any other here": {"*", []string{"*"}},
		"commas separate nothing":                   {"a,b", []string{"a,b"}},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := scopes.Parse(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Collect(set.All()); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if set.Len() != len(test.want) {
				t.Errorf("Len is %d, want %d", set.Len(), len(test.want))
			}
		})
	}
}

func TestParseRefusesWhatTheGrammarDoesNotHave(t *testing.T) { // C8
	for name, in := range map[string]string{
		"a space alone":           " ",
		"a leading space":         " a",
		"a trailing space":        "a ",
		"two spaces":              "a  b",
		"a tab between names":     "a\tb",
		"a line break":            "a\nb",
		"a carriage return":       "a\r\nb",
		"a quote":                 `a"b`,
		"a backslash":             `a\b`,
		"a NUL":                   "a\x00",
		"a control character":     "a\x1f",
		"DEL":                     "a\x7f",
		"a no-break space":        "a\u00a0b",
		"a letter beyond ASCII":   "café",
		"a letter that looks so":  "rеad", // the e is Cyrillic
		"a byte that is no UTF-8": "a\xff",
	} {
		t.Run(name, func(t *testing.T) {
			set, err := scopes.Parse(in)
			if err == nil {
				t.Fatalf("read as %q", slices.Collect(set.All()))
			}
			if set.Len() != 0 {
				t.Errorf("an error and %d scopes beside it", set.Len())
			}
		})
	}
}

// The names are a stranger's, and errors end in logs.
func TestTheErrorDoesNotRepeatTheNames(t *testing.T) {
	if _, err := scopes.Parse("invoices\r\nlevel=info"); err == nil || strings.Contains(err.Error(), "invoices") {
		t.Errorf("got %v", err)
	}
}

func TestNewTakesNamesNotLists(t *testing.T) {
	set, err := scopes.New([]string{"b", "a", "b"})
	if err != nil || set.String() != "b a" {
		t.Errorf("got %q, %v", set, err)
	}
	for name, names := range map[string][]string{
		"an empty name":      {"a", ""},
		"two names in one":   {"a b"},
		"a quote in a name":  {`"a"`},
		"the last one wrong": {"a", "b", "c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if set, err := scopes.New(names); err == nil || set.Len() != 0 {
				t.Errorf("got %q, %v", set, err)
			}
		})
	}
}

func TestOfPanicsWhereNewFails(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "RFC 6749") {
			t.Errorf("panicked with %v, want an error that says where the grammar stands", err)
		}
	}()
	scopes.Of("a b")
	t.Error("no panic")
}

func TestHas(t *testing.T) { // C8
	invoices := scopes.Of("invoices", "customers.read")
	everything := func(granted, required string) bool { return true }
	for name, test := range map[string]struct {
		set      scopes.Set
		required string
		want     bool
	}{
		"a granted name":                             {invoices, "invoices", true},
		"another granted name":                       {invoices, "customers.read", true},
		"a name that is not granted":                 {invoices, "orders", false},
		"the same name in other case":                {invoices, "Invoices", false},
		"a prefix of a granted name":                 {invoices, "invoice", false},
		"a granted name and more":                    {invoices, "invoices.read", false},
		"two granted names in one string":            {invoices, "invoices customers.read", false},
		"the empty name":                             {invoices, "", false},
		"the empty set grants nothing":               {scopes.Of(), "invoices", false},
		"the zero value grants nothing":              {scopes.Set{}, "invoices", false},
		"the zero value, the empty name":             {scopes.Set{}, "", false},
		"a matcher has the say":                      {invoices.Matching(scopes.Hierarchy(".")), "invoices.read", true},
		"a matcher has nothing to say of no scopes":  {scopes.Set{}.Matching(everything), "invoices", false},
		"no matcher makes a scope of the empty name": {invoices.Matching(everything), "", false},
		"no matcher makes a scope of two names":      {invoices.Matching(everything), "a b", false},
		"a nil matcher is Exact":                     {invoices.Matching(everything).Matching(nil), "orders", false},
		"a nil matcher is Exact, and grants":         {invoices.Matching(nil), "invoices", true},
		"the last matcher counts":                    {invoices.Matching(everything).Matching(scopes.Exact), "orders", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.set.Has(test.required); got != test.want {
				t.Errorf("Has(%q) of %q is %v", test.required, test.set, got)
			}
		})
	}
}

// A Set is shared by everything that serves a request.
func TestASetDoesNotChange(t *testing.T) {
	names := []string{"a", "b"}
	set, err := scopes.New(names)
	if err != nil {
		t.Fatal(err)
	}
	names[0] = "admin"
	if set.Has("admin") || !set.Has("a") {
		t.Error("the set follows the caller's slice")
	}
	if other := set.Matching(scopes.Superscope("a")); !other.Has("admin") || set.Has("admin") {
		t.Error("Matching changed the set that it was called on")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _ = set.Has("b") && set.Matching(scopes.Exact).Has("a") && set.String() == "a b" })
	}
	all.Wait()
}

func TestASetInJSONIsOneString(t *testing.T) {
	got, err := json.Marshal(map[string]scopes.Set{"scope": scopes.Of("b", "a"), "none": {}})
	if want := `{"none":"","scope":"b a"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// A hostile token may hold many thousands of names. Those above and below the
// size where the search for repetitions changes its way must read the same.
func TestManyNames(t *testing.T) {
	for _, n := range []int{63, 64, 65, 100_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("s%d", i/2) // each name twice
			}
			set, err := scopes.Parse(strings.Join(names, " "))
			if err != nil {
				t.Fatal(err)
			}
			if want := (n + 1) / 2; set.Len() != want {
				t.Errorf("%d names, want %d", set.Len(), want)
			}
			if last := names[n-1]; !set.Has(last) || set.Has(last+"0000") {
				t.Error("the last name is not the one that was granted")
			}
		})
	}
}

// RFC 6749 §3.3, written down once more:
//
//	scope       = scope-token *( SP scope-token )
//	scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
var grammar = regexp.MustCompile(`\A[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*\z`)

func FuzzParse(f *testing.F) { // C8
	for _, seed := range []string{"", "a", "a b", "b a b", " a", "a  b", "a\tb", `a"b`, `a\b`, "é", "\x7f", "~ !", "a\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		set, err := scopes.Parse(in)
		if want := in == "" || grammar.MatchString(in); (err == nil) != want {
			t.Fatalf("Parse(%q): %v; by the grammar it is %v", in, err, want)
		}
		if err != nil {
			return
		}
		var want []string
		for token := range strings.FieldsSeq(in) {
			if !slices.Contains(want, token) {
				want = append(want, token)
			}
			if !set.Has(token) || !scopes.Valid(token) {
				t.Fatalf("%q does not grant %q", in, token)
			}
		}
		if got := set.String(); got != strings.Join(want, " ") {
			t.Fatalf("String of %q is %q", in, got)
		}
		again, err := scopes.Parse(set.String())
		if err != nil || !slices.Equal(slices.Collect(again.All()), want) {
			t.Fatalf("String of %q does not read back: %q, %v", in, again, err)
		}
		if text, err := set.MarshalText(); err != nil || string(text) != set.String() {
			t.Fatalf("MarshalText of %q is %q, %v", in, text, err)
		}
	})
}

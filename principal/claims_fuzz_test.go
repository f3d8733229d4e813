package principal_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/bearerguard/bearerguard/principal"
)

// fuzzed has a field of every kind that names are looked for in.
type fuzzed struct {
	Company string   `json:"company_id"`
	Roles   []string `json:"roles"`
	Number  int64    `json:"number"`
	Ratio   float64  `json:"ratio"`
	Admin   bool     `json:"admin"`
	Home    address  `json:"home"`
	Work    *address `json:"work"`
	Others  map[string]struct {
		Scope string
	} `json:"others"`
	Past  []address `json:"past"`
	Any   any       `json:"any"`
	Scope string
}

// byHand reads the same from a map that has every name to the letter. Of a name that
// comes twice the last counts, as everywhere in encoding/json.
func byHand(document []byte) (got fuzzed, ok bool) {
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // what no field asks for may be any number
	if !json.Valid(document) || decoder.Decode(&members) != nil {
		return got, false
	}
	r := hand{ok: true}
	got.Company = r.text(members["company_id"])
	if roles, there := r.array(members["roles"]); there {
		got.Roles = []string{}
		for _, role := range roles {
			got.Roles = append(got.Roles, r.text(role))
		}
	}
	if members["number"] != nil {
		got.Number = r.integer(members["number"])
	}
	if members["ratio"] != nil {
		got.Ratio = r.float(members["ratio"])
	}
	if members["admin"] != nil {
		var isBool bool
		got.Admin, isBool = members["admin"].(bool)
		r.ok = r.ok && isBool
	}
	got.Home = r.address(members["home"])
	if members["work"] != nil {
		work := r.address(members["work"])
		got.Work = &work
	}
	if others, there := r.object(members["others"]); there {
		got.Others = map[string]struct{ Scope string }{}
		for _, name := range slices.Sorted(maps.Keys(others)) {
			other, _ := r.object(others[name])
			got.Others[name] = struct{ Scope string }{r.text(other["Scope"])}
		}
	}
	if past, there := r.array(members["past"]); there {
		got.Past = []address{}
		for _, home := range past {
			got.Past = append(got.Past, r.address(home))
		}
	}
	got.Any = r.any(members["any"])
	got.Scope = r.text(members["Scope"])
	return got, r.ok
}

// hand reads values by their types, null as nothing; ok is false once something was
// of another type.
type hand struct{ ok bool }

func (r *hand) text(value any) string {
	s, is := value.(string)
	r.ok = r.ok && (is || value == nil)
	return s
}

func (r *hand) array(value any) ([]any, bool) {
	a, is := value.([]any)
	r.ok = r.ok && (is || value == nil)
	return a, is
}

func (r *hand) object(value any) (map[string]any, bool) {
	o, is := value.(map[string]any)
	r.ok = r.ok && (is || value == nil)
	return o, is
}

func (r *hand) address(value any) address {
	home, _ := r.object(value)
	return address{r.text(home["city"])}
}

func (r *hand) integer(value any) int64 {
	number, is := value.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	r.ok = r.ok && is && err == nil
	return n
}

func (r *hand) float(value any) float64 {
	number, is := value.(json.Number)
	f, err := strconv.ParseFloat(string(number), 64)
	r.ok = r.ok && is && err == nil
	return f
}

// any is the value with its numbers as float64, wherever they are.
func (r *hand) any(value any) any {
	switch value := value.(type) {
	case json.Number:
		return r.float(value)
	case []any:
		for i := range value {
			value[i] = r.any(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = r.any(value[name])
		}
	}
	return value
}

// Claims reads what a map with every name to the letter has, and fails if and only if
// a value is not of its field's type.
func FuzzClaims(f *testing.F) { // RFC 7519 §4
	for _, document := range []string{
		`{}`, `null`, `[]`, `"a"`, `{"company_id":"7","roles":["a","b"],"number":-9223372036854775808,"ratio":0.5,"admin":true}`,
		`{"COMPANY_ID":"7","Company":"7","company_id\u0000":"7","\u0063ompany_id":"8"}`,
		`{"home":{"city":"Berlin","City":"Evil"},"Home":{"city":"Evil"},"work":{"CITY":"Evil"}}`,
		`{"Scope":"read","scope":"admin","ſcope":"admin","others":{"a":{"Scope":"x","\u017fcope":"y"},"A":null}}`,
		`{"past":[null,{"city":"<&>\u2028"},{"ciTy":"x"}],"any":{"City":[1e3,{"city":null}]}}`,
		`{"number":1.0}`, `{"number":1e2}`, `{"number":9223372036854775808}`, `{"any":1e400}`, `{"ratio":1e-400}`,
		`{"company_id":"a","company_id":null}`, `{"home":{"city":"a"},"home":{"x":1}}`, `{"roles":null,"roles":[null]}`, `{"x":1e400}`,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := principal.Claims[fuzzed](&principal.Principal{RawClaims: principal.RawClaimsOf(" " + string(document))})
		want, ok := byHand(document)
		if err == nil && (!ok || !reflect.DeepEqual(got, want)) {
			t.Fatalf("%s:\ngot  %+v\nwant %+v, which it is %t", document, got, want, ok)
		}
		if err != nil && ok {
			t.Fatalf("%s: %v", document, err)
		}
	})
}

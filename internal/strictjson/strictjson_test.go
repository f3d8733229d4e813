package strictjson

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing":                          ``,
		"white space alone":                ` `,
		"an array":                         `[]`,
		"a string":                         `"a"`,
		"null":                             `null`,
		"a second object":                  `{}{}`,
		"text after the object":            `{}x`,
		"a byte order mark":                "\ufeff{}",
		"a duplicate name":                 `{"a":1,"a":1}`,
		"a duplicate name, escaped":        `{"a":1,"\u0061":2}`,
		"a duplicate name, deep":           `{"x":[{"y":{"a":1,"b":2,"a":3}}]}`,
		"a duplicate among many names":     `{` + manyNames(40) + `,"n7":1}`,
		"a trailing comma":                 `{"a":1,}`,
		"a leading comma":                  `{,"a":1}`,
		"a missing colon":                  `{"a" 1}`,
		"a missing value":                  `{"a":}`,
		"a name without quotes":            `{a:1}`,
		"single quotes":                    `{'a':1}`,
		"a comment":                        `{"a":1/**/}`,
		"an unclosed object":               `{"a":1`,
		"an unclosed string":               `{"a":"b`,
		"an unclosed array":                `{"a":[1,2`,
		"an array with a hole":             `{"a":[1,,2]}`,
		"an array with a trailing comma":   `{"a":[1,]}`,
		"a control character in a string":  "{\"a\":\"\x01\"}",
		"a newline in a string":            "{\"a\":\"\n\"}",
		"a raw NUL":                        "{\"a\":\"\x00\"}",
		"an unknown escape":                `{"a":"\x41"}`,
		"half a unicode escape":            `{"a":"\u12"}`,
		"a non-hexadecimal unicode escape": `{"a":"\u12g4"}`,
		"a lone high surrogate":            `{"a":"\ud800"}`,
		"a lone high surrogate, then text": `{"a":"\ud800x"}`,
		"a lone high surrogate, then \\n":  `{"a":"\ud800\n"}`,
		"a lone low surrogate":             `{"a":"\udc00"}`,
		"two high surrogates":              `{"a":"\ud800\ud800"}`,
		"surrogates in reverse":            `{"a":"\udc00\ud800"}`,
		"a lone surrogate in a name":       `{"\ud800":1}`,
		"invalid UTF-8":                    "{\"a\":\"\xff\"}",
		"an encoded surrogate":             "{\"a\":\"\xed\xa0\x80\"}",
		"an overlong encoding":             "{\"a\":\"\xc0\xaf\"}",
		"a leading zero":                   `{"a":01}`,
		"a plus sign":                      `{"a":+1}`,
		"a bare minus":                     `{"a":-}`,
		"a bare fraction":                  `{"a":.5}`,
		"a fraction without digits":        `{"a":1.}`,
		"an exponent without digits":       `{"a":1e}`,
		"an exponent with a sign alone":    `{"a":1e+}`,
		"a hexadecimal number":             `{"a":0x10}`,
		"NaN":                              `{"a":NaN}`,
		"Infinity":                         `{"a":Infinity}`,
		"a truncated literal":              `{"a":tru}`,
		"a literal in capitals":            `{"a":True}`,
		"other white space":                "{\"a\":\u00a01}",
		"depth 33":                         `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		"a depth bomb of arrays":           `{"a":` + strings.Repeat("[", 100_000),
		"a depth bomb of objects":          strings.Repeat(`{"a":`, 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			if members, err := Parse(doc, nil); err == nil {
				t.Errorf("accepted as %v", members)
			}
		})
	}
}

func TestParseReads(t *testing.T) {
	doc := ` {"s":"a\u00e9\ud83d\ude00\n","n":-1.5e2,"big":1e400,"t":true,"f":false,"z":null,
		"a":["x", "\u0079" ,"z"],"mixed":["x",1],"o":{"a":1},"a\u0000b":1,"":2,"A":3} `
	members, err := Parse(doc, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := members.Get("s").String(); got != "aé😀\n" {
		t.Errorf("string: got %q", got)
	}
	if got, ok := members.Get("n").Float(); got != -150 || !ok {
		t.Errorf("number: got %v, %v", got, ok)
	}
	if got, ok := members.Get("big").Float(); ok {
		t.Errorf("a number beyond a float64: got %v", got)
	}
	if got, _ := members.Get("a").Strings(); !reflect.DeepEqual(got, []string{"x", "y", "z"}) {
		t.Errorf("array: got %q", got)
	}
	if got, ok := members.Get("mixed").Strings(); ok {
		t.Errorf("an array not of strings alone: got %q", got)
	}
	for name, kind := range map[string]Kind{
		"t": Bool, "f": Bool, "z": Null, "o": Object, "a\x00b": Number, "": Number, "A": Number, "S": Absent, "absent": Absent,
	} {
		if got := members.Get(name).Kind; got != kind {
			t.Errorf("member %q is of kind %v, want %v", name, got, kind)
		}
	}
	if _, err := Parse(`{`+manyNames(5000)+`}`, nil); err != nil {
		t.Errorf("many names: %v", err)
	}
	if _, err := Parse(`{"a":`+strings.Repeat("[", 31)+strings.Repeat("]", 31)+`}`, nil); err != nil {
		t.Errorf("depth 32: %v", err)
	}
}

func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"n%d":0`, i)
	}
	return strings.Join(names, ",")
}

// What Parse accepts, encoding/json accepts, and both read the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"b","c":[1,2.5e3,"\u00e9"],"d":{"e":null,"f":true}}`, `{"a":1,"a":2}`, `{"\ud83d\ude00":"\"\\\/\b\f\n\r\t"}`, ` {"a" : [ ] } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		members, err := Parse(string(doc), nil)
		if err != nil {
			return
		}
		var oracle map[string]json.RawMessage
		if err := json.Unmarshal(doc, &oracle); err != nil {
			t.Fatalf("encoding/json refuses what was accepted: %v", err)
		}
		if len(oracle) != len(members) {
			t.Fatalf("%d members, encoding/json reads %d", len(members), len(oracle))
		}
		for _, member := range members {
			raw, ok := oracle[member.Name]
			if !ok || string(raw) != member.Value.Text {
				t.Fatalf("member %q is %q, encoding/json reads %q", member.Name, member.Value.Text, raw)
			}
			if s, ok := member.Value.String(); ok {
				var want string
				if err := json.Unmarshal(raw, &want); err != nil || s != want {
					t.Fatalf("string %q, encoding/json reads %q, %v", s, want, err)
				}
			}
			if n, ok := member.Value.Float(); ok {
				var want float64
				if err := json.Unmarshal(raw, &want); err != nil || n != want || math.IsInf(n, 0) {
					t.Fatalf("number %v, encoding/json reads %v, %v", n, want, err)
				}
			}
			if all, ok := member.Value.Strings(); ok {
				var want []string
				if err := json.Unmarshal(raw, &want); err != nil || len(all) != len(want) {
					t.Fatalf("array %q, encoding/json reads %q, %v", all, want, err)
				}
			}
		}
	})
}

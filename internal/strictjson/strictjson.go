// Package strictjson reads JSON objects that strangers wrote and that a security
// decision hangs on. It takes RFC 8259 at its narrowest: one object and nothing
// around it, valid UTF-8, names unique within their object (RFC 7515 §4, RFC 7519
// §4) and compared to the letter, no lone surrogates, nesting bounded. It reads
// each byte once and copies none but those of strings with escapes.
package strictjson

import (
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// MaxDepth bounds nesting. Claims that carry rich authorization details nest
// some five deep.
const MaxDepth = 32

var (
	errSyntax    = errors.New("not a JSON object by RFC 8259")
	errUTF8      = errors.New("JSON is not valid UTF-8")
	errDuplicate = errors.New("JSON object with a duplicate name")
	errDepth     = errors.New("JSON nested too deep")
)

// Kind is the type of a JSON value.
type Kind byte

// The kinds of RFC 8259 §3. Absent is the kind of no value at all.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Value is a JSON value: its kind, and its text as it stands in the document.
type Value struct {
	Kind    Kind
	escaped bool // a string with a backslash in it
	Text    string
}

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value Value
}

// Members is an object, in document order.
type Members []Member

// Parse reads the object that data holds. The members are parts of data and keep it
// in memory. Those in into, which may be nil, are overwritten.
func Parse(data string, into Members) (Members, error) {
	if !utf8.ValidString(data) {
		return nil, errUTF8
	}
	s := scanner{data: data}
	s.space()
	members, err := s.object(into[:0], true)
	if err != nil {
		return nil, err
	}
	if s.space(); s.at < len(data) {
		return nil, errSyntax
	}
	return members, nil
}

// Get is the value of the named member; its kind is Absent if there is none.
func (m Members) Get(name string) Value {
	for i := range m {
		if same(m[i].Name, name) {
			return m[i].Value
		}
	}
	return Value{}
}

// same is a == b. It looks at the last octet before it calls for a comparison, as
// many claims have names of three letters that end differently.
func same(a, b string) bool {
	return len(a) == len(b) && (len(a) == 0 || a[len(a)-1] == b[len(b)-1] && a == b)
}

// maxNumber is as long as a number may be written: a float64 takes 17 digits, a
// sign, a point and an exponent.
const maxNumber = 64

// String is the string that v holds; false if v is not one.
func (v Value) String() (string, bool) {
	if v.Kind != String {
		return "", false
	}
	return v.unquote(), true
}

// Float is the number that v holds; false if v is not one, is beyond a float64, or
// is longer than 64 characters.
func (v Value) Float() (float64, bool) {
	if v.Kind != Number || len(v.Text) > maxNumber {
		return 0, false
	}
	if n, ok := wholeNumber(v.Text); ok {
		return n, true
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return f, err == nil
}

// wholeNumber reads what dates are as a rule: up to 15 digits, which a float64 holds
// exactly.
func wholeNumber(text string) (float64, bool) {
	if len(text) > 15 {
		return 0, false
	}
	n := 0
	for i := range len(text) {
		if !digit(text[i]) {
			return 0, false
		}
		n = 10*n + int(text[i]-'0')
	}
	return float64(n), true
}

// Strings is the strings of the array that v holds; false if v is not an array,
// or not of strings alone.
func (v Value) Strings() ([]string, bool) {
	if v.Kind != Array {
		return nil, false
	}
	var all []string
	s := scanner{data: v.Text, at: 1}
	for {
		s.space()
		switch s.data[s.at] { // Parse has seen the closing bracket
		case ']':
			return all, true
		case ',':
			s.at++
		case '"':
			element, err := s.value()
			if err != nil {
				return nil, false
			}
			all = append(all, element.unquote())
		default:
			return nil, false
		}
	}
}

// unquote is the text of a string that the scanner has found to be one.
func (v Value) unquote() string {
	if !v.escaped {
		return v.Text[1 : len(v.Text)-1]
	}
	var s string
	if err := json.Unmarshal([]byte(v.Text), &s); err != nil {
		return "" // encoding/json knows every escape that the scanner does
	}
	return s
}

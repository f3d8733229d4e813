package principal_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

// address is what the claims below hold at various depths.
type address struct {
	City string `json:"city"`
}

// byOwnRules reads itself, and folds case as encoding/json does.
type byOwnRules struct{ City string }

func (b *byOwnRules) UnmarshalJSON(data []byte) error {
	type plain byOwnRules
	return json.Unmarshal(data, (*plain)(b))
}

type (
	withStruct   struct{ Home address }
	withPointer  struct{ Home *address }
	withSlice    struct{ Homes []address }
	withArray    struct{ Homes [2]address }
	withPointers struct{ Homes []*address }
	withMap      struct{ Homes map[string]address }
	withSlices   struct {
		Homes map[string][]map[string]address
	}
	withEmbedded        struct{ address }
	withPointerEmbedded struct{ *Exported }
	withNamedEmbedded   struct {
		Exported `json:"home"`
	}
	withTwoLevels struct{ withEmbedded }
	withHidden    struct {
		address
		City int
	}
	withOwnRules struct{ Home byOwnRules }
	withTime     struct {
		At time.Time `json:"at"`
	}
	withAny     struct{ Home any }
	withRaw     struct{ Home json.RawMessage }
	withOptions struct {
		Number int    `json:"number,string"`
		Maybe  string `json:",omitempty"`
		//lint:ignore SA5008 the name is a dash, as encoding/json reads it
		Dash   string `json:"-,"`
		Never  string `json:"-"`
		secret string
	}
	tree struct {
		Name     string  `json:"name"`
		Children []*tree `json:"children"`
	}
	// Exported is embedded by pointer, which encoding/json can fill only if
	// the type is exported.
	Exported struct {
		City string `json:"city"`
	}
)

// reading is the claims of the token as a T, for tables of various T.
func reading[T any](p *principal.Principal) (any, error) { return principal.Claims[T](p) }

func TestClaimsAreReadByTheirNamesToTheLetter(t *testing.T) { // RFC 7519 §4
	berlin := address{"Berlin"}
	for name, test := range map[string]struct {
		read   func(*principal.Principal) (any, error)
		claims string
		want   any
	}{
		"the tag's name":                        {reading[address], `{"city":"Berlin"}`, berlin},
		"other case":                            {reading[address], `{"CITY":"Berlin"}`, address{}},
		"other case after it":                   {reading[address], `{"city":"Berlin","City":"Evil"}`, berlin},
		"other case before it":                  {reading[address], `{"City":"Evil","city":"Berlin"}`, berlin},
		"letters that fold: the long s":         {reading[struct{ Scope string }], `{"ſcope":"admin","Scope":"read"}`, struct{ Scope string }{"read"}},
		"letters that fold: the Kelvin sign":    {reading[struct{ Kid string }], `{"\u212Aid":"evil"}`, struct{ Kid string }{}},
		"a NUL after the name":                  {reading[address], `{"city\u0000":"Evil"}`, address{}},
		"a name with escapes is that name":      {reading[address], `{"c\u0069ty":"Berlin"}`, berlin},
		"without a tag the field's own name":    {reading[struct{ City string }], `{"City":"Berlin"}`, struct{ City string }{"Berlin"}},
		"without a tag, other case":             {reading[struct{ City string }], `{"city":"Berlin"}`, struct{ City string }{}},
		"in a struct":                           {reading[withStruct], `{"Home":{"City":"Evil","city":"Berlin"}}`, withStruct{berlin}},
		"the struct's own name":                 {reading[withStruct], `{"home":{"city":"Evil"}}`, withStruct{}},
		"in a pointer":                          {reading[withPointer], `{"Home":{"city":"Berlin","CITY":"Evil"}}`, withPointer{&berlin}},
		"in a pointer: null":                    {reading[withPointer], `{"Home":null}`, withPointer{}},
		"in a slice":                            {reading[withSlice], `{"Homes":[{"City":"Evil"},{"city":"Berlin"}]}`, withSlice{[]address{{}, berlin}}},
		"in an empty slice":                     {reading[withSlice], `{"Homes":[]}`, withSlice{[]address{}}},
		"in an array":                           {reading[withArray], `{"Homes":[{"city":"Berlin"},{"cItY":"Evil"}]}`, withArray{[2]address{berlin}}},
		"in a slice of pointers":                {reading[withPointers], `{"Homes":[null,{"city":"Berlin","City":"Evil"}]}`, withPointers{[]*address{nil, &berlin}}},
		"in a map":                              {reading[withMap], `{"Homes":{"a":{"City":"Evil"},"A":{"city":"Berlin"}}}`, withMap{map[string]address{"a": {}, "A": berlin}}},
		"in a map of slices of maps":            {reading[withSlices], `{"Homes":{"a":[{"b":{"City":"Evil","city":"Berlin"}}]}}`, withSlices{map[string][]map[string]address{"a": {{"b": berlin}}}}},
		"in an embedded struct":                 {reading[withEmbedded], `{"City":"Evil","city":"Berlin"}`, withEmbedded{berlin}},
		"in an embedded pointer":                {reading[withPointerEmbedded], `{"city":"Berlin","CITY":"Evil"}`, withPointerEmbedded{&Exported{"Berlin"}}},
		"in an embedded struct that has a name": {reading[withNamedEmbedded], `{"city":"Evil","home":{"city":"Berlin","City":"Evil"}}`, withNamedEmbedded{Exported{"Berlin"}}},
		"in a struct embedded in an embedded":   {reading[withTwoLevels], `{"CITY":"Evil","city":"Berlin"}`, withTwoLevels{withEmbedded{berlin}}},
		"beside an embedded struct":             {reading[withHidden], `{"city":"Berlin","City":7}`, withHidden{berlin, 7}},
		"at every depth of a recursive type":    {reading[tree], `{"name":"a","NAME":"x","children":[{"Name":"x","children":[{"name":"c","nAME":"x"}],"Children":[{}]}]}`, tree{"a", []*tree{{"", []*tree{{"c", nil}}}}}},
		"a map's keys are all kept":             {reading[map[string]any], `{"a":1,"A":2}`, map[string]any{"a": 1.0, "A": 2.0}},
		"any keeps everything as it is":         {reading[any], `{"a":1,"A":{"b":2,"B":3}}`, map[string]any{"a": 1.0, "A": map[string]any{"b": 2.0, "B": 3.0}}},
		"any within a struct":                   {reading[withAny], `{"Home":{"city":1,"City":2},"home":3}`, withAny{map[string]any{"city": 1.0, "City": 2.0}}},
		"a raw message within a struct":         {reading[withRaw], `{"Home":{"city":1,"City":2}}`, withRaw{json.RawMessage(`{"city":1,"City":2}`)}},
		"a raw message is the token's own text": {reading[withRaw], `{"Home":"<a href=\"?b&c\">\u0041"}`, withRaw{json.RawMessage(`"<a href=\"?b&c\">\u0041"`)}},
		"raw claims":                            {reading[json.RawMessage], `{"city":1,"City":2}`, json.RawMessage(`{"city":1,"City":2}`)},
		"a type that reads itself has its way":  {reading[withOwnRules], `{"Home":{"CITY":"Berlin"}}`, withOwnRules{byOwnRules{"Berlin"}}},
		"time.Time reads itself":                {reading[withTime], `{"at":"2026-01-02T03:04:05Z","AT":"2000-01-01T00:00:00Z"}`, withTime{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		"a pointer to the claims":               {reading[*address], `{"City":"Evil","city":"Berlin"}`, &berlin},
		"the options of a tag":                  {reading[withOptions], `{"number":"7","Maybe":"x","-":"y","Never":"z","secret":"z"}`, withOptions{Number: 7, Maybe: "x", Dash: "y", secret: ""}},
		"the options of a tag, other case":      {reading[withOptions], `{"Number":"7","maybe":"x","never":"z","Secret":"z"}`, withOptions{}},
		"unknown claims do not matter":          {reading[address], `{"x":{"y":[1]},"city":"Berlin"}`, berlin},
		"no claims of ours":                     {reading[address], `{}`, address{}},
		"white space around values":             {reading[withSlice], " {\n\"Homes\" : [ {\"city\" : \"Berlin\" , \"City\":1} ] } ", withSlice{[]address{berlin}}},
		"a number beyond a float64's precision": {reading[struct{ N int64 }], `{"N":9007199254740993}`, struct{ N int64 }{9007199254740993}},
		"characters that HTML would escape":     {reading[withMap], `{"Homes":{"<&>":{"city":"<&>\u2028"}}}`, withMap{map[string]address{"<&>": {"<&>\u2028"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.read(&principal.Principal{RawClaims: principal.RawClaimsOf(test.claims)})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// Where every name is exact, Claims is encoding/json.
func TestClaimsFollowEncodingJSON(t *testing.T) {
	const claims = `{"Home":{"city":"Berlin"},"Homes":{"a":{"city":"Paris"}},"name":"n","at":"2026-01-02T03:04:05Z",
		"children":[{"name":"c"},null],"number":"7","-":"d","City":3,"extra":[true,null,1e3,"x"]}`
	for name, check := range map[string]func(*testing.T){
		"a struct":             follows[withStruct](claims),
		"a pointer":            follows[withPointer](claims),
		"a map":                follows[withMap](claims),
		"a recursive type":     follows[tree](claims),
		"a name that is hid":   follows[withHidden](claims),
		"a time":               follows[withTime](claims),
		"options":              follows[withOptions](claims),
		"any":                  follows[any](claims),
		"a map of anything":    follows[map[string]any](claims),
		"a map of raw":         follows[map[string]json.RawMessage](`{"a":[1,2],"b":{"c":"d"}}`),
		"an embedded pointer":  follows[withPointerEmbedded](`{"city":"Berlin"}`),
		"an embedded name":     follows[withNamedEmbedded](`{"home":{"city":"Berlin"}}`),
		"two embedded structs": follows[withTwoLevels](`{"city":"Berlin"}`),
	} {
		t.Run(name, check)
	}
}

func follows[T any](claims string) func(*testing.T) {
	return func(t *testing.T) {
		var want T
		if err := json.Unmarshal([]byte(claims), &want); err != nil {
			t.Fatal(err)
		}
		got, err := principal.Claims[T](&principal.Principal{RawClaims: principal.RawClaimsOf(claims)})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, encoding/json reads %+v", got, err, want)
		}
	}
}

func TestClaimsThatCannotBeRead(t *testing.T) {
	token := func(claims string) *principal.Principal {
		return &principal.Principal{RawClaims: principal.RawClaimsOf(claims)}
	}
	for name, test := range map[string]struct {
		read func(*principal.Principal) (any, error)
		p    *principal.Principal
	}{
		"nobody":                               {reading[address], nil},
		"no claims":                            {reading[address], &principal.Principal{}},
		"no claims, as anything":               {reading[any], &principal.Principal{}},
		"a claim of another type":              {reading[address], token(`{"city":7}`)},
		"a claim of another type, deep":        {reading[withSlices], token(`{"Homes":{"a":[{"b":{"city":7}}]}}`)},
		"an object for a string":               {reading[address], token(`{"city":{}}`)},
		"a string for an object":               {reading[withStruct], token(`{"Home":"Berlin"}`)},
		"an object for an array":               {reading[withSlice], token(`{"Homes":{"city":"Berlin"}}`)},
		"an array for an object":               {reading[withMap], token(`{"Homes":[]}`)},
		"an array for the claims":              {reading[address], token(` []`)},
		"a number that does not fit":           {reading[struct{ N int8 }], token(`{"N":1000}`)},
		"a number beyond every float":          {reading[struct{ N float64 }], token(`{"N":1e400}`)},
		"a time that is none":                  {reading[withTime], token(`{"at":"yesterday"}`)},
		"not JSON":                             {reading[address], token(` city=Berlin`)},
		"neither JSON nor base64url":           {reading[address], token(`city=Berlin`)},
		"base64url of what is not JSON":        {reading[address], token(`Y2l0eQ`)},
		"not JSON, as a map":                   {reading[map[string]any], token(`{"a":}`)},
		"half of the claims":                   {reading[withSlice], token(`{"Homes":[{"city"`)},
		"a type that reads itself and refuses": {reading[withOwnRules], token(`{"Home":{"City":7}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.read(test.p)
			if err == nil {
				t.Fatalf("read as %+v", got)
			}
			if !strings.HasPrefix(err.Error(), "principal: ") {
				t.Errorf("the error does not say where it comes from: %v", err)
			}
		})
	}
}

func TestClaimsThatAreInNoForm(t *testing.T) {
	_, err := principal.Claims[address](&principal.Principal{RawClaims: principal.RawClaimsOf("city=Berlin")})
	if err == nil || !strings.Contains(err.Error(), "neither a JSON object nor base64url") {
		t.Errorf("got %v", err)
	}
}

// Callers may look for the reason that encoding/json gives.
func TestClaimsWrapTheReason(t *testing.T) {
	_, err := principal.Claims[address](&principal.Principal{RawClaims: principal.RawClaimsOf(`{"city":7}`)})
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || mismatch.Field != "city" {
		t.Errorf("got %v", err)
	}
}

// The principal may be shared by requests that came with the same token.
func TestReadingLeavesTheClaimsAlone(t *testing.T) {
	const claims = `{"Homes":[{"City":"Evil","city":"Berlin"}],"x":1}`
	p := &principal.Principal{RawClaims: principal.RawClaimsOf(claims)}
	raw, err := principal.Claims[json.RawMessage](p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] = 'x' // a caller may write to what is its own
	}
	if _, err := principal.Claims[withSlice](p); err != nil || p.RawClaims.String() != claims {
		t.Errorf("the claims have become %s, %v", p.RawClaims, err)
	}
}

// What encoding/json would settle by folding case, or by the order in which it
// looks, is settled by depth and tags alone.
func TestEmbeddedFieldsWithOneName(t *testing.T) {
	read := func(claims string) *principal.Principal {
		return &principal.Principal{RawClaims: principal.RawClaimsOf(claims)}
	}

	type deep struct{ Address struct{ Street string } }
	type E1 struct{ deep }
	type E2 struct{ Address struct{ City string } }
	if got, err := principal.Claims[struct {
		E1
		E2
	}](read(`{"Address":{"City":"B"}}`)); err != nil || got.E2.Address.City != "B" {
		t.Errorf("the field nearer the surface: got %+v, %v", got, err)
	}

	type A1 struct{ Scope string }
	type A2 struct{ Scope string }
	if got, err := principal.Claims[struct {
		A1
		A2
		S string `json:"scope"`
	}](read(`{"Scope":"EVIL"}`)); err != nil || got.S != "" {
		t.Errorf("a name that two embedded structs have: got %+v, %v", got, err)
	}

	type sub struct {
		X string `json:"x"`
	}
	if got, err := principal.Claims[struct {
		Home  int
		Other sub `json:"Home"`
	}](read(`{"Home":{"X":"EVIL"}}`)); err != nil || got.Other.X != "" {
		t.Errorf("a tag that is another field's name: got %+v, %v", got, err)
	}
}

func TestRawClaims(t *testing.T) {
	for name, row := range map[string]struct {
		text, want string
	}{
		"none":                             {"", ""},
		"an object":                        {`{"a":1}`, `{"a":1}`},
		"an object behind white space":     {" \t\r\n{}", " \t\r\n{}"},
		"an object behind a tab":           {"\t{}", "\t{}"},
		"an object behind a line break":    {"\n{}", "\n{}"},
		"an object behind a return":        {"\r{}", "\r{}"},
		"as a JWT has it":                  {"eyJhIjoxfQ", `{"a":1}`},
		"as a JWT has it, and white space": {"IAkNCnt9", " \t\r\n{}"},
		"neither":                          {"eyJhIjoxfQ==", ""},
	} {
		if got := principal.RawClaimsOf(row.text).String(); got != row.want {
			t.Errorf("%s: got %q, want %q", name, got, row.want)
		}
	}
}

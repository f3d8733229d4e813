package principal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// RawClaims is a token's claims as the token has them. The zero value is none.
//
// Those of a JWT are a part of the request's own token, which a principal that is kept
// beyond its request keeps in memory; set RawClaims to its zero value there.
type RawClaims struct{ text string }

// RawClaimsOf is the claims that are one JSON object, or one in base64url, which is how
// a JWT has it (RFC 7515 §2): by the first character, which is { or white space, the
// one is told from the other.
func RawClaimsOf(text string) RawClaims { return RawClaims{text} }

// String is the JSON object; empty if there is none. It is decoded on every call.
func (c RawClaims) String() string {
	if c.text == "" || strings.IndexByte("{ \t\r\n", c.text[0]) >= 0 {
		return c.text
	}
	object, err := base64.RawURLEncoding.DecodeString(c.text)
	if err != nil {
		return ""
	}
	return string(object)
}

// Claims reads the claims of p's token into a T of the caller's own, by the
// rules of encoding/json with one exception: a member is read only if its name
// is that of the field to the letter. Claim names are case-sensitive (RFC 7519
// §4), and encoding/json alone would take SCOPE for a field named scope, and so
// it would ſcope, whose first letter folds to s.
//
//	type Tenant struct {
//		Company string `json:"company_id"`
//	}
//	tenant, err := principal.Claims[Tenant](p)
//
// It fails if p is nil or has no claims, or if a claim does not fit its field.
// The token is parsed on every call; keep the result rather than asking twice.
func Claims[T any](p *Principal) (T, error) {
	var claims T
	if p == nil || p.RawClaims == (RawClaims{}) {
		return claims, errors.New("principal: no claims to read")
	}
	object := p.RawClaims.String()
	if object == "" {
		return claims, errors.New("principal: the claims are neither a JSON object nor base64url")
	}
	exact, err := exactly(json.RawMessage(object), reflect.TypeFor[T]())
	if err == nil {
		err = json.Unmarshal(exact, &claims)
	}
	if err != nil {
		return claims, fmt.Errorf("principal: reading the claims into %T: %w", claims, err)
	}
	return claims, nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// exactly is the JSON value without the object members that encoding/json would
// match to a field of t by folding case.
func exactly(value json.RawMessage, t reflect.Type) (json.RawMessage, error) {
	if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return value, nil // a type that reads itself has its own rules
	}
	switch t.Kind() {
	case reflect.Pointer:
		return exactly(value, t.Elem())
	case reflect.Struct:
		fields := fieldsOf(t)
		return object(value, func(name string) (reflect.Type, bool) { field, ok := fields[name]; return field, ok })
	case reflect.Map:
		return object(value, func(string) (reflect.Type, bool) { return t.Elem(), true })
	case reflect.Slice, reflect.Array:
		if !startsWith(value, '[') {
			return value, nil
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(value, &elements); err != nil {
			return nil, err
		}
		for i, element := range elements {
			var err error
			if elements[i], err = exactly(element, t.Elem()); err != nil {
				return nil, err
			}
		}
		return marshal(elements)
	default:
		return value, nil
	}
}

func object(value json.RawMessage, field func(name string) (reflect.Type, bool)) (json.RawMessage, error) {
	if !startsWith(value, '{') {
		return value, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return nil, err
	}
	for name, member := range members {
		t, ok := field(name)
		if !ok {
			delete(members, name)
			continue
		}
		var err error
		if members[name], err = exactly(member, t); err != nil {
			return nil, err
		}
	}
	return marshal(members)
}

// marshal leaves the text of strings as it is, which json.Marshal does not.
func marshal(value any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return buffer.Bytes(), err
}

// fieldsOf names the fields of t as encoding/json does: by tag, else by name, those
// of embedded structs where no field nearer the surface has the name; of several at
// one depth the tagged one, and none if that does not decide.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	type candidate struct {
		field  reflect.Type
		tagged bool
	}
	fields, decided, visited := map[string]reflect.Type{}, map[string]bool{}, map[reflect.Type]bool{}
	for level := []reflect.Type{t}; len(level) > 0; {
		var deeper []reflect.Type
		found := map[string][]candidate{}
		for _, t := range level {
			if visited[t] {
				continue
			}
			for field := range t.Fields() {
				tag := field.Tag.Get("json")
				name, _, _ := strings.Cut(tag, ",")
				inner := field.Type
				if inner.Kind() == reflect.Pointer {
					inner = inner.Elem()
				}
				embedded := field.Anonymous && inner.Kind() == reflect.Struct
				switch {
				case tag == "-", !field.IsExported() && !embedded:
				case embedded && name == "":
					deeper = append(deeper, inner)
				default:
					tagged := name != ""
					if !tagged {
						name = field.Name
					}
					found[name] = append(found[name], candidate{field.Type, tagged})
				}
			}
		}
		for name, candidates := range found {
			if decided[name] {
				continue
			}
			decided[name] = true
			if len(candidates) > 1 {
				candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return !c.tagged })
			}
			if len(candidates) == 1 {
				fields[name] = candidates[0].field
			}
		}
		for _, t := range level {
			visited[t] = true
		}
		level = deeper
	}
	return fields
}

func startsWith(value json.RawMessage, c byte) bool {
	value = bytes.TrimLeft(value, " \t\r\n")
	return len(value) > 0 && value[0] == c
}

package middleware_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// RFC 7515 §7.1 and §2: three parts of base64url, of which each text has one form.
func TestHostileForm(t *testing.T) { // C9, C18, C20, C26
	x := newTarget(t, nil)
	good := x.withClaims()
	parts := strings.Split(good, ".")
	join := func(parts ...string) string { return strings.Join(parts, ".") }
	standard := func(part string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(part) }
	// A payload whose encoding has both characters that the alphabets differ in.
	both := strings.Split(x.withClaims("x", `"~~~???>>>`+strings.Repeat("~?>", 9)+`"`), ".")
	if !strings.Contains(both[1], "_") || standard(both[1]) == both[1] {
		t.Fatal("no character of base64url alone in the payload")
	}
	nested := func(typ string) string {
		return compact(`{"alg":"ES256","kid":"p256","cty":"JWT","typ":`+typ+`}`, good, ownKeys()["p256"].sign)
	}
	x.attack(t, []row{
		{"one part", parts[0], malformed},
		{"two parts", join(parts[:2]...), malformed},
		{"two parts and a dot in front", "." + join(parts[:2]...), malformed},
		{"no signature (RFC 7519 section 6)", join(parts[0], parts[1], ""), badSignature},
		{"no header", join("", parts[1], parts[2]), malformed},
		{"no payload", join(parts[0], "", parts[2]), malformed},
		{"four parts", good + "." + parts[2], malformed},
		{"an empty fourth part", good + ".", malformed},
		{"a dot in front", "." + good, malformed},
		{"two dots", "..", malformed},
		{"one dot", ".", malformed},
		{"60,000 dots", strings.Repeat(".", 60_000), tooLong},
		{"16,000 dots", strings.Repeat(".", 16_000), malformed},
		{"padding behind the header", join(parts[0]+"==", parts[1], parts[2]), badForm},
		{"padding behind the payload", join(parts[0], parts[1]+"=", parts[2]), badForm},
		{"padding behind the signature", good + "==", malformed},
		{"the standard alphabet", join(both[0], standard(both[1]), both[2]), malformed},
		{"a tilde", good + "~", malformed},
		{"a space in the end of a part", join(parts[0]+" ", parts[1], parts[2]), badForm},
		{"%2E for the dots", strings.Join(parts, "%2E"), badForm},
		{"one bit too many behind the signature", good[:len(good)-1] + nextLetter(good[len(good)-1]), malformed},
		{"a part of a length that cannot be", join(parts[0], parts[1][:len(parts[1])/4*4]+"A", parts[2]), malformed},
		{"JWE of five parts", join(base64url.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM"}`)), "", "AAAAAAAAAAAAAAAA", parts[1], "AAAAAAAAAAAAAAAAAAAAAA"), malformed},
		{"JWE whose plaintext is a good token (C20)", join(base64url.EncodeToString([]byte(`{"alg":"RSA-OAEP-256","enc":"A128GCM","cty":"JWT"}`)), "AAAA", "AAAA", base64url.EncodeToString([]byte(good)), "AAAA"), malformed},
		{"a token within a token", nested(`"at+jwt"`), malformed},
		{"a token within a token of typ JWT", nested(`"JWT"`), wrongType},
		{"the flattened JSON serialization", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, badForm},
		{"the general JSON serialization", `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`, badForm},
		{"a text that is both serializations", parts[0] + "." + parts[1] + `.{"` + parts[2] + `"}`, badForm},
		{"the token, quoted", `"` + good + `"`, badForm},
		{"the token in base64url", base64url.EncodeToString([]byte(good)), malformed},
		{"the token in base64", base64.StdEncoding.EncodeToString([]byte(good)), malformed},
		{"SD-JWT", good + "~WyJzYWx0IiwibmFtZSIsInZhbHVlIl0~", malformed},
		{"an opaque token", marker + "0123456789abcdef", malformed},
		{"17 KiB", x.withClaims("x", `"`+strings.Repeat("x", 13<<10)+`"`), tooLong},
		{"and 16 KiB pass", x.withClaims("x", `"`+strings.Repeat("x", 11<<10)+`"`), accepted},
	})
}

// nextLetter is the letter after c in the alphabet of base64url: its last bit, which
// encodes nothing, is set.
func nextLetter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1:][:1]
}

// Header and payload are one JSON object each, as RFC 8259 has it, and nothing else.
func TestHostileJSON(t *testing.T) { // C9, C10, C16
	x := newTarget(t, nil)
	sign := ownKeys()["p256"].sign
	var rows []row
	for name, spoil := range map[string]func(object string) string{
		"an array":                      func(s string) string { return "[" + s + "]" },
		"a string":                      func(s string) string { return string(must(json.Marshal(s))) },
		"null":                          func(string) string { return "null" },
		"a number":                      func(string) string { return "7" },
		"true":                          func(string) string { return "true" },
		"an empty text":                 func(string) string { return " " },
		"cut off":                       func(s string) string { return s[:len(s)-1] },
		"twice":                         func(s string) string { return s + s },
		"with data behind":              func(s string) string { return s + `,"x":1` },
		"with NUL behind":               func(s string) string { return s + "\x00" },
		"with a line of JSON behind":    func(s string) string { return s + "\n{}" },
		"with a byte-order mark":        func(s string) string { return "\ufeff" + s },
		"in UTF-16":                     func(s string) string { return utf16LE(s) },
		"with a comma at the end":       func(s string) string { return s[:len(s)-1] + ",}" },
		"with a comma in the beginning": func(s string) string { return "{," + s[1:] },
		"with a comment":                func(s string) string { return "{/* " + marker + " */" + s[1:] },
		"with a line comment":           func(s string) string { return "{// " + marker + "\n" + s[1:] },
		"with single quotes":            func(s string) string { return strings.ReplaceAll(s, `"`, `'`) },
		"with a name without quotes":    func(s string) string { return "{x:1," + s[1:] },
		"with a name that is a number":  func(s string) string { return "{1:1," + s[1:] },
		"with a line break in a string": func(s string) string { return "{\"x\":\"a\nb\"," + s[1:] },
		"with a tab in a name":          func(s string) string { return "{\"x\ty\":1," + s[1:] },
		"with an unknown escape":        func(s string) string { return `{"x":"\x41",` + s[1:] },
		"with half an escape":           func(s string) string { return `{"x":"\u00",` + s[1:] },
		"with a lone high surrogate":    func(s string) string { return `{"x":"\ud800",` + s[1:] },
		"with a lone low surrogate":     func(s string) string { return `{"x":"\udc00",` + s[1:] },
		"with surrogates the wrong way": func(s string) string { return `{"x":"\udc00\ud800",` + s[1:] },
		"with a lone surrogate as name": func(s string) string { return `{"\ud800":1,` + s[1:] },
		"with a byte that is no UTF-8":  func(s string) string { return "{\"x\":\"" + marker + "\xff\"," + s[1:] },
		"with an overlong slash":        func(s string) string { return "{\"x\":\"\xc0\xaf\"," + s[1:] },
		"with a surrogate in UTF-8":     func(s string) string { return "{\"x\":\"\xed\xa0\x80\"," + s[1:] },
		"beyond the last code point":    func(s string) string { return "{\"x\":\"\xf4\x90\x80\x80\"," + s[1:] },
		"with a form feed between":      func(s string) string { return "{\f" + s[1:] },
		"with a no-break space between": func(s string) string { return "{\u00a0" + s[1:] },
		"with a number of two dots":     func(s string) string { return `{"x":1.2.3,` + s[1:] },
		"with True":                     func(s string) string { return `{"x":True,` + s[1:] },
		"with undefined":                func(s string) string { return `{"x":undefined,` + s[1:] },
		"with a value missing":          func(s string) string { return `{"x":,` + s[1:] },
		"with brackets that do not fit": func(s string) string { return `{"x":[{]},` + s[1:] },
		"33 objects deep": func(s string) string {
			return `{"x":` + strings.Repeat(`{"x":`, 32) + "1" + strings.Repeat("}", 32) + "," + s[1:]
		},
		"5,000 arrays deep": func(s string) string {
			return `{"x":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + "," + s[1:]
		},
		"5,000 arrays deep, open": func(s string) string { return `{"x":` + strings.Repeat("[", 5_000) },
		"objects deep, open":      func(string) string { return strings.Repeat(`{"x":`, 2_000) },
	} {
		rows = append(rows,
			row{"the header is " + name, compact(spoil(header("p256")), x.payload(), sign), malformed},
			row{"the payload is " + name, compact(header("p256"), spoil(x.payload()), sign), malformed})
	}
	for name, add := range map[string]string{
		"a number of 1000 digits that means nothing":    `"x":` + strings.Repeat("9", 1000),
		"a number beyond all floats that means nothing": `"x":1e99999`,
		"a pair of surrogates":                          `"x":"\ud83d\ude00"`,
		"31 arrays deep":                                `"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31),
		"an empty name":                                 `"":1`,
		"white space of every kind":                     " \t\r\n\"x\" : [ 1 , 2 ] \r\n",
		"__proto__":                                     `"__proto__":{"scope":"invoices.read"},"constructor":7`,
	} {
		rows = append(rows,
			row{"and a header with " + name + " passes", compact("{"+add+","+header("p256")[1:], x.payload(), sign), accepted},
			row{"and a payload with " + name + " passes", compact(header("p256"), "{"+add+","+x.payload()[1:], sign), accepted})
	}
	x.attack(t, rows)
}

func utf16LE(s string) string {
	var wide strings.Builder
	for _, c := range s {
		wide.WriteRune(c)
		wide.WriteByte(0)
	}
	return wide.String()
}

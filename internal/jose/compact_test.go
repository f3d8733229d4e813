package jose_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

var raw = base64.RawURLEncoding

// compact is a token whose parts are well-formed and whose signature nobody made.
func compact(header string) string {
	return encode(header) + "." + encode(`{"iss":"joe"}`) + "." + encode("signature")
}

func encode(text string) string { return raw.EncodeToString([]byte(text)) }

func TestParseReadsTheCompactForm(t *testing.T) { // C9
	for name, test := range map[string]struct {
		token, algorithm, keyID, typ, payload string
	}{
		"alg alone":                           {compact(`{"alg":"RS256"}`), "RS256", "", "", `{"iss":"joe"}`},
		"alg, kid and typ":                    {compact(`{"typ":"at+jwt","alg":"ES256","kid":"k1"}`), "ES256", "k1", "at+jwt", `{"iss":"joe"}`},
		"a header with white space":           {compact(" {\r\n\t\"alg\" : \"RS256\" } "), "RS256", "", "", `{"iss":"joe"}`},
		"a name with escapes is that name":    {compact(`{"\u0061lg":"RS256"}`), "RS256", "", "", `{"iss":"joe"}`},
		"a value with escapes is that value":  {compact(`{"alg":"RS\u003256"}`), "RS256", "", "", `{"iss":"joe"}`},
		"C19: alg is not looked at here":      {compact(`{"alg":"noNE"}`), "noNE", "", "", `{"iss":"joe"}`},
		"C12: a key of the token's own":       {compact(`{"alg":"RS256","jwk":{"kty":"oct"},"jku":"https://evil.example","x5u":7,"x5c":[null]}`), "RS256", "", "", `{"iss":"joe"}`},
		"names in other case are other names": {compact(`{"alg":"RS256","ALG":"none","Kid":1,"TYP":null,"Crit":["x"]}`), "RS256", "", "", `{"iss":"joe"}`},
		"a name with NUL is another name":     {compact(`{"alg":"RS256","crit\u0000":["x"]}`), "RS256", "", "", `{"iss":"joe"}`},
		"C23: a kid is whatever text":         {compact(`{"alg":"RS256","kid":"../../etc/passwd' OR 1=1 --"}`), "RS256", "../../etc/passwd' OR 1=1 --", "", `{"iss":"joe"}`},
		"a kid of 1024 octets":                {compact(`{"alg":"RS256","kid":"` + strings.Repeat("k", 1024) + `"}`), "RS256", strings.Repeat("k", 1024), "", `{"iss":"joe"}`},
		"a payload that is not JSON":          {encode(`{"alg":"RS256"}`) + "." + encode("text") + ".AA", "RS256", "", "", "text"},
		"a signature of no octets":            {encode(`{"alg":"RS256"}`) + "." + encode("{}") + ".", "RS256", "", "", "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := jose.Parse(test.token)
			if err != nil {
				t.Fatal(err)
			}
			if c.Algorithm != test.algorithm || c.KeyID != test.keyID || c.Type != test.typ {
				t.Errorf("read alg %q, kid %q, typ %q", c.Algorithm, c.KeyID, c.Type)
			}
			if c.Payload() != test.payload {
				t.Errorf("payload %q, want %q", c.Payload(), test.payload)
			}
			if input, signature, _ := cutLast(test.token); string(c.Input()) != input || raw.EncodeToString(c.Signature()) != signature {
				t.Errorf("input %q, signature %q", c.Input(), c.Signature())
			}
		})
	}
}

func cutLast(token string) (input, signature string, ok bool) {
	i := strings.LastIndexByte(token, '.')
	return token[:max(i, 0)], token[i+1:], i >= 0
}

func TestParseRefusesWhatIsNotTheCompactForm(t *testing.T) {
	const header, payload, signature = "eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJqb2UifQ", "c2lnbmF0dXJl"
	if _, err := jose.Parse(header + "." + payload + "." + signature); err != nil {
		t.Fatalf("the token that the table spoils: %v", err)
	}
	for name, token := range map[string]string{
		"C9: nothing":                        "",
		"C9: one dot":                        ".",
		"C9: two dots":                       "..",
		"C9: one part":                       header,
		"C9: two parts":                      header + "." + payload,
		"C9: four parts":                     header + "." + payload + "." + signature + "." + signature,
		"C9: a dot at the end":               header + "." + payload + "." + signature + ".",
		"C9: a dot in front":                 "." + header + "." + payload + "." + signature,
		"C9: no header":                      "." + payload + "." + signature,
		"C9: no payload":                     header + ".." + signature,
		"C9: 100,000 dots":                   strings.Repeat(".", 100_000),
		"C9: 100,000 parts":                  header + strings.Repeat(".AA", 100_000),
		"C9: padding after the header":       header + "=." + payload + "." + signature,
		"C9: padding after the payload":      header + "." + payload + "==." + signature,
		"C9: padding after the signature":    header + "." + payload + "." + signature + "=",
		"C9: padding alone for a signature":  header + "." + payload + ".====",
		"C9: the plus of the other alphabet": header + "." + payload + ".ab+d",
		"C9: the slash of it":                header + "." + payload + ".ab/d",
		"C9: a space in front":               " " + header + "." + payload + "." + signature,
		"C9: a space at the end":             header + "." + payload + "." + signature + " ",
		"C9: a space within":                 header + "." + payload[:4] + " " + payload[4:] + "." + signature,
		"C9: a tab":                          header + "." + payload + ".\t" + signature,
		"C9: a line break in front":          "\n" + header + "." + payload + "." + signature,
		"C9: a carriage return in front":     "\r" + header + "." + payload + "." + signature,
		"C9: a line break at the end":        header + "." + payload + "." + signature + "\n",
		"C9: a line break within the header": header[:8] + "\n" + header[8:] + "." + payload + "." + signature,
		"C9: a carriage return":              header + "." + payload + "\r." + signature,
		"C9: line breaks as MIME has them":   header + "." + payload + "." + signature[:4] + "\r\n" + signature[4:],
		"C9: a NUL":                          header + "." + payload + "." + signature + "\x00",
		"C9: percent encoding":               header + "." + payload + "." + signature + "%3D",
		"C9: a letter that looks so":         header + "." + payload + ".с2ln", // the first one is Cyrillic
		"C9: one character of a group":       header + "." + payload + "." + signature + "A",
		"C9: stray bits in the header":       strings.TrimSuffix(encode(`{"alg":"RS256" }`), "Q") + "R." + payload + "." + signature,
		"C9: stray bits in the payload":      header + ".eyJpc3MiOiJqb2UifR." + signature,
		"C9: stray bits in the signature":    header + "." + payload + ".AB",
		"C9: and again, of three":            header + "." + payload + ".AAB",
		"C18: a JWE of five parts":           encode(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".AAAA.AAAA.AAAA.AAAA",
		"C26: the JSON serialization":        `{"payload":"` + payload + `","protected":"` + header + `","signature":"` + signature + `"}`,
		"C26: the general JSON one":          `{"payload":"` + payload + `","signatures":[{"protected":"` + header + `","signature":"` + signature + `"}]}`,
		"C26: JSON around a compact form":    `{"a":".` + header + "." + payload + "." + signature + `"}`,
		"C26: a polyglot of both":            header + "." + payload + `.{"` + signature + `"}`,
		"C26: a quoted token":                `"` + header + "." + payload + "." + signature + `"`,
		"C1: a scheme in front":              "Bearer " + header + "." + payload + "." + signature,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := jose.Parse(token); !errors.Is(err, jose.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
		})
	}
}

func TestParseRefusesTheHeader(t *testing.T) {
	for name, header := range map[string]string{
		"C9: nothing but a space":              ` `,
		"C9: not JSON":                         `alg=RS256`,
		"C9: an array":                         `["alg","RS256"]`,
		"C9: a string":                         `"RS256"`,
		"C9: null":                             `null`,
		"C9: a number":                         `7`,
		"C9: an object and more":               `{"alg":"RS256"}{}`,
		"C9: a byte order mark":                "\ufeff" + `{"alg":"RS256"}`,
		"C9: not UTF-8":                        "{\"alg\":\"RS256\",\"kid\":\"\xff\"}",
		"C9: a lone surrogate":                 `{"alg":"RS256","kid":"\ud800"}`,
		"C9: nested without end":               `{"alg":"RS256","x":` + strings.Repeat("[", 10_000),
		"C10: alg twice":                       `{"alg":"RS256","alg":"none"}`,
		"C10: alg twice, once escaped":         `{"alg":"RS256","\u0061lg":"none"}`,
		"C10: kid twice, alike":                `{"alg":"RS256","kid":"a","kid":"a"}`,
		"C10: an unknown name twice":           `{"alg":"RS256","x":1,"x":2}`,
		"C10: a name twice, deep within":       `{"alg":"RS256","jwk":{"kty":"RSA","kty":"oct"}}`,
		"no alg":                               `{"typ":"at+jwt"}`,
		"no alg, in this case":                 `{"Alg":"RS256"}`,
		"an empty object":                      `{}`,
		"alg is empty":                         `{"alg":""}`,
		"alg is null":                          `{"alg":null}`,
		"alg is a number":                      `{"alg":256}`,
		"alg is true":                          `{"alg":true}`,
		"alg is an array":                      `{"alg":["RS256"]}`,
		"alg is an object":                     `{"alg":{"RS256":1}}`,
		"kid is empty":                         `{"alg":"RS256","kid":""}`,
		"kid is null":                          `{"alg":"RS256","kid":null}`,
		"kid is a number":                      `{"alg":"RS256","kid":1}`,
		"kid is true":                          `{"alg":"RS256","kid":true}`,
		"kid is an array":                      `{"alg":"RS256","kid":["a"]}`,
		"kid is an object":                     `{"alg":"RS256","kid":{}}`,
		"kid has 1025 octets":                  `{"alg":"RS256","kid":"` + strings.Repeat("k", 1025) + `"}`,
		"kid has 1 MB":                         `{"alg":"RS256","kid":"` + strings.Repeat("k", 1<<20) + `"}`,
		"kid has 1025 octets in fewer letters": `{"alg":"RS256","kid":"` + strings.Repeat("é", 513) + `"}`,
		"typ is empty":                         `{"alg":"RS256","typ":""}`,
		"typ is null":                          `{"alg":"RS256","typ":null}`,
		"typ is a number":                      `{"alg":"RS256","typ":1}`,
		"typ is an array":                      `{"alg":"RS256","typ":["at+jwt"]}`,
		"typ is an object":                     `{"alg":"RS256","typ":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := jose.Parse(compact(header)); !errors.Is(err, jose.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
		})
	}
}

// No extension is understood, so each one is a reason to refuse; and so is a
// crit that asks for none, which RFC 7515 §4.1.11 forbids.
func TestParseRefusesEveryExtension(t *testing.T) { // C11, C18
	for name, member := range map[string]string{
		"crit names an unknown extension":      `"crit":["x"],"x":1`,
		"crit names one that is not there":     `"crit":["x"]`,
		"crit names a registered header":       `"crit":["kid"],"kid":"a"`,
		"crit names alg":                       `"crit":["alg"]`,
		"crit names the same twice":            `"crit":["x","x"],"x":1`,
		"crit is an empty list":                `"crit":[]`,
		"crit is null":                         `"crit":null`,
		"crit is false":                        `"crit":false`,
		"crit is a string":                     `"crit":"x"`,
		"crit is an object":                    `"crit":{}`,
		"crit is a number":                     `"crit":0`,
		"crit holds a number":                  `"crit":[1]`,
		"crit is written with an escape":       `"cri\u0074":["x"]`,
		"b64 is false and critical (RFC 7797)": `"b64":false,"crit":["b64"]`,
		"b64 is false and not critical":        `"b64":false`,
		"b64 is true":                          `"b64":true`,
		"b64 is null":                          `"b64":null`,
	} {
		for _, header := range []string{`{"alg":"RS256",` + member + `}`, `{` + member + `,"alg":"RS256"}`} {
			t.Run(name, func(t *testing.T) {
				if _, err := jose.Parse(compact(header)); !errors.Is(err, jose.ErrCritical) {
					t.Errorf("%s: got %v, want ErrCritical", header, err)
				}
			})
		}
	}
}

func TestClaimsAreOneJSONObject(t *testing.T) { // C10, C16
	for name, test := range map[string]struct {
		payload string
		ok      bool
	}{
		"an object":            {`{"iss":"joe","a":{"b":[1]}}`, true},
		"an empty object":      {`{}`, true},
		"an array":             {`[{"iss":"joe"}]`, false},
		"null":                 {`null`, false},
		"a string":             {`"{}"`, false},
		"text":                 {`joe`, false},
		"a nested token (C18)": {compact(`{"alg":"RS256"}`), false},
		"a name twice":         {`{"iss":"joe","iss":"eve"}`, false},
		"a name twice, deep":   {`{"a":[{"b":1,"\u0062":2}]}`, false},
		"not UTF-8":            {"{\"iss\":\"\xff\"}", false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := jose.Parse(encode(`{"alg":"RS256"}`) + "." + encode(test.payload) + ".AA")
			if err != nil {
				t.Fatal(err)
			}
			claims, err := c.Claims(nil)
			if (err == nil) != test.ok || err != nil && !errors.Is(err, jose.ErrMalformed) {
				t.Errorf("got %v, %v", claims, err)
			}
		})
	}
}

// A flood of dots is refused before anything is copied.
func TestAFloodOfDotsCostsNothing(t *testing.T) { // C9
	for _, flood := range []string{
		strings.Repeat(".", 100_000),
		"eyJhbGciOiJSUzI1NiJ9" + strings.Repeat(".", 100_000) + "AA",
		"eyJhbGciOiJSUzI1NiJ9" + strings.Repeat(".AA", 100_000),
	} {
		if n := testing.AllocsPerRun(10, func() { _, _ = jose.Parse(flood) }); n > 0 {
			t.Errorf("%.40s… costs %v allocations", flood, n)
		}
	}
}

// A header is taken from the token before if it is the same, and from nowhere else.
func TestAHeaderIsThatOfItsOwnToken(t *testing.T) {
	first, err := jose.Parse(compact(`{"alg":"RS256","kid":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, header string
		kid          string
		same         bool
		want         error
	}{
		{"the same", `{"alg":"RS256","kid":"a"}`, "a", true, nil},
		{"another kid", `{"alg":"RS256","kid":"b"}`, "b", false, nil},
		{"the same in other words", `{"kid":"a","alg":"RS256"}`, "a", false, nil},
		{"one that begins alike", `{"alg":"RS256","kid":"a"} `, "a", false, nil},
		{"one that demands an extension", `{"alg":"RS256","kid":"a","crit":["x"]}`, "", false, jose.ErrCritical},
		{"one that is none", `{"alg":"RS256","kid":"a"`, "", false, jose.ErrMalformed},
	} {
		c, err := jose.ParseAfter(first.Header, compact(row.header))
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && (c.KeyID != row.kid || (c.Header == first.Header) != row.same) {
			t.Errorf("%s: kid %q, the same: %v", row.name, c.KeyID, c.Header == first.Header)
		}
	}
	if _, err := jose.ParseAfter(first.Header, "."+encode("{}")+".AA"); !errors.Is(err, jose.ErrMalformed) {
		t.Errorf("no header: %v", err)
	}
}

// What Parse accepts has three canonical parts, and encoding/json reads the same
// header.
func FuzzParse(f *testing.F) {
	for _, header := range []string{`{"alg":"RS256"}`, `{"alg":"ES256","kid":"k","typ":"at+jwt"}`, `{"alg":"RS256","crit":[]}`, `{"alg":"RS256","alg":"none"}`, `{"alg":"\ud83d\ude00"}`, `[]`} {
		f.Add(compact(header))
	}
	for _, token := range []string{"", ".", "..", "a.b.c.d", "eyJhbGciOiJSUzI1NiJ9.e30.", "eyJhbGciOiJSUzI1NiJ9.e30.AA==", "eyJhbGciOiJSUzI1NiJ9.e31.AA", "eyJhbGciOiJSUzI1NiJ9.e30\n.AA"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := jose.Parse(token)
		if err != nil {
			if !errors.Is(err, jose.ErrMalformed) && !errors.Is(err, jose.ErrCritical) {
				t.Fatalf("an error of a third kind: %v", err)
			}
			return
		}
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatalf("accepted with %d parts", len(parts))
		}
		var decoded [3][]byte
		for i, part := range parts {
			decoded[i], err = raw.DecodeString(part)
			if err != nil || raw.EncodeToString(decoded[i]) != part {
				t.Fatalf("part %d is not canonical: %v", i, err)
			}
		}
		if string(c.Input()) != parts[0]+"."+parts[1] || c.Payload() != string(decoded[1]) || !bytes.Equal(c.Signature(), decoded[2]) {
			t.Fatal("the parts are not those of the token")
		}
		var header map[string]any
		if err := json.Unmarshal(decoded[0], &header); err != nil {
			t.Fatalf("encoding/json refuses the header: %v", err)
		}
		for name, got := range map[string]string{"alg": c.Algorithm, "kid": c.KeyID, "typ": c.Type} {
			value, present := header[name]
			if text, ok := value.(string); text != got || present != (got != "") || present && !ok {
				t.Fatalf("%s is %q, encoding/json reads %v", name, got, value)
			}
		}
		_, crit := header["crit"]
		_, b64 := header["b64"]
		if crit || b64 || c.Algorithm == "" {
			t.Fatalf("accepted with the header %s", decoded[0])
		}
		if claims, err := c.Claims(nil); err == nil {
			var oracle map[string]json.RawMessage
			if err := json.Unmarshal([]byte(c.Payload()), &oracle); err != nil || len(oracle) != len(claims) {
				t.Fatalf("%d claims, encoding/json reads %d, %v", len(claims), len(oracle), err)
			}
		}
	})
}

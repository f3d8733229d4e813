package middleware_test

import (
	"bytes"
	"compress/flate"
	"testing"
)

// An extension that is not understood must be refused, and a crit that is not by the
// book as well (RFC 7515 §4.1.11). None is understood here.
func TestHostileCrit(t *testing.T) { // C11, C18
	x := newTarget(t, nil)
	var rows []row
	for name, crit := range map[string]string{
		"empty":                         `[]`,
		"an extension that is there":    `["` + marker + `"]`,
		"one that is not there":         `["absent"]`,
		"a registered parameter":        `["alg"]`,
		"the same twice":                `["exp","exp"]`,
		"b64":                           `["b64"]`,
		"crit itself":                   `["crit"]`,
		"an empty name":                 `[""]`,
		"a string":                      `"exp"`,
		"a number":                      `1`,
		"null":                          `null`,
		"false":                         `false`,
		"an object":                     `{"exp":true}`,
		"an array of arrays":            `[["exp"]]`,
		"an array of null":              `[null]`,
		"http://openbanking.org.uk/iat": `["http://openbanking.org.uk/iat"]`,
	} {
		rows = append(rows, row{name, x.withHeader("crit", crit, "exp", "1", marker, "1"), critical})
	}
	rows = append(rows,
		row{"spelled with an escape", x.withHeader(`cr\u0069t`, `["exp"]`), critical},
		row{"and CRIT is another name, and so nobody's (RFC 7515 section 4)", x.withHeader("CRIT", `["exp"]`), accepted},
	)
	x.attack(t, rows)
}

// RFC 7797 §7: whoever does not know b64 verifies another text than was signed.
func TestHostileB64(t *testing.T) { // C18
	x := newTarget(t, nil)
	var rows []row
	for name, token := range map[string]string{
		"false":               x.withHeader("b64", "false"),
		"false, and critical": x.withHeader("b64", "false", "crit", `["b64"]`),
		"true":                x.withHeader("b64", "true"),
		"true, and critical":  x.withHeader("b64", "true", "crit", `["b64"]`),
		"null":                x.withHeader("b64", "null"),
		"a string":            x.withHeader("b64", `"false"`),
	} {
		rows = append(rows, row{name, token, critical})
	}
	x.attack(t, rows)
}

// zip and enc are of JWE (RFC 7516 §4.1). In a JWS they are unknown names, which are
// ignored (RFC 7515 §4); nothing is inflated and nothing decrypted.
func TestHostileJWEHeaderOnAJWS(t *testing.T) { // C18, C20, C26
	x := newTarget(t, nil)
	var deflated bytes.Buffer
	w := must(flate.NewWriter(&deflated, flate.BestCompression))
	_, _ = w.Write([]byte(x.payload()))
	_ = w.Close()
	sign := ownKeys()["p256"].sign
	x.attack(t, []row{
		{"zip, and the payload deflated", compact(header("p256", "zip", `"DEF"`), deflated.String(), sign), malformed},
		{"zip, and the payload as it is", x.withHeader("zip", `"DEF"`), accepted},
		{"enc", x.withHeader("enc", `"A256GCM"`), accepted},
		{"enc, and alg of an encryption", x.withHeader("enc", `"A256GCM"`, "alg", `"RSA-OAEP-256"`), wrongAlg},
		{"enc, and alg dir", x.withHeader("enc", `"A256GCM"`, "alg", `"dir"`), wrongAlg},
		{"alg of a password, and a p2c that takes a year", x.withHeader("alg", `"PBES2-HS256+A128KW"`, "p2c", "2147483647", "p2s", `"AAAA"`), wrongAlg},
	})
}

// Names are compared to the letter, and none may be there twice (RFC 7515 §4, RFC
// 7519 §4), for two readers of one token must not read two things.
func TestHostileNames(t *testing.T) { // C10, C16
	x := newTarget(t, nil)
	x.attack(t, []row{
		{"alg twice", x.withHeader("+alg", `"none"`), malformed},
		{"alg twice, alike", x.withHeader("+alg", `"ES256"`), malformed},
		{"alg twice, once with an escape", x.withHeader(`\u0061lg`, `"none"`), malformed},
		{"kid twice", x.withHeader("+kid", `"`+marker+`"`), malformed},
		{"typ twice", x.withHeader("+typ", `"JWT"`), malformed},
		{"an unknown header parameter twice", x.withHeader("x", "1", "+x", "1"), malformed},
		{"a name twice within a header parameter", x.withHeader("jwk", `{"kty":"EC","kty":"oct"}`), malformed},
		{"exp twice", x.withClaims("+exp", "9999999999"), malformed},
		{"exp twice, once with an escape", x.withClaims(`\u0065xp`, "9999999999"), malformed},
		{"scope twice", x.withClaims("scope", `"invoices.write"`, "+scope", `"invoices.read"`), malformed},
		{"aud twice", x.withClaims("+aud", `"https://`+marker+`"`), malformed},
		{"sub twice, with an escape of an escape's length", x.withClaims(`su\u0062`, `"`+marker+`"`), malformed},
		{"an unknown claim twice", x.withClaims("x", "1", "+x", "2"), malformed},
		{"a name twice deep within", x.withClaims("x", `[{"y":{"z":1,"z":2}}]`), malformed},
		{"the empty name twice", x.withClaims("", "1", "+", "2"), malformed},

		{"exp with an escape is exp", x.withClaims("exp", "", `\u0065xp`, "1"), expired},
		{"EXP is not exp", x.withClaims("exp", "", "EXP", "9999999999"), noExpiry},
		{"exp with NUL behind is not exp", x.withClaims("exp", "", `exp\u0000`, "9999999999"), noExpiry},
		{"exp with a space behind is not exp", x.withClaims("exp", "", `exp `, "9999999999"), noExpiry},
		{"exp with a Cyrillic letter is not exp", x.withClaims("exp", "", `еxp`, "9999999999"), noExpiry},
		{"exp with a combining mark is not exp", x.withClaims("exp", "", "exp\u0301", "9999999999"), noExpiry},
		{"ISS is not iss", x.withClaims("iss", "", "ISS", `"`+x.issuer.URL+`"`), wrongIssuer},
		{"AUD is not aud", x.withClaims("aud", "", "AUD", `"https://api.example"`), wrongAudience},
		{"Client_ID is not client_id", x.withClaims("client_id", "", "Client_ID", `"`+marker+`"`), noClient},
		{"SCOPE grants nothing", x.withClaims("scope", "", "SCOPE", `"invoices.read"`), underScoped},
		{"scope with a long s grants nothing", x.withClaims("scope", "", "ſcope", `"invoices.read"`), underScoped},
		{"scope with a Cyrillic o grants nothing", x.withClaims("scope", "", "scоpe", `"invoices.read"`), underScoped},
		{"scope with NUL behind grants nothing", x.withClaims("scope", "", `scope\u0000`, `"invoices.read"`), underScoped},
		{"scope within another claim grants nothing", x.withClaims("scope", "", "x", `{"scope":"invoices.read"}`), underScoped},
		{"scope in the header grants nothing", compact(header("p256", "scope", `"invoices.read"`), x.payload("scope", ""), ownKeys()["p256"].sign), underScoped},
		{"exp in the header is not exp (RFC 7519 section 5.3)", compact(header("p256", "exp", "9999999999"), x.payload("exp", ""), ownKeys()["p256"].sign), noExpiry},
		{"SUB beside sub changes nobody", x.withClaims("SUB", `"`+marker+`"`, "sUb", "7", "EXP", "1"), accepted},
	})
}

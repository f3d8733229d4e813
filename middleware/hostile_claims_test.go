package middleware_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/verify"
)

// RFC 7519 §2: a date is a number of seconds, which may have a fraction. What is
// none condemns the token; it does not wrap, nor pass for no date at all.
func TestHostileTimes(t *testing.T) { // C16, C17
	x := newTarget(t, nil)
	now := time.Now().Unix()
	huge := strings.Repeat("9", 1000)
	var rows []row
	for name, text := range map[string]string{
		"a string":                  `"9999999999"`,
		"an empty string":           `""`,
		"a date in words":           `"2099-01-01T00:00:00Z"`,
		"null":                      `null`,
		"true":                      `true`,
		"false":                     `false`,
		"an array":                  `[9999999999]`,
		"an object":                 `{"seconds":9999999999}`,
		"-1":                        `-1`,
		"-9999999999":               `-9999999999`,
		"1e400":                     `1e400`,
		"-1e400":                    `-1e400`,
		"1e308":                     `1e308`,
		"beyond 63 bits":            `9223372036854775808`,
		"beyond 64 bits":            `18446744073709551617`,
		"milliseconds":              fmt.Sprint((now + 3600) * 1000),
		"beyond the year 9999":      `253402300800`,
		"a number of 1000 digits":   huge,
		"a fraction of 1000 digits": "1." + huge,
		"zero in 1000 digits":       "0." + strings.Repeat("0", 1000),
	} {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			rows = append(rows, row{claim + " is " + name, x.withClaims(claim, text), claimType})
		}
	}
	for name, text := range map[string]string{
		"NaN": "NaN", "Infinity": "Infinity", "hexadecimal": "0x7fffffff", "with a plus": "+9999999999", "with a zero in front": "09999999999",
		"without a whole": ".5e10", "with a point alone": "9999999999.", "with an empty exponent": "1e", "with underscores": "9_999_999_999", "with minus alone": "-",
	} {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			rows = append(rows, row{claim + " is no JSON: " + name, x.withClaims(claim, text), malformed})
		}
	}
	at := func(seconds int64) string { return fmt.Sprint(now + seconds) }
	rows = append(rows,
		row{"exp is absent", x.withClaims("exp", ""), noExpiry},
		row{"exp is 0", x.withClaims("exp", "0"), expired},
		row{"exp is -0", x.withClaims("exp", "-0"), expired},
		row{"exp is -0.0e9", x.withClaims("exp", "-0.0e9"), expired},
		row{"exp is 1e-400", x.withClaims("exp", "1e-400"), expired},
		row{"exp has passed", x.withClaims("exp", at(-60)), expired},
		row{"exp has passed, with a fraction", x.withClaims("exp", at(-60)+".999"), expired},
		row{"nbf lies ahead", x.withClaims("nbf", at(60)), notYet},
		row{"nbf lies ahead, and exp has passed", x.withClaims("nbf", at(60), "exp", at(-60)), expired},
		row{"nbf is the last second of the year 9999", x.withClaims("nbf", "253402300799"), notYet},
		row{"iat lies ahead", x.withClaims("iat", at(60)), fromTheFuture},

		row{"and exp with a fraction passes", x.withClaims("exp", at(60)+".5"), accepted},
		row{"and exp with an exponent", x.withClaims("exp", "2.5e9"), accepted},
		row{"and exp at the end of the year 9999", x.withClaims("exp", "253402300799"), accepted},
		row{"and exp passed within the skew", x.withClaims("exp", at(-10)), accepted},
		row{"and nbf ahead within the skew", x.withClaims("nbf", at(10)), accepted},
		row{"and nbf of -0", x.withClaims("nbf", "-0"), accepted},
		row{"and iat ahead within the skew", x.withClaims("iat", at(10)), accepted},
		row{"and iat of decades ago", x.withClaims("iat", "1"), accepted},
	)
	x.attack(t, rows)
}

func TestHostileAudience(t *testing.T) { // C16, C22, C29, C46
	x := newTarget(t, nil)
	const us = `"https://api.example"`
	var rows []row
	for name, aud := range map[string]string{
		"absent":                           "",
		"null":                             `null`,
		"a number":                         `7`,
		"true":                             `true`,
		"an object":                        `{` + us + `:true}`,
		"an empty string":                  `""`,
		"an empty array":                   `[]`,
		"an array of an empty string":      `[""]`,
		"nested":                           `[[` + us + `]]`,
		"us and null":                      `[` + us + `,null]`,
		"us and a number":                  `[1,` + us + `]`,
		"us and an object":                 `[` + us + `,{}]`,
		"another":                          `"https://` + marker + `.example"`,
		"ours with a slash":                `"https://api.example/"`,
		"ours in capitals":                 `"HTTPS://API.EXAMPLE"`,
		"ours with a path":                 `"https://api.example/` + marker + `"`,
		"ours with a port":                 `"https://api.example:443"`,
		"ours with somebody before it":     `"https://` + marker + `@api.example"`,
		"ours in the beginning":            `"https://api.example.` + marker + `"`,
		"a part of ours":                   `"api.example"`,
		"ours and a space":                 `"https://api.example "`,
		"ours and another, with a space":   `"https://api.example https://` + marker + `.example"`,
		"ours and another, with a comma":   `"https://api.example,https://` + marker + `.example"`,
		"ours with NUL":                    `"https://api.example\u0000"`,
		"a wildcard":                       `"*"`,
		"an array written into a string":   `"[\"https://api.example\"]"`,
		"a homoglyph of ours":              `"https://аpi.example"`,
		"a fullwidth homoglyph of ours":    `"https://ａpi.example"`,
		"a thousand others":                `["a"` + strings.Repeat(`,"a"`, 999) + `]`,
		"a thousand nulls and then us":     `[null` + strings.Repeat(`,null`, 999) + `,` + us + `]`,
		"the client, as ID tokens have it": `"billing"`,
	} {
		rows = append(rows, row{name, x.withClaims("aud", aud), wrongAudience})
	}
	rows = append(rows,
		row{"and us among others passes", x.withClaims("aud", `["https://`+marker+`.example",`+us+`]`), accepted},
		row{"and us with an escape", x.withClaims("aud", `"https:\/\/\u0061pi.example"`), accepted},
		row{"and us twice", x.withClaims("aud", `[`+us+`,`+us+`]`), accepted},
	)
	x.attack(t, rows)
}

// Arrays of thousands cost a look at each element, and no more.
func TestHostileArraysOfThousands(t *testing.T) { // C16
	x := newTarget(t, func(c *verify.JWTConfig) { c.MaxTokenBytes = 64 << 10 })
	many := strings.Repeat(`"a",`, 10_000)
	members := func(n int) (changes []string) {
		for i := range n {
			changes = append(changes, strconv.FormatInt(int64(i)+100, 36), "0")
		}
		return changes
	}
	x.attack(t, []row{
		{"aud of 10,000 others", x.withClaims("aud", `[`+many+`"b"]`), wrongAudience},
		{"aud of 10,000 others and us", x.withClaims("aud", `[`+many+`"https://api.example"]`), accepted},
		{"scope of 10,000 names", x.withClaims("scope", `"`+strings.Repeat("a ", 10_000)+`b"`), underScoped},
		{"scope of 10,000 names in an array", x.withClaims("scope", `[`+many+`"b"]`), underScoped},
		{"5,000 claims of no meaning", x.withClaims(members(5_000)...), accepted},
		{"5,000 claims, the last one again", x.withClaims(append(members(5_000), "+2s", "1")...), malformed},
		{"10,000 claims are a token too long", x.withClaims(members(10_000)...), tooLong},
		{"3,000 header parameters of no meaning", x.withHeader(members(3_000)...), accepted},
	})
}

func TestHostileIssuer(t *testing.T) { // C21, C29
	x := newTarget(t, nil)
	host := strings.TrimPrefix(x.issuer.URL, "http://")
	var rows []row
	for name, iss := range map[string]string{
		"absent":                      "",
		"null":                        `null`,
		"a number":                    `7`,
		"an empty string":             `""`,
		"an array":                    `["` + x.issuer.URL + `"]`,
		"an object":                   `{"` + x.issuer.URL + `":true}`,
		"with a slash":                `"` + x.issuer.URL + `/"`,
		"in capitals":                 `"` + strings.ToUpper(x.issuer.URL) + `"`,
		"with the scheme in capitals": `"HTTP://` + host + `"`,
		"with https":                  `"https://` + host + `"`,
		"with userinfo":               `"http://` + marker + `@` + host + `"`,
		"as userinfo":                 `"` + x.issuer.URL + `@` + marker + `.example"`,
		"with a query":                `"` + x.issuer.URL + `?` + marker + `"`,
		"with a fragment":             `"` + x.issuer.URL + `#"`,
		"with a space":                `" ` + x.issuer.URL + `"`,
		"with NUL":                    `"` + x.issuer.URL + `\u0000"`,
		"by another name":             `"` + strings.Replace(x.issuer.URL, "127.0.0.1", "localhost", 1) + `"`,
		"by another number":           `"` + strings.Replace(x.issuer.URL, "127.0.0.1", "2130706433", 1) + `"`,
		"the attacker's":              `"` + x.trap.url + `"`,
	} {
		rows = append(rows, row{name, x.withClaims("iss", iss), wrongIssuer})
	}
	x.attack(t, rows)
}

func TestHostileCaller(t *testing.T) { // C16, C30
	x := newTarget(t, nil)
	noUser := invalid("The token names neither a client of its own nor a user.", verify.ReasonClaims)
	bound := invalid("The token is bound to its sender, which is not supported here.", verify.ReasonBound)
	x.attack(t, []row{
		{"sub a number", x.withClaims("sub", "7"), claimType},
		{"sub null", x.withClaims("sub", "null"), claimType},
		{"sub an array", x.withClaims("sub", `["billing"]`), claimType},
		{"sub an object", x.withClaims("sub", `{"`+marker+`":1}`), claimType},
		{"jti a number", x.withClaims("jti", "7"), claimType},
		{"client_id absent", x.withClaims("client_id", ""), noClient},
		{"client_id empty", x.withClaims("client_id", `""`), noClient},
		{"client_id null", x.withClaims("client_id", `null`), noClient},
		{"client_id a number", x.withClaims("client_id", `7`), noClient},
		{"client_id an object", x.withClaims("client_id", `{"x":"`+marker+`"}`), noClient},
		{"client_id an empty array, and azp beside it", x.withClaims("client_id", `[]`, "azp", `"`+marker+`"`), noClient},
		{"cnf of a DPoP key", x.withClaims("cnf", `{"jkt":"`+marker+`"}`), bound},
		{"cnf null", x.withClaims("cnf", `null`), bound},
		{"cnf empty", x.withClaims("cnf", `{}`), bound},
		{"cnf a string", x.withClaims("cnf", `"`+marker+`"`), bound},
		{"and no sub is the client itself", x.withClaims("sub", ""), accepted},
	})
	strict := newTarget(t, func(c *verify.JWTConfig) { c.Profile.UserID = "uid" })
	strict.attack(t, []row{
		{"a user without the claim that names him", strict.withClaims("sub", `"`+marker+`"`), noUser},
		{"a user whose claim is a number", strict.withClaims("sub", `"`+marker+`"`, "uid", "7"), noUser},
	})
}

// RFC 6749 §3.3: names are of printable ASCII, compared to the letter, with one space
// between them.
func TestHostileScopes(t *testing.T) { // C5, C8, C30
	x := newTarget(t, nil)
	var rows []row
	for name, scope := range map[string]string{
		"null":                        `null`,
		"a number":                    `7`,
		"true":                        `true`,
		"an object":                   `{"invoices.read":true}`,
		"an array of numbers":         `["invoices.read",7]`,
		"an array of arrays":          `[["invoices.read"]]`,
		"an array with null":          `["invoices.read",null]`,
		"an array with an empty name": `["invoices.read",""]`,
		"an array, a space in a name": `["invoices.read invoices.write"]`,
		"two spaces":                  `"invoices.read  x"`,
		"a space in front":            `" invoices.read"`,
		"a space behind":              `"invoices.read "`,
		"a space alone":               `" "`,
		"a tab":                       `"invoices.read\tx"`,
		"a line break":                `"invoices.read\n` + marker + `"`,
		"CR LF and a header":          `"invoices.read\r\nSet-Cookie: ` + marker + `"`,
		"a quote":                     `"invoices.read \"` + marker + `\""`,
		"a backslash":                 `"invoices.read \\` + marker + `"`,
		"NUL":                         `"invoices.read\u0000"`,
		"DEL":                         `"invoices.read\u007f"`,
		"a letter beyond ASCII":       `"invoices.read é"`,
		"a no-break space":            `"invoices.read\u00a0x"`,
		"an ideographic space":        `"invoices.read\u3000x"`,
		"a lone byte-order mark":      `"\ufeffinvoices.read"`,
	} {
		rows = append(rows, row{name, x.withClaims("scope", scope), badScopes})
	}
	for name, scope := range map[string]string{
		"absent":               "",
		"an empty string":      `""`,
		"an empty array":       `[]`,
		"in capitals":          `"INVOICES.READ"`,
		"with a capital":       `"Invoices.Read"`,
		"of the beginning":     `"invoices"`,
		"that begin alike":     `"invoices.read.` + marker + `"`,
		"with a comma between": `"invoices.read,invoices.write"`,
		"with a plus between":  `"invoices.read+invoices.write"`,
		"with %20 between":     `"invoices.read%20invoices.write"`,
		"of a wildcard":        `"* invoices.* *.read"`,
		"of a parameter":       `"scope=invoices.read"`,
		"of markers":           `"` + marker + `"`,
	} {
		rows = append(rows, row{"403: scopes " + name, x.withClaims("scope", scope), underScoped})
	}
	rows = append(rows,
		row{"403: scope is empty, and scp is not", x.withClaims("scope", `""`, "scp", `"invoices.read"`), underScoped},
		row{"scope is malformed, and scp is not", x.withClaims("scope", `7`, "scp", `"invoices.read"`), badScopes},
		row{"403: roles and permissions grant nothing", x.withClaims("scope", "", "roles", `["invoices.read"]`, "permissions", `["invoices.read"]`), underScoped},
		row{"and a thousand times the same name passes", x.withClaims("scope", `"invoices.read`+strings.Repeat(" invoices.read", 500)+`"`), accepted},
	)
	x.attack(t, rows)
}

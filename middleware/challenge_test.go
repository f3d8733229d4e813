package middleware_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// parsed is a challenge as a client reads it.
type parsed struct {
	scheme     string
	parameters map[string]string
}

// parseChallenges reads WWW-Authenticate by RFC 9110 §11.6.1: a list, over all lines,
// of challenges whose parameters are a list as well. It takes nothing that the grammar
// does not have, and no parameter twice (§11.2).
func parseChallenges(lines []string) (all []parsed, err error) {
	p := &challengeParser{rest: strings.Join(lines, ", ")}
	for {
		p.skip(" \t,")
		if p.rest == "" {
			return all, nil
		}
		one := parsed{p.token(), map[string]string{}}
		if one.scheme == "" {
			return nil, fmt.Errorf("no scheme at %q", p.rest)
		}
		if !strings.HasPrefix(p.rest, " ") {
			all = append(all, one)
			continue
		}
		p.skip(" ")
		for {
			before := p.rest
			name := strings.ToLower(p.token())
			p.skip(" \t")
			if name == "" || !strings.HasPrefix(p.rest, "=") {
				p.rest = before // what comes next is a scheme
				break
			}
			p.rest = p.rest[1:]
			p.skip(" \t")
			value, err := p.value()
			if _, again := one.parameters[name]; err != nil || again {
				return nil, fmt.Errorf("parameter %s: there already: %t, %w", name, again, err)
			}
			one.parameters[name] = value
			p.skip(" \t")
			if p.rest != "" && !strings.HasPrefix(p.rest, ",") {
				return nil, fmt.Errorf("no comma at %q", p.rest)
			}
			p.skip(" \t,")
		}
		all = append(all, one)
	}
}

type challengeParser struct{ rest string }

func (p *challengeParser) skip(these string) { p.rest = strings.TrimLeft(p.rest, these) }

// token is RFC 9110 §5.6.2; empty if there is none.
func (p *challengeParser) token() string {
	n := strings.IndexFunc(p.rest, func(c rune) bool {
		return c > '~' || c <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
	if n < 0 {
		n = len(p.rest)
	}
	token := p.rest[:n]
	p.rest = p.rest[n:]
	return token
}

// value is a token or a quoted-string (RFC 9110 §5.6.4).
func (p *challengeParser) value() (string, error) {
	if !strings.HasPrefix(p.rest, `"`) {
		if value := p.token(); value != "" {
			return value, nil
		}
		return "", errors.New("no value")
	}
	var value []byte
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return string(value), nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			value = append(value, p.rest[i])
		case c == '\t', c >= ' ' && c <= '~', c >= 0x80:
			value = append(value, c)
		default:
			return "", fmt.Errorf("%#x in a quoted-string", c)
		}
	}
	return "", errors.New("a quoted-string without an end")
}

// The parser of this test tells good from bad, else it proved nothing.
func TestTheParserOfChallenges(t *testing.T) {
	for field, want := range map[string]string{
		`Bearer realm="api"`:                                  "Bearer map[realm:api]",
		`Bearer realm="a \"b\" \\c", error=x`:                 `Bearer map[error:x realm:a "b" \c]`,
		`Newauth realm="apps", type=1, title="Login, please"`: "Newauth map[realm:apps title:Login, please type:1]",
		`Basic realm="x", Bearer realm="y" , error="z"`:       "Basic map[realm:x] Bearer map[error:z realm:y]",
		`Negotiate, Bearer a=b`:                               "Negotiate map[] Bearer map[a:b]",
	} {
		all, err := parseChallenges([]string{field})
		if got := strings.TrimSpace(strings.ReplaceAll(strings.Trim(fmt.Sprintf("%v", all), "[]{}"), "} {", " ") + "]"); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", field, got, err, want)
		}
	}
	for _, field := range []string{`Bearer realm="api`, `Bearer realm="a"b"`, `Bearer realm="a" error="b"`, `Bearer realm=a, REALM=b`, `Bearer realm=`, `"Bearer"`, "Bearer realm=\"a\r\nb\""} {
		if all, err := parseChallenges([]string{field}); err == nil {
			t.Errorf("%q passed: %v", field, all)
		}
	}
}

// everyScope is a name of every character that RFC 6749 §3.3 allows.
func everyScope() string {
	var name []byte
	for c := byte('!'); c <= '~'; c++ {
		if c != '"' && c != '\\' {
			name = append(name, c)
		}
	}
	return string(name)
}

// Whatever stands in the configuration, and whatever a verifier of the user's own
// says, a client reads the challenge that was meant and no other.
func TestChallengesReadBack(t *testing.T) { // C4, C5, C6, C7, C8, C47
	realms := []string{"", "a", `say "api" \ now`, `"`, `\`, `\"`, `", error="invalid_token`, `a", scope="b`, "a, Basic realm=b", " ", everyScope() + ` "\`}
	descriptions := []string{"", "plain", "a\"b\\c", "a\r\nSet-Cookie: b=c\r\n\r\n<html>", `", scope="admin`, "\x00\x1f\x7f", "é, \u2028, 😀", "\xff\xfe", "\\", "\"", strings.Repeat("x", 4000)}
	names := strings.Split(everyScope(), "")
	rules := []scopes.Rule{{}, scopes.All("x"), scopes.All("y", everyScope()), scopes.All(names...), scopes.Any(names...), scopes.All("error=x", "realm,", "a/b:c")}

	random := rand.New(rand.NewPCG(7, 7))
	for range 50 {
		realm, description := make([]byte, random.IntN(20)), make([]byte, random.IntN(20))
		for i := range realm {
			realm[i] = byte(' ' + random.IntN('~'-' '+1))
		}
		for i := range description {
			description[i] = byte(random.IntN(256))
		}
		realms, descriptions = append(realms, string(realm)), append(descriptions, string(description))
	}
	for i := range max(len(realms), len(descriptions)) {
		realm, description, rule := realms[i%len(realms)], descriptions[i%len(descriptions)], rules[i%len(rules)]
		t.Run(fmt.Sprint(i), func(t *testing.T) { challengesReadBack(t, realm, description, rule) })
	}
}

func challengesReadBack(t *testing.T, realm, description string, rule scopes.Rule) {
	guard := newGuard(t, func(c *middleware.Config) {
		c.Realm = realm
		c.Verifier = verify.Func(func(_ context.Context, token string) (*principal.Principal, error) {
			switch token {
			case "bad":
				return nil, &verify.Refusal{Reason: description, Description: description, Hint: description}
			case "down":
				return nil, errors.New(description)
			}
			return &principal.Principal{Kind: principal.KindUser, ClientID: description}, nil
		})
	}).Require(rule)
	clients := guard.ClientsOnly()
	mux := http.NewServeMux()
	mux.Handle("/", guard.Protect(http.NotFoundHandler()))
	mux.Handle("/clients", clients.Protect(http.NotFoundHandler()))
	server := httptest.NewServer(mux)
	defer server.Close()

	if realm == "" {
		realm = "api"
	}
	wanted := strings.Join(rule.Wanted(scopes.Set{}), " ")
	for _, row := range []struct {
		name, path string
		header     http.Header
		status     int
		want       map[string]string
	}{
		{"no token", "/", nil, 401, map[string]string{"realm": realm}},
		{"a token in the query", "/?access_token=a", nil, 401, map[string]string{"realm": realm}},
		{"another scheme", "/", http.Header{"Authorization": {"Basic x"}}, 401, map[string]string{"realm": realm}},
		{"malformed", "/", http.Header{"Authorization": {"Bearer ,"}}, 400, map[string]string{"realm": realm, "error": "invalid_request", "error_description": ""}},
		{"two", "/?access_token=a", bearer("a"), 400, map[string]string{"realm": realm, "error": "invalid_request", "error_description": ""}},
		{"a bad token", "/", bearer("bad"), 401, map[string]string{"realm": realm, "error": "invalid_token", "error_description": ""}},
		{"too few scopes", "/", bearer("a"), 403, map[string]string{"realm": realm, "error": "insufficient_scope", "error_description": "", "scope": wanted}},
		{"a user", "/clients", bearer("a"), 403, map[string]string{"realm": realm, "error": "insufficient_scope", "error_description": ""}},
		{"no verdict", "/", bearer("down"), 503, nil},
	} {
		if row.name == "too few scopes" && wanted == "" {
			continue // any token will do
		}
		response := roundTrip(t, server.URL+row.path, row.header)
		if response.StatusCode != row.status {
			t.Errorf("%s: %d", row.name, response.StatusCode)
		}
		all, err := parseChallenges(response.Header["Www-Authenticate"])
		if err != nil {
			t.Errorf("%s: %v: %q", row.name, err, response.Header["Www-Authenticate"])
			continue
		}
		if row.want == nil {
			if len(all) != 0 {
				t.Errorf("%s: challenged: %v", row.name, all)
			}
			continue
		}
		if len(all) != 1 || all[0].scheme != "Bearer" {
			t.Errorf("%s: %v", row.name, all)
			continue
		}
		mustBeOfItsCharset(t, all[0].parameters)
		if _, described := row.want["error_description"]; described {
			row.want["error_description"] = all[0].parameters["error_description"] // any text of its charset
			if row.want["error_description"] == "" {
				t.Errorf("%s: no description", row.name)
			}
		}
		if !maps.Equal(all[0].parameters, row.want) {
			t.Errorf("%s: %q, want %q", row.name, all[0].parameters, row.want)
		}
		if _, injected := response.Header["Set-Cookie"]; injected {
			t.Errorf("%s: headers %q", row.name, response.Header)
		}
	}
}

// mustBeOfItsCharset is RFC 6750 §3, and of scope the grammar of RFC 6749 §3.3.
func mustBeOfItsCharset(t *testing.T, parameters map[string]string) {
	t.Helper()
	for name, value := range parameters {
		for _, c := range []byte(value) {
			if name != "realm" && (c < ' ' || c > '~' || c == '"' || c == '\\') {
				t.Errorf("%s has the character %q: %q", name, c, value)
			}
		}
		switch name {
		case "realm", "error", "error_description":
		case "scope":
			for part := range strings.SplitSeq(value, " ") {
				if !scopes.Valid(part) {
					t.Errorf("scope has %q: %q", part, value)
				}
			}
		default:
			t.Errorf("a parameter %s", name)
		}
	}
}

// roundTrip gets a page over HTTP and its body, which is one JSON object.
func roundTrip(t *testing.T, url string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]string
	if err := json.Unmarshal(body, &object); err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	return response
}

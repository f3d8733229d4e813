package middleware_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// challenged is one challenge as a client reads it (RFC 9110 §11.6.1).
type challenged struct {
	scheme     string
	parameters map[string]string
}

var (
	challengeScheme = regexp.MustCompile("\\A([!#$%&'*+.^_`|~0-9A-Za-z-]+) +")
	// A quoted-string (RFC 9110 §5.6.4), obs-text left out: nothing here is to
	// send any.
	challengeParameter = regexp.MustCompile("\\A([!#$%&'*+.^_`|~0-9A-Za-z-]+)=\"((?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*)\"")
	quotedPair         = regexp.MustCompile(`(?s)\\(.)`)
	comma              = regexp.MustCompile(`\A[\t ]*,[\t ]*`)
)

// readChallenge reads one challenge and nothing behind it; false if it is not by the
// grammar or has a parameter twice (§11.2).
func readChallenge(value string) (challenged, bool) {
	scheme := challengeScheme.FindStringSubmatch(value)
	if scheme == nil {
		return challenged{}, false
	}
	c := challenged{scheme[1], map[string]string{}}
	for rest := value[len(scheme[0]):]; ; {
		parameter := challengeParameter.FindStringSubmatch(rest)
		if parameter == nil {
			return c, false
		}
		name := strings.ToLower(parameter[1])
		if _, twice := c.parameters[name]; twice {
			return c, false
		}
		c.parameters[name] = quotedPair.ReplaceAllString(parameter[2], "$1")
		if rest = rest[len(parameter[0]):]; rest == "" {
			return c, true
		}
		between := comma.FindString(rest)
		if between == "" {
			return c, false
		}
		rest = rest[len(between):]
	}
}

// The characters of error_description and of scope (RFC 6750 §3).
var (
	descriptionChars = regexp.MustCompile(`\A[ !#-\[\]-~]*\z`)
	scopeChars       = regexp.MustCompile(`\A[!#-\[\]-~]+\z`)
	printable        = regexp.MustCompile(`\A[ -~]*\z`)
)

// sameButFor tells whether sent is described, a character for a character, those
// that may be sent left as they are.
func sameButFor(sent, described string) bool {
	characters := []rune(described)
	if len(sent) != len(characters) || !descriptionChars.MatchString(sent) {
		return false
	}
	for i, c := range characters {
		if c < utf8.RuneSelf && descriptionChars.MatchString(string(c)) && rune(sent[i]) != c {
			return false
		}
	}
	return true
}

// asRead is a text as a JSON reader gets it: what is no UTF-8 is U+FFFD.
func asRead(text string) string { return string([]rune(text)) }

// unmarshallable is a body that encoding/json refuses.
func unmarshallable(*middleware.Denial) (string, any) { return "text/html", make(chan int) }

// What is configured and described comes out of the challenge as a client parses it,
// as it was or cleaned, and cannot add a parameter, a challenge or a header line; and
// every body is JSON that says the same.
func FuzzChallenge(f *testing.F) { // C4, C5, C8, C47, C48
	f.Add("api", "The access token expired.", "a b", uint8(0), int64(time.Second))
	f.Add("", "", "a", uint8(1), int64(0))
	f.Add(`say "api" \ now`, `no\", error="none`, `!#[]^~`, uint8(2), int64(1))
	f.Add("a\r\nSet-Cookie: x=y", "b\r\nLocation: https://evil.example\r\n\r\n<script>", "a\"b", uint8(3), int64(-1))
	f.Add("é", "caf\xe9 \u2028 </script>\x00", "é", uint8(0), int64(1<<62))
	f.Add(`\`, `\`, `\`, uint8(1), int64(time.Hour))
	bodies := []middleware.Body{nil, middleware.ProblemDetails, middleware.LaravelMessage, unmarshallable}
	f.Fuzz(func(t *testing.T, realm, description, scope string, body uint8, retryAfter int64) {
		guard, err := middleware.New(middleware.Config{Realm: realm, Body: bodies[body%4], Verifier: verify.Func(func(_ context.Context, token string) (*principal.Principal, error) {
			switch token {
			case "bad":
				return nil, &verify.Refusal{Reason: verify.ReasonOther, Description: description, Hint: "for the log alone"}
			case "down":
				return nil, &verify.UnavailableError{RetryAfter: time.Duration(retryAfter), Err: http.ErrServerClosed}
			}
			return &principal.Principal{Kind: principal.KindClient, ClientID: "billing"}, nil
		})})
		if (err == nil) != printable.MatchString(realm) {
			t.Fatalf("Realm %q: %v", realm, err)
		}
		if err != nil {
			return
		}
		if realm == "" {
			realm = "api"
		}
		names := strings.Split(scope, " ")
		wellFormed := !slices.ContainsFunc(names, func(name string) bool { return !scopeChars.MatchString(name) })
		rule, ok := all(names)
		if ok != wellFormed {
			t.Fatalf("All(%q) panics: %t", names, !ok)
		}
		if ok {
			guard = guard.Require(rule)
			got := refusalOf(t, guard, realm, "poor", 403)
			sent := strings.Split(got.parameters["scope"], " ")
			slices.Sort(names)
			slices.Sort(sent)
			if got.parameters["error"] != "insufficient_scope" || !slices.Equal(sent, slices.Compact(names)) {
				t.Fatalf("All(%q): %q", names, got.parameters)
			}
			got.saysInItsBody(t, middleware.CodeInsufficient, got.parameters["error_description"], got.parameters["scope"])
		}

		got := refusalOf(t, guard, realm, "bad", 401)
		want := description
		if want == "" {
			want = "The access token is invalid."
		}
		if len(got.parameters) != 3 || got.parameters["error"] != "invalid_token" || !sameButFor(got.parameters["error_description"], want) {
			t.Fatalf("described as %q: %q", want, got.parameters)
		}
		got.saysInItsBody(t, middleware.CodeInvalidToken, want, "")

		if got := refusalOf(t, guard, realm, "", 401); len(got.parameters) != 1 {
			t.Fatalf("no token: %q", got.parameters)
		}
		got = refusalOf(t, guard, realm, "down", 503)
		seconds, err := strconv.ParseUint(got.response.Header.Get("Retry-After"), 10, 63)
		if asked := time.Duration(retryAfter); err != nil || seconds < 1 || asked > 0 && (seconds < uint64(asked/time.Second) || seconds > uint64(asked/time.Second)+1) {
			t.Fatalf("Retry-After of %v: %q", asked, got.response.Header.Get("Retry-After"))
		}
	})
}

// all is scopes.All, or that it panics.
func all(names []string) (rule scopes.Rule, ok bool) {
	defer func() { ok = recover() == nil }()
	return scopes.All(names...), true
}

// sentRefusal is an answer as a client reads it from the connection.
type sentRefusal struct {
	challenged
	response *http.Response
	body     []byte
}

// refusalOf is the answer to a token, written to a connection and read back, so that
// what breaks out of a header is seen to.
func refusalOf(t *testing.T, guard *middleware.Guard, realm, token string, status int) sentRefusal {
	t.Helper()
	request := httptest.NewRequest("GET", "/", nil)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	_, denial := guard.Check(context.Background(), middleware.RequestOf(request))
	if denial == nil {
		t.Fatalf("%q passes", token)
	}
	recorder := httptest.NewRecorder()
	guard.Deny(recorder, request, denial)
	var wire, body bytes.Buffer
	if err := recorder.Result().Write(&wire); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(&wire), request)
	if err != nil {
		t.Fatalf("%q: %v", wire.Bytes(), err)
	}
	if _, err := body.ReadFrom(response.Body); err != nil || response.ContentLength != int64(body.Len()) {
		t.Fatalf("a body of %d octets, announced as %d, %v", body.Len(), response.ContentLength, err)
	}
	got := sentRefusal{response: response, body: body.Bytes()}
	for name := range response.Header {
		if !slices.Contains([]string{"Content-Type", "Content-Length", "Cache-Control", "Vary", "X-Content-Type-Options", "Www-Authenticate", "Retry-After"}, name) {
			t.Fatalf("a header that nobody has set: %s in %v", name, response.Header)
		}
	}
	lines := response.Header["Www-Authenticate"]
	switch {
	case response.StatusCode != status:
		t.Fatalf("%q gets %d", token, response.StatusCode)
	case !json.Valid(got.body) || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/"):
		t.Fatalf("%s %q is no JSON", response.Header.Get("Content-Type"), got.body)
	case status == 503 && len(lines) == 0:
		return got
	case len(lines) != 1:
		t.Fatalf("challenges %q", lines)
	}
	var ok bool
	if got.challenged, ok = readChallenge(lines[0]); !ok || got.scheme != "Bearer" || got.parameters["realm"] != realm {
		t.Fatalf("realm %q: challenge %q is read as %q", realm, lines[0], got.parameters)
	}
	return got
}

// saysInItsBody holds the body to what the challenge says.
func (got sentRefusal) saysInItsBody(t *testing.T, code, description, scope string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Fatalf("%q: %v", got.body, err)
	}
	if _, laravel := body["message"]; laravel {
		return
	}
	if _, problem := body["type"]; problem {
		if body["status"] != float64(got.response.StatusCode) || got.response.Header.Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%d: %q", got.response.StatusCode, got.body)
		}
		body["error_description"] = body["detail"]
	}
	sent, _ := body["scope"].(string)
	if body["error"] != code || body["error_description"] != asRead(description) || sent != scope {
		t.Fatalf("%q, described as %q with scope %q", got.body, description, scope)
	}
}

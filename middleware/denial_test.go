package middleware_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// code is the error of a response's JSON body; "" for a handler's answer.
func code(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusOK {
		return ""
	}
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Description == "" {
		t.Errorf("body %q: %v", body, err)
	}
	return answer.Error
}

func TestARefusalToTheLetter(t *testing.T) { // C4, C6, C7, C47
	guard := newGuard(t, func(c *middleware.Config) { c.Realm = `say "api" \ now` }).Require(scopes.All("x", "y"))
	const realm = `Bearer realm="say \"api\" \\ now"`
	for _, row := range []struct {
		name      string
		header    http.Header
		status    int
		challenge string
		body      string
	}{
		{"no token", nil, 401, realm,
			`{"error":"missing_token","error_description":"The request has no bearer access token."}`},
		{"malformed", http.Header{"Authorization": {"Bearer"}}, 400,
			realm + `, error="invalid_request", error_description="The Authorization header is not Bearer, a space and a token."`,
			`{"error":"invalid_request","error_description":"The Authorization header is not Bearer, a space and a token."}`},
		{"bad", bearer("revoked"), 401,
			realm + `, error="invalid_token", error_description="The access token is invalid."`,
			`{"error":"invalid_token","error_description":"The access token is invalid."}`},
		{"may not", bearer("a~x"), 403,
			realm + `, error="insufficient_scope", error_description="The access token does not grant what this request needs.", scope="x y"`,
			`{"error":"insufficient_scope","error_description":"The access token does not grant what this request needs.","scope":"x y"}`},
		{"no verdict", bearer("down"), 503, "",
			`{"error":"temporarily_unavailable","error_description":"Access tokens cannot be verified at the moment; try again with the same token."}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			header := maps.Clone(row.header)
			for _, accept := range []string{"", "text/html", "application/xml;q=1, */*;q=0"} {
				if header == nil {
					header = http.Header{}
				}
				header["Accept"] = []string{accept}
				response := call(guard, "GET", "/", header)
				body, _ := io.ReadAll(response.Body)
				if response.StatusCode != row.status || string(body) != row.body+"\n" || response.Header.Get("WWW-Authenticate") != row.challenge {
					t.Errorf("Accept %q: got %d\n%s\n%s", accept, response.StatusCode, response.Header.Get("WWW-Authenticate"), body)
				}
				for name, want := range map[string]string{
					"Content-Type": "application/json", "Cache-Control": "no-store", "Vary": "Authorization",
					"X-Content-Type-Options": "nosniff", "Location": "",
				} {
					if got := response.Header.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				head := call(guard, "HEAD", "/", header)
				if nothing, _ := io.ReadAll(head.Body); len(nothing) > 0 || head.StatusCode != row.status {
					t.Errorf("HEAD: %d, body %q", head.StatusCode, nothing)
				}
				if !maps.EqualFunc(head.Header, response.Header, func(a, b []string) bool { return strings.Join(a, "|") == strings.Join(b, "|") }) {
					t.Errorf("HEAD has other headers: %v, GET: %v", head.Header, response.Header)
				}
			}
		})
	}
}

func TestOtherBodies(t *testing.T) { // C48
	for _, row := range []struct {
		name        string
		body        middleware.Body
		contentType string
		token       string
		want        string
	}{
		{"problem details", middleware.ProblemDetails, "application/problem+json", "a",
			`{"type":"about:blank","title":"Forbidden","status":403,"detail":"The access token does not grant what this request needs.","error":"insufficient_scope","scope":"x"}`},
		{"Laravel, may not", middleware.LaravelMessage, "application/json", "a", `{"message":"Invalid scope(s) provided."}`},
		{"Laravel, bad", middleware.LaravelMessage, "application/json", "revoked", `{"message":"Unauthenticated."}`},
		{"Laravel, no verdict", middleware.LaravelMessage, "application/json", "down", `{"message":"Access tokens cannot be verified at the moment; try again with the same token."}`},
		{"one's own", func(d *middleware.Denial) (string, any) { return "application/vnd.x+json", d.Status }, "application/vnd.x+json", "a", `403`},
		{"one that cannot be marshalled falls back", func(*middleware.Denial) (string, any) { return "x/y", make(chan int) }, "application/json", "revoked",
			`{"error":"invalid_token","error_description":"The access token is invalid."}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			plain := newGuard(t, nil).Require(scopes.All("x"))
			guard := newGuard(t, func(c *middleware.Config) { c.Body = row.body }).Require(scopes.All("x"))
			response := call(guard, "GET", "/", bearer(row.token))
			body, _ := io.ReadAll(response.Body)
			if string(body) != row.want+"\n" || response.Header.Get("Content-Type") != row.contentType {
				t.Errorf("got %s\n%s", response.Header.Get("Content-Type"), body)
			}
			if want := call(plain, "GET", "/", bearer(row.token)).Header.Get("WWW-Authenticate"); response.Header.Get("WWW-Authenticate") != want {
				t.Errorf("the challenge changed with the body: %s, want %s", response.Header.Get("WWW-Authenticate"), want)
			}
		})
	}
}

// What a verifier of the user's own describes cannot break out of the challenge.
func TestAChallengeCannotBeInjectedInto(t *testing.T) { // C5
	guard := newGuard(t, func(c *middleware.Config) {
		c.Verifier = verify.Func(func(context.Context, string) (*principal.Principal, error) {
			return nil, &verify.Refusal{Reason: "x", Description: "a\"b\\c\r\nd: é"}
		})
	})
	response := call(guard, "GET", "/", bearer("a"))
	if got, want := response.Header.Get("WWW-Authenticate"), `Bearer realm="api", error="invalid_token", error_description="a'b/c  d:  "`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A guard is one voice among the headers that were there before it.
func TestARefusalReplacesWhatWouldContradictIt(t *testing.T) {
	guard := newGuard(t, nil)
	w := &recorder{header: http.Header{"Vary": {"Origin"}, "Www-Authenticate": {"Basic"}, "Cache-Control": {"public"}}}
	r, _ := http.NewRequest("GET", "/", nil)
	guard.Protect(http.NotFoundHandler()).ServeHTTP(w, r)
	if got := strings.Join(w.header["Vary"], ", "); got != "Origin, Authorization" {
		t.Errorf("Vary: %s", got)
	}
	if got := strings.Join(w.header["Www-Authenticate"], ", "); got != `Bearer realm="api"` {
		t.Errorf("WWW-Authenticate: %s", got)
	}
	if got := w.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
}

type recorder struct{ header http.Header }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(int)             {}

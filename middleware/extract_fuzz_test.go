package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// The grammar a second time, as one expression each: credentials of any scheme
// (RFC 9110 §11.4), and those of RFC 6750 §2.1.
var (
	anyCredentials    = regexp.MustCompile("(?s)\\A([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: .*)?\\z")
	bearerCredentials = regexp.MustCompile(`\A(?i:Bearer) +([A-Za-z0-9._~+/-]+=*)\z`)
)

// queryHasToken asks net/url. It leaves out a parameter whose value it cannot read,
// and of such a parameter the name counts all the same: whoever sends it means a
// token.
func queryHasToken(query string) bool {
	values, err := url.ParseQuery(query)
	if err == nil || values.Has("access_token") {
		return values.Has("access_token")
	}
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		if names, err := url.ParseQuery(name); err == nil && names.Has("access_token") {
			return true
		}
	}
	return false
}

// judgement is what a request with these lines and this query must get: a token to
// be verified, or a denial.
func judgement(lines []string, query string) (token, denial string) {
	const missing, invalidRequest = "401 missing_token", "400 invalid_request"
	switch {
	case len(lines) == 0:
		return "", missing
	case len(lines) > 1:
		return "", invalidRequest
	case len(lines[0]) > len("Bearer ")+64<<10:
		return "", "401 invalid_token"
	}
	scheme := anyCredentials.FindStringSubmatch(lines[0])
	bearer := bearerCredentials.FindStringSubmatch(lines[0])
	switch {
	case scheme == nil:
		return "", invalidRequest
	case strings.ToLower(scheme[1]) != "bearer":
		return "", missing
	case queryHasToken(query), bearer == nil:
		return "", invalidRequest
	default:
		return bearer[1], ""
	}
}

// Whatever a request brings, the verifier is asked if and only if it brings one
// bearer token, and about that token to the letter; else the request gets the
// documented answer.
func FuzzAuthorization(f *testing.F) { // C1, C2, C3, C7
	for _, line := range []string{
		"Bearer a", "bearer   azAZ09-._~+/==", "", "Bearer", "Bearer ", "Bearer\ta", "Bearer a b", "Bearer a, Bearer b", "Bearer =", "Bearer a=b",
		"Basic ZGVtbzpkZW1v", "Bearer_a", "DPoP a", " Bearer a", "Bearer a ", `Bearer "a"`, "Bearer a\r\nX: y", "Beaſer a", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
	} {
		f.Add(uint8(1), line, "", "")
	}
	f.Add(uint8(2), "Bearer a", "Bearer b", "")
	for _, query := range []string{"access_token=a", "x=1&access_token", "%61ccess_token=%zz", "access_token;=a", "a=1;access_token=a", "Access_token=a", "access_token%00=a", "access%5Ftoken=a;b"} {
		f.Add(uint8(0), "", "", query)
		f.Add(uint8(1), "Bearer a", "", query)
		f.Add(uint8(1), "Basic a", "", query)
	}
	var asked []string
	guard, err := middleware.New(middleware.Config{Verifier: verify.Func(func(_ context.Context, token string) (*principal.Principal, error) {
		asked = append(asked, token)
		return &principal.Principal{Kind: principal.KindClient, ClientID: "billing"}, nil
	})})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, count uint8, first, second, query string) {
		header := http.Header{}
		lines := []string{first, second, first}[:count%4]
		if len(lines) > 0 {
			header["Authorization"] = lines
		}
		request := middleware.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: query}, Header: header}
		token, refused := judgement(lines, query)

		for name, guard := range map[string]*middleware.Guard{"guard": guard, "optional guard": guard.Optional()} {
			asked = nil
			ctx, denial := guard.Check(context.Background(), request)
			caller, known := principal.FromContext(ctx)
			switch {
			case token != "":
				if denial != nil || len(asked) != 1 || asked[0] != token || !known || caller.ClientID != "billing" {
					t.Fatalf("%s: %q with query %q: asked about %q, denial %+v; want %q to be verified", name, lines, query, asked, denial, token)
				}
				if strings.ContainsAny(token, " ,\t\r\n\"") || !strings.HasSuffix(first, " "+token) {
					t.Fatalf("%q is no token of %q", token, first)
				}
				continue
			case len(asked) > 0 || known:
				t.Fatalf("%s: %q with query %q: asked about %q", name, lines, query, asked)
			case name == "optional guard" && refused == "401 missing_token":
				if denial != nil {
					t.Fatalf("%s: %q with query %q: %+v", name, lines, query, denial)
				}
				continue
			case denial == nil || answered(denial) != refused:
				t.Fatalf("%s: %q with query %q: got %+v, want %s", name, lines, query, denial, refused)
			}
			if inQuery := strings.Contains(denial.Description, "query"); inQuery != (len(lines) == 0 && queryHasToken(query)) {
				t.Fatalf("%s: %q with query %q: described as %q", name, lines, query, denial.Description)
			}
			if errors.Is(denial.Err, verify.ErrInvalidToken) || len(denial.Challenges) != 1 {
				t.Fatalf("%s: %+v", name, denial)
			}
		}
	})
}

func answered(d *middleware.Denial) string { return fmt.Sprintf("%d %s", d.Status, d.Code) }

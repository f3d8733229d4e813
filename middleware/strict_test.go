package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// An octet that no token has makes the request malformed, whichever verifier is asked,
// whether it has its keys or not, and though it knows the token without the octet.
func TestStrayOctets(t *testing.T) { // C1
	issuer, out := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	out.Fail(http.StatusServiceUnavailable)
	several, err := verify.ByIssuer(issuer.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	good := issuer.Token("billing", "")
	for name, row := range map[string]struct {
		v     verify.Verifier
		token string
		gets  string
	}{
		"of one issuer":            {issuer.Verifier(), good, "passed"},
		"of several":               {several, good, "passed"},
		"of an issuer that is out": {out.Verifier(), out.Token("billing", ""), "503 temporarily_unavailable"},
		"of the user's own": {verify.Func(func(_ context.Context, token string) (*principal.Principal, error) {
			if token != good {
				t.Errorf("asked about %q", token)
			}
			return &principal.Principal{}, nil
		}), good, "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			guard, err := middleware.New(middleware.Config{Verifier: row.v})
			if err != nil {
				t.Fatal(err)
			}
			answer := func(guard *middleware.Guard, token string) string {
				_, denial := guard.Check(t.Context(), middleware.Request{Method: "GET", Header: http.Header{"Authorization": {"Bearer " + token}}})
				if denial == nil {
					return "passed"
				}
				return fmt.Sprint(denial.Status, " ", denial.Code)
			}
			malformed := func(token string) {
				t.Helper()
				for _, guard := range []*middleware.Guard{guard, guard.Optional()} {
					if got := answer(guard, token); got != "400 invalid_request" {
						t.Fatalf("%.900q: %s", token, got)
					}
				}
			}
			if got := answer(guard, row.token); got != row.gets {
				t.Fatalf("without a stray octet: %s", got)
			}
			first, second := strings.IndexByte(row.token, '.'), strings.LastIndexByte(row.token, '.')
			for c := range 256 {
				stray := string([]byte{byte(c)})
				if strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=", stray) {
					continue
				}
				for _, at := range []int{1, first, first + 1, second, second + 1, len(row.token) - 1, len(row.token)} {
					malformed(row.token[:at] + stray + row.token[at:])
					if at < len(row.token) {
						malformed(row.token[:at] + stray + row.token[at+1:])
					}
				}
			}
			for _, token := range []string{"", "=", "a=b", strings.Repeat("a", 20<<10) + "\x00"} {
				malformed(token)
			}
		})
	}
}

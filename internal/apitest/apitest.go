// Package apitest holds every router to the same answers: the rows of the
// README's table, over HTTP, to the letter.
package apitest

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// Check asks an API for GET /invoices, which must need invoices.read, in every way
// there is.
func Check(t *testing.T, api func(verify.Verifier) http.Handler) {
	issuer := oauthtest.NewIssuer(t)
	up := httptest.NewServer(api(issuer.Verifier()))
	t.Cleanup(up.Close)
	down := httptest.NewServer(api(unreachable(t, issuer)))
	t.Cleanup(down.Close)

	good := "Bearer " + issuer.Token("billing", "invoices.read")
	const invalid = `Bearer realm="api", error="invalid_token", error_description="`
	for _, row := range []struct {
		name, url, authorization string
		status                   int
		challenge, body          string
	}{
		{"good token", up.URL, good, 200, "", "invoices for billing, who may write them: false\n"},
		{"no token", up.URL, "", 401, `Bearer realm="api"`,
			`{"error":"missing_token","error_description":"The request has no bearer access token."}` + "\n"},
		{"another scheme", up.URL, "Basic ZGVtbzpkZW1v", 401, `Bearer realm="api"`,
			`{"error":"missing_token","error_description":"The request has no bearer access token."}` + "\n"},
		{"malformed header", up.URL, good + ", " + good, 400,
			`Bearer realm="api", error="invalid_request", error_description="The Authorization header is not Bearer, a space and a token."`,
			`{"error":"invalid_request","error_description":"The Authorization header is not Bearer, a space and a token."}` + "\n"},
		{"expired token", up.URL, "Bearer " + issuer.Token("billing", "invoices.read", oauthtest.Expired()), 401,
			invalid + `The access token expired."`,
			`{"error":"invalid_token","error_description":"The access token expired."}` + "\n"},
		{"foreign token", up.URL, "Bearer " + issuer.Token("billing", "invoices.read", oauthtest.ForAudience("https://other.example")), 401,
			invalid + `The token is meant for another audience."`,
			`{"error":"invalid_token","error_description":"The token is meant for another audience."}` + "\n"},
		{"under-scoped token", up.URL, "Bearer " + issuer.Token("billing", "invoices.write"), 403,
			`Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this request needs.", scope="invoices.read"`,
			`{"error":"insufficient_scope","error_description":"The access token does not grant what this request needs.","scope":"invoices.read"}` + "\n"},
		{"keys unavailable", down.URL, good, 503, "",
			`{"error":"temporarily_unavailable","error_description":"Access tokens cannot be verified at the moment; try again with the same token."}` + "\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, accept := range []string{"", "text/html"} {
				status, header, body := get(t, row.url, row.authorization, accept)
				if status != row.status || body != row.body {
					t.Errorf("Accept %q: %d %s", accept, status, body)
				}
				want := map[string]string{"Www-Authenticate": row.challenge}
				if status != 200 {
					maps.Copy(want, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Vary": "Authorization", "Location": ""})
				}
				for name, value := range want {
					if got := strings.Join(header[name], "|"); got != value {
						t.Errorf("Accept %q: %s is %s, want %s", accept, name, got, value)
					}
				}
				if (header.Get("Retry-After") != "") != (status == 503) {
					t.Errorf("Retry-After is %q", header.Get("Retry-After"))
				}
			}
		})
	}
}

// unreachable is a verifier whose issuer was down when the API started.
func unreachable(t *testing.T, issuer *oauthtest.Issuer) verify.Verifier {
	issuer.Fail(http.StatusBadGateway)
	defer issuer.Recover()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	v, err := verify.DiscoverWith(ctx,
		verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}},
		jwks.RemoteConfig{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	cancel() // no retry shall heal it before the row has been looked at
	return v
}

func get(t *testing.T, url, authorization, accept string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url+"/invoices", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultTransport.RoundTrip(r) // which follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

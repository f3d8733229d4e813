package middleware_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/scopes"
)

// RFC 9457 §3.1: type, title and detail are strings, status is a number and that of
// the answer; what else there is are extensions, which say what the challenge says.
func TestProblemDetailsAgreeWithTheirAnswer(t *testing.T) { // C48
	guard := newGuard(t, func(c *middleware.Config) { c.Body = middleware.ProblemDetails }).Require(scopes.All("x", "y"))
	for name, row := range map[string]struct {
		header http.Header
		status int
	}{
		"no token": {nil, 401}, "malformed": {http.Header{"Authorization": {"Bearer"}}, 400},
		"bad": {bearer("revoked"), 401}, "may not": {bearer("a~x"), 403}, "no verdict": {bearer("down"), 503},
	} {
		t.Run(name, func(t *testing.T) {
			response := call(guard, "GET", "/", row.header)
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			var problem struct {
				Type, Title, Detail, Error, Scope string
				Status                            int
			}
			if err := json.Unmarshal(body, &problem); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if response.StatusCode != row.status || problem.Status != row.status || response.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d, %s: %s", response.StatusCode, response.Header.Get("Content-Type"), body)
			}
			if problem.Type != "about:blank" || problem.Title != http.StatusText(row.status) || problem.Detail == "" { // §4.2.1
				t.Errorf("%s", body)
			}
			challenges, err := parseChallenges(response.Header["Www-Authenticate"])
			if err != nil {
				t.Fatal(err)
			}
			for _, challenge := range challenges {
				said := fmt.Sprint(challenge.parameters["error"], challenge.parameters["error_description"], challenge.parameters["scope"])
				if said != "" && said != fmt.Sprint(problem.Error, problem.Detail, problem.Scope) {
					t.Errorf("the challenge says %s, the body %s", said, body)
				}
			}
		})
	}
}

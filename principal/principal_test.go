package principal_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

func TestCan(t *testing.T) {
	for name, test := range map[string]struct {
		p     *principal.Principal
		scope string
		want  bool
	}{
		"a granted scope":                  {&principal.Principal{Scopes: scopes.Of("a", "b")}, "b", true},
		"a scope that is not granted":      {&principal.Principal{Scopes: scopes.Of("a", "b")}, "c", false},
		"a scope in other case":            {&principal.Principal{Scopes: scopes.Of("a")}, "A", false}, // C8
		"what the issuer's matcher covers": {&principal.Principal{Scopes: scopes.Of("*").Matching(scopes.Superscope("*"))}, "a", true},
		"no scopes":                        {&principal.Principal{}, "a", false},
		"the empty scope":                  {&principal.Principal{Scopes: scopes.Of("a")}, "", false},
		"nobody":                           {nil, "a", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.p.Can(test.scope); got != test.want {
				t.Errorf("Can(%q) is %v", test.scope, got)
			}
		})
	}
}

func TestIsClient(t *testing.T) { // C30
	for name, test := range map[string]struct {
		p    *principal.Principal
		want bool
	}{
		"a client": {&principal.Principal{Kind: principal.KindClient}, true},
		"a user":   {&principal.Principal{Kind: principal.KindUser}, false},
		"a client that calls for a user": {
			&principal.Principal{Kind: principal.KindUser, ClientID: "billing", UserID: "42"}, false,
		},
		"a kind that nobody has set": {&principal.Principal{ClientID: "billing"}, false},
		"nobody":                     {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.p.IsClient(); got != test.want {
				t.Errorf("IsClient is %v", got)
			}
		})
	}
}

// Handlers answer with a principal and loggers write it down. The claims of the
// token, which may hold anything, are not part of that.
func TestAPrincipalInJSON(t *testing.T) {
	for name, test := range map[string]struct {
		p    principal.Principal
		want string
	}{
		"a client": {
			principal.Principal{
				Kind: principal.KindClient, ClientID: "billing", Scopes: scopes.Of("a", "b"),
				RawClaims: principal.RawClaimsOf(`{"email":"someone@example.com"}`),
			},
			`{"kind":"client","client_id":"billing","scope":"a b"}`,
		},
		"a user, with all that a token can say": {
			principal.Principal{
				Kind: principal.KindUser, Issuer: "https://issuer.example", ClientID: "app", UserID: "42", Subject: "42",
				Grant: "authorization_code", Audience: []string{"https://api.example"}, TokenID: "t1",
				IssuedAt: time.Unix(1, 0).UTC(), NotBefore: time.Unix(2, 0).UTC(), ExpiresAt: time.Unix(3, 0).UTC(),
			},
			`{"kind":"user","issuer":"https://issuer.example","client_id":"app","user_id":"42","subject":"42",` +
				`"grant":"authorization_code","scope":"","audience":["https://api.example"],"token_id":"t1",` +
				`"issued_at":"1970-01-01T00:00:01Z","not_before":"1970-01-01T00:00:02Z","expires_at":"1970-01-01T00:00:03Z"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(&test.p)
			if err != nil || string(got) != test.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

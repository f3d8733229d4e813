package verify

import (
	"testing"

	"github.com/bearerguard/bearerguard/internal/strictjson"
)

// What tells a client's own token from a user's: each claim that it takes, and each
// that speaks against it.
func TestWhoseTokenItIs(t *testing.T) { // C30
	for _, row := range []struct {
		name    string
		profile Profile
		claims  string
		client  bool
	}{
		{"Entra: idtyp says so", Entra(), `{"idtyp":"app","scp":"x","oid":"1","sub":"2"}`, true},
		{"Entra: idtyp says otherwise", Entra(), `{"idtyp":"user","oid":"1","sub":"1"}`, false},
		{"Entra: idtyp is no string", Entra(), `{"idtyp":1,"oid":"1","sub":"1"}`, false},
		{"Entra: no scp, and oid is sub", Entra(), `{"oid":"1","sub":"1"}`, true},
		{"Entra: oid is sub, and there are delegated scopes", Entra(), `{"scp":"x","oid":"1","sub":"1"}`, false},
		{"Entra: oid is not sub", Entra(), `{"oid":"1","sub":"2"}`, false},
		{"Entra: neither oid nor sub", Entra(), `{}`, false},
		{"Entra: both are empty", Entra(), `{"oid":"","sub":""}`, false},

		{"Cognito: sub is the client", Cognito(), `{"sub":"billing"}`, true},
		{"Cognito: sub is the client, and there is a username", Cognito(), `{"sub":"billing","username":"x"}`, false},
		{"Cognito: sub is not the client", Cognito(), `{"sub":"x"}`, false},

		{"Keycloak: the service account, and client_id", Keycloak(), `{"preferred_username":"service-account-billing","client_id":"billing","sid":"1"}`, true},
		{"Keycloak: the service account, and clientId", Keycloak(), `{"preferred_username":"service-account-billing","clientId":"billing","sid":"1"}`, true},
		{"Keycloak: the service account, and no session", Keycloak(), `{"preferred_username":"service-account-billing"}`, true},
		{"Keycloak: the service account's name in a session", Keycloak(), `{"preferred_username":"service-account-billing","sid":"1"}`, false},
		{"Keycloak: the same, of another client", Keycloak(), `{"preferred_username":"service-account-billing","client_id":"x","clientId":"y","sid":"1"}`, false},
		{"Keycloak: another's service account", Keycloak(), `{"preferred_username":"service-account-other","client_id":"billing"}`, false},
		{"Keycloak: no name", Keycloak(), `{"client_id":"billing"}`, false},

		{"Auth0: gty", Auth0(), `{"gty":"client-credentials","sub":"x"}`, true},
		{"Auth0: the subject of a client", Auth0(), `{"sub":"billing@clients"}`, true},
		{"Auth0: that of another", Auth0(), `{"sub":"other@clients"}`, false},

		{"by RFC 9068: sub is the client", Profile{}, `{"sub":"billing"}`, true},
		{"by RFC 9068: no sub", Profile{}, `{}`, true},
		{"by RFC 9068: sub is not the client", Profile{}, `{"sub":"Billing"}`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			claims, err := strictjson.Parse(row.claims, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := row.profile.isClient("billing", claims); got != row.client {
				t.Errorf("%s is a client's own: %v", row.claims, got)
			}
		})
	}
}

func TestMediaSubtypes(t *testing.T) { // C24
	for typ, want := range map[string]string{
		"at+jwt": "at+jwt", "application/at+jwt": "at+jwt", "Application/AT+jwt": "AT+jwt",
		"application/": "application/", "application/x": "x", "text/at+jwt": "text/at+jwt", "": "",
	} {
		if got := mediaSubtype(typ); got != want {
			t.Errorf("%q: %q, want %q", typ, got, want)
		}
	}
}

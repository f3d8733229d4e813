package verify

import (
	"strings"

	"github.com/bearerguard/bearerguard/scopes"
)

// Passport reads the tokens of Laravel Passport 8 to 13, verified with its
// storage/oauth-public.key:
//
//	keys, err := jwks.File(ctx, jwks.FileConfig{Path: "oauth-public.key"})
//	tokens, err := verify.JWT(verify.JWTConfig{Keys: keys, Profile: verify.Passport()})
//
// The tokens are of typ JWT, have no kid and no iss, and say in aud which client
// they were issued to, not for which API; so issuer and audience are not checked,
// and every API that trusts the key accepts every token of the application. Set
// JWTConfig.Audience to the ids of the clients that may call, if not all may.
//
// A token speaks for the client if its sub is empty (Passport 8 to 12), absent, or
// the client id (13), and for a user if it is anything else. With client ids that
// are integers, the token of user 7 through client 7 looks like client 7's own; it
// is taken for the client's, so that no user is ever served by mistake.
//
// Scopes are the array in scopes, of which "*" is every scope. Applications that
// set Passport::$withInheritedScopes want
//
//	profile.Matcher = scopes.Superscope("*").Or(scopes.Hierarchy(":"))
//
// Dates may be integers, fractions, or, from lcobucci/jwt 4.0 and 4.1, strings.
// Passport revokes tokens in its own database, which this profile does not look at;
// see Revocable for that.
func Passport() Profile {
	profile := League()
	profile.Matcher = scopes.Superscope("*")
	return profile
}

// League reads the tokens of thephpleague/oauth2-server 8 and 9, of which Laravel
// Passport's are a kind; see [Passport]. "*" is a scope like any other, and scopes
// may be a string as well as an array.
func League() Profile {
	return Profile{
		Types:              []string{"JWT"},
		Algorithms:         []string{"RS256"},
		ClientID:           []string{"aud"},
		Scopes:             []string{"scopes"},
		TextDates:          true,
		InsecureNoIssuer:   true,
		InsecureNoAudience: true,
	}
}

// Sopheak reads the first-party JWTs of Sopheak JwtAuth. They speak for a user, in
// sub, and name no client; "*" is every scope; aud is optional. Its key set goes on
// publishing retired and compromised keys: list them in
// jwks.RemoteConfig.Distrusted. Its OAuth tokens are opaque.
func Sopheak() Profile {
	return Profile{
		Types:              []string{"JWT"},
		Algorithms:         []string{"RS256"},
		ClientID:           []string{"client_id"},
		NoClient:           true,
		Client:             func(string, Claims) bool { return false },
		Scopes:             []string{"scopes"},
		Matcher:            scopes.Superscope("*"),
		InsecureNoAudience: true,
	}
}

// Auth0 reads the access tokens of Auth0, of its own profile and of the one by
// RFC 9068. Its client names itself in azp or client_id, and its own token has gty
// client-credentials, or the client id before @clients in sub. Scopes are those of
// scope, else permissions; for APIs that decide by permissions alone, set Scopes.
//
// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
func Auth0() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "client_id"},
		Scopes:   []string{"scope", "permissions"},
		Grant:    "gty",
		Client: func(clientID string, claims Claims) bool {
			return claims.Text("gty") == "client-credentials" || claims.Text("sub") == clientID+"@clients"
		},
	}
}

// Okta reads the access tokens of Okta's custom authorization servers: client id in
// cid, scopes as an array in scp, the user in uid. A client's own token has cid in
// sub.
//
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token
func Okta() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"cid"},
		Scopes:   []string{"scp"},
		UserID:   "uid",
	}
}

// Entra reads the access tokens of Microsoft Entra ID: the client in azp (v2.0) or
// appid (v1.0), the user in oid, delegated scopes in scp, and what an application may
// do by itself in roles. An application's own token has idtyp app, where that optional
// claim is configured, or else no scp and the same sub and oid.
//
// The issuer of v2.0 is https://login.microsoftonline.com/{tenant id}/v2.0. The
// metadata of v1.0 is not under its issuer, https://sts.windows.net/{tenant id}/; use
// JWT with jwks.Remote for it.
//
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func Entra() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "appid"},
		Scopes:   []string{"scp", "roles"},
		UserID:   "oid",
		Client: func(_ string, claims Claims) bool {
			if claims.Has("idtyp") {
				return claims.Text("idtyp") == "app"
			}
			return !claims.Has("scp") && claims.Text("oid") != "" && claims.Text("sub") == claims.Text("oid")
		},
	}
}

// Cognito reads the access tokens of an Amazon Cognito user pool. They have no typ and
// no aud: token_use must be access, and JWTConfig.Audience is the ids of the app
// clients that may call. A client's own token has no username.
//
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
func Cognito() Profile {
	return Profile{
		Types:      []string{""},
		Algorithms: []string{"RS256"},
		Required:   map[string]string{"token_use": "access"},
		Audience:   "client_id",
		ClientID:   []string{"client_id"},
		Scopes:     []string{"scope"},
		Client: func(clientID string, claims Claims) bool {
			return !claims.Has("username") && SubjectIsClient(clientID, claims)
		},
	}
}

// Keycloak reads the access tokens of Keycloak: the client in azp. A client's own
// token is that of its service account, whose name in preferred_username nobody else
// has, and either carries the client's id as the service_account scope writes it, or
// belongs to no login session. Add an audience mapper to the client, so that aud names
// your API.
//
// https://www.keycloak.org/docs/latest/server_admin/#_service_accounts
func Keycloak() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "client_id"},
		Scopes:   []string{"scope"},
		Client: func(clientID string, claims Claims) bool {
			return claims.Text("preferred_username") == "service-account-"+strings.ToLower(clientID) &&
				(claims.Text("client_id") == clientID || claims.Text("clientId") == clientID || !claims.Has("sid"))
		},
	}
}

// Hydra reads the JWT access tokens of Ory Hydra: scopes as an array in scp. Ask for an
// audience with the token, for aud is empty otherwise. Hydra's default tokens are
// opaque.
//
// https://www.ory.com/docs/oauth2-oidc/jwt-access-token
func Hydra() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"client_id"},
		Scopes:   []string{"scp", "scope"},
	}
}

// Zitadel reads the JWT access tokens of ZITADEL. They grant no scopes; write roles
// into a claim by an action, and name it in Scopes. A service user's own token has that
// user in sub and nothing that tells it from a person's, so it appears as a user; if
// yours can be told, set Client.
//
// https://zitadel.com/docs/apis/openidoauth/claims
func Zitadel() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"client_id", "azp"},
	}
}

// Duende reads the access tokens of Duende IdentityServer, which are by RFC 9068, with
// scope as an array. A client's own token has no sub.
//
// https://docs.duendesoftware.com/identityserver/tokens/
func Duende() Profile { return Profile{ClientID: []string{"client_id"}, Scopes: []string{"scope"}} }

// Google reads the ID tokens by which Google service accounts call one another; its
// access tokens are opaque. The issuer is https://accounts.google.com, and aud is what
// the caller asked for. A service account's own token has the same azp and sub; it
// grants no scopes, so decide by ClientID.
//
// https://cloud.google.com/docs/authentication/get-id-token
func Google() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"azp"},
		Scopes:   []string{},
	}
}

// Ping reads the access tokens of PingOne. A client's own token has no sub.
//
// https://apidocs.pingidentity.com/pingone/main/v1/api/src/authentication-concepts/access-tokens-and-id-tokens/token-claims/
func Ping() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"client_id"},
		Scopes:   []string{"scope"},
	}
}

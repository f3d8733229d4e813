package middleware_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// The issuer signs other things with the same keys (RFC 8725 §3.12). Each of these
// would be an access token by its claims: by typ alone it is none.
func TestHostileOtherKindsOfJWT(t *testing.T) { // C24, C25, C27, C35
	x := newTarget(t, nil)
	token := func(typ string, changes ...oauthtest.Change) string {
		change := oauthtest.Header("typ", typ)
		if typ == "" {
			change = oauthtest.WithoutHeader("typ")
		}
		return x.issuer.Token("billing", "invoices.read", append(changes, change)...)
	}
	claim := oauthtest.Claim
	idToken := []oauthtest.Change{claim("nonce", marker), claim("auth_time", time.Now().Unix()), claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), claim("azp", "billing")}
	x.attack(t, []row{
		{"an ID token", token("JWT", idToken...), wrongType},
		{"an ID token without typ", token("", idToken...), wrongType},
		{"an ID token for the API and the client", token("JWT", append(idToken, claim("aud", []string{"billing", oauthtest.Audience}))...), wrongType},
		{"a refresh token", token("rt+jwt"), wrongType},
		{"a refresh token as some call it", token("Refresh"), wrongType},
		{"a refresh token as others do", token("refresh+jwt", claim("token_use", "refresh")), wrongType},
		{"a logout token", token("logout+jwt", claim("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}})), wrongType},
		{"a logout token of the days before it had a typ", token("JWT", claim("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}})), wrongType},
		{"a DPoP proof", token("dpop+jwt", oauthtest.Header("jwk", map[string]string{"kty": "EC"}), claim("htm", "GET"), claim("htu", "http://api.example/invoices")), wrongType},
		{"an introspection response (RFC 9701 section 8.1)", token("token-introspection+jwt", claim("token_introspection", map[string]any{"active": true, "scope": "invoices.read"})), wrongType},
		{"a client assertion", token("JWT", claim("iss", x.issuer.URL), claim("sub", "billing")), wrongType},
		{"a client assertion with a typ of its own", token("client-authentication+jwt"), wrongType},
		{"a request object", token("oauth-authz-req+jwt"), wrongType},
		{"an authorization response", token("oauth-authz-resp+jwt"), wrongType},
		{"a security event", token("secevent+jwt", claim("events", map[string]any{"x": map[string]any{}})), wrongType},
		{"an entity statement", token("entity-statement+jwt"), wrongType},
		{"a transaction token", token("txntoken+jwt"), wrongType},
		{"a verifiable credential", token("vc+sd-jwt"), wrongType},
		{"UserInfo", token("userinfo+jwt"), wrongType},

		{"typ empty", x.withHeader("typ", `""`), malformed},
		{"typ null", x.withHeader("typ", `null`), malformed},
		{"typ a number", x.withHeader("typ", `7`), malformed},
		{"typ an array", x.withHeader("typ", `["at+jwt"]`), malformed},
		{"typ an object", x.withHeader("typ", `{"at+jwt":1}`), malformed},
		{"typ of the attacker's", token(marker), wrongType},
		{"typ with a space behind", token("at+jwt "), wrongType},
		{"typ with a parameter", token("at+jwt;x=" + marker), wrongType},
		{"typ with NUL", token("at+jwt\x00"), wrongType},
		{"typ of another tree", token("text/at+jwt"), wrongType},
		{"typ with application/ twice", token("application/application/at+jwt"), wrongType},
		{"typ application/ alone", token("application/"), wrongType},
		{"typ that begins alike", token("at+jwts"), wrongType},
		{"typ with a letter that folds to a", token("ªt+jwt"), wrongType},
		{"typ with a long s for nothing", token("at+jwtſ"), wrongType},
		{"typ with a Cyrillic a", token("аt+jwt"), wrongType},
		{"typ among the claims", token("", claim("typ", "at+jwt")), wrongType},
		{"typ in other case of the name", x.withHeader("typ", "", "Typ", `"at+jwt"`), wrongType},

		{"and at+jwt passes", token("at+jwt"), accepted},
		{"and application/at+jwt", token("application/at+jwt"), accepted},
		{"and AT+JWT, for it is case-insensitive", token("AT+JWT"), accepted},
	})
}

// Where an issuer does not type its tokens, the rest still tells them apart: an ID
// token is for the client, and for no API.
func TestHostileOtherKindsWithoutTyp(t *testing.T) { // C22, C25
	x := newTarget(t, func(c *verify.JWTConfig) { c.Profile.Types = []string{"at+jwt", "JWT", ""} })
	untyped := oauthtest.WithoutHeader("typ")
	token := func(changes ...oauthtest.Change) string {
		return x.issuer.Token("billing", "invoices.read", append(changes, untyped)...)
	}
	claim := oauthtest.Claim
	x.attack(t, []row{
		{"an ID token", token(claim("aud", "billing"), claim("nonce", marker)), wrongAudience},
		{"a logout token", token(claim("aud", "billing"), claim("events", map[string]any{})), wrongAudience},
		{"a client assertion", token(claim("iss", "billing"), claim("aud", x.issuer.URL)), wrongIssuer},
		{"an introspection response for the API, by its name as a client", token(claim("aud", "api")), wrongAudience},
		{"a DPoP proof, typed as it must be", x.issuer.Token("billing", "invoices.read", oauthtest.Header("typ", "dpop+jwt")), wrongType},
		{"a DPoP proof without what makes it one", token(oauthtest.Without("iss"), oauthtest.Without("aud")), wrongIssuer},
		{"a refresh token for the issuer itself", token(claim("aud", x.issuer.URL)), wrongAudience},
		{"and an access token passes", token(), accepted},
	})
}

// What RFC 9068 §2.2 has in every access token, and what becomes of a token without:
// its §4 makes a resource server check iss, aud and exp; client_id says who calls; sub,
// iat and jti are read where they are there (see Profile).
func TestHostileTokenWithoutAClaim(t *testing.T) { // C28, C29
	x := newTarget(t, nil)
	var rows []row
	for name, want := range map[string]verdict{
		"iss": wrongIssuer, "aud": wrongAudience, "exp": noExpiry, "client_id": noClient,
		"sub": accepted, "iat": accepted, "jti": accepted,
	} {
		rows = append(rows,
			row{"without " + name, x.issuer.Token("billing", "invoices.read", oauthtest.Without(name)), want},
			row{name + " under another name", x.withClaims(name, "", "x_"+name, strconv.Quote(marker)), want})
	}
	rows = append(rows, row{"without any", x.withClaims("iss", "", "aud", "", "exp", "", "client_id", "", "sub", "", "iat", "", "jti", ""), wrongIssuer},
		row{"an empty object", compact(header("p256"), "{}", ownKeys()["p256"].sign), wrongIssuer})
	x.attack(t, rows)
}

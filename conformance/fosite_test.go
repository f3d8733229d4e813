package conformance_test

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/token/jwt"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

func discoverFosite(t *testing.T, s *fositeServer) *verify.Issuer {
	t.Helper()
	tokens, err := verify.DiscoverWith(t.Context(),
		verify.JWTConfig{Issuer: s.URL, Audience: []string{audience}, Profile: verify.Hydra()}, jwks.RemoteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	return tokens
}

func TestFositeJWTs(t *testing.T) {
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			s := newFosite(t, alg, nil)
			api := newAPI(t, discoverFosite(t, s))
			elsewhere := newFosite(t, alg, nil)
			elsewhere.key.KeyID = s.key.KeyID
			for _, row := range []struct {
				name, token string
				want        answer
			}{
				{"a good token", s.token(t, "billing", "invoices.read", audience), billing(s.URL, "invoices.read")},
				{"both scopes", s.token(t, "billing", "invoices.read invoices.write", audience), billing(s.URL, "invoices.read invoices.write")},
				{"an expired token", s.token(t, "late", "invoices.read", audience), refused("The access token expired.")},
				{"for another API", s.token(t, "billing", "invoices.read", "https://other.example"), refused("The token is meant for another audience.")},
				{"for no API, which is an empty array in aud", s.token(t, "billing", "invoices.read", ""), refused("The token is meant for another audience.")},
				{"another scope", s.token(t, "billing", "invoices.write", audience), underscoped},
				{"no scope", s.token(t, "billing", "", audience), underscoped},
				{"of another server", elsewhere.token(t, "billing", "invoices.read", audience), refused("The token was issued by another issuer.")},
			} {
				if got := call(t, api, row.token); got != row.want {
					t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
				}
			}
		})
	}
}

// The server's setting for where scopes are written, which is Hydra's as well.
func TestFositeScopeFields(t *testing.T) {
	for name, field := range map[string]jwt.JWTScopeFieldEnum{
		"not set":                  jwt.JWTScopeFieldUnset,
		"an array in scp":          jwt.JWTScopeFieldList,
		"a string in scope":        jwt.JWTScopeFieldString,
		"the array and the string": jwt.JWTScopeFieldBoth,
	} {
		s := newFosite(t, jose.ES256, func(c *fosite.Config) { c.JWTScopeClaimKey = field })
		api := newAPI(t, discoverFosite(t, s))
		token := s.token(t, "billing", "invoices.read invoices.write", audience)
		if got, want := call(t, api, token), billing(s.URL, "invoices.read invoices.write"); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// Without the profile, typ is not what RFC 9068 wants. And a server that leaves its
// session as fosite makes it, unlike Hydra, says nowhere in the token whose it is.
func TestFositeIsNotByRFC9068(t *testing.T) {
	s := newFosite(t, jose.RS256, nil)
	plain, err := verify.Discover(t.Context(), s.URL, audience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	if got, want := call(t, newAPI(t, plain), s.token(t, "billing", "invoices.read", audience)), refused("The token is not typed as an access token."); got != want {
		t.Errorf("without the profile: got %+v, want %+v", got, want)
	}
	s.bare = true
	if got, want := call(t, newAPI(t, discoverFosite(t, s)), s.token(t, "billing", "invoices.read", audience)), refused("The token names no client."); got != want {
		t.Errorf("fosite's own session: got %+v, want %+v", got, want)
	}
}

func introspectFosite(t *testing.T, s *fositeServer, maxAge time.Duration, change func(*verify.IntrospectionConfig)) verify.Verifier {
	t.Helper()
	return introspecting(t, s.URL, "/oauth2/introspect", maxAge, change)
}

func TestFositeOpaqueTokens(t *testing.T) {
	s := newFosite(t, "", nil)
	api := newAPI(t, introspectFosite(t, s, time.Minute, nil))
	forAnybody := billing(s.URL, "invoices.read")
	forAnybody.caller.Audience = ""
	for _, row := range []struct {
		name, token string
		want        answer
	}{
		{"a good token", s.token(t, "billing", "invoices.read", audience), billing(s.URL, "invoices.read")},
		{"both scopes", s.token(t, "billing", "invoices.read invoices.write", audience), billing(s.URL, "invoices.read invoices.write")},
		{"an expired token", s.token(t, "late", "invoices.read", audience), refused(inactive)},
		{"for another API", s.token(t, "billing", "invoices.read", "https://other.example"), refused("The token is meant for another audience.")},
		{"for no API, for which the server answers", s.token(t, "billing", "invoices.read", ""), forAnybody},
		{"another scope", s.token(t, "billing", "invoices.write", audience), underscoped},
		{"no scope", s.token(t, "billing", "", audience), underscoped},
		{"of another server", newFosite(t, "", nil).token(t, "billing", "invoices.read", audience), refused(inactive)},
		{"made up", "ory_at_made.up", refused(inactive)},
	} {
		if got := call(t, api, row.token); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestFositeRevocation(t *testing.T) {
	s := newFosite(t, "", nil)
	checkRevocation(t, s.token(t, "billing", "invoices.read", audience), s.URL+"/oauth2/revoke",
		func(maxAge time.Duration) verify.Verifier { return introspectFosite(t, s, maxAge, nil) })
}

// A server that cannot be asked, or does not answer this API, says nothing about any
// token.
func TestFositeWithoutAVerdict(t *testing.T) {
	s := newFosite(t, "", nil)
	good := s.token(t, "billing", "invoices.read", audience)

	wrongSecret := newAPI(t, introspectFosite(t, s, time.Minute, func(c *verify.IntrospectionConfig) { c.ClientSecret = "wrong" }))
	if got := call(t, wrongSecret, good); got != noVerdict {
		t.Errorf("the API's own secret is wrong: got %+v", got)
	}

	api := newAPI(t, introspectFosite(t, s, time.Nanosecond, nil))
	remembered := newAPI(t, introspectFosite(t, s, time.Hour, nil))
	for _, api := range []string{api, remembered} {
		if got, want := call(t, api, good), billing(s.URL, "invoices.read"); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	s.Close()
	for _, row := range []struct {
		name, api, token string
		want             answer
	}{
		{"a good token", api, good, noVerdict},
		{"a bad one", api, "ory_at_made.up", noVerdict},
		{"a good one that is remembered", remembered, good, billing(s.URL, "invoices.read")},
	} {
		if got := call(t, row.api, row.token); got != row.want {
			t.Errorf("the server has stopped: %s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}

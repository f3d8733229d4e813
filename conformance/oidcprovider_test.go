package conformance_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

// One process serves all of it, as starting one takes its time. What stops it comes
// last.
func TestOIDCProvider(t *testing.T) {
	p := startOIDCProvider(t)
	for _, alg := range []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"} {
		t.Run("JWTs by "+alg, func(t *testing.T) { p.testJWTs(t, alg) })
	}
	t.Run("opaque tokens", p.testOpaque)
	t.Run("opaque tokens, in signed responses", p.testSigned)
	t.Run("JWTs and opaque tokens side by side", p.testHybrid)
	t.Run("revocation", p.testRevocation)
	t.Run("the server stops", p.testStop)
}

// Its JWTs are by RFC 9068, so no profile is needed.
func (p *oidcProvider) testJWTs(t *testing.T, alg string) {
	tokens, err := verify.Discover(t.Context(), p.issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	api := newAPI(t, tokens)
	good := p.token(t, audience+"/"+alg, "invoices.read")
	for _, row := range []struct {
		name, token string
		want        answer
	}{
		{"a good token", good, billing(p.issuer, "invoices.read")},
		{"both scopes", p.token(t, audience+"/"+alg, "invoices.read invoices.write"), billing(p.issuer, "invoices.read invoices.write")},
		{"for another API", p.token(t, "https://other.example/"+alg, "invoices.read"), refused("The token is meant for another audience.")},
		{"another scope", p.token(t, audience+"/"+alg, "invoices.write"), underscoped},
		{"no scope", p.token(t, audience+"/"+alg, ""), underscoped},
		{"a signature that is another token's", otherSignature(good, p.token(t, audience+"/"+alg, "invoices.read")), refused("The token's signature is invalid.")},
	} {
		if got := call(t, api, row.token); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}

	strict, err := verify.DiscoverWith(t.Context(),
		verify.JWTConfig{Issuer: p.issuer, Audience: []string{audience}, ClockSkew: time.Nanosecond}, jwks.RemoteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(strict.Close)
	becomes(t, newAPI(t, strict), p.token(t, audience+"/"+alg+"?ttl=1", "invoices.read"), refused("The access token expired."))
}

func otherSignature(token, other string) string {
	return token[:strings.LastIndex(token, ".")] + other[strings.LastIndex(other, "."):]
}

func (p *oidcProvider) introspect(t *testing.T, maxAge time.Duration, change func(*verify.IntrospectionConfig)) verify.Verifier {
	t.Helper()
	return introspecting(t, p.issuer, "/token/introspection", maxAge, change)
}

const opaque = audience + "/opaque"

func (p *oidcProvider) testOpaque(t *testing.T) { p.checkOpaque(t, nil) }

// RFC 9701. Its key is found as those of its JWTs are.
func (p *oidcProvider) testSigned(t *testing.T) {
	keys, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: p.issuer + "/jwks"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	p.checkOpaque(t, func(c *verify.IntrospectionConfig) {
		c.ClientID, c.Signed = "signed-invoices-api", &verify.SignedIntrospection{Keys: keys}
	})
}

func (p *oidcProvider) checkOpaque(t *testing.T, change func(*verify.IntrospectionConfig)) {
	t.Helper()
	api := newAPI(t, p.introspect(t, time.Minute, change))
	for _, row := range []struct {
		name, token string
		want        answer
	}{
		{"a good token", p.token(t, opaque, "invoices.read"), billing(p.issuer, "invoices.read")},
		{"both scopes", p.token(t, opaque, "invoices.read invoices.write"), billing(p.issuer, "invoices.read invoices.write")},
		{"for another API", p.token(t, "https://other.example/opaque", "invoices.read"), refused("The token is meant for another audience.")},
		{"another scope", p.token(t, opaque, "invoices.write"), underscoped},
		{"no scope", p.token(t, opaque, ""), underscoped},
		{"made up", "made-up", refused(inactive)},
	} {
		if got := call(t, api, row.token); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
	forgetful := newAPI(t, p.introspect(t, time.Nanosecond, change))
	becomes(t, forgetful, p.token(t, opaque+"?ttl=1", "invoices.read"), refused(inactive))
}

// Asked about a JWT, of whatever issuer, it answers 400: so JWTs are for a verifier of
// their own, and nothing that looks like one is to be asked about.
func (p *oidcProvider) testHybrid(t *testing.T) {
	jwts, err := verify.Discover(t.Context(), p.issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(jwts.Close)
	tokens, err := verify.Hybrid(jwts, p.introspect(t, time.Minute, func(c *verify.IntrospectionConfig) {
		c.Form = func(token string) bool { return !strings.Contains(token, ".") }
	}))
	if err != nil {
		t.Fatal(err)
	}
	api := newAPI(t, tokens)
	jwt := p.token(t, audience+"/ES256", "invoices.read")
	strangers := newFosite(t, jose.RS256, nil).token(t, "billing", "invoices.read", audience)
	for _, row := range []struct {
		name, token string
		want        answer
	}{
		{"a JWT", jwt, billing(p.issuer, "invoices.read")},
		{"an opaque token", p.token(t, opaque, "invoices.read"), billing(p.issuer, "invoices.read")},
		{"an opaque token that is made up", "made-up", refused(inactive)},
		{"a JWT of another server", strangers, refused("The token is malformed.")},
	} {
		if got := call(t, api, row.token); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
	withoutForm := newAPI(t, p.introspect(t, time.Minute, nil))
	for name, token := range map[string]string{"its own JWT": jwt, "a JWT of another server": strangers} {
		if got := call(t, withoutForm, token); got.status == http.StatusOK {
			t.Errorf("introspection alone: %s: got %+v", name, got)
		}
	}
}

func (p *oidcProvider) testRevocation(t *testing.T) {
	checkRevocation(t, p.token(t, opaque, "invoices.read"), p.issuer+"/token/revocation",
		func(maxAge time.Duration) verify.Verifier { return p.introspect(t, maxAge, nil) })
}

// A server that cannot be asked says nothing about any token; keys that are known go
// on serving.
func (p *oidcProvider) testStop(t *testing.T) {
	jwts, err := verify.Discover(t.Context(), p.issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(jwts.Close)
	jwt, reference := p.token(t, audience+"/ES256", "invoices.read"), p.token(t, opaque, "invoices.read")
	local, asking := newAPI(t, jwts), newAPI(t, p.introspect(t, time.Nanosecond, nil))
	wrongSecret := newAPI(t, p.introspect(t, time.Minute, func(c *verify.IntrospectionConfig) { c.ClientSecret = "wrong" }))
	if got := call(t, wrongSecret, reference); got != noVerdict {
		t.Errorf("the API's own secret is wrong: got %+v", got)
	}
	if got := call(t, asking, reference); got.status != http.StatusOK {
		t.Fatalf("got %+v", got)
	}
	if err := jwts.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.stop()
	for _, row := range []struct {
		name, api, token string
		want             answer
	}{
		{"an opaque token", asking, reference, noVerdict},
		{"one that is made up", asking, "made-up", noVerdict},
		{"a JWT", local, jwt, billing(p.issuer, "invoices.read")},
	} {
		if got := call(t, row.api, row.token); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}

package verify_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/authserver"
	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

func TestIntrospectionClientAuthentication(t *testing.T) {
	for _, row := range []struct {
		name          string
		id, secret    string
		auth          verify.ClientAuth
		authorization string
		form          map[string]string
	}{
		// base64 of what RFC 6749 §2.3.1 wants: each form-encoded, then joined.
		{"Basic by default", "s6BhdRkqt3", "gX1fBat3bV", nil, "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", nil},
		{"Basic, form-encoded: a:b%, c d+ü", "a:b%", "c d+ü", verify.ClientSecretBasic{}, "Basic YSUzQWIlMjU6YytkJTJCJUMzJUJD", nil},
		{"post", "a:b", "c d+&x=ü", verify.ClientSecretPost{}, "", map[string]string{"client_id": "a:b", "client_secret": "c d+&x=ü"}},
		{"bearer", "", "", verify.BearerAuth(func(context.Context) (string, error) { return "own", nil }), "Bearer own", nil},
		{"none", "", "", verify.InsecureNoAuth{}, "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEndpoint(map[string]string{"opaque": `{"active":true,"client_id":"billing"}`})
			v := introspecting(t, serve(t, e), func(c *verify.IntrospectionConfig) {
				c.ClientID, c.ClientSecret, c.Auth = row.id, row.secret, row.auth
			})
			if got := outcome(t, v, "opaque"); got != "" {
				t.Fatal(got)
			}
			if got := e.header[0].Get("Authorization"); got != row.authorization {
				t.Errorf("Authorization %q, want %q", got, row.authorization)
			}
			if len(e.asked[0]) != 2+len(row.form) {
				t.Errorf("form %v", e.asked[0])
			}
			for name, want := range row.form {
				if got := e.asked[0].Get(name); got != want {
					t.Errorf("%s: %q", name, got)
				}
			}
		})
	}
}

// device is a private key that nobody can look into.
type device struct{ key crypto.Signer }

func (d device) Public() crypto.PublicKey { return d.key.Public() }
func (d device) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return d.key.Sign(rand, digest, opts)
}

func TestIntrospectionPrivateKeyJWT(t *testing.T) {
	for _, alg := range []string{"RS256", "PS256", "ES256", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			key, err := authserver.NewSigningKey(alg)
			if err != nil {
				t.Fatal(err)
			}
			public, err := jose.NewKey(key.ID, alg, key.Signer.Public())
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			e := newEndpoint(map[string]string{"1": `{"active":true,"client_id":"billing"}`, "2": `{"active":true,"client_id":"billing"}`})
			for i, audience := range []string{"", "https://issuer.example"} {
				at := serve(t, e)
				v := introspecting(t, at, func(c *verify.IntrospectionConfig) {
					c.ClientSecret = ""
					c.Auth = verify.PrivateKeyJWT{Signer: device{key.Signer}, Algorithm: alg, KeyID: key.ID, Audience: audience}
				})
				for _, token := range []string{"1", "2"} {
					if got := outcome(t, v, token); got != "" {
						t.Fatal(got)
					}
				}
				for _, form := range e.asked[2*i:] {
					if got := form.Get("client_assertion_type"); got != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
						t.Errorf("type %q", got)
					}
					compact, err := jose.Parse(form.Get("client_assertion"))
					if err != nil {
						t.Fatal(err)
					}
					if compact.KeyID != key.ID || compact.Algorithm != alg || compact.Type != "JWT" || public.Verify(alg, compact.Input(), compact.Signature()) != nil {
						t.Errorf("header or signature: %+v", compact)
					}
					var claims struct {
						Iss, Sub, Aud, Jti string
						Iat, Exp           int64
					}
					if err := json.Unmarshal([]byte(compact.Payload()), &claims); err != nil {
						t.Fatal(err)
					}
					want := audience
					if want == "" {
						want = at
					}
					now := time.Now().Unix()
					if claims.Iss != "api" || claims.Sub != "api" || claims.Aud != want || claims.Iat < now-5 || claims.Iat > now || claims.Exp != claims.Iat+60 {
						t.Errorf("claims %+v", claims)
					}
					if seen[claims.Jti] || len(claims.Jti) < 20 {
						t.Errorf("jti %q", claims.Jti)
					}
					seen[claims.Jti] = true
				}
			}
		})
	}
}

func TestIntrospectionWithoutOwnCredentialsIsNoVerdict(t *testing.T) {
	for name, bearer := range map[string]verify.BearerAuth{
		"fails":                   func(context.Context) (string, error) { return "", errors.New("no token") },
		"fails with a refusal":    func(context.Context) (string, error) { return "", &verify.Refusal{} },
		"fails, as invalid":       func(context.Context) (string, error) { return "", verify.ErrInvalidToken },
		"empty":                   func(context.Context) (string, error) { return "", nil },
		"two lines":               func(context.Context) (string, error) { return "s3cr3t\r\nX: y", nil },
		"panics with a secret":    func(context.Context) (string, error) { panic("s3cr3t") },
		"panics with a mistake":   func(context.Context) (string, error) { return []string{}[len(name())], nil },
		"ends with its context":   func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		"heeds no context at all": func(context.Context) (string, error) { time.Sleep(300 * time.Millisecond); return "own", nil },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(nil)
			v := introspecting(t, serve(t, e), func(c *verify.IntrospectionConfig) {
				c.ClientSecret, c.Auth, c.Timeout = "", bearer, 50*time.Millisecond
			})
			began := time.Now()
			if got := outcome(t, v, "opaque"); got != "unavailable" {
				t.Errorf("got %q", got)
			}
			if took := time.Since(began); took > 250*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}

func name() string { return "" }

func TestIntrospectionRefusesBadConfigurations(t *testing.T) {
	key, err := authserver.NewSigningKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	signer := func(change func(*verify.PrivateKeyJWT)) func(*verify.IntrospectionConfig) {
		return func(c *verify.IntrospectionConfig) {
			auth := verify.PrivateKeyJWT{Signer: key.Signer, Algorithm: "ES256"}
			change(&auth)
			c.ClientSecret, c.Auth = "", auth
		}
	}
	for _, row := range []struct {
		name, want string
		change     func(*verify.IntrospectionConfig)
	}{
		{"no endpoint", "introspection_endpoint", func(c *verify.IntrospectionConfig) { c.Endpoint = "" }},
		{"plain http", "use https", func(c *verify.IntrospectionConfig) { c.Endpoint = "http://issuer.example/introspect" }},
		{"no URL", "https://issuer.example", func(c *verify.IntrospectionConfig) { c.Endpoint = "issuer.example" }},
		{"another scheme", "use https", func(c *verify.IntrospectionConfig) { c.Endpoint = "ftp://issuer.example" }},
		{"a password", "user information", func(c *verify.IntrospectionConfig) { c.Endpoint = "https://a:s3cr3t@issuer.example" }},
		{"a fragment", "fragment", func(c *verify.IntrospectionConfig) { c.Endpoint = "https://issuer.example#x" }},
		{"no audience", "InsecureNoAudience", func(c *verify.IntrospectionConfig) { c.Audience = nil }},
		{"no id", "ClientID", func(c *verify.IntrospectionConfig) { c.ClientID = "" }},
		{"no secret", "InsecureNoAuth", func(c *verify.IntrospectionConfig) { c.ClientSecret = "" }},
		{"no secret to post", "InsecureNoAuth", func(c *verify.IntrospectionConfig) { c.ClientSecret, c.Auth = "", verify.ClientSecretPost{} }},
		{"a secret for nobody", "would not be used", func(c *verify.IntrospectionConfig) { c.Auth = verify.InsecureNoAuth{} }},
		{"no bearer", "nil BearerAuth", func(c *verify.IntrospectionConfig) { c.ClientSecret, c.Auth = "", verify.BearerAuth(nil) }},
		{"no signer", "Signer is nil", signer(func(p *verify.PrivateKeyJWT) { p.Signer = nil })},
		{"no algorithm", "Algorithm is empty", signer(func(p *verify.PrivateKeyJWT) { p.Algorithm = "" })},
		{"another key's algorithm", `"RS256"`, signer(func(p *verify.PrivateKeyJWT) { p.Algorithm = "RS256" })},
		{"HMAC", `"HS256"`, signer(func(p *verify.PrivateKeyJWT) { p.Algorithm = "HS256" })},
		{"MaxAge", "MaxAge is 2h0m0s", func(c *verify.IntrospectionConfig) { c.MaxAge = 2 * time.Hour }},
		{"MaxNegativeAge", "MaxNegativeAge", func(c *verify.IntrospectionConfig) { c.MaxNegativeAge = -1 }},
		{"Timeout", "Timeout", func(c *verify.IntrospectionConfig) { c.Timeout = time.Hour }},
		{"ClockSkew", "ClockSkew", func(c *verify.IntrospectionConfig) { c.ClockSkew = time.Hour }},
		{"MaxEntries", "MaxEntries", func(c *verify.IntrospectionConfig) { c.MaxEntries = -1 }},
		{"MaxCalls", "MaxCalls", func(c *verify.IntrospectionConfig) { c.MaxCalls = -1 }},
		{"MaxTokenBytes", "MaxTokenBytes", func(c *verify.IntrospectionConfig) { c.MaxTokenBytes = 1 << 20 }},
		{"signed without keys", "needs Keys", func(c *verify.IntrospectionConfig) { c.Signed = &verify.SignedIntrospection{Issuer: "x"} }},
		{"signed by nobody", "Issuer", func(c *verify.IntrospectionConfig) { c.Signed = &verify.SignedIntrospection{Keys: jwks.Static()} }},
		{"a bad profile", "Profile.ClientID", func(c *verify.IntrospectionConfig) { c.Profile.ClientID = []string{""} }},
	} {
		t.Run(row.name, func(t *testing.T) {
			config := verify.IntrospectionConfig{Endpoint: "https://issuer.example/introspect", ClientID: "api", ClientSecret: "s3cr3t", Audience: []string{api}}
			row.change(&config)
			_, err := verify.Introspection(config)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestIntrospectionOverInsecureHTTPInWords(t *testing.T) {
	v, err := verify.Introspection(verify.IntrospectionConfig{
		Endpoint: "http://issuer.internal/introspect", InsecureHTTP: true, Auth: verify.InsecureNoAuth{}, Audience: []string{api},
		HTTPClient: &http.Client{Transport: newEndpoint(map[string]string{"opaque": `{"active":true,"client_id":"billing"}`})},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := outcome(t, v, "opaque"); got != "" {
		t.Error(got)
	}
}

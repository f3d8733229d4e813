package verify_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/authserver"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

// signing makes signed introspection responses (RFC 9701 §5), good and bad.
type signing struct {
	key authserver.SigningKey
	set jwks.Set
}

func newSigning(t *testing.T) signing {
	t.Helper()
	key, err := authserver.NewSigningKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	public, err := jwks.NewKey(key.ID, key.Algorithm, key.Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signing{key, jwks.Static(public)}
}

func (s signing) response(t *testing.T, change func(header, claims map[string]any)) string {
	t.Helper()
	draft := authserver.Draft{
		Header: map[string]any{"typ": "token-introspection+jwt", "alg": s.key.Algorithm, "kid": s.key.ID},
		Claims: map[string]any{
			"iss": "https://issuer.example", "aud": "api", "iat": time.Now().Unix(),
			"token_introspection": map[string]any{"active": true, "client_id": "billing", "scope": "a"},
		},
		Key: s.key,
	}
	if change != nil {
		change(draft.Header, draft.Claims)
	}
	token, err := draft.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestIntrospectionWithSignedResponses(t *testing.T) { // C35
	ours, stranger := newSigning(t), newSigning(t)
	header := func(name string, value any) string {
		return ours.response(t, func(header, _ map[string]any) { header[name] = value })
	}
	claim := func(name string, value any) string {
		return ours.response(t, func(_, claims map[string]any) { claims[name] = value })
	}
	good := ours.response(t, nil)
	parts := strings.Split(good, ".")
	unsigned, _ := json.Marshal(map[string]string{"typ": "token-introspection+jwt", "alg": "none"})

	for _, row := range []struct{ name, response, want string }{
		{"good", good, ""},
		{"typ with application/", header("typ", "application/Token-Introspection+JWT"), ""},
		{"aud an array", claim("aud", []string{"x", "api"}), ""},
		{"not active", claim("token_introspection", map[string]any{"active": false}), verify.ReasonInactive},
		{"another audience within", claim("token_introspection", map[string]any{"active": true, "client_id": "c", "aud": "x"}), verify.ReasonAudience},
		{"expired within", claim("token_introspection", map[string]any{"active": true, "client_id": "c", "exp": 1}), verify.ReasonExpired},

		{"not signed", active, "unavailable"},
		{"by a stranger", stranger.response(t, nil), "unavailable"},
		{"by a stranger who takes the kid", stranger.response(t, func(header, _ map[string]any) { header["kid"] = ours.key.ID }), "unavailable"},
		{"alg none", base64.RawURLEncoding.EncodeToString(unsigned) + "." + parts[1] + ".", "unavailable"},
		{"alg HS256", header("alg", "HS256"), "unavailable"},
		{"another payload", parts[0] + "." + strings.Split(claim("aud", []string{"api"}), ".")[1] + "." + parts[2], "unavailable"},
		{"typ at+jwt", header("typ", "at+jwt"), "unavailable"},
		{"typ JWT", header("typ", "JWT"), "unavailable"},
		{"no typ", ours.response(t, func(header, _ map[string]any) { delete(header, "typ") }), "unavailable"},
		{"another issuer", claim("iss", "https://evil.example"), "unavailable"},
		{"for another API", claim("aud", "other"), "unavailable"},
		{"for nobody", ours.response(t, func(_, claims map[string]any) { delete(claims, "aud") }), "unavailable"},
		{"from before", claim("iat", time.Now().Unix()-60), "unavailable"},
		{"from the future", claim("iat", time.Now().Unix()+60), "unavailable"},
		{"of no time", ours.response(t, func(_, claims map[string]any) { delete(claims, "iat") }), "unavailable"},
		{"of time zero", claim("iat", 0), "unavailable"},
		{"active at the top", ours.response(t, func(_, claims map[string]any) {
			delete(claims, "token_introspection")
			claims["active"], claims["client_id"] = true, "billing"
		}), "unavailable"},
		{"token_introspection a string", claim("token_introspection", active), "unavailable"},
		{"active a string", claim("token_introspection", map[string]any{"active": "true"}), "unavailable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			at := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Accept"); got != "application/token-introspection+jwt" {
					t.Errorf("Accept %q", got)
				}
				w.Header().Set("Content-Type", "application/token-introspection+jwt")
				_, _ = io.WriteString(w, row.response)
			}))
			v := introspecting(t, at, func(c *verify.IntrospectionConfig) {
				c.Issuer, c.Signed = "https://issuer.example", &verify.SignedIntrospection{Keys: ours.set}
			})
			if got := outcome(t, v, "opaque"); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if row.want != "" {
				return
			}
			p, err := v.Verify(t.Context(), "opaque")
			if err != nil || p.ClientID != "billing" || !p.Can("a") || p.Issuer != "https://issuer.example" {
				t.Errorf("%+v, %v", p, err)
			}
			var raw struct{ Active bool }
			if err := json.Unmarshal([]byte(p.RawClaims.String()), &raw); err != nil || !raw.Active {
				t.Errorf("RawClaims %s", p.RawClaims)
			}
		})
	}
}

// A response is no access token (RFC 9701 §8.1), and keys that cannot be had are no
// verdict.
func TestIntrospectionResponsesAreNoAccessTokens(t *testing.T) {
	ours := newSigning(t)
	jwts, err := verify.JWT(verify.JWTConfig{Issuer: "https://issuer.example", Audience: []string{"api"}, Keys: ours.set})
	if err != nil {
		t.Fatal(err)
	}
	response := ours.response(t, func(_, claims map[string]any) {
		claims["exp"], claims["client_id"] = time.Now().Unix()+60, "billing"
	})
	if got := reason(jwts, response); got != verify.ReasonType {
		t.Errorf("got %q", got)
	}
	e := newEndpoint(map[string]string{"opaque": ours.response(t, nil)})
	v := introspecting(t, serve(t, e), func(c *verify.IntrospectionConfig) {
		c.Signed = &verify.SignedIntrospection{Keys: failing{errors.New("no keys")}, Issuer: "https://issuer.example", Audience: "api"}
	})
	if got := outcome(t, v, "opaque"); got != "unavailable" {
		t.Errorf("without keys: %q", got)
	}
}

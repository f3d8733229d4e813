package verify_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

func TestHybrid(t *testing.T) {
	ours, listed, unknown := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	both := byIssuer(t, discover(t, ours, nil), discover(t, listed, nil))
	for name, jwts := range map[string]verify.Verifier{
		"one issuer":                    discover(t, ours, nil),
		"several":                       both,
		"one that parses tokens itself": own{Func: discover(t, ours, nil).Verify, issuer: ours.URL},
	} {
		t.Run(name, func(t *testing.T) {
			// The endpoint calls everything good: what it is asked about is
			// what counts.
			e := newEndpoint(nil)
			v := introspecting(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				e.ServeHTTP(&discard{}, r)
				_, _ = w.Write([]byte(`{"active":true,"client_id":"introspected"}`))
			})), nil)
			h, err := verify.Hybrid(jwts, v)
			if err != nil {
				t.Fatal(err)
			}
			good := ours.Token("billing", "")
			parts := strings.Split(good, ".")
			for _, row := range []struct {
				name, token, want string
				asked             bool
			}{
				{"a good JWT", good, "", false},
				{"expired", ours.Token("billing", "", oauthtest.Expired()), verify.ReasonExpired, false},
				{"forged", ours.Token("billing", "", oauthtest.Forged()), verify.ReasonSignature, false},
				{"unsigned", ours.Token("billing", "", oauthtest.Unsigned()), verify.ReasonAlgorithm, false},
				{"for another API", ours.Token("billing", "", oauthtest.ForAudience("x")), verify.ReasonAudience, false},
				{"of another type", ours.Token("billing", "", oauthtest.Header("typ", "JWT")), verify.ReasonType, false},
				{"longer than any", strings.Repeat("x", 65<<10), verify.ReasonMalformed, false},
				{"opaque", "opaque", "", true},
				{"with dots", "a.b.c", "", true},
				{"a JWT of an unknown issuer", unknown.Token("billing", ""), "", true},
				{"a JWT of none", ours.Token("billing", "", oauthtest.Without("iss")), "", true},
				{"a JWT of a number", ours.Token("billing", "", oauthtest.Claim("iss", 1)), "", true},
				{"encrypted", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA", "", true},
				{"a JWT cut off", parts[0] + "." + parts[1], "", true},
			} {
				before := e.calls()
				got := outcome(t, h, row.token)
				if asked := e.calls() > before; got != row.want || asked != row.asked {
					t.Errorf("%s: %q, asked: %v; want %q, %v", row.name, got, asked, row.want, row.asked)
				}
			}
			if p, err := h.Verify(context.Background(), good); err != nil || p.ClientID != "billing" {
				t.Errorf("locally: %+v, %v", p, err)
			}
			if p, err := h.Verify(context.Background(), "opaque"); err != nil || p.ClientID != "introspected" {
				t.Errorf("introspected: %+v, %v", p, err)
			}
			want := len(v.Health())
			if jwts, ok := jwts.(interface{ Health() []verify.Health }); ok {
				want += len(jwts.Health())
			}
			if got := len(h.Health()); got != want {
				t.Errorf("%d entries of health, want %d", got, want)
			}
		})
	}
}

// discard is a response that nobody reads.
type discard struct{}

func (*discard) Header() http.Header         { return http.Header{} }
func (*discard) Write(b []byte) (int, error) { return len(b), nil }
func (*discard) WriteHeader(int)             {}

// An issuer that is added is known from then on.
func TestHybridFollowsItsIssuers(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	issuers := byIssuer(t)
	h, err := verify.Hybrid(issuers, verify.Func(func(context.Context, string) (*principal.Principal, error) {
		return nil, verify.ErrInvalidToken
	}))
	if err != nil {
		t.Fatal(err)
	}
	token := issuer.Token("billing", "")
	if _, err := h.Verify(t.Context(), token); err != verify.ErrInvalidToken {
		t.Errorf("before: %v", err)
	}
	if err := issuers.Add(discover(t, issuer, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(t.Context(), token); err != nil {
		t.Errorf("after: %v", err)
	}
	issuers.Remove(issuer.URL)
	if _, err := h.Verify(t.Context(), token); err != verify.ErrInvalidToken {
		t.Errorf("removed: %v", err)
	}
}

func TestHybridRefusesBadArguments(t *testing.T) {
	nameless, err := verify.JWT(verify.JWTConfig{Keys: jwks.Static(), Profile: verify.Passport()})
	if err != nil {
		t.Fatal(err)
	}
	any := verify.Func(func(context.Context, string) (*principal.Principal, error) { return nil, verify.ErrInvalidToken })
	for name, row := range map[string]struct {
		jwts, opaque verify.Verifier
		want         string
	}{
		"no JWTs":                {nil, any, "Discover"},
		"nil JWTs":               {(*verify.Issuer)(nil), any, "Discover"},
		"no opaque tokens":       {byIssuer(t), nil, "Introspection"},
		"nil opaque tokens":      {byIssuer(t), (*verify.IntrospectionVerifier)(nil), "Introspection"},
		"JWTs of I know not who": {any, any, "verify.Func"},
		"JWTs without iss":       {nameless, any, "Func of your own"},
	} {
		if _, err := verify.Hybrid(row.jwts, row.opaque); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

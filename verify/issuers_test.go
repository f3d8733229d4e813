package verify_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

func byIssuer(t *testing.T, verifiers ...verify.IssuerVerifier) *verify.Issuers {
	t.Helper()
	s, err := verify.ByIssuer(verifiers...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEachIssuerIsTrustedForItself(t *testing.T) { // C21
	a, b, stranger := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	ofB := verifier(t, b, func(c *verify.JWTConfig) {
		c.Audience = []string{"https://b.example"}
		c.Algorithms = []string{"ES256"}
		c.Profile = verify.Profile{Types: []string{"JWT"}, Matcher: scopes.Superscope("*")}
	})
	both := byIssuer(t, verifier(t, a, nil), ofB)
	tokenOfB := func(changes ...oauthtest.Change) string {
		return b.Token("billing", "*", append([]oauthtest.Change{oauthtest.Header("typ", "JWT"), oauthtest.ForAudience("https://b.example")}, changes...)...)
	}
	for _, row := range []struct{ name, token, want string }{
		{"a token of the first", a.Token("billing", "*"), ""},
		{"a token of the second", tokenOfB(), ""},
		{"the first one's key, the second one's iss", a.Token("billing", "", oauthtest.Header("typ", "JWT"), oauthtest.ForAudience("https://b.example"), oauthtest.Claim("iss", b.URL)), verify.ReasonUnknownKey},
		{"the second one's audience from the first", a.Token("billing", "", oauthtest.ForAudience("https://b.example")), verify.ReasonAudience},
		{"the first one's audience from the second", tokenOfB(oauthtest.ForAudience(oauthtest.Audience)), verify.ReasonAudience},
		{"the second one's type from the first", a.Token("billing", "", oauthtest.Header("typ", "JWT")), verify.ReasonType},
		{"an issuer that is not listed", stranger.Token("billing", ""), verify.ReasonIssuer},
		{"iss but for a slash", a.Token("billing", "", oauthtest.Claim("iss", a.URL+"/")), verify.ReasonIssuer},
		{"iss in capitals", a.Token("billing", "", oauthtest.Claim("iss", strings.ToUpper(a.URL))), verify.ReasonIssuer},
		{"iss an array", a.Token("billing", "", oauthtest.Claim("iss", []string{a.URL})), verify.ReasonIssuer},
		{"iss empty", a.Token("billing", "", oauthtest.Claim("iss", "")), verify.ReasonIssuer},
		{"no iss", a.Token("billing", "", oauthtest.Without("iss")), verify.ReasonIssuer},
		{"two iss", strings.Replace(a.Token("billing", ""), ".", ".eyJpc3MiOiJ4IiwiaXNzIjoieSJ9", 1), verify.ReasonMalformed},
		{"no JWT", "opaque", verify.ReasonMalformed},
		{"crit", a.Token("billing", "", oauthtest.Header("crit", []string{"x"})), verify.ReasonCritical},
		{"17 KiB", a.Token("billing", "", oauthtest.Claim("x", strings.Repeat("x", 17<<10))), verify.ReasonMalformed},
		{"more than 64 KiB", strings.Repeat("x", 64<<10+1), verify.ReasonMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := reason(both, row.token); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	// What "*" means is each issuer's own.
	for token, everything := range map[string]bool{a.Token("billing", "*"): false, tokenOfB(): true} {
		if p, err := both.Verify(t.Context(), token); err != nil || p.Can("invoices.read") != everything {
			t.Errorf("got %+v, %v", p, err)
		}
	}
	if stranger.Fetches() > 0 {
		t.Error("the stranger was asked for keys")
	}
}

func TestOneIssuersOutageIsItsOwn(t *testing.T) {
	a, b := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	b.Fail(http.StatusBadGateway)
	down, err := verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: b.URL, Audience: []string{oauthtest.Audience}}, jwks.RemoteConfig{Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(down.Close)
	both := byIssuer(t, verifier(t, a, nil), down)
	if got := reason(both, a.Token("billing", "")); got != "" {
		t.Errorf("the issuer that is up: %s", got)
	}
	_, err = both.Verify(t.Context(), b.Token("billing", ""))
	if _, ok := errors.AsType[*verify.UnavailableError](err); !ok {
		t.Errorf("the issuer that is down: %v", err)
	}
}

func TestIssuersComeAndGoWhileServing(t *testing.T) {
	a, b := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	ofB := verifier(t, b, nil)
	s := byIssuer(t, verifier(t, a, nil))
	tokenA, tokenB := a.Token("billing", ""), b.Token("billing", "")
	if got := reason(s, tokenB); got != verify.ReasonIssuer {
		t.Errorf("before: %q", got)
	}
	if err := s.Add(ofB); err != nil {
		t.Fatal(err)
	}
	if got := reason(s, tokenB); got != "" {
		t.Errorf("added: %q", got)
	}
	if err := s.Add(ofB); err == nil || !strings.Contains(err.Error(), "two verifiers") {
		t.Errorf("added twice: %v", err)
	}
	if removed := s.Remove(b.URL); removed != ofB {
		t.Errorf("removed %v", removed)
	}
	if removed := s.Remove(b.URL); removed != nil {
		t.Errorf("removed twice: %v", removed)
	}
	if got := reason(s, tokenB); got != verify.ReasonIssuer {
		t.Errorf("removed: %q", got)
	}

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if got := reason(s, tokenA); got != "" {
					t.Errorf("meanwhile: %q", got)
				}
			}
		})
	}
	for range 100 {
		if err := s.Add(ofB); err != nil {
			t.Error(err)
		}
		s.Remove(b.URL)
	}
	all.Wait()
}

// own is an IssuerVerifier of somebody else's making.
type own struct {
	verify.Func
	issuer string
}

func (o own) Issuer() string { return o.issuer }

func TestAVerifierOfOnesOwnForAnIssuer(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	s := byIssuer(t, own{func(context.Context, string) (*principal.Principal, error) {
		return &principal.Principal{ClientID: "mine"}, nil
	}, issuer.URL})
	if p, err := s.Verify(t.Context(), issuer.Token("billing", "")); err != nil || p.ClientID != "mine" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestBadListsOfIssuers(t *testing.T) {
	if _, err := verify.ByIssuer(own{issuer: "a"}, own{issuer: "a"}); err == nil || !strings.Contains(err.Error(), "two verifiers for issuer a") {
		t.Errorf("got %v", err)
	}
	for _, nameless := range []verify.IssuerVerifier{nil, own{}} {
		if _, err := verify.ByIssuer(nameless); err == nil || !strings.Contains(err.Error(), "without a name") {
			t.Errorf("got %v", err)
		}
	}
}

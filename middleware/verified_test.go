package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// Everybody who serves a request sees one principal, and no other request's.
func TestThePrincipalOfARequest(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, func(c *middleware.Config) { c.Verifier = issuer.Verifier() })
	var seen []*principal.Principal
	handler := guard.Protect(guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var all [8]*principal.Principal
		var group sync.WaitGroup
		for i := range all {
			group.Go(func() { all[i], _ = principal.FromContext(context.WithoutCancel(r.Context())) })
		}
		group.Wait()
		for _, p := range all {
			if p == nil || p != all[0] {
				t.Errorf("%p and %p", p, all[0])
			}
		}
		seen = append(seen, all[0])
	})))
	r := requestWith("Bearer " + issuer.Token("billing", "invoices.read"))
	for range 3 {
		handler.ServeHTTP(silence{http.Header{}}, r)
	}
	if len(seen) != 3 || seen[0] == seen[1] || seen[1] == seen[2] {
		t.Errorf("three requests have %p", seen)
	}
	for _, p := range seen {
		claims, err := principal.Claims[struct {
			ClientID string `json:"client_id"`
		}](p)
		if err != nil || claims.ClientID != "billing" || p.ClientID != "billing" || !p.Can("invoices.read") {
			t.Errorf("got %+v, whose claims are %+v, %v", p, claims, err)
		}
	}
}

// The principal of a verifier of the program's own is the one that it has returned.
func TestThePrincipalOfAVerifierOfOnesOwn(t *testing.T) {
	own := &principal.Principal{ClientID: "billing"}
	guard := newGuard(t, func(c *middleware.Config) {
		c.Verifier = verify.Func(func(context.Context, string) (*principal.Principal, error) { return own, nil })
	})
	asked := false
	guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, _ := principal.FromContext(r.Context())
		asked = p == own
	})).ServeHTTP(silence{http.Header{}}, requestWith("Bearer a"))
	if !asked {
		t.Error("it is another one")
	}
}

// Behind a guard, what somebody else has put in the place of its principal does not count.
func TestAGuardPutsItsPrincipalBack(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, func(c *middleware.Config) { c.Verifier = issuer.Verifier() })
	stranger := &principal.Principal{ClientID: "stranger"}
	var got []*principal.Principal
	look := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, _ := principal.FromContext(r.Context())
		got = append(got, p)
	})
	guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look(w, r)
		r = r.WithContext(principal.NewContext(r.Context(), stranger))
		look(w, r)
		guard.Protect(guard.Protect(look)).ServeHTTP(w, r)
	})).ServeHTTP(silence{http.Header{}}, requestWith("Bearer "+issuer.Token("billing", "")))
	if len(got) != 3 || got[0].ClientID != "billing" || got[1] != stranger || got[2] != got[0] {
		t.Errorf("got %+v", got)
	}
}

// Programs print contexts into their logs, where no token may be.
func TestAContextDoesNotTellTheToken(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, func(c *middleware.Config) { c.Verifier = issuer.Verifier() })
	token := issuer.Token("billing", "")
	type key struct{}
	asked := 0
	guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancellable, cancel := context.WithCancel(r.Context())
		defer cancel()
		principal.FromContext(cancellable)
		for _, ctx := range []context.Context{r.Context(), context.WithValue(r.Context(), key{}, 1), cancellable} {
			for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
				asked++
				if text := fmt.Sprintf(verb, ctx); strings.Contains(text, token) || strings.Contains(text, token[len(token)-20:]) {
					t.Errorf("%s tells the token: %s", verb, text)
				}
			}
		}
	})).ServeHTTP(silence{http.Header{}}, requestWith("Bearer "+token))
	if asked == 0 {
		t.Error("nothing was asked")
	}
}

// A request that does not pass has no principal, however good its token is.
func TestADeniedRequestHasNoPrincipal(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, func(c *middleware.Config) { c.Verifier = issuer.Verifier() })
	for _, guard := range []*middleware.Guard{guard.ClientsOnly(), guard.Require(scopes.All("invoices.write"))} {
		r := requestWith("Bearer " + issuer.Token("billing", "invoices.read", oauthtest.ForUser("7")))
		ctx, denial := guard.Check(t.Context(), middleware.RequestOf(r))
		if denial == nil || denial.Status != http.StatusForbidden || ctx != t.Context() {
			t.Errorf("got %v and %v", denial, ctx)
		}
	}
}

// An observer finds the principal where handlers do, also of a token whose scopes do not
// suffice.
func TestAnObserverFindsThePrincipal(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	var clients []string
	guard := newGuard(t, func(c *middleware.Config) {
		c.Verifier = issuer.Verifier()
		c.Observe = func(ctx context.Context, e middleware.Event) {
			p, ok := principal.FromContext(ctx)
			if !ok || p.ClientID != e.ClientID {
				t.Errorf("%s: got %+v", e.Outcome, p)
			}
			clients = append(clients, e.ClientID)
		}
	})
	for _, scope := range []string{"invoices.read", "orders.read"} {
		guard.Require(scopes.All("invoices.read")).Protect(http.NotFoundHandler()).
			ServeHTTP(silence{http.Header{}}, requestWith("Bearer "+issuer.Token("billing", scope)))
	}
	if len(clients) != 2 {
		t.Errorf("heard of %q", clients)
	}
}

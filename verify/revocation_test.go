package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// storeFunc is a store of one's own.
type storeFunc func(ctx context.Context, p *principal.Principal) (bool, error)

func (f storeFunc) Revoked(ctx context.Context, p *principal.Principal) (bool, error) {
	return f(ctx, p)
}

func nothingRevoked(context.Context, *principal.Principal) (bool, error) { return false, nil }

func revocable(t testing.TB, v verify.Verifier, store verify.Revocations, onFailure verify.FailurePolicy) *verify.RevocableVerifier {
	t.Helper()
	r, err := verify.Revocable(v, store, onFailure)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// status is what a guard in front of v answers to token.
func status(t *testing.T, ctx context.Context, v verify.Verifier, token string) (int, *middleware.Denial) {
	t.Helper()
	guard, err := middleware.New(middleware.Config{Verifier: v})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if _, denial := guard.Check(ctx, middleware.RequestOf(r)); denial != nil {
		return denial.Status, denial
	}
	return http.StatusOK, nil
}

func TestARevokedTokenIsRefusedAs401(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	v := revocable(t, issuer.Verifier(), list, verify.RefuseOnFailure)
	token := issuer.Token("billing", "invoices.read")
	if got := reason(v, token); got != "" {
		t.Fatalf("before: %q", got)
	}
	if err := list.RevokeClient(issuer.URL, "billing"); err != nil {
		t.Fatal(err)
	}
	p, err := v.Verify(t.Context(), token)
	refusal, ok := errors.AsType[*verify.Refusal](err)
	if p != nil || !ok || refusal.Reason != verify.ReasonRevoked || refusal.Description != "The access token has been revoked." || !errors.Is(err, verify.ErrInvalidToken) {
		t.Errorf("got %v, %v", p, err)
	}
	if got, denial := status(t, t.Context(), v, token); got != http.StatusUnauthorized || denial.Code != middleware.CodeInvalidToken || denial.Reason != verify.ReasonRevoked {
		t.Errorf("got %+v", denial)
	}
}

func TestWhatAFailureOfTheRevocationStoreMeans(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	tokens, token := issuer.Verifier(), issuer.Token("billing", "")
	const secret = "redis://:hunter2@10.0.0.7"
	down := errors.New(secret)
	hungUp, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, row := range []struct {
		name       string
		ctx        context.Context
		onFailure  verify.FailurePolicy
		isRevoked  bool
		err        error
		status     int
		retryAfter time.Duration
	}{
		{"the store works, and knows nothing against the token", t.Context(), verify.RefuseOnFailure, false, nil, 200, 0},
		{"the store works, and the token is revoked", t.Context(), verify.RefuseOnFailure, true, nil, 401, 0},
		{"the store works, the token is revoked, failures would pass", t.Context(), verify.PassOnFailure, true, nil, 401, 0},
		{"the store fails: refuse", t.Context(), verify.RefuseOnFailure, false, down, 503, time.Second},
		{"the store fails: pass", t.Context(), verify.PassOnFailure, false, down, 200, 0},
		{"the bool beside an error does not count: refuse", t.Context(), verify.RefuseOnFailure, true, down, 503, time.Second},
		{"the bool beside an error does not count: pass", t.Context(), verify.PassOnFailure, true, down, 200, 0},
		{"the store says when to try again", t.Context(), verify.RefuseOnFailure, false, &verify.UnavailableError{RetryAfter: time.Minute, Err: down}, 503, time.Minute},
		{"the store says so somewhere within", t.Context(), verify.RefuseOnFailure, false, fmt.Errorf("x: %w", &verify.UnavailableError{RetryAfter: time.Minute, Err: down}), 503, time.Minute},
		{"the store's error has no time in it", t.Context(), verify.RefuseOnFailure, false, &verify.UnavailableError{Err: down}, 503, time.Second},
		{"a failure that wraps ErrInvalidToken is no 401", t.Context(), verify.RefuseOnFailure, false, fmt.Errorf("%s: %w", secret, verify.ErrInvalidToken), 503, time.Second},
		{"a failure that is a Refusal is no 401", t.Context(), verify.RefuseOnFailure, false, &verify.Refusal{Reason: verify.ReasonExpired, Description: secret}, 503, time.Second},
		{"a failure that wraps ErrInvalidToken: pass", t.Context(), verify.PassOnFailure, false, verify.ErrInvalidToken, 200, 0},
		{"the client hangs up, and the store fails of it: refuse", hungUp, verify.RefuseOnFailure, false, context.Canceled, 503, time.Second},
		{"the client hangs up, and the store fails of it: nobody passes by that", hungUp, verify.PassOnFailure, false, context.Canceled, 503, time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := revocable(t, tokens, storeFunc(func(context.Context, *principal.Principal) (bool, error) { return row.isRevoked, row.err }), row.onFailure)
			got, denial := status(t, row.ctx, v, token)
			if got != row.status {
				t.Fatalf("got %d, %+v", got, denial)
			}
			_, err := v.Verify(row.ctx, token)
			unavailable, ok := errors.AsType[*verify.UnavailableError](err)
			if ok != (row.status == 503) || ok && (unavailable.RetryAfter != row.retryAfter || errors.Is(err, verify.ErrInvalidToken)) {
				t.Errorf("got %v", err)
			}
			if ok && row.err != context.Canceled && !strings.Contains(unavailable.Err.Error(), secret) {
				t.Errorf("the log does not hear of it: %v", unavailable.Err)
			}
			if denial != nil && strings.Contains(denial.Description+denial.Hint+strings.Join(denial.Challenges, ""), secret) {
				t.Errorf("the client hears of it: %+v", denial)
			}
		})
	}
}

func TestTheCauseOfARevocationFailureCanBeTold(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := revocable(t, issuer.Verifier(), storeFunc(func(context.Context, *principal.Principal) (bool, error) { return false, context.DeadlineExceeded }), verify.RefuseOnFailure)
	if _, err := v.Verify(t.Context(), issuer.Token("billing", "")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestRevocationsAreAskedAboutEveryGoodTokenEveryTime(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	asked := 0
	isRevoked := false
	v := revocable(t, issuer.Verifier(), storeFunc(func(_ context.Context, p *principal.Principal) (bool, error) {
		asked++
		if p.Issuer != issuer.URL || p.ClientID != "billing" || p.TokenID != "t1" || p.IssuedAt.IsZero() {
			t.Errorf("asked about %+v", p)
		}
		return isRevoked, nil
	}), verify.RefuseOnFailure)

	for _, bad := range []string{"opaque", issuer.Token("billing", "", oauthtest.Expired()), issuer.Token("billing", "", oauthtest.Forged()), issuer.Token("billing", "", oauthtest.Unsigned())} {
		if got := reason(v, bad); got == "" || got == verify.ReasonRevoked {
			t.Errorf("a bad token: %q", got)
		}
	}
	if asked > 0 {
		t.Errorf("asked %d times about bad tokens", asked)
	}
	token := issuer.Token("billing", "", oauthtest.Claim("jti", "t1"))
	for i, row := range []struct {
		revoked bool
		want    string
	}{{false, ""}, {false, ""}, {true, verify.ReasonRevoked}, {true, verify.ReasonRevoked}, {false, ""}} {
		isRevoked = row.revoked
		if got := reason(v, token); got != row.want || asked != i+1 {
			t.Errorf("call %d: got %q, asked %d times", i+1, got, asked)
		}
	}
}

func TestRevocableLeavesTheVerifiersErrorsAsTheyAre(t *testing.T) {
	outage := &verify.UnavailableError{RetryAfter: time.Minute, Err: errors.New("no keys")}
	for name, answer := range map[string]struct {
		p   *principal.Principal
		err error
	}{
		"an outage":                           {nil, outage},
		"an error beside a principal":         {&principal.Principal{ClientID: "billing"}, outage},
		"neither a principal nor an error":    {nil, nil},
		"a refusal, as the verifier put it":   {nil, &verify.Refusal{Reason: verify.ReasonOther}},
		"an error that condemns, and no more": {nil, verify.ErrInvalidToken},
	} {
		v := revocable(t, verify.Func(func(context.Context, string) (*principal.Principal, error) { return answer.p, answer.err }),
			storeFunc(func(context.Context, *principal.Principal) (bool, error) { panic("asked") }), verify.PassOnFailure)
		if p, err := v.Verify(t.Context(), "x"); p != nil || err != answer.err {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
}

func TestAPanicOfRevocationsIsNotCaught(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	for _, policy := range []verify.FailurePolicy{verify.RefuseOnFailure, verify.PassOnFailure} {
		v := revocable(t, issuer.Verifier(), storeFunc(func(context.Context, *principal.Principal) (bool, error) { panic("broken") }), policy)
		func() {
			defer func() {
				if caught := recover(); caught != "broken" {
					t.Errorf("caught %v", caught)
				}
			}()
			_, err := v.Verify(t.Context(), issuer.Token("billing", ""))
			t.Errorf("got %v", err)
		}()
	}
}

func TestRevocableWithout(t *testing.T) {
	good := verify.Func(func(context.Context, string) (*principal.Principal, error) { return nil, verify.ErrInvalidToken })
	store := storeFunc(nothingRevoked)
	for name, row := range map[string]struct {
		v         verify.Verifier
		store     verify.Revocations
		onFailure verify.FailurePolicy
		says      []string
	}{
		"a verifier":                      {nil, store, verify.RefuseOnFailure, []string{"without a verifier", "Discover"}},
		"one, which is a nil pointer":     {(*verify.Issuer)(nil), store, verify.RefuseOnFailure, []string{"nil *verify.Issuer", "error that came with it"}},
		"one, which is a nil function":    {verify.Func(nil), store, verify.RefuseOnFailure, []string{"nil verify.Func"}},
		"a store":                         {good, nil, verify.RefuseOnFailure, []string{"without a store", "NewRevocationList"}},
		"a store, which is a nil pointer": {good, (*verify.RevocationList)(nil), verify.RefuseOnFailure, []string{"nil *verify.RevocationList"}},
		"a choice":                        {good, store, 0, []string{"verify.RefuseOnFailure", "verify.PassOnFailure"}},
		"a choice that there is":          {good, store, 3, []string{"verify.RefuseOnFailure", "verify.PassOnFailure"}},
		"a choice above zero":             {good, store, -1, []string{"verify.RefuseOnFailure", "verify.PassOnFailure"}},
	} {
		v, err := verify.Revocable(row.v, row.store, row.onFailure)
		if v != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, v, err)
			continue
		}
		for _, says := range row.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// With ByIssuer around it or within, and behind the readiness endpoint.
func TestRevocableAmongIssuers(t *testing.T) {
	a, b := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	onlyA := revocable(t, a.Verifier(), list, verify.RefuseOnFailure)
	tokensOfB := b.Verifier()
	within := byIssuer(t, onlyA, tokensOfB)
	around := revocable(t, byIssuer(t, a.Verifier(), tokensOfB), list, verify.RefuseOnFailure)
	for _, issuer := range []*oauthtest.Issuer{a, b} {
		if err := list.RevokeClient(issuer.URL, "billing"); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name string
		v    verify.Verifier
		by   *oauthtest.Issuer
		want string
	}{
		{"around one issuer: its token", within, a, verify.ReasonRevoked},
		{"around one issuer: the other's token", within, b, ""},
		{"around both: the one's token", around, a, verify.ReasonRevoked},
		{"around both: the other's token", around, b, verify.ReasonRevoked},
	} {
		if got := reason(row.v, row.by.Token("billing", "")); got != row.want {
			t.Errorf("%s: got %q", row.name, got)
		}
	}

	bare := revocable(t, verify.Func(tokensOfB.Verify), list, verify.RefuseOnFailure)
	for _, row := range []struct {
		name   string
		v      *verify.RevocableVerifier
		issuer string
		tell   int
		status int
	}{
		{"around one issuer", onlyA, a.URL, 1, 200},
		{"around both", around, "", 2, 200},
		{"around what tells nothing", bare, "", 0, 503},
	} {
		if row.v.Issuer() != row.issuer || len(row.v.Health()) != row.tell {
			t.Errorf("%s: issuer %q, health %+v", row.name, row.v.Issuer(), row.v.Health())
		}
		answer := httptest.NewRecorder()
		middleware.HealthHandler(row.v).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
		if answer.Code != row.status {
			t.Errorf("%s: %d, %s", row.name, answer.Code, answer.Body)
		}
	}
	if _, err := verify.ByIssuer(bare); err == nil {
		t.Error("ByIssuer took a verifier without an issuer")
	}
	static, err := verify.JWT(verify.JWTConfig{Issuer: "https://static.example", Audience: []string{"a"}, Keys: jwks.Static()})
	if err != nil {
		t.Fatal(err)
	}
	if got := revocable(t, static, list, verify.PassOnFailure).Issuer(); got != "https://static.example" {
		t.Errorf("got %q", got)
	}
}

// cached is v with a cache in front of it, as somebody may well have, that holds
// the given tokens and never forgets.
func cached(v verify.Verifier, tokens ...string) (verify.Verifier, error) {
	known := map[string]*principal.Principal{}
	for _, token := range tokens {
		p, err := v.Verify(context.Background(), token)
		if err != nil {
			return nil, err
		}
		known[token] = p
	}
	return verify.Func(func(_ context.Context, token string) (*principal.Principal, error) {
		if p, ok := known[token]; ok {
			return p, nil
		}
		return nil, verify.ErrInvalidToken
	}), nil
}

// When a Revoke method has returned, no call of Verify that begins later accepts
// such a token.
func TestNoTokenPassesAfterItsRevocation(t *testing.T) {
	const callers, tokens = 64, 120
	inABubble(t, func(t *testing.T, issuer *oauthtest.Issuer, v *verify.Issuer) {
		list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
		all := make([]string, tokens)
		for i := range all {
			n := fmt.Sprint(i)
			all[i] = issuer.Token("client-"+n, "", oauthtest.Claim("jti", "token-"+n), oauthtest.ForUser("user-"+n))
		}
		inCache, err := cached(v, all...)
		if err != nil {
			t.Fatal(err)
		}
		guarded := revocable(t, inCache, list, verify.RefuseOnFailure)

		var returned [tokens]atomic.Bool // the call that revokes it has
		var done atomic.Bool
		var accepted, refused atomic.Int64
		ended := make(chan struct{})
		for caller := range callers {
			go func() {
				defer func() { ended <- struct{}{} }()
				for round := caller; !done.Load(); round++ {
					for i := range 8 {
						n := (round*8 + i) % tokens
						late := returned[n].Load() // the call begins now
						switch got := reason(guarded, all[n]); {
						case got == "" && late:
							t.Errorf("token %d was accepted after its revocation", n)
						case got == "":
							accepted.Add(1)
						case got == verify.ReasonRevoked:
							refused.Add(1)
						default:
							t.Errorf("token %d: %s", n, got)
						}
					}
					time.Sleep(time.Millisecond)
				}
			}()
		}
		for n := range tokens {
			id := fmt.Sprint(n)
			// One whose time is over soon, so that there is something to sweep.
			if err := list.RevokeToken(issuer.URL, "filler-"+id, time.Now().Add(2*time.Second-5*time.Minute)); err != nil {
				t.Error(err)
			}
			var err error
			switch n % 3 {
			case 0:
				err = list.RevokeToken(issuer.URL, "token-"+id, time.Time{})
			case 1:
				err = list.RevokeClient(issuer.URL, "client-"+id)
			case 2:
				err = list.RevokeSubject(issuer.URL, "user-"+id)
			}
			if err != nil {
				t.Error(err)
			}
			returned[n].Store(true)
			if n == tokens*3/4 { // and the rest at one blow
				if err := list.RevokeIssuedBefore(issuer.URL, time.Now()); err != nil {
					t.Error(err)
				}
				for n := range returned {
					returned[n].Store(true)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		done.Store(true)
		for range callers {
			<-ended
		}
		if accepted.Load() == 0 || refused.Load() == 0 {
			t.Errorf("%d accepted, %d refused: nothing was tried", accepted.Load(), refused.Load())
		}
		if list.Len() >= 2*tokens {
			t.Errorf("nothing was swept meanwhile: %d entries", list.Len())
		}
	})
}

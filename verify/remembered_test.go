package verify_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// remembered tells whether two principals are of what is remembered of one token: then
// they share their memory.
func remembered(a, b *principal.Principal) bool {
	return unsafe.StringData(a.ClientID) == unsafe.StringData(b.ClientID)
}

// recognised tells whether v remembers a good token.
func recognised(t *testing.T, v verify.Verifier, token string) bool {
	t.Helper()
	var seen [2]*principal.Principal
	for i := range seen {
		p, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		seen[i] = p
	}
	return remembered(seen[0], seen[1])
}

func TestATokenThatComesAgainIsRecognised(t *testing.T) {
	issuer, other := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	opaque := verify.Func(func(context.Context, string) (*principal.Principal, error) { return &principal.Principal{}, nil })
	hybrid := func(jwts verify.Verifier) verify.Verifier {
		h, err := verify.Hybrid(jwts, opaque)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	forgetful := verifier(t, issuer, func(c *verify.JWTConfig) { c.MaxEntries = -1 })
	for _, row := range []struct {
		name string
		v    verify.Verifier
		want bool
	}{
		{"by default", verifier(t, issuer, nil), true},
		{"not if told to remember none", forgetful, false},
		{"among several issuers", byIssuer(t, verifier(t, issuer, nil), verifier(t, other, nil)), true},
		{"among several, not of one that is told to remember none", byIssuer(t, forgetful, verifier(t, other, nil)), false},
		{"beside opaque tokens", hybrid(verifier(t, issuer, nil)), true},
		{"of several issuers beside opaque tokens", hybrid(byIssuer(t, verifier(t, issuer, nil), verifier(t, other, nil))), true},
		{"where tokens can be revoked", revocable(t, verifier(t, issuer, nil), storeFunc(nothingRevoked), verify.RefuseOnFailure), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := recognised(t, row.v, issuer.Token("billing", "")); got != row.want {
				t.Errorf("recognised: %v", got)
			}
		})
	}
}

// The issuer's keys may change behind a token that is remembered.
func TestARememberedTokenIsAsGoodAsItsKey(t *testing.T) {
	for name, around := range map[string]func(verify.IssuerVerifier) verify.Verifier{
		"alone":                 func(v verify.IssuerVerifier) verify.Verifier { return v },
		"among several issuers": func(v verify.IssuerVerifier) verify.Verifier { return byIssuer(t, v) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := oauthtest.NewMemoryIssuer(t)
				inner := discover(t, issuer, nil)
				v := around(inner)
				token := issuer.Token("billing", "")
				first, err := v.Verify(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				expect := func(when, want string, again bool) {
					t.Helper()
					if got := verdict(v, token); got != want {
						t.Errorf("%s: got %q, want %q", when, got, want)
					}
					if p, _ := v.Verify(t.Context(), token); p != nil && remembered(p, first) != again {
						t.Errorf("%s: remembered: %v", when, !again)
					}
				}
				const untilRefresh = 6 * time.Minute // of the issuer's 5
				issuer.Rotate("ES256")
				time.Sleep(untilRefresh)
				expect("another key beside it", "", true)
				issuer.Withdraw()
				time.Sleep(untilRefresh)
				expect("its key withdrawn", verify.ReasonUnknownKey, false)
				inner.Close()
				expect("closed", "unavailable", false)
			})
		})
	}
}

// A token that came once is not better than one that came twice.
func TestATokenThatCameOnceBeforeItsKeysAreGone(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: issuer.URL + "/.well-known/jwks.json", Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verify.JWT(verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}, Keys: set})
	if err != nil {
		t.Fatal(err)
	}
	token := issuer.Token("billing", "")
	if got := verdict(v, token); got != "" {
		t.Fatal(got)
	}
	set.Close()
	if got := verdict(v, token); got != "unavailable" {
		t.Errorf("got %q", got)
	}
}

// Whether a token is remembered or not, its claims are there to be read.
func TestTheClaimsOfATokenAreThere(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	for _, entries := range []int{-1, 8} {
		v := verifier(t, issuer, func(c *verify.JWTConfig) { c.MaxEntries = entries })
		token := issuer.Token("billing", "")
		for range 2 {
			p, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			claims, err := principal.Claims[map[string]any](p)
			if err != nil || claims["client_id"] != "billing" {
				t.Errorf("of %d entries: %v, %v", entries, claims, err)
			}
		}
	}
}

// Another key under the kid of the one that has signed is another key.
func TestARememberedTokenDoesNotGoByKid(t *testing.T) {
	issuer, other := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	keys := &swap{}
	v, err := verify.JWT(verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	set := func(url string) jwks.Set {
		s, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: url + "/.well-known/jwks.json", Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return anyKid{s}
	}
	mine, others := set(issuer.URL), set(other.URL)
	token := issuer.Token("billing", "")
	for _, row := range []struct {
		set  jwks.Set
		want string
	}{{mine, ""}, {mine, ""}, {others, verify.ReasonSignature}, {mine, ""}} {
		keys.Set = row.set
		if got := reason(v, token); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

type swap struct{ jwks.Set }

// anyKid finds the keys of a set under every kid.
type anyKid struct{ jwks.Set }

func (a anyKid) Find(ctx context.Context, _, alg string) ([]*jwks.Key, error) {
	return a.Set.Find(ctx, "", alg)
}

// less is a key set around another one, of which it may find nothing.
type less struct {
	*jwks.RemoteSet
	nothing bool
}

func (l *less) Find(ctx context.Context, kid, alg string) ([]*jwks.Key, error) {
	if l.nothing {
		return nil, nil
	}
	return l.RemoteSet.Find(ctx, kid, alg)
}

// A key set of the program's own has the last word about its keys, whatever that which
// it is made of would say.
func TestARememberedTokenDoesNotGoByWhatAKeySetIsMadeOf(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: issuer.URL + "/.well-known/jwks.json", Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	keys := &less{RemoteSet: set}
	v, err := verify.JWT(verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	token := issuer.Token("billing", "")
	for range 3 {
		if got := reason(v, token); got != "" {
			t.Fatal(got)
		}
	}
	keys.nothing = true
	if got := reason(v, token); got != verify.ReasonUnknownKey {
		t.Errorf("got %q", got)
	}
}

// An issuer that is trusted no more, or in another way, vouches for nothing that was
// remembered.
func TestARememberedTokenIsAsGoodAsItsIssuer(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	s := byIssuer(t, verifier(t, issuer, nil))
	token := issuer.Token("billing", "invoices.read")
	expect := func(when, want string) {
		t.Helper()
		for range 2 {
			if got := reason(s, token); got != want {
				t.Errorf("%s: got %q, want %q", when, got, want)
			}
		}
	}
	expect("listed", "")
	known := s.Remove(issuer.URL)
	expect("removed", verify.ReasonIssuer)
	if err := s.Add(verifier(t, issuer, func(c *verify.JWTConfig) { c.Audience = []string{"https://other.example"} })); err != nil {
		t.Fatal(err)
	}
	expect("added for another audience", verify.ReasonAudience)
	s.Remove(issuer.URL)
	if err := s.Add(known); err != nil {
		t.Fatal(err)
	}
	expect("as it was", "")
}

// Bad tokens are not remembered, so they push no good one out.
func TestAFloodOfBadTokensLeavesTheGoodOnes(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, func(c *verify.JWTConfig) { c.MaxEntries = 100 })
	good := make([]string, 50)
	seen := make([]*principal.Principal, len(good))
	for i := range good {
		good[i] = issuer.Token(fmt.Sprint("client", i), "")
		seen[i], _ = v.Verify(t.Context(), good[i])
	}
	header, _, _ := strings.Cut(good[0], ".")
	signature := good[0][strings.LastIndexByte(good[0], '.'):]
	claims := `{"iss":"` + issuer.URL + `","aud":"` + oauthtest.Audience + `","client_id":"x","exp":%d,"jti":"%d"}`
	flood := func(kind string, n int, exp int64, want string) {
		for i := range n {
			token := header + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, claims, exp, i)) + signature
			if got := reason(v, token); got != want {
				t.Fatalf("%s: %q", kind, got)
			}
		}
	}
	flood("expired", 50_000, 1, verify.ReasonExpired)
	flood("forged", 1_000, time.Now().Add(time.Hour).Unix(), verify.ReasonSignature)
	for i := range good {
		if p, err := v.Verify(t.Context(), good[i]); err != nil || !remembered(p, seen[i]) {
			t.Errorf("token %d is not recognised any more", i)
		}
	}
}

// Remembering makes no difference but in time: a verifier that does and one that does
// not say the same of every token at every moment, whatever becomes of the issuer.
func TestRememberingMakesNoDifference(t *testing.T) { // C16, C17, C29, C33
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			issuer := oauthtest.NewMemoryIssuer(t)
			keys, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: issuer.URL + "/.well-known/jwks.json", HTTPClient: issuer.HTTPClient(), Logger: silent})
			if err != nil {
				t.Fatal(err)
			}
			config := verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}, Keys: keys, MaxEntries: 16}
			remembering, err := verify.JWT(config)
			if err != nil {
				t.Fatal(err)
			}
			config.MaxEntries = -1
			forgetful, err := verify.JWT(config)
			if err != nil {
				t.Fatal(err)
			}
			var tokens, history []string
			counts := map[string]int{}
			for range 300 {
				step := random.IntN(20)
				switch {
				case step < 4 || len(tokens) == 0:
					now := time.Now().Unix()
					tokens = append(tokens, issuer.Token("billing", "", []oauthtest.Change{
						oauthtest.Claim("exp", now+random.Int64N(1200)),
						oauthtest.Claim("nbf", now+random.Int64N(120)),
						oauthtest.Claim("iat", now+random.Int64N(90)),
						oauthtest.WithoutHeader("kid"),
						oauthtest.Forged(),
						oauthtest.ForUser("7"),
					}[random.IntN(6)]))
					history = append(history, "token")
				case step == 4:
					issuer.Rotate("ES256")
					history = append(history, "rotate")
				case step == 5:
					issuer.Withdraw()
					history = append(history, "withdraw")
				case step == 6:
					issuer.Fail(http.StatusInternalServerError)
					history = append(history, "fail")
				case step == 7:
					issuer.Recover()
					history = append(history, "recover")
				case step < 10:
					pause := time.Duration(random.Int64N(int64(5 * time.Minute)))
					if random.IntN(40) == 0 {
						pause = 25 * time.Hour // and so keys may be too old
					}
					time.Sleep(pause)
					synctest.Wait()
					history = append(history, pause.String())
				default:
					token := tokens[random.IntN(len(tokens))]
					// The first one's fetch, if it causes one, is the second one's as well.
					want := verdict(forgetful, token)
					if got := verdict(remembering, token); got != want {
						t.Fatalf("seed %d: remembering it is %q, not remembering %q, after %v", seed, got, want, history)
					}
					counts[want]++
				}
			}
			if seed == 0 && (counts[""] == 0 || len(counts) < 3) {
				t.Errorf("all tokens fared alike: %v", counts)
			}
			keys.Close()
		})
	}
}

func TestOneTokenByManyAtOnce(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, func(c *verify.JWTConfig) { c.MaxEntries = 8 })
	var tokens []string
	for i := range 20 {
		tokens = append(tokens, issuer.Token(fmt.Sprint("client", i), ""))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				n := i % len(tokens)
				if p, err := v.Verify(t.Context(), tokens[n]); err != nil || p.ClientID != fmt.Sprint("client", n) {
					t.Errorf("token %d: %v, %v", n, p, err)
				}
			}
		})
	}
	all.Wait()
}

// One more issuer makes nobody forget the tokens of the others.
func TestAddingAnIssuerForgetsNothing(t *testing.T) {
	issuer, other := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	s := byIssuer(t, verifier(t, issuer, nil))
	token := issuer.Token("billing", "")
	first, err := s.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(verifier(t, other, nil)); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Verify(t.Context(), token); err != nil || !remembered(again, first) {
		t.Errorf("%v, %v", again, err)
	}
	s.Remove(other.URL)
	if again, err := s.Verify(t.Context(), token); err != nil || !remembered(again, first) {
		t.Errorf("after a removal: %v, %v", again, err)
	}
}

// What the documentation of MaxEntries says that a token takes.
func TestRememberedTokensTakeTheMemoryThatIsSaid(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	issuer.Rotate("EdDSA")
	const tokens = 4000
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	for name, changes := range map[string][]oauthtest.Change{
		"all alike":                           nil,
		"clients and users":                   {oauthtest.Claim("sub", "billing"), oauthtest.ForUser("7")},
		"with one audience and with two":      {oauthtest.Claim("sub", "billing"), oauthtest.Claim("aud", []string{oauthtest.Audience, "https://other.example"})},
		"with much that is kept in the token": {oauthtest.Claim("more", strings.Repeat("x", 4096))},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, issuer, func(c *verify.JWTConfig) { c.MaxEntries = 2 * tokens })
			before := heap()
			for n := range tokens {
				var change []oauthtest.Change
				if len(changes) > 0 {
					change = changes[n%len(changes):][:1]
				}
				if _, err := v.Verify(t.Context(), issuer.Token("billing", "invoices.read invoices.write orders.read", change...)); err != nil {
					t.Fatal(err)
				}
			}
			each := (heap() - before) / tokens
			runtime.KeepAlive(v)
			if t.Logf("%d bytes", each); each > 250 {
				t.Errorf("%d bytes", each)
			}
		})
	}
}

package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

func discover(t *testing.T, issuer *oauthtest.Issuer, change func(*jwks.RemoteConfig)) *verify.Issuer {
	t.Helper()
	config := jwks.RemoteConfig{HTTPClient: issuer.HTTPClient(), Logger: silent}
	if change != nil {
		change(&config)
	}
	v, err := verify.DiscoverWith(t.Context(), verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// verdict is "" for a good token, a reason for a bad one, and "unavailable".
func verdict(v verify.Verifier, token string) string {
	_, err := v.Verify(context.Background(), token)
	if _, ok := errors.AsType[*verify.UnavailableError](err); ok {
		return "unavailable"
	}
	return reason(v, token)
}

func TestKnownKeysServeOnThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		v := discover(t, issuer, func(c *jwks.RemoteConfig) { c.MaxStale = 3 * time.Hour })
		issuer.Fail(http.StatusInternalServerError)
		for _, row := range []struct {
			after time.Duration
			want  string
		}{{time.Minute, ""}, {2 * time.Hour, ""}, {50 * time.Minute, ""}, {15 * time.Minute, "unavailable"}} {
			time.Sleep(row.after)
			began := time.Now()
			if got := verdict(v, issuer.Token("billing", "")); got != row.want {
				t.Errorf("%v later: got %q, want %q", row.after, got, row.want)
			}
			if waited := time.Since(began); waited != 0 {
				t.Errorf("%v later: waited %v", row.after, waited)
			}
		}
		issuer.Recover()
		time.Sleep(80 * time.Second) // the longest pause between retries
		synctest.Wait()
		if got := verdict(v, issuer.Token("billing", "")); got != "" {
			t.Errorf("after the outage: %q", got)
		}
		v.Close()
	})
}

func TestAnUnknownKidDuringAnOutageIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		v := discover(t, issuer, nil)
		issuer.Rotate("ES256")
		token := issuer.Token("billing", "")
		issuer.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		began := time.Now()
		if got := verdict(v, token); got != "unavailable" || time.Since(began) > 5*time.Second {
			t.Errorf("the first one: %q after %v", got, time.Since(began))
		}
		began = time.Now()
		for range 100 {
			if got := verdict(v, token); got != "unavailable" || time.Since(began) != 0 {
				t.Fatalf("the others: %q after %v", got, time.Since(began))
			}
		}
		issuer.Recover()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := verdict(v, token); got != "" {
			t.Errorf("after the outage: %q", got)
		}
		v.Close()
	})
}

func TestAWithdrawnKeyIsRefusedAtTheNextRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		v := discover(t, issuer, nil)
		token := issuer.Token("billing", "")
		issuer.Rotate("ES256")
		issuer.Withdraw()
		if got := verdict(v, token); got != "" {
			t.Errorf("before: %q", got)
		}
		time.Sleep(5*time.Minute + 2*time.Second) // as the issuer's max-age says
		synctest.Wait()
		if got := verdict(v, token); got != verify.ReasonUnknownKey {
			t.Errorf("after: %q", got)
		}
		v.Close()
	})
}

// An issuer that names no key rotates like any other.
func TestRotationWithoutKids(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	first := issuer.Token("billing", "", oauthtest.WithoutHeader("kid"))
	v := discover(t, issuer, nil)
	issuer.Rotate("ES256")
	second := issuer.Token("billing", "", oauthtest.WithoutHeader("kid"))
	before := issuer.Fetches()
	for name, token := range map[string]string{"the old key's": first, "the new key's": second} {
		if got := verdict(v, token); got != "" {
			t.Errorf("%s token: %q", name, got)
		}
	}
	for range 100 {
		if got := verdict(v, issuer.Token("billing", "", oauthtest.WithoutHeader("kid"), oauthtest.Forged())); got != verify.ReasonSignature {
			t.Fatalf("a forged one: %q", got)
		}
	}
	if got := issuer.Fetches() - before; got != 1 {
		t.Errorf("%d fetches", got)
	}
}

func TestLazyDiscovery(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	asked := 0
	issuer.Answer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	v := discover(t, issuer, func(c *jwks.RemoteConfig) { c.Lazy = true })
	if got := verdict(v, issuer.Token("billing", "", oauthtest.Expired())); got != verify.ReasonExpired {
		t.Errorf("a token that needs no key to be refused: %q", got)
	}
	if asked != 0 {
		t.Fatalf("%d requests before anybody needed a key", asked)
	}
	issuer.Recover()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got := verdict(v, issuer.Token("billing", "")); got != "" {
				t.Errorf("one of the first tokens: %q", got)
			}
		})
	}
	all.Wait()
	if issuer.Fetches() != 1 {
		t.Errorf("%d fetches", issuer.Fetches())
	}
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		issuer.Fail(http.StatusBadGateway)
		v := discover(t, issuer, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := v.Ready(ctx); err == nil || !strings.Contains(err.Error(), "502") {
			t.Errorf("while the issuer is down: %v", err)
		}
		go func() {
			time.Sleep(20 * time.Second)
			issuer.Recover()
		}()
		if err := v.Ready(t.Context()); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		if got := verdict(v, issuer.Token("billing", "")); got != "" {
			t.Errorf("ready, and %q", got)
		}
		v.Close()
		if err := v.Ready(t.Context()); err == nil {
			t.Error("closed, and ready")
		}
	})
}

func TestHealth(t *testing.T) {
	up, down, lazy := oauthtest.NewIssuer(t), oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	down.Fail(http.StatusBadGateway)
	static, err := verify.JWT(verify.JWTConfig{Issuer: "https://static.example", Audience: []string{"a"}, Keys: jwks.Static()})
	if err != nil {
		t.Fatal(err)
	}
	all := byIssuer(t, discover(t, up, nil), discover(t, down, nil), discover(t, lazy, func(c *jwks.RemoteConfig) { c.Lazy = true }), static, own{issuer: "https://own.example"})
	got := map[string]verify.Health{}
	for _, h := range all.Health() {
		got[h.Issuer] = h
	}
	if len(got) != 4 {
		t.Errorf("%d issuers tell of their health", len(got))
	}
	if h := got[up.URL]; !h.Ready || len(h.KeyIDs) != 1 || h.LastSuccess.IsZero() || h.LastError != "" || !h.NextFetch.After(time.Now()) {
		t.Errorf("up: %+v", h)
	}
	if h := got[down.URL]; h.Ready || h.LastError == "" || !h.NextFetch.After(time.Now()) {
		t.Errorf("down: %+v", h)
	}
	if h := got[lazy.URL]; !h.Ready || h.LastError != "" { // or a probe would keep the first token away for ever
		t.Errorf("lazy: %+v", h)
	}
	if h := got["https://static.example"]; !h.Ready {
		t.Errorf("static: %+v", h)
	}
	text, err := json.Marshal(all.Health())
	if err != nil || strings.Contains(strings.ReplaceAll(string(text), `"issuer":"http`, ""), "http") {
		t.Errorf("addresses in %s, %v", text, err)
	}
}

// An issuer may move its keys: the metadata that say so are asked when the old place
// has been out of reach for some time.
func TestAnIssuerThatMovesItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		const first = "/.well-known/jwks.json"
		var moved atomic.Bool
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			w, place := httptest.NewRecorder(), first
			if moved.Load() {
				place = "/elsewhere/jwks.json"
			}
			switch {
			case strings.HasSuffix(r.URL.Path, "jwks.json") && r.URL.Path != place:
				w.WriteHeader(http.StatusNotFound)
				return w.Result(), nil
			case r.URL.Path == place:
				r = r.Clone(r.Context())
				r.URL.Path = first
			case place != first:
				_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer.URL, "jwks_uri": issuer.URL + place})
				return w.Result(), nil
			}
			return issuer.HTTPClient().Transport.RoundTrip(r)
		})
		v := discover(t, issuer, func(c *jwks.RemoteConfig) { c.HTTPClient = &http.Client{Transport: transport} })
		if got := verdict(v, issuer.Token("billing", "")); got != "" {
			t.Fatal(got)
		}
		moved.Store(true)
		issuer.Rotate("ES256")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := verdict(v, issuer.Token("billing", "")); got != "" {
			t.Errorf("an hour after the keys have moved: %q", got)
		}
		v.Close()
	})
}

// Many requests with the new key at once, some of which look while another's fetch
// lands: none is told that there is no such key.
func TestEverybodyIsServedDuringARotation(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	for _, kid := range []oauthtest.Change{oauthtest.Claim("x", 1), oauthtest.WithoutHeader("kid")} {
		for range 5 {
			v := discover(t, issuer, nil)
			issuer.Rotate("ES256")
			token := issuer.Token("billing", "", kid)
			var all sync.WaitGroup
			for i := range 64 {
				all.Go(func() {
					time.Sleep(time.Duration(i%8) * 200 * time.Microsecond)
					if got := verdict(v, token); got != "" {
						t.Errorf("got %q", got)
					}
				})
			}
			all.Wait()
			v.Close()
			issuer.Withdraw()
		}
	}
}

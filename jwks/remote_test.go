package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

func TestTheKeysAreThereWhenRemoteReturns(t *testing.T) {
	p := publishing(jwk("a"), jwk("b"))
	set := overTCP(t, p, jwks.RemoteConfig{})
	mustFind(t, set, "a")
	mustFind(t, set, "b")
	if p.fetches() != 1 {
		t.Errorf("%d fetches", p.fetches())
	}
}

func TestRemoteOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(publishing(jwk("a")))
	defer server.Close()
	set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: server.URL, HTTPClient: server.Client(), Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	mustFind(t, set, "a")
}

func TestRemoteWaitsForTheFirstFetch(t *testing.T) {
	for _, row := range []struct {
		name   string
		takes  time.Duration
		waits  time.Duration
		answer bool
	}{
		{"which is slow", 4 * time.Second, 4 * time.Second, true},
		{"but not beyond its timeout", time.Hour, 5 * time.Second, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing()
				p.does(func(w http.ResponseWriter, r *http.Request) {
					select {
					case <-time.After(row.takes):
						_, _ = io.WriteString(w, setOf(jwk("a")))
					case <-r.Context().Done():
					}
				})
				start := time.Now()
				set := inMemory(t, p, jwks.RemoteConfig{})
				if waited := time.Since(start); waited != row.waits {
					t.Errorf("it waited %v", waited)
				}
				if row.answer {
					mustFind(t, set, "a")
				} else {
					mustBeUnavailable(t, set, "a")
				}
			})
		})
	}
}

func TestANewKeyIsFoundAtOnce(t *testing.T) {
	p := publishing(jwk("old"))
	set := overTCP(t, p, jwks.RemoteConfig{})
	p.publish(jwk("old"), jwk("new"))
	mustFind(t, set, "new")
	mustFind(t, set, "new")
	mustFind(t, set, "old")
	if p.fetches() != 2 {
		t.Errorf("%d fetches, not one more than the first", p.fetches())
	}
}

func TestANewKeyIsFoundByAllWhoWaitWithOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("old"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, setOf(jwk("old"), jwk("new")))
		})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { mustFind(t, set, "new") })
		}
		all.Wait()
		if p.fetches() != 2 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

func TestAFetchUnderWayMayHaveMissedTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("old"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			p.publish(jwk("old"), jwk("new")) // just after this answer has been made
			time.Sleep(2 * time.Second)
			_, _ = io.WriteString(w, setOf(jwk("old")))
		})
		var both sync.WaitGroup
		both.Go(func() { mustNotFind(t, set, "stranger") }) // it causes the fetch
		time.Sleep(time.Second)
		both.Go(func() {
			// The interval of the stranger's fetch is not over, so this is the
			// verdict; the key is found when it is.
			mustNotFind(t, set, "new")
		})
		both.Wait()
		time.Sleep(30 * time.Second)
		mustFind(t, set, "new")
	})
}

func TestARefreshUnderWayThatMissedTheKeyIsFollowedByAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("old"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		begun := make(chan struct{})
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			p.publish(jwk("old"), jwk("new"))
			close(begun)
			time.Sleep(2 * time.Second)
			_, _ = io.WriteString(w, setOf(jwk("old")))
		})
		<-begun // the scheduled refresh
		mustFind(t, set, "new")
		if p.fetches() != 3 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

func TestAStormOfUnknownKidsCausesOneFetch(t *testing.T) {
	p := publishing(jwk("known"))
	set := overTCP(t, p, jwks.RemoteConfig{UnknownKeyInterval: time.Hour})
	const clients, finds = 32, 1000
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := client; n < finds; n += clients {
				mustNotFind(t, set, fmt.Sprintf("unknown-%d", n))
				mustFind(t, set, "known")
			}
		})
	}
	all.Wait()
	if p.fetches() > 2 {
		t.Errorf("%d fetches, not one more than the first", p.fetches())
	}
}

func TestUnknownKidsCauseOneFetchPerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("known"))
		set := inMemory(t, p, jwks.RemoteConfig{UnknownKeyInterval: time.Minute, MinRefresh: 12 * time.Hour})
		for second := range 600 {
			for n := range 10 {
				mustNotFind(t, set, fmt.Sprintf("unknown-%d-%d", second, n))
			}
			time.Sleep(time.Second)
		}
		if p.fetches() != 1+10 {
			t.Errorf("%d fetches in ten minutes", p.fetches())
		}
	})
}

func TestAKnownKidWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("known"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

		start := time.Now()
		stranger := make(chan time.Duration)
		go func() {
			_, err := set.Find(t.Context(), "unknown", alg)
			if unavailable := new(jwks.UnavailableError); !errors.As(err, &unavailable) {
				t.Errorf("an unknown kid while nothing can be told: %v", err)
			}
			stranger <- time.Since(start)
		}()
		synctest.Wait() // the fetch hangs
		for range 100 {
			mustFind(t, set, "known")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("it waited %v", waited)
		}
		if waited := <-stranger; waited != 5*time.Second {
			t.Errorf("the unknown kid waited %v", waited)
		}
	})
}

func TestWhoGivesUpLeavesTheFetchToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("old"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.does(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(3 * time.Second):
				_, _ = io.WriteString(w, setOf(jwk("old"), jwk("new")))
			case <-r.Context().Done():
			}
		})
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := set.Find(impatient, "new", alg)
		unavailable := new(jwks.UnavailableError)
		if !errors.As(err, &unavailable) || unavailable.RetryAfter <= 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; giving up condemns no token", err)
		}
		mustFind(t, set, "new") // of the same fetch
		if p.fetches() != 2 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

func TestTokensWithoutKid(t *testing.T) {
	for _, row := range []struct {
		name      string
		published []string
		kid       string
		tried     int
	}{
		{"every key is tried", []string{jwk("a"), jwk("b")}, "", 2},
		{"four at most", []string{jwk("a"), jwk("b"), jwk("c"), jwk("d"), jwk("e")}, "", 4},
		{"a set without kids is tried whatever the token's kid", []string{nameless("a"), nameless("b")}, "any", 2},
		{"four at most of a set without kids", []string{nameless("a"), nameless("b"), nameless("c"), nameless("d"), nameless("e")}, "any", 4},
		{"a kid is not that of a key without one", []string{nameless("a"), jwk("b")}, "any", 0},
		{"named and nameless keys are tried", []string{nameless("a"), jwk("b")}, "", 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing(row.published...)
				set := inMemory(t, p, jwks.RemoteConfig{})
				if keys, err := set.Find(t.Context(), row.kid, alg); len(keys) != row.tried || err != nil {
					t.Errorf("%d keys, %v", len(keys), err)
				}
				if row.tried > 0 && p.fetches() != 1 {
					t.Errorf("%d fetches", p.fetches())
				}
				if keys, err := set.Find(t.Context(), row.kid, "RS256"); len(keys) != 0 || err != nil {
					t.Errorf("for another alg: %d keys, %v", len(keys), err)
				}
			})
		})
	}
}

// Of many requests with a new key, some look while another's fetch lands, and come too
// late for a fetch of their own: they must look again. It is a matter of chance, so
// there are many rotations.
func TestNobodyMissesTheKeyThatAnotherHasFetched(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(32))
	for range 3000 {
		p := publishing(jwk("old"))
		set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: jwksURL, HTTPClient: &http.Client{Transport: p}, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		p.publish(jwk("new"))
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if keys, err := set.Find(t.Context(), "new", alg); err != nil || len(keys) != 1 {
					t.Errorf("%d keys, %v", len(keys), err)
				}
			})
		}
		all.Wait()
		set.Close()
	}
}

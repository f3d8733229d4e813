package jwks_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

func slowly(elements ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * time.Second)
		_, _ = io.WriteString(w, setOf(elements...))
	}
}

func TestALazySetFetchesNothingBeforeItsFirstToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		p.does(slowly(jwk("a")))
		start := time.Now()
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Remote waited %v", waited)
		}
		time.Sleep(48 * time.Hour)
		if p.fetches() != 0 {
			t.Errorf("%d fetches, and nobody has asked", p.fetches())
		}

		start = time.Now()
		mustFind(t, set, "a")
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("the first token waited %v for the first fetch", waited)
		}
		start = time.Now()
		mustFind(t, set, "a")
		if waited := time.Since(start); waited != 0 || p.fetches() != 1 {
			t.Errorf("the second waited %v, after %d fetches", waited, p.fetches())
		}
		p.publish(jwk("b"))
		time.Sleep(afterRefresh)
		if p.fetches() != 2 {
			t.Errorf("%d fetches; from then on the set is kept fresh", p.fetches())
		}
		mustFind(t, set, "b")
	})
}

func TestTheFirstTokensOfALazySetShareItsFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.does(slowly(jwk("a")))
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { mustFind(t, set, "a") })
		}
		all.Wait()
		time.Sleep(time.Minute)
		if p.fetches() != 1 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

func TestALazySetWhoseFirstFetchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		mustBeUnavailable(t, set, "a") // it has waited
		start := time.Now()
		for range 100 {
			mustBeUnavailable(t, set, "a")
		}
		if waited := time.Since(start); waited != 0 || p.fetches() != 1 {
			t.Errorf("later tokens waited %v, and caused %d fetches", waited, p.fetches()-1)
		}
		retryAfter := mustBeUnavailable(t, set, "a")
		p.publish(jwk("a"))
		time.Sleep(retryAfter)
		mustFind(t, set, "a")
	})
}

func TestWhoDoesNotWaitForALazySetLeavesItsFetchToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.does(slowly(jwk("a")))
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := set.Find(impatient, "a", alg)
		if unavailable := new(jwks.UnavailableError); !errors.As(err, &unavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; giving up condemns no token", err)
		}
		mustFind(t, set, "a")
		if p.fetches() != 1 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

func TestALazySetThatWasClosedFetchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		set.Close()
		mustBeUnavailable(t, set, "a")
		time.Sleep(24 * time.Hour)
		mustBeUnavailable(t, set, "a")
		if p.fetches() != 0 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

package jwks_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// What an edition says of the keys is what Find says.
func TestEditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		edition := set.Edition(time.Now())
		if edition == 0 {
			t.Fatal("a set with keys has none")
		}
		seen := map[uint64]bool{edition: true}
		expect := func(when string, want uint64) {
			t.Helper()
			if got := set.Edition(time.Now()); got != want {
				t.Errorf("%s: edition %d, want %d", when, got, want)
			}
		}
		another := func(when string) {
			t.Helper()
			if edition = set.Edition(time.Now()); edition == 0 || seen[edition] {
				t.Errorf("%s: edition %d", when, edition)
			}
			seen[edition] = true
		}
		time.Sleep(afterRefresh)
		expect("after a refresh without a change", edition)
		p.publish(jwk("a"), jwk("b"))
		time.Sleep(afterRefresh)
		another("with a key more")
		p.publish(jwk("b"))
		time.Sleep(afterRefresh)
		another("with a key less")
		p.publish(jwk("a"))
		time.Sleep(afterRefresh)
		another("with the key of the beginning")
		p.fails(http.StatusServiceUnavailable)
		time.Sleep(afterRefresh)
		expect("in an outage", edition)
		time.Sleep(24 * time.Hour)
		expect("of keys that are too old", 0)
		if _, err := set.Find(t.Context(), "a", alg); err == nil {
			t.Error("keys that are too old are found")
		}
		p.publish(jwk("a"))
		time.Sleep(time.Hour)
		expect("after the outage, with the keys of before", edition)
		other := inMemory(t, p, jwks.RemoteConfig{})
		if seen[other.Edition(time.Now())] {
			t.Error("two sets have one edition")
		}
		set.Close()
		expect("closed", 0)
	})
}

func TestThereIsNoEditionBeforeTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		if edition := set.Edition(time.Now()); edition != 0 {
			t.Errorf("before anybody has asked: %d", edition)
		}
		mustFind(t, set, "a")
		if set.Edition(time.Now()) == 0 {
			t.Error("none with keys")
		}
	})
}

package jwks_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// all is the keys that the set has for a token without kid.
func all(t *testing.T, set *jwks.RemoteSet) []*jwks.Key {
	t.Helper()
	keys, err := set.Find(t.Context(), "", alg)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func again(t *testing.T, set *jwks.RemoteSet, kid string, tried []*jwks.Key) []*jwks.Key {
	t.Helper()
	keys, err := set.FindAgain(t.Context(), kid, alg, tried)
	if err != nil {
		t.Error(err)
	}
	return keys
}

// Another request's fetch may land after the keys were tried and before that is told.
func TestFindAgainAfterAnothersFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(nameless("old"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		tried := all(t, set)
		p.publish(nameless("new"))
		for range 3 {
			if !signedBy(again(t, set, "", tried), "new") {
				t.Error("not found")
			}
		}
		if p.fetches() != 2 {
			t.Errorf("%d fetches", p.fetches()-1)
		}
	})
}

// A kid-less set may go over to another algorithm, for which it had no key at all.
func TestAnUnnamedSetThatChangesItsAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(`{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`)
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.publish(nameless("new"))
		if keys, err := set.Find(t.Context(), "", alg); err != nil || !signedBy(keys, "new") {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	})
}

// Keys without kid cannot be missed by name. Only a signature that none of them
// made shows that the issuer may have changed them.
func TestFindAgain(t *testing.T) {
	for _, row := range []struct {
		name          string
		before, after []string // what is published
		kid           string
		found         string // whose key is found; empty: none
		fetches       int
	}{
		{"a new key without a kid", []string{nameless("old")}, []string{nameless("new")}, "", "new", 1},
		{"a new key without a kid, for a token with one", []string{nameless("old")}, []string{nameless("new")}, "any", "new", 1},
		{"a new key beside the old", []string{nameless("old")}, []string{nameless("old"), nameless("new")}, "", "new", 1},
		{"a new key with a kid, for a token without", []string{jwk("old")}, []string{jwk("new")}, "", "new", 1},
		{"a set that begins to name its keys", []string{nameless("old")}, []string{jwk("new")}, "new", "new", 1},
		{"nothing new", []string{nameless("old")}, []string{nameless("old")}, "", "", 1},
		{"nothing new but words around the key", []string{nameless("old")}, []string{nameless("old"), `{"kty":"AKP"}`}, "", "", 1},
		{"nothing new with kids", []string{jwk("old")}, []string{jwk("old")}, "", "", 1},
		{"a kid that settles it", []string{jwk("old")}, []string{jwk("new")}, "old", "", 0},
		{"a kid that is not known, which was Find's business", []string{jwk("old")}, []string{jwk("new")}, "new", "", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing(row.before...)
				set := inMemory(t, p, jwks.RemoteConfig{})
				tried := all(t, set)
				p.publish(row.after...)
				keys := again(t, set, row.kid, tried)
				if row.found == "" && len(keys) != 0 || row.found != "" && !signedBy(keys, row.found) {
					t.Errorf("%d keys", len(keys))
				}
				if p.fetches() != 1+row.fetches {
					t.Errorf("%d fetches for it", p.fetches()-1)
				}
				if row.found != "" {
					if keys, err := set.Find(t.Context(), row.kid, alg); err != nil || !signedBy(keys, row.found) {
						t.Errorf("next time: %d keys, %v", len(keys), err)
					}
				}
			})
		})
	}
}

func TestFindAgainOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(nameless("old"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		tried := all(t, set)
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, setOf(nameless("new")))
		})
		var waiting sync.WaitGroup
		for range 100 {
			waiting.Go(func() {
				if !signedBy(again(t, set, "", tried), "new") {
					t.Error("not found")
				}
			})
		}
		waiting.Wait()
		if p.fetches() != 2 {
			t.Errorf("%d fetches", p.fetches()-1)
		}
	})
}

// Whoever sends tokens that nobody signed causes no more fetches than who makes up
// kids, nor can he cause more by doing both.
func TestFindAgainIsUnderTheLimitOfUnknownKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(nameless("unnamed"), jwk("known"))
		set := inMemory(t, p, jwks.RemoteConfig{UnknownKeyInterval: time.Minute, MinRefresh: 12 * time.Hour})
		tried := all(t, set)
		const minutes = 10
		for second := range minutes * 60 {
			for range 10 {
				if second%2 == 0 {
					mustNotFind(t, set, "unknown")
				}
				if keys := again(t, set, "", tried); len(keys) != 0 {
					t.Fatalf("%d keys, and nothing has changed", len(keys))
				}
				if second%2 == 1 {
					mustNotFind(t, set, "unknown")
				}
			}
			time.Sleep(time.Second)
		}
		if p.fetches() != 1+minutes {
			t.Errorf("%d fetches in %d minutes", p.fetches()-1, minutes)
		}
	})
}

func TestFindAgainWithNothingToFindIn(t *testing.T) {
	for _, row := range []struct {
		name    string
		lead    func(*testing.T, *publisher, *jwks.RemoteSet)
		fetches int
	}{
		{"a server that is down", func(_ *testing.T, p *publisher, _ *jwks.RemoteSet) { p.fails(http.StatusServiceUnavailable) }, 1},
		{"a server that has been down", func(t *testing.T, p *publisher, set *jwks.RemoteSet) {
			p.fails(http.StatusServiceUnavailable)
			_, _ = set.FindAgain(t.Context(), "", alg, all(t, set))
		}, 1},
		{"a set that is closed", func(_ *testing.T, _ *publisher, set *jwks.RemoteSet) { set.Close() }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing(nameless("old"))
				set := inMemory(t, p, jwks.RemoteConfig{})
				tried := all(t, set)
				row.lead(t, p, set)
				for range 10 {
					// Nobody can tell whether there are others.
					if keys, err := set.FindAgain(t.Context(), "", alg, tried); len(keys) != 0 || row.fetches > 0 && err == nil {
						t.Errorf("%d keys, %v", len(keys), err)
					}
				}
				if p.fetches() != 1+row.fetches {
					t.Errorf("%d fetches", p.fetches()-1)
				}
			})
		})
	}
}

package jwks_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// C23: strangers choose kid. All that they get by choosing is a fetch per interval;
// everybody else is served as if they were not there.
func TestAFloodOfUnknownKids(t *testing.T) {
	const (
		interval = 30 * time.Second
		clients  = 64
		each     = 157 // 10,000 kids and some
		pause    = time.Second
	)
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		p := publishing()
		var published atomic.Pointer[string]
		publish := func(elements ...string) {
			set := setOf(elements...)
			published.Store(&set)
		}
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, *published.Load())
		})
		publish(jwk("known"))
		set := inMemory(t, p, jwks.RemoteConfig{UnknownKeyInterval: interval, MinRefresh: 12 * time.Hour, Logger: log.logger()})
		log.take()

		start := time.Now()
		var rotated, found atomic.Int64 // nanoseconds from the start
		var all sync.WaitGroup
		for client := range clients {
			all.Go(func() {
				for n := range each {
					before := time.Now()
					mustNotFind(t, set, fmt.Sprintf("' OR %d=%d --", client, n))
					if keys, err := set.Find(t.Context(), "known", alg); len(keys) != 1 || err != nil {
						t.Errorf("a known kid: %d keys, %v", len(keys), err)
					}
					if waited := time.Since(before); waited != 0 {
						t.Errorf("a request waited %v", waited)
					}
					time.Sleep(pause)
				}
			})
		}
		all.Go(func() {
			time.Sleep(100*time.Second + pause/2)
			publish(jwk("known"), jwk("new"))
			rotated.Store(int64(time.Since(start)))
			for range each {
				keys, err := set.Find(t.Context(), "new", alg)
				if err != nil {
					t.Error(err)
				}
				if signedBy(keys, "new") {
					found.Store(int64(time.Since(start)))
					return
				}
				time.Sleep(pause)
			}
		})
		all.Wait()

		if took := time.Duration(found.Load() - rotated.Load()); found.Load() == 0 || took > interval {
			t.Errorf("the new key was found after %v", took)
		}
		intervals := int(each*pause/interval) + 1
		if extra := p.fetches() - 1; extra > intervals || extra < intervals-1 {
			t.Errorf("%d fetches in %d intervals", extra, intervals)
		}
		warnings := 0
		for _, line := range log.take() {
			if strings.Contains(line, "unknown kids") {
				warnings++
			}
			if strings.Contains(line, " OR ") {
				t.Errorf("the log repeats what strangers write: %s", line)
			}
		}
		if warnings == 0 || warnings > intervals {
			t.Errorf("%d warnings in %d intervals", warnings, intervals)
		}
	})
}

// The flood begins as all clients arrive at once, and the server takes its time.
func TestAFloodWaitsForOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("known"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Second)
			_, _ = io.WriteString(w, setOf(jwk("known"), jwk("new")))
		})
		var all sync.WaitGroup
		for n := range 10_000 {
			all.Go(func() { mustNotFind(t, set, fmt.Sprintf("unknown-%d", n)) })
		}
		all.Go(func() { mustFind(t, set, "new") })
		synctest.Wait() // all of them wait
		start := time.Now()
		mustFind(t, set, "known")
		if waited := time.Since(start); waited != 0 {
			t.Errorf("a known kid waited %v", waited)
		}
		all.Wait()
		if p.fetches() != 2 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

// While the server fails there is no verdict on them, and no more fetches either.
func TestAFloodDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("known"))
		set := inMemory(t, p, jwks.RemoteConfig{MinRefresh: 12 * time.Hour})
		p.fails(http.StatusServiceUnavailable)
		mustBeUnavailable(t, set, "unknown")
		time.Sleep(10 * time.Minute) // the pauses are about a minute by now
		before := p.fetches()
		for range 600 {
			var all sync.WaitGroup
			for n := range 17 {
				all.Go(func() { mustBeUnavailable(t, set, fmt.Sprintf("unknown-%d", n)) })
			}
			all.Wait()
			mustFind(t, set, "known")
			time.Sleep(time.Second)
		}
		if fetches := p.fetches() - before; fetches > 600/45+1 {
			t.Errorf("%d fetches in ten minutes", fetches)
		}
	})
}

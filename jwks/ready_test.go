package jwks_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

func TestReady(t *testing.T) {
	const forever = 24 * time.Hour
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	slow := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * time.Second)
		_, _ = io.WriteString(w, setOf(jwk("a")))
	}
	outage := status(http.StatusServiceUnavailable)
	for _, row := range []struct {
		name            string
		answer          http.HandlerFunc // nil publishes the keys
		lazy            bool
		healed          time.Duration // when the keys are published after all; 0: never
		patience        time.Duration
		least, most     time.Duration // how long it waits
		says            []string      // of the error; nil: there are keys
		fetchesAtLeast  int
		fetchesInTheEnd int // 0: as many as it takes
	}{
		{name: "at once, when the keys are there", patience: forever, fetchesInTheEnd: 1},
		{name: "at once, with a context that has no time left", patience: 0, fetchesInTheEnd: 1},
		{name: "when the server is back", answer: outage, healed: 10 * time.Second, patience: forever,
			least: 10 * time.Second, most: 40 * time.Second},
		{name: "not while the server is down, and the error says so", answer: outage, patience: time.Minute,
			least: time.Minute, most: time.Minute, says: []string{"no keys", "503 Service Unavailable"}, fetchesAtLeast: 5},
		{name: "not while there are no keys in the set", answer: body(setOf()), patience: time.Minute,
			least: time.Minute, most: time.Minute, says: []string{"no usable key"}},
		{name: "a lazy set fetches for it", lazy: true, answer: slow, patience: forever,
			least: 2 * time.Second, most: 2 * time.Second, fetchesInTheEnd: 1},
		{name: "a lazy set goes on trying for it", lazy: true, answer: outage, healed: 10 * time.Second, patience: forever,
			least: 10 * time.Second, most: 40 * time.Second},
		{name: "not while the very first fetch hangs", lazy: true, answer: hang, patience: time.Second,
			least: time.Second, most: time.Second, says: []string{"deadline exceeded"}, fetchesInTheEnd: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing(jwk("a"))
				if row.answer != nil {
					p.does(row.answer)
				}
				set := inMemory(t, p, jwks.RemoteConfig{Lazy: row.lazy})
				if row.healed > 0 {
					heal := time.AfterFunc(row.healed, func() { p.publish(jwk("a")) })
					defer heal.Stop()
				}
				ctx, cancel := context.WithTimeout(t.Context(), row.patience)
				defer cancel()
				start := time.Now()
				err := set.Ready(ctx)
				if waited := time.Since(start); waited < row.least || waited > row.most {
					t.Errorf("it waited %v", waited)
				}
				if row.fetchesInTheEnd > 0 && p.fetches() != row.fetchesInTheEnd || p.fetches() < row.fetchesAtLeast {
					t.Errorf("%d fetches", p.fetches())
				}
				if row.says == nil {
					if err != nil {
						t.Fatal(err)
					}
					mustFind(t, set, "a")
					return
				}
				if err == nil {
					t.Fatal("there are no keys")
				}
				// It is for whoever starts the program, so it does name the server.
				for _, says := range append(row.says, "jwks: ", jwksURL) {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%v; it should say: %s", err, says)
					}
				}
			})
		})
	}
}

func TestReadyEndsWithTheSet(t *testing.T) {
	for _, row := range []struct {
		name  string
		lazy  bool
		after time.Duration
	}{
		{"which was closed while it waited", false, time.Minute},
		{"which was closed before", false, 0},
		{"which was lazy, and closed before anybody asked", true, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing()
				p.fails(http.StatusServiceUnavailable)
				set := inMemory(t, p, jwks.RemoteConfig{Lazy: row.lazy})
				if row.after == 0 {
					set.Close()
				} else {
					time.AfterFunc(row.after, set.Close)
				}
				before, start := p.fetches(), time.Now()
				err := set.Ready(t.Context())
				if err == nil || !strings.Contains(err.Error(), "closed") || errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				if waited := time.Since(start); waited != row.after {
					t.Errorf("it waited %v", waited)
				}
				if row.after == 0 && p.fetches() != before {
					t.Errorf("%d fetches after the end", p.fetches()-before)
				}
			})
		})
	}
}

// Whoever waits for keys that have become too old is told when the set is closed,
// rather than waiting for ever.
func TestReadyOfStaleKeysEndsWithTheSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.fails(http.StatusServiceUnavailable)
		time.Sleep(25 * time.Hour)
		told := make(chan error, 1)
		go func() { told <- set.Ready(context.Background()) }()
		time.Sleep(10 * time.Second)
		before := p.fetches()
		set.Close()
		select {
		case err := <-told:
			if err == nil {
				t.Error("ready, and closed")
			}
		case <-time.After(time.Hour):
			t.Fatal("it waits still")
		}
		if p.fetches() != before {
			t.Errorf("%d fetches after the end", p.fetches()-before)
		}
	})
}

// Waiting does not push: a server that is down is asked as often as without.
func TestReadyOfStaleKeysKeepsToTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.fails(http.StatusServiceUnavailable)
		time.Sleep(25 * time.Hour)
		before := p.fetches()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := set.Ready(ctx); err == nil {
			t.Error("ready, and the keys are too old")
		}
		if n := p.fetches() - before; n > 30 { // some ten retries, and as many by the schedule
			t.Errorf("%d fetches in ten minutes", n)
		}
	})
}

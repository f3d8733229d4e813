package jwks_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

const yesterday = "Fri, 31 Dec 1999 12:00:00 GMT"

// versions is a server that knows which version of its set a client has, and keeps
// what was asked of it.
type versions struct {
	*publisher

	mu    sync.Mutex
	asked []string // the condition of each request
	sent  []int    // the status of each answer
}

// version is what the server has from now on. header is sent with a 200, and with a
// 304 if also says so.
func (v *versions) version(header map[string]string, also304 bool, elements ...string) {
	v.does(func(w http.ResponseWriter, r *http.Request) {
		condition := r.Header.Get("If-None-Match")
		known := condition != "" && condition == header["ETag"]
		if !known || also304 {
			for name, value := range header {
				w.Header().Set(name, value)
			}
		}
		status := http.StatusOK
		if known {
			status = http.StatusNotModified
		}
		w.WriteHeader(status)
		if !known {
			_, _ = io.WriteString(w, setOf(elements...))
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.asked, v.sent = append(v.asked, condition), append(v.sent, status)
	})
}

func (v *versions) expect(t *testing.T, when string, sent ...int) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Equal(v.sent, sent) {
		t.Errorf("%s, the server has answered %v, not %v", when, v.sent, sent)
	}
}

func TestAnUnchangedSetIsNotSentAgain(t *testing.T) {
	for _, row := range []struct {
		name   string
		header map[string]string
		bare   bool // the 304 leaves the validators out (RFC 9110 §15.4.5)
	}{
		{"an ETag", map[string]string{"ETag": `"v1"`}, false},
		{"a weak ETag", map[string]string{"ETag": `W/"v1"`}, false},
		{"an ETag and a date", map[string]string{"ETag": `"v1"`, "Last-Modified": yesterday}, false},
		{"an ETag that the 304 leaves out", map[string]string{"ETag": `"v1"`}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &versions{publisher: publishing()}
				v.version(row.header, !row.bare, jwk("a"))
				set := inMemory(t, v.publisher, jwks.RemoteConfig{})
				for range 4 {
					time.Sleep(afterRefresh)
					mustFind(t, set, "a")
				}
				v.expect(t, "after four refreshes", 200, 304, 304, 304, 304)
				if v.asked[0] != "" {
					t.Errorf("the first request is for what is not %s", v.asked[0])
				}
				if h := set.Health(); !h.Ready || h.LastError != "" || time.Since(h.LastSuccess) > time.Minute {
					t.Errorf("%+v; an unchanged set is a good fetch", h)
				}

				// An unknown kid asks under the same condition, and its verdict is sound.
				mustNotFind(t, set, "b")
				v.expect(t, "after an unknown kid", 200, 304, 304, 304, 304, 304)

				v.version(map[string]string{"ETag": `"v2"`, "Last-Modified": "Sat, 01 Jan 2000 00:30:00 GMT"}, true, jwk("b"))
				time.Sleep(afterRefresh)
				mustFind(t, set, "b")
				v.version(map[string]string{"ETag": `"v2"`, "Last-Modified": "Sat, 01 Jan 2000 00:30:00 GMT"}, true, "what was sent once")
				time.Sleep(afterRefresh)
				mustFind(t, set, "b")
				mustNotFind(t, set, "a")
				v.expect(t, "after a change", 200, 304, 304, 304, 304, 304, 200, 304, 304)
			})
		})
	}
}

// An older file that takes the place of a newer one is a change as well: the key that
// it brings back, or no longer has, counts.
func TestADateIsNotGoneBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		serve := func(modified time.Time, elements ...string) {
			p.does(func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "jwks.json", modified, strings.NewReader(setOf(elements...)))
			})
		}
		serve(time.Now().Add(-time.Hour), jwk("leaked"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		serve(time.Now().Add(-2*time.Hour), jwk("good"))
		time.Sleep(afterRefresh)
		mustFind(t, set, "good")
		mustNotFind(t, set, "leaked")
	})
}

// What a 304 does not say is as it was (RFC 9111 section 3.2).
func TestA304WithoutALifetimeKeepsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.does(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Cache-Control", "max-age=120")
			_, _ = io.WriteString(w, setOf(jwk("a")))
		})
		_ = inMemory(t, p, jwks.RemoteConfig{})
		time.Sleep(20*time.Minute + 30*time.Second)
		if n := p.fetches(); n < 10 || n > 11 {
			t.Errorf("%d fetches in 20 minutes, with a lifetime of 2", n)
		}
	})
}

// Whoever asked, the latest answer says when the next fetch is due.
func TestTheLifetimeOfAStrangersFetchCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		serve := func(lifetime string, elements ...string) {
			p.does(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age="+lifetime)
				_, _ = io.WriteString(w, setOf(elements...))
			})
		}
		serve("43200", jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		time.Sleep(time.Hour)
		serve("60", jwk("a"), jwk("b"))
		mustFind(t, set, "b")
		serve("60", jwk("b"))
		time.Sleep(time.Minute + 2*time.Second)
		synctest.Wait()
		mustNotFind(t, set, "a")
	})
}

// If it is the condition that the server fails on, the next request has none.
func TestAValidatorThatTheServerChokesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.does(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusRequestHeaderFieldsTooLarge)
				return
			}
			w.Header().Set("ETag", `"v1"`)
			_, _ = io.WriteString(w, setOf(jwk("a")))
		})
		set := inMemory(t, p, jwks.RemoteConfig{})
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		mustFind(t, set, "a")
	})
}

func TestTheValidatorOfA304ReplacesTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		var asked []string
		p.does(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Header.Get("If-None-Match"))
			switch len(asked) {
			case 1:
				w.Header().Set("ETag", `"v1"`)
				_, _ = io.WriteString(w, setOf(jwk("a")))
			default: // as a server that changed how it makes its ETags may
				w.Header().Set("ETag", `"v1-renamed"`)
				w.WriteHeader(http.StatusNotModified)
			}
		})
		set := inMemory(t, p, jwks.RemoteConfig{})
		time.Sleep(2 * afterRefresh)
		synctest.Wait()
		mustFind(t, set, "a")
		if want := []string{"", `"v1"`, `"v1-renamed"`}; !slices.Equal(asked, want) {
			t.Errorf("asked for %q, not %q", asked, want)
		}
	})
}

func TestTheLifetimeOfA304Counts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.does(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "" {
				w.Header().Set("Cache-Control", "max-age=120")
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Cache-Control", "max-age=600")
			_, _ = io.WriteString(w, setOf(jwk("a")))
		})
		set := inMemory(t, p, jwks.RemoteConfig{})
		time.Sleep(10*time.Minute + 2*time.Second)
		if due := time.Until(set.Health().NextFetch); p.fetches() != 2 || due < time.Minute || due > 2*time.Minute {
			t.Errorf("%d fetches, the next in %v", p.fetches(), due)
		}
		time.Sleep(2*time.Minute + 2*time.Second)
		if p.fetches() != 3 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

// An unchanged set is as good as a new one: MaxStale begins anew, and again.
func TestA304BeginsMaxStaleAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &versions{publisher: publishing()}
		v.version(map[string]string{"ETag": `"v1"`}, false, jwk("a"))
		set := inMemory(t, v.publisher, jwks.RemoteConfig{MaxStale: time.Hour})
		for range 100 {
			time.Sleep(7 * time.Minute)
			mustFind(t, set, "a")
		}
		synctest.Wait() // a refresh that is due now has landed
		last := set.Health().LastSuccess
		v.fails(http.StatusServiceUnavailable)
		time.Sleep(time.Until(last.Add(time.Hour)))
		mustFind(t, set, "a")
		time.Sleep(time.Nanosecond)
		retryAfter := mustBeUnavailable(t, set, "a")

		v.version(map[string]string{"ETag": `"v1"`}, false, jwk("a"))
		time.Sleep(retryAfter)
		mustFind(t, set, "a") // the old keys are young again
	})
}

func TestA304ThatNobodyAskedForIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.fails(http.StatusNotModified)
		set := inMemory(t, p, jwks.RemoteConfig{})
		mustBeUnavailable(t, set, "a")
		p.publish(jwk("a"))
		time.Sleep(2 * time.Second)
		mustFind(t, set, "a")
		p.fails(http.StatusNotModified) // that answer had no validator
		mustBeUnavailable(t, set, "b")
		mustFind(t, set, "a")
		if h := set.Health(); h.LastError != "the server answered 304 Not Modified" {
			t.Errorf("%+v", h)
		}
	})
}

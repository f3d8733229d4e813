package jwks_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// afterRefresh is when a set without caching headers has been fetched again.
const afterRefresh = 15*time.Minute + 2*time.Second

func TestAServerThatIsDownAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		p.fails(http.StatusServiceUnavailable)
		set := inMemory(t, p, jwks.RemoteConfig{})
		start, tried := time.Now(), p.fetches()
		for range 100 {
			if retryAfter := mustBeUnavailable(t, set, "a"); retryAfter > 3*time.Second {
				t.Errorf("the first retry is due in about a second, not %v", retryAfter)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Find waited %v", waited)
		}
		if p.fetches() != tried {
			t.Errorf("requests caused %d fetches of a server that is down", p.fetches()-tried)
		}

		time.Sleep(5*time.Minute + 300*time.Millisecond) // the pauses grow; no scheduled fetch is under way
		synctest.Wait()
		retryAfter := mustBeUnavailable(t, set, "a")
		p.publish(jwk("a"))
		time.Sleep(retryAfter)
		mustFind(t, set, "a")
		mustNotFind(t, set, "b")
	})
}

func TestAServerThatNobodyAnswersAt(t *testing.T) {
	server := httptest.NewServer(nil)
	url := server.URL
	server.Close() // its port refuses connections
	set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: url, Logger: silent})
	if err != nil {
		t.Fatalf("%v; an outage is no bad configuration", err)
	}
	defer set.Close()
	mustBeUnavailable(t, set, "a")
}

// Answers that are no better than none. They must not replace good keys, nor be
// taken for the verdict that a key does not exist.
var badAnswers = []struct {
	name   string
	answer http.HandlerFunc
}{
	{"503", status(http.StatusServiceUnavailable)},
	{"404", status(http.StatusNotFound)},
	{"204", status(http.StatusNoContent)},
	{"nothing", body("")},
	{"a page for a login", body("<!doctype html><title>Sign in</title>")},
	{"JSON cut short", body(setOf(jwk("b"))[:40])},
	{"something behind the set", body(setOf(jwk("b")) + "{}")},
	{"an array", body("[" + jwk("b") + "]")},
	{"null", body("null")},
	{"a single key", body(jwk("b"))},
	{"no keys member", body("{}")},
	{"keys that are no array", body(`{"keys":{}}`)},
	{"no keys", body(setOf())},
	{"nothing but keys that cannot be used", body(setOf(`{"kty":"AKP","alg":"ML-DSA-65","kid":"b","pub":"AA"}`, `{"kty":"oct","k":"AA"}`))},
	{"a set that is too long", body(setOf(jwk("b")) + strings.Repeat(" ", 1<<20))},
	{"a redirect to http", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://issuer.example/jwks", http.StatusFound)
	}},
	{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestBadAnswersKeepTheOldKeys(t *testing.T) {
	for _, row := range badAnswers {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing(jwk("a"))
				set := inMemory(t, p, jwks.RemoteConfig{})

				p.does(row.answer)
				mustBeUnavailable(t, set, "b") // it caused a fetch, which told nothing
				mustFind(t, set, "a")
				before := p.fetches()
				time.Sleep(30 * time.Minute) // retries, and a refresh between them
				mustFind(t, set, "a")
				mustBeUnavailable(t, set, "b")
				if p.fetches()-before < 20 {
					t.Errorf("%d retries in half an hour", p.fetches()-before)
				}

				p.publish(jwk("b"))
				time.Sleep(2 * time.Minute)
				mustFind(t, set, "b")
				mustNotFind(t, set, "a")
			})
		})
	}
}

func TestBadAnswersAtTheStart(t *testing.T) {
	for _, row := range badAnswers {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing()
				p.does(row.answer)
				set := inMemory(t, p, jwks.RemoteConfig{})
				mustBeUnavailable(t, set, "b")
				mustBeUnavailable(t, set, "") // no key either, rather than no such key
				p.publish(jwk("b"))
				time.Sleep(10 * time.Second)
				mustFind(t, set, "b")
			})
		})
	}
}

func TestAWithdrawnKeyIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"), jwk("b"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		mustFind(t, set, "a")

		p.publish(jwk("b"))
		time.Sleep(afterRefresh)
		if keys, err := set.Find(t.Context(), "", alg); len(keys) != 1 || err != nil || !signedBy(keys, "b") || p.fetches() != 2 {
			t.Errorf("after %d fetches: %d keys, %v", p.fetches(), len(keys), err)
		}
		mustNotFind(t, set, "a")

		p.publish(jwk("c"))
		time.Sleep(30 * time.Second)
		mustFind(t, set, "c") // by a fetch of its own
		mustNotFind(t, set, "b")
	})
}

func TestCachingHeadersDecideOnTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing()
		publish := func(element string) {
			p.does(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=300")
				_, _ = io.WriteString(w, setOf(element))
			})
		}
		publish(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		publish(jwk("b"))
		time.Sleep(5*time.Minute - time.Second)
		mustFind(t, set, "a")
		time.Sleep(3 * time.Second)
		if p.fetches() != 2 {
			t.Errorf("%d fetches", p.fetches())
		}
		mustFind(t, set, "b")
	})
}

func TestKeysServeOnForMaxStaleAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{MaxStale: time.Hour})
		p.fails(http.StatusServiceUnavailable)

		time.Sleep(time.Hour)
		mustFind(t, set, "a")
		time.Sleep(time.Nanosecond)
		retryAfter := mustBeUnavailable(t, set, "a")

		p.publish(jwk("a"))
		time.Sleep(retryAfter)
		mustFind(t, set, "a")
	})
}

// While the server answers, keys are never too old, not even where they soon are
// and answers are slow.
func TestEachGoodFetchBeginsMaxStaleAnew(t *testing.T) {
	for _, maxStale := range []time.Duration{10 * time.Second, 30 * time.Second, 2 * time.Minute, time.Hour} {
		t.Run(maxStale.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				timeout := min(maxStale/4, time.Minute)
				p := publishing()
				p.does(func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(timeout * 3 / 4)
					_, _ = io.WriteString(w, setOf(jwk("a")))
				})
				set := inMemory(t, p, jwks.RemoteConfig{MaxStale: maxStale, Timeout: timeout})
				for range 300 {
					mustFind(t, set, "a")
					time.Sleep(maxStale / 30)
				}
				if p.fetches() < 10 {
					t.Errorf("%d fetches", p.fetches())
				}
			})
		})
	}
}

func TestTheErrorSaysWhy(t *testing.T) {
	p := publishing()
	p.fails(http.StatusBadGateway)
	set := overTCP(t, p, jwks.RemoteConfig{})
	_, err := set.Find(t.Context(), "a", alg)
	unavailable := new(jwks.UnavailableError)
	if !errors.As(err, &unavailable) || !strings.Contains(unavailable.Err.Error(), "502 Bad Gateway") || !errors.Is(err, unavailable.Err) {
		t.Errorf("%v", err)
	}
	if !strings.HasPrefix(err.Error(), "jwks: ") {
		t.Errorf("%v does not say whose error it is", err)
	}
}

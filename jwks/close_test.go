package jwks_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// In each row the end comes in another state of the set. That no goroutine is
// left is seen by the bubble: it fails the test if one is.
func TestTheEndOfASet(t *testing.T) {
	for _, row := range []struct {
		name string
		lead func(*publisher, *jwks.RemoteSet)
	}{
		{"at once", func(*publisher, *jwks.RemoteSet) {}},
		{"after a day", func(*publisher, *jwks.RemoteSet) { time.Sleep(24 * time.Hour) }},
		{"during an outage", func(p *publisher, _ *jwks.RemoteSet) {
			p.fails(http.StatusServiceUnavailable)
			time.Sleep(30*time.Hour + 30*time.Second)
		}},
		{"during a refresh that hangs", func(p *publisher, _ *jwks.RemoteSet) {
			begun := make(chan struct{}, 10)
			p.does(func(_ http.ResponseWriter, r *http.Request) {
				begun <- struct{}{}
				<-r.Context().Done()
			})
			<-begun
		}},
		{"during a fetch that a request waits for", func(p *publisher, set *jwks.RemoteSet) {
			p.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			go func() { _, _ = set.Find(context.Background(), "unknown", alg) }()
			synctest.Wait()
		}},
	} {
		for _, end := range []string{"Close", "the context"} {
			t.Run(row.name+" by "+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					p := publishing(jwk("a"))
					set, err := jwks.Remote(ctx, jwks.RemoteConfig{URL: jwksURL, HTTPClient: &http.Client{Transport: p}, Logger: silent})
					if err != nil {
						t.Fatal(err)
					}
					row.lead(p, set)
					synctest.Wait() // a fetch that is due this very moment has begun
					if end == "Close" {
						set.Close()
					} else {
						cancel()
						synctest.Wait()
					}
					mustBeUnavailable(t, set, "a")
					p.publish(jwk("a"))
					fetched := p.fetches()
					time.Sleep(48 * time.Hour)
					mustBeUnavailable(t, set, "a")
					mustBeUnavailable(t, set, "unknown")
					if p.fetches() != fetched {
						t.Errorf("%d fetches after the end", p.fetches()-fetched)
					}
					set.Close() // a second time is harmless
				})
			})
		}
	}
}

func TestRemoteWithAContextThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p := publishing(jwk("a"))
		set, err := jwks.Remote(ctx, jwks.RemoteConfig{URL: jwksURL, HTTPClient: &http.Client{Transport: p}, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		mustBeUnavailable(t, set, "a")
		if p.fetches() != 0 {
			t.Errorf("%d fetches", p.fetches())
		}
	})
}

func TestWhoWaitsWhenTheSetIsClosedIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{})
		p.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		told := make(chan struct{})
		go func() {
			defer close(told)
			mustBeUnavailable(t, set, "unknown")
		}()
		synctest.Wait()
		start := time.Now()
		set.Close()
		if <-told; time.Since(start) != 0 {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

func TestCloseLeavesNoConnection(t *testing.T) {
	for _, end := range []string{"Close", "the context"} {
		for _, row := range []struct {
			name  string
			hangs bool
		}{
			{"while the connection is idle", false},
			{"while a fetch is under way", true},
		} {
			t.Run(row.name+", by "+end, func(t *testing.T) {
				closed := make(chan struct{}, 10)
				asked := make(chan struct{}, 10)
				p := publishing(jwk("a"))
				server := httptest.NewUnstartedServer(p)
				server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateClosed {
						closed <- struct{}{}
					}
				}
				server.Start()
				defer server.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				set, err := jwks.Remote(ctx, jwks.RemoteConfig{URL: server.URL, Logger: silent})
				if err != nil {
					t.Fatal(err)
				}
				if row.hangs {
					p.does(func(_ http.ResponseWriter, r *http.Request) {
						asked <- struct{}{}
						<-r.Context().Done()
					})
					go func() { _, _ = set.Find(context.Background(), "unknown", alg) }()
					<-asked
				}
				if end == "Close" {
					set.Close()
				} else {
					cancel()
				}
				select {
				case <-closed: // by the client: the server closes later
				case <-time.After(20 * time.Second):
					t.Error("the connection is still open")
				}
			})
		}
	}
}

// heedless is a transport that knows nothing of contexts.
type heedless struct{ *publisher }

func (h heedless) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func TestAnAnswerAfterTheEndBringsNoKeysBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("a"))
		set, err := jwks.Remote(context.Background(), jwks.RemoteConfig{URL: jwksURL, HTTPClient: &http.Client{Transport: heedless{p}}, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		p.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Second)
			_, _ = io.WriteString(w, setOf(jwk("a")))
		})
		go func() { _, _ = set.Find(context.Background(), "unknown", alg) }()
		synctest.Wait() // the fetch is under way
		set.Close()
		time.Sleep(4 * time.Second)
		mustBeUnavailable(t, set, "a")
	})
}

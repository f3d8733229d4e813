package jwks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

func TestHealth(t *testing.T) {
	const (
		down = "the server answered 503 Service Unavailable"
		no   = -1
	)
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	outage := func(p *publisher) { p.fails(http.StatusServiceUnavailable) }
	for _, row := range []struct {
		name   string
		start  func(*publisher)
		lazy   bool
		then   func(*testing.T, *publisher, *jwks.RemoteSet)
		ready  bool
		kids   []string
		age    time.Duration // since the last success; no: there was none
		says   string
		within time.Duration // the next fetch is due; no: none is planned
	}{
		{name: "a lazy set before its first token: that will fetch the keys", lazy: true, ready: true, age: no, within: no},
		{name: "a lazy set during its first fetch", lazy: true,
			start: func(p *publisher) { p.does(hang) },
			then: func(t *testing.T, _ *publisher, set *jwks.RemoteSet) {
				go func() { _, _ = set.Find(t.Context(), "a", alg) }()
				synctest.Wait()
			}, age: no, within: no},
		{name: "a lazy set after its first token", lazy: true,
			then:  func(t *testing.T, _ *publisher, set *jwks.RemoteSet) { mustFind(t, set, "a") },
			ready: true, kids: []string{"a", "b"}, within: 15 * time.Minute},
		{name: "ready", ready: true, kids: []string{"a", "b"}, within: 15 * time.Minute},
		{name: "ready with keys that have no kid", start: func(p *publisher) { p.publish(nameless("a")) },
			ready: true, within: 15 * time.Minute},
		{name: "ready for some time", then: func(*testing.T, *publisher, *jwks.RemoteSet) { time.Sleep(5 * time.Minute) },
			ready: true, kids: []string{"a", "b"}, age: 5 * time.Minute, within: 10 * time.Minute},
		{name: "failing after it was ready",
			then: func(_ *testing.T, p *publisher, _ *jwks.RemoteSet) {
				outage(p)
				time.Sleep(time.Hour)
			},
			ready: true, kids: []string{"a", "b"}, age: time.Hour, says: down, within: 75 * time.Second},
		{name: "working again",
			then: func(t *testing.T, p *publisher, set *jwks.RemoteSet) {
				outage(p)
				mustBeUnavailable(t, set, "c")
				p.publish(jwk("c"))
				time.Sleep(time.Until(set.Health().NextFetch))
			},
			ready: true, kids: []string{"c"}, within: 15 * time.Minute},
		{name: "keys just not too old",
			then: func(_ *testing.T, p *publisher, _ *jwks.RemoteSet) {
				outage(p)
				time.Sleep(24 * time.Hour)
			},
			ready: true, kids: []string{"a", "b"}, age: 24 * time.Hour, says: down, within: 75 * time.Second},
		{name: "keys too old",
			then: func(_ *testing.T, p *publisher, _ *jwks.RemoteSet) {
				outage(p)
				time.Sleep(24*time.Hour + 1)
			},
			kids: []string{"a", "b"}, age: 24*time.Hour + 1, says: down, within: 75 * time.Second},
		{name: "never fetched", start: outage, age: no, says: down, within: 1250 * time.Millisecond},
		{name: "never fetched for some time", start: outage,
			then: func(*testing.T, *publisher, *jwks.RemoteSet) { time.Sleep(time.Hour) },
			age:  no, says: down, within: 75 * time.Second},
		{name: "closed", then: func(_ *testing.T, _ *publisher, set *jwks.RemoteSet) { set.Close() }, age: no, says: "closed", within: no},
		{name: "lazy and closed before its first token", lazy: true,
			then: func(_ *testing.T, _ *publisher, set *jwks.RemoteSet) { set.Close() }, age: no, says: "closed", within: no},
		{name: "closed during an outage", start: outage, then: func(_ *testing.T, _ *publisher, set *jwks.RemoteSet) {
			time.Sleep(time.Hour)
			set.Close()
		}, age: no, says: "closed", within: no},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := publishing(jwk("b"), jwk("a"))
				if row.start != nil {
					row.start(p)
				}
				set := inMemory(t, p, jwks.RemoteConfig{Lazy: row.lazy})
				if row.then != nil {
					row.then(t, p, set)
				}
				synctest.Wait()
				h := set.Health()
				if h.Ready != row.ready || !slices.Equal(h.KeyIDs, row.kids) || h.LastError != row.says {
					t.Errorf("%+v", h)
				}
				if never := row.age == no; never != h.LastSuccess.IsZero() || !never && time.Since(h.LastSuccess) != row.age {
					t.Errorf("the last success was %v ago", time.Since(h.LastSuccess))
				}
				due := time.Until(h.NextFetch)
				if never := row.within == no; never != h.NextFetch.IsZero() || !never && (due < 0 || due > row.within) {
					t.Errorf("the next fetch is due in %v", due)
				}
				if row.lazy {
					return // to find a key would begin a fetch
				}
				if keys, _ := set.Find(t.Context(), "", alg); row.ready != (len(keys) > 0) {
					t.Errorf("ready is %t, and Find has %d keys", row.ready, len(keys))
				}
			})
		})
	}
}

func TestHealthIsTheCallersOwn(t *testing.T) {
	set := overTCP(t, publishing(jwk("a")), jwks.RemoteConfig{})
	set.Health().KeyIDs[0] = "scribbled over"
	if kids := set.Health().KeyIDs; !slices.Equal(kids, []string{"a"}) {
		t.Errorf("%q", kids)
	}
}

func TestHealthAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishing(jwk("b"), jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{Lazy: true})
		shape := func(when, want string) {
			t.Helper()
			if got, err := json.Marshal(set.Health()); err != nil || string(got) != want {
				t.Errorf("%s: %s, not %s, %v", when, got, want, err)
			}
		}
		at := func(when time.Time) string { return when.Format(time.RFC3339Nano) } // in whichever zone
		shape("before the first token", `{"ready":true}`)
		mustFind(t, set, "a")
		start := time.Now()
		shape("ready", fmt.Sprintf(`{"ready":true,"key_ids":["a","b"],"last_success":%q,"next_fetch":%q}`,
			at(start), at(start.Add(15*time.Minute))))
		p.fails(http.StatusNotFound)
		mustBeUnavailable(t, set, "c")
		shape("failing", fmt.Sprintf(`{"ready":true,"key_ids":["a","b"],"last_success":%q,"last_error":"the server answered 404 Not Found","next_fetch":%q}`,
			at(start), at(set.Health().NextFetch)))
		set.Close()
		if got, err := json.Marshal(set.Health()); err != nil || !strings.HasPrefix(string(got), `{"ready":false`) {
			t.Errorf("closed: %s, %v", got, err)
		}
	})
}

// Whoever may ask for readiness learns nothing of the network behind it, nor what
// another server answered.
func TestHealthTellsNoAddress(t *testing.T) {
	type failure struct {
		name      string
		transport http.RoundTripper
	}
	failures := []failure{
		{"a name that is not known", broken{&net.DNSError{Err: "no such host", Name: "issuer.example", Server: "10.0.0.7:53"}}},
		{"a connection refused", broken{&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8443}, Err: errors.New("connection refused")}}},
	}
	for _, row := range badAnswers {
		p := publishing()
		p.does(row.answer)
		failures = append(failures, failure{row.name, p})
	}
	for _, row := range failures {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: jwksURL, HTTPClient: &http.Client{Transport: row.transport}, Logger: silent})
				if err != nil {
					t.Fatal(err)
				}
				defer set.Close()
				h := set.Health()
				if h.Ready || h.LastError == "" {
					t.Errorf("%+v", h)
				}
				for _, tells := range []string{"issuer", "jwks", "10.0", ":8443", "tcp", "login", "Sign in", "<", "{"} {
					if strings.Contains(h.LastError, tells) {
						t.Errorf("%q tells %s", h.LastError, tells)
					}
				}
			})
		})
	}
}

// broken is a transport that reaches nobody.
type broken struct{ error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.error }

package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/verify"
)

func TestIntrospectionIsOneCallForManyRequests(t *testing.T) {
	e := newEndpoint(map[string]string{"opaque": active})
	arrived, release := make(chan struct{}), make(chan struct{})
	at := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived) // a second call panics here
		<-release
		e.ServeHTTP(w, r)
	}))
	v := introspecting(t, at, nil)

	// The first asks, and gives up; the others have the answer all the same.
	ctx, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := v.Verify(ctx, "opaque")
		gone <- err
	}()
	<-arrived
	var waiting, all sync.WaitGroup
	for range 64 {
		waiting.Add(1)
		all.Go(func() {
			waiting.Done()
			if got := outcome(t, v, "opaque"); got != "" {
				t.Errorf("got %q", got)
			}
		})
	}
	waiting.Wait()
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) || errors.Is(err, verify.ErrInvalidToken) {
		t.Errorf("who gave up: %v", err)
	}
	close(release)
	all.Wait()
	if got := outcome(t, v, "opaque"); got != "" || e.calls() != 1 {
		t.Errorf("%q, %d calls", got, e.calls())
	}
}

func TestIntrospectionCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(map[string]string{"known": active})
		var hang atomic.Bool
		v := remembering(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			if hang.Load() {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return e.RoundTrip(r)
		}), func(c *verify.IntrospectionConfig) { c.MaxCalls = 3 })
		defer v.Close()
		if got := outcome(t, v, "known"); got != "" {
			t.Fatal(got)
		}
		hang.Store(true)
		var all sync.WaitGroup
		for i := range 3 {
			for range 5 { // of one token only one counts
				all.Go(func() {
					if got := outcome(t, v, fmt.Sprint("token", i)); got != "unavailable" {
						t.Errorf("got %q", got)
					}
				})
			}
		}
		synctest.Wait()
		began := time.Now()
		if got := outcome(t, v, "one more"); got != "unavailable" || time.Since(began) != 0 {
			t.Errorf("one more: %q after %v", got, time.Since(began))
		}
		if got := outcome(t, v, "known"); got != "" || time.Since(began) != 0 {
			t.Errorf("a known one: %q after %v", got, time.Since(began))
		}
		all.Wait()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("those that hang: %v", took)
		}
		hang.Store(false)
		if got := outcome(t, v, "one more"); got != verify.ReasonInactive {
			t.Errorf("afterwards: %q", got)
		}
	})
}

func TestIntrospectionOfAServerThatIsDown(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	v := introspecting(t, server.URL, nil)
	if got := outcome(t, v, "opaque"); got != "unavailable" {
		t.Errorf("got %q", got)
	}
	if h := v.Health(); len(h) != 1 || h[0].Ready || h[0].LastError != "the server could not be reached" {
		t.Errorf("health: %+v", h)
	}
}

func TestIntrospectionOfAServerThatTakesItsTime(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { _ = r.ParseForm(); <-r.Context().Done() },
		"trickling": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			for _, c := range active + strings.Repeat(" ", 1000) {
				if _, err := fmt.Fprint(w, string(c)); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := introspecting(t, serve(t, handler), func(c *verify.IntrospectionConfig) { c.Timeout = 100 * time.Millisecond })
			began := time.Now()
			if got := outcome(t, v, "opaque"); got != "unavailable" {
				t.Errorf("got %q", got)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err := v.Verify(ctx, "other"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, verify.ErrInvalidToken) {
				t.Errorf("a request with less time: %v", err)
			}
		})
	}
}

// A server that goes away and comes back costs no client its good token.
func TestIntrospectionOfAServerThatRestartsUnderLoad(t *testing.T) {
	e := newEndpoint(map[string]string{})
	for i := range 8 {
		e.set(fmt.Sprint("good", i), active)
	}
	server := httptest.NewServer(e)
	address := server.Listener.Addr().String()
	v := introspecting(t, server.URL, func(c *verify.IntrospectionConfig) { c.MaxAge = time.Nanosecond })
	stop := make(chan struct{})
	var good, unavailable atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch got := outcome(t, v, fmt.Sprint("good", i)); got {
				case "":
					good.Add(1)
				case "unavailable":
					unavailable.Add(1)
				default:
					t.Errorf("a good token: %q", got)
					return
				}
			}
		})
	}
	enough := func(counter *atomic.Int64) {
		for seen, deadline := counter.Load(), time.Now().Add(20*time.Second); counter.Load() < seen+50 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
	for range 3 {
		enough(&good)
		server.CloseClientConnections()
		server.Close()
		enough(&unavailable)
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: e}}
		server.Start()
	}
	enough(&good)
	close(stop)
	all.Wait()
	server.Close()
	if good.Load() < 150 || unavailable.Load() < 100 {
		t.Errorf("%d verified, %d without verdict", good.Load(), unavailable.Load())
	}
}

func TestIntrospectionEndsWithClose(t *testing.T) {
	before := runtime.NumGoroutine()
	arrived := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _ = r.ParseForm(); r.Form.Get("token") == "known" {
			_, _ = io.WriteString(w, active)
			return
		}
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	v := introspecting(t, server.URL, nil)
	if got := outcome(t, v, "known"); got != "" {
		t.Fatal(got)
	}
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			if got := outcome(t, v, fmt.Sprint("hangs", i)); got != "unavailable" {
				t.Errorf("got %q", got)
			}
		})
	}
	for range 5 {
		<-arrived
	}
	began := time.Now()
	v.Close()
	all.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the calls in flight ended after %v", took)
	}
	for _, token := range []string{"known", "new"} {
		if got := outcome(t, v, token); got != "unavailable" {
			t.Errorf("%s: %q", token, got)
		}
	}
	if v.Health()[0].Ready {
		t.Error("closed, and ready")
	}
	v.Close() // again
	server.Close()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestIntrospectionHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(map[string]string{"bad answer": "<html>"})
		v := remembering(t, e, func(c *verify.IntrospectionConfig) { c.Issuer = "https://issuer.example" })
		defer v.Close()
		if h := v.Health()[0]; !h.Ready || h.Issuer != "https://issuer.example" || h.LastError != "" {
			t.Errorf("before any call: %+v", h)
		}
		outcome(t, v, "bad answer")
		if h := v.Health()[0]; h.Ready || h.LastError != "the answer could not be used" {
			t.Errorf("after a failure: %+v", h)
		}
		time.Sleep(10 * time.Second)
		if h := v.Health()[0]; !h.Ready || h.LastError == "" {
			t.Errorf("later: %+v", h)
		}
		outcome(t, v, "opaque")
		if h := v.Health()[0]; !h.Ready || h.LastError != "" || !h.LastSuccess.Equal(time.Now()) {
			t.Errorf("after a success: %+v", h)
		}
	})
}

// Somebody who sends what the server calls a bad request must not take the service
// out of rotation.
func TestIntrospectionHealthIsNotAStrangersToSpoil(t *testing.T) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(endpoint.Close)
	v, err := verify.Introspection(verify.IntrospectionConfig{Endpoint: endpoint.URL, ClientID: "api", ClientSecret: "s3cret", Audience: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if got := verdict(v, "e30.a.b"); got != "unavailable" {
		t.Errorf("got %q", got)
	}
	if h := v.Health()[0]; !h.Ready {
		t.Errorf("got %+v", h)
	}
}

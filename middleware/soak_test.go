package middleware_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// TestSoak calls a guard from 64 goroutines while the key server is killed, hangs,
// answers errors and garbage, rotates and withdraws keys, and strangers flood it
// with invented kids. No answer may be wrong: no good token refused while its key
// is known, no bad one accepted. With -v it prints its figures.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes ten seconds")
	}
	s := newSoak(t)
	s.start()
	s.during("warms up", nil)
	s.during("is quiet", nil)
	s.during("hangs", func() {
		s.issuer.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	})
	s.during("answers 500", func() { s.issuer.Fail(http.StatusInternalServerError) })
	s.during("answers garbage", func() {
		s.issuer.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	})
	s.during("has no keys", func() {
		s.issuer.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[]}`) }))
	})
	s.issuer.Recover()
	s.during("is killed", s.kill)
	s.during("is back", s.serve)
	s.rotate()
	s.during("has rotated", nil)
	s.rotate()
	s.withdraw()
	s.during("has withdrawn", nil)

	s.stop()
	s.print()
	if first := s.first.Load(); first != nil {
		t.Errorf("%d wrong answers; the first: %s", s.wrong.Load(), *first)
	}
	if s.requests.Load() < 10_000 {
		t.Errorf("%d requests are no soak", s.requests.Load())
	}
	// A request that waited for the key server while it hung would have taken
	// as long as a fetch may.
	if p99 := s.latency["hangs"][1]; p99 > soakTimeout/2 {
		t.Errorf("p99 of known kids while the key server hung: %v", p99)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > s.goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", s.goroutines, runtime.NumGoroutine(), buffer[:runtime.Stack(buffer, true)])
		}
	}
}

const (
	soakTimeout = time.Second            // of a fetch
	soakPhase   = 500 * time.Millisecond // and as long again after something has happened
)

type soak struct {
	t          *testing.T
	goroutines int // before there was anything to test

	issuer    *oauthtest.Issuer // what the key server serves
	neighbour *oauthtest.Issuer // another issuer of the same guard, in peace
	address   string
	server    *http.Server
	keys      *jwks.RemoteSet
	guard     *middleware.Guard
	neighbors *verify.Issuer

	lists           sync.RWMutex // held for reading while a token of one is used
	good, bad       atomic.Pointer[[]string]
	requests, wrong atomic.Int64
	first           atomic.Pointer[string] // wrong answer
	phase           atomic.Pointer[string]
	done            atomic.Bool
	workers         sync.WaitGroup

	mu      sync.Mutex
	took    map[string][]time.Duration // for good tokens, by phase
	order   []string
	latency map[string][2]time.Duration // p50 and p99
	heap    []uint64
}

func newSoak(t *testing.T) *soak {
	s := &soak{t: t, took: map[string][]time.Duration{}, latency: map[string][2]time.Duration{}}
	s.issuer, s.neighbour = oauthtest.NewIssuer(t), oauthtest.NewIssuer(t)
	s.goroutines = runtime.NumGoroutine()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s.serve()
	s.keys, err = jwks.Remote(context.Background(), jwks.RemoteConfig{
		URL:                "http://" + s.address + "/.well-known/jwks.json",
		Timeout:            soakTimeout,
		MinRefresh:         time.Second,
		MaxRefresh:         time.Second,
		UnknownKeyInterval: time.Second,
		Logger:             slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	own, err := verify.JWT(verify.JWTConfig{Issuer: s.issuer.URL, Audience: []string{oauthtest.Audience}, Keys: s.keys})
	if err != nil {
		t.Fatal(err)
	}
	s.neighbors, err = verify.DiscoverWith(context.Background(), verify.JWTConfig{Issuer: s.neighbour.URL, Audience: []string{oauthtest.Audience}}, jwks.RemoteConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	both, err := verify.ByIssuer(own, s.neighbors)
	if err != nil {
		t.Fatal(err)
	}
	if s.guard, err = middleware.New(middleware.Config{Verifier: both}); err != nil {
		t.Fatal(err)
	}
	s.good.Store(&[]string{s.issuer.Token("billing", ""), s.neighbour.Token("billing", "")})
	s.bad.Store(&[]string{
		s.issuer.Token("billing", "", oauthtest.Expired()),
		s.issuer.Token("billing", "", oauthtest.Forged()),
		s.issuer.Token("billing", "", oauthtest.ForAudience("https://other.example")),
	})
	return s
}

func (s *soak) serve() {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = &http.Server{Handler: s.issuer, ReadHeaderTimeout: time.Second}
	go func() { _ = s.server.Serve(listener) }()
}

func (s *soak) kill() { _ = s.server.Close() }

// start has 64 goroutines call: 48 with good and bad tokens in turn, 16 with kids
// that this issuer does not have. They rest between calls, so that what a good
// token takes is not the time that it waits for one of few processors.
func (s *soak) start() {
	for i := range 64 {
		s.workers.Go(func() {
			for !s.done.Load() {
				time.Sleep(rand.N(10 * time.Millisecond))
				if i < 16 {
					s.call(s.issuer.Token("mallory", "", oauthtest.Header("kid", fmt.Sprint(rand.Int64()))), false)
					s.call(s.neighbour.Token("mallory", "", oauthtest.Claim("iss", s.issuer.URL)), false)
					continue
				}
				s.lists.RLock()
				good, bad := *s.good.Load(), *s.bad.Load()
				s.call(good[rand.N(len(good))], true)
				s.call(bad[rand.N(len(bad))], false)
				s.lists.RUnlock()
			}
		})
	}
}

func (s *soak) call(token string, good bool) {
	phase := s.phase.Load()
	began := time.Now()
	_, denial := s.guard.Check(context.Background(), middleware.Request{Header: http.Header{"Authorization": {"Bearer " + token}}})
	took := time.Since(began)
	s.requests.Add(1)
	if good && phase != nil {
		s.mu.Lock()
		s.took[*phase] = append(s.took[*phase], took)
		s.mu.Unlock()
	}
	// A bad token may get 503 where only its key can tell that it is bad, and
	// that cannot be fetched.
	if good == (denial == nil) {
		return
	}
	s.wrong.Add(1)
	text := "a bad token passed"
	if denial != nil {
		text = fmt.Sprintf("a good token was refused: %d %s %v", denial.Status, denial.Reason, denial.Err)
	}
	s.first.CompareAndSwap(nil, &text)
}

// during lets the calls go on for a while after something has happened.
func (s *soak) during(name string, happens func()) {
	if happens != nil {
		happens()
		time.Sleep(soakPhase) // for the schedule and strangers to meet it
	}
	s.phase.Store(&name)
	time.Sleep(soakPhase)
	s.phase.Store(nil)
	s.order = append(s.order, name)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.heap = append(s.heap, m.HeapAlloc)
}

// rotate signs with a new key. Its tokens join the good ones when the first of
// them has passed: an invented kid may have used up the fetch of this second.
func (s *soak) rotate() {
	s.issuer.Rotate("ES256")
	token := s.issuer.Token("billing", "")
	began := time.Now()
	for {
		_, denial := s.guard.Check(context.Background(), middleware.Request{Header: http.Header{"Authorization": {"Bearer " + token}}})
		if denial == nil {
			break
		}
		if time.Since(began) > 10*time.Second {
			s.t.Errorf("a new key was not found: %+v", denial)
			break
		}
		runtime.Gosched()
	}
	s.t.Logf("a new key was found %v after it was published, under a flood of invented kids", time.Since(began).Round(time.Millisecond))
	good := append(slices.Clone(*s.good.Load()), token)
	s.good.Store(&good)
}

// withdraw publishes the newest key alone. The tokens of the others are good until
// the next refresh, and bad from then on.
func (s *soak) withdraw() {
	good := *s.good.Load()
	withdrawn := []string{good[0], good[2]}
	remaining := []string{good[1], good[3]}
	s.lists.Lock() // until nobody is about to use one of them
	s.good.Store(&remaining)
	s.lists.Unlock()
	s.issuer.Withdraw()
	began := time.Now()
	for len(s.keys.Health().KeyIDs) > 1 && time.Since(began) < 10*time.Second {
		runtime.Gosched()
	}
	s.t.Logf("withdrawn keys were out of use after %v", time.Since(began).Round(time.Millisecond))
	bad := append(slices.Clone(*s.bad.Load()), withdrawn...)
	s.bad.Store(&bad)
}

func (s *soak) stop() {
	s.done.Store(true)
	s.workers.Wait()
	s.keys.Close()
	s.neighbors.Close()
	s.kill()
	s.issuer.HTTPClient().CloseIdleConnections()
	s.neighbour.HTTPClient().CloseIdleConnections()
}

func (s *soak) print() {
	for _, phase := range s.order {
		took := s.took[phase]
		slices.Sort(took)
		if len(took) > 0 {
			s.latency[phase] = [2]time.Duration{took[len(took)/2], took[len(took)*99/100]}
		}
	}
	quiet := s.latency["is quiet"][1]
	for i, phase := range s.order {
		l := s.latency[phase]
		s.t.Logf("key server %-16s known kids: p50 %-10v p99 %-10v (%.2f of quiet)  heap %.1f MiB",
			phase+":", l[0].Round(time.Microsecond), l[1].Round(time.Microsecond), float64(l[1])/float64(max(quiet, 1)), float64(s.heap[i])/(1<<20))
	}
	s.t.Logf("%d requests, %d wrong answers; the key server was asked %d times", s.requests.Load(), s.wrong.Load(), s.issuer.Fetches())
}

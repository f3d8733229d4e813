package jwks

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/internal/jose"
)

// RemoteSet is a JWK Set behind a URL. Requests read the last good snapshot of
// it and take no lock; everything that can fail or wait happens behind them.
type RemoteSet struct {
	config  RemoteConfig
	client  *fetch.Client
	current atomic.Pointer[snapshot]
	flights *fetch.Flights[http.Header]
	leftOut map[jose.Skipped]bool // by the last good fetch; only fetches touch it
	stop    context.CancelFunc
}

// snapshot is the set as one fetch found it. It is immutable.
type snapshot struct {
	*index
	fetched time.Time
}

// maxSetBytes bounds a JWK Set: a thousand RSA keys with their certificates left
// out.
const maxSetBytes = 1 << 20

// Remote begins to fetch the JWK Set and keeps it fresh until ctx is done or
// [RemoteSet.Close] is called, whichever is first; so a context with a deadline
// for the start alone is not the one to pass. It waits for the outcome of the
// first fetch, RemoteConfig.Timeout at most. That fetch may fail: then Find
// reports an *UnavailableError until a later one succeeds, tried after about a
// second at first and about once a minute in the end. The error of Remote is for
// a bad configuration.
func Remote(ctx context.Context, config RemoteConfig) (*RemoteSet, error) {
	config, err := config.Complete()
	if err != nil {
		return nil, err
	}
	client := fetch.NewClient(config.HTTPClient, config.InsecureHTTP, config.Timeout, maxSetBytes)
	if err := client.CheckURL(config.URL); err != nil {
		return nil, fmt.Errorf("jwks: RemoteConfig.URL: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	s := &RemoteSet{config: config, client: client, stop: stop}
	s.flights = fetch.NewFlights(ctx, s.fetch)
	context.AfterFunc(ctx, s.forget)

	first := s.flights.Join()
	next := first
	err = fetch.Schedule(ctx, config.URL, config.interval(), func() (http.Header, error) {
		flight := next
		next = nil
		if flight == nil {
			flight = s.flights.Join()
		}
		<-flight.Done
		return flight.Value, flight.Err
	})
	if err != nil {
		stop()
		return nil, fmt.Errorf("jwks: %w", err)
	}
	<-first.Done
	return s, nil
}

// Close ends all fetching. From then on Find reports an *UnavailableError.
func (s *RemoteSet) Close() {
	s.stop()
	s.forget()
}

func (s *RemoteSet) forget() {
	s.current.Store(nil)
	s.client.Close()
}

// Find implements [Set]. It waits for nothing if the kid is known. An unknown
// kid may be that of a key published a moment ago, so it causes a fetch and waits
// for it, unless another unknown kid caused one within
// RemoteConfig.UnknownKeyInterval: then there is no such key. For a token without
// kid, at most 4 keys are returned.
func (s *RemoteSet) Find(ctx context.Context, kid, alg string) ([]*Key, error) {
	// Twice at most: a fetch that was under way may have read the set before
	// the key was in it, one of our own has not.
	for fetches := 0; ; fetches++ {
		snapshot := s.current.Load()
		if snapshot == nil || time.Since(snapshot.fetched) > s.config.MaxStale {
			return nil, s.unavailable()
		}
		if keys, known := snapshot.find(kid, alg); known || fetches == 2 {
			return keys, nil
		}
		flight, err := s.flights.AtMostEvery(s.config.UnknownKeyInterval)
		if err != nil {
			return nil, s.unavailable()
		}
		if flight == nil {
			return nil, nil
		}
		select {
		case <-flight.Done:
			if flight.Err != nil {
				return nil, s.unavailable()
			}
		case <-ctx.Done():
			return nil, &UnavailableError{RetryAfter: time.Second, Err: ctx.Err()}
		}
	}
}

func (s *RemoteSet) unavailable() error {
	retryAfter, err := s.flights.Trouble()
	return &UnavailableError{RetryAfter: retryAfter, Err: err}
}

// fetch replaces the snapshot by what the URL says now, if that is any good.
func (s *RemoteSet) fetch(ctx context.Context) (http.Header, error) {
	header, err := s.replace(ctx)
	if err != nil && ctx.Err() == nil {
		s.config.Logger.Warn("jwks: fetch failed; it will be tried again", "url", s.config.URL, "error", err)
	}
	return header, err
}

func (s *RemoteSet) replace(ctx context.Context) (http.Header, error) {
	document, header, err := s.client.Get(ctx, s.config.URL)
	if err != nil {
		return nil, err
	}
	found, skipped, err := jose.ParseSet(document)
	s.report(skipped)
	if err != nil {
		return nil, fmt.Errorf("the JWK Set: %w", err)
	}
	keys := make([]*Key, len(found))
	for i := range found {
		keys[i] = &Key{found[i]}
	}
	s.current.Store(&snapshot{newIndex(keys, maxCandidates), time.Now()})
	if ctx.Err() != nil { // closed meanwhile
		s.current.Store(nil)
	}
	return header, nil
}

// report says once which keys are left out.
func (s *RemoteSet) report(skipped []jose.Skipped) {
	leftOut := make(map[jose.Skipped]bool, len(skipped))
	for _, key := range skipped {
		if !s.leftOut[key] && !leftOut[key] && len(leftOut) < 20 {
			s.config.Logger.Warn("jwks: key left out", "url", s.config.URL, "key", key.Key, "reason", key.Reason)
		}
		leftOut[key] = true
	}
	s.leftOut = leftOut
}

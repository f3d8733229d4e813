package jwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
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
	begin   func() // the first fetch and the schedule of those that follow; once
	overdue *time.Timer
	stop    context.CancelFunc
	report  reporter
}

// snapshot is the set as one fetch found it. It is immutable.
type snapshot struct {
	*index
	header  http.Header // of the answer
	fetched time.Time
	due     time.Time // when it is fetched again
}

// gone is the snapshot of a set that is closed.
var gone = &snapshot{}

// load is the snapshot to go by; nil if there is none, or no more.
func (s *RemoteSet) load() *snapshot {
	if current := s.current.Load(); current != gone {
		return current
	}
	return nil
}

// maxSetBytes bounds a JWK Set: a thousand RSA keys with their certificates left
// out.
const maxSetBytes = 1 << 20

// Remote begins to fetch the JWK Set and keeps it fresh until ctx is done or
// [RemoteSet.Close] is called, whichever is first; so a context with a deadline
// for the start alone is not the one to pass. Unless the set is Lazy, it waits for
// the outcome of the first fetch, RemoteConfig.Timeout at most. That fetch may
// fail: then Find reports an *UnavailableError until a later one succeeds, tried
// after about a second at first and about once a minute in the end. The error of
// Remote is for a bad configuration; to insist on keys at the start, call
// [RemoteSet.Ready].
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
	s := &RemoteSet{config: config, client: client, stop: stop, report: reporter{url: config.URL, logger: config.Logger}}
	s.flights = fetch.NewFlights(ctx, s.fetch)
	s.begin = sync.OnceFunc(func() { s.schedule(ctx) })
	// httprc knows of the fetches that it asks for, and goes by the wall clock.
	// This timer goes by the latest answer, whoever asked, and by a clock that
	// nobody sets.
	s.overdue = time.AfterFunc(year, func() {
		s.flights.JoinUnless(func() bool { return s.rest() > 0 })
	})
	s.overdue.Stop()
	context.AfterFunc(ctx, s.forget)
	if !config.Lazy {
		s.begin()
		if first := s.flights.First(); first != nil {
			<-first.Done
		}
	}
	return s, nil
}

// schedule begins the first fetch and has the following ones called for.
func (s *RemoteSet) schedule(ctx context.Context) {
	next := s.flights.First()
	err := fetch.Schedule(ctx, s.config.URL, s.config.interval(), func() (http.Header, error) {
		flight := next
		next = nil
		if flight == nil {
			var rest time.Duration
			flight = s.flights.JoinUnless(func() bool { rest = s.rest(); return rest > fetch.Tick })
			if flight == nil { // somebody else has fetched meanwhile
				return http.Header{"Cache-Control": {fmt.Sprintf("max-age=%d", int(rest.Seconds()))}}, nil
			}
		}
		<-flight.Done
		return flight.Value, flight.Err
	})
	if err != nil { // it can only be a window of no length
		s.config.Logger.Error("jwks: keys will not be refreshed", "url", s.config.URL, "error", err)
	}
}

// rest is for how long the keys are fresh.
func (s *RemoteSet) rest() time.Duration {
	if current := s.load(); current != nil {
		return time.Until(current.due)
	}
	return 0
}

// Ready waits until there are keys to verify with, or for ctx: then its error says
// why there are none yet.
func (s *RemoteSet) Ready(ctx context.Context) error {
	s.begin()
	err := s.flights.Wait(ctx)
	for err == nil && !s.Health().Ready { // there were keys, and they are too old
		_, trouble := s.flights.Trouble() // which sees to it that they are fetched
		if errors.Is(trouble, fetch.ErrClosed) {
			err = trouble
			break
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			err = cmp.Or(trouble, ctx.Err())
		}
	}
	if err != nil {
		return fmt.Errorf("jwks: no keys from %s: %w", s.config.URL, err)
	}
	return nil
}

// Close ends all fetching. From then on Find reports an *UnavailableError.
func (s *RemoteSet) Close() {
	s.stop()
	s.forget()
}

func (s *RemoteSet) forget() {
	s.current.Store(gone)
	s.overdue.Stop()
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
		snapshot, err := s.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		if keys, settled := snapshot.find(kid, alg); settled || fetches == 2 {
			return keys, nil
		}
		fetched, err := s.fetchForStranger(ctx)
		switch {
		case err != nil:
			return nil, err
		case !fetched && s.load() == snapshot: // else another one's fetch has landed since we looked
			if fetches == 0 {
				s.report.limited(s.config.UnknownKeyInterval)
			}
			return nil, nil
		}
	}
}

// Edition is the number of the set's keys at the current time, now. While it is the
// same, Find finds for a kid and an alg what it found; no other set has it. It is 0
// where there are no keys to go by, or none that are young enough.
func (s *RemoteSet) Edition(now time.Time) uint64 {
	current := s.load()
	if current == nil || now.Sub(current.fetched) > s.config.MaxStale {
		return 0
	}
	return current.edition
}

// FindAgain is for a token that kid does not settle, as the token or the set names
// no key, and whose signature none of the keys has made that Find returned, which
// are tried: if the issuer has changed its keys meanwhile, one of the new ones may
// have. It is under the same limit as unknown kids, and empty unless the keys have
// changed. An error means that it cannot be told.
func (s *RemoteSet) FindAgain(ctx context.Context, kid, alg string, tried []*Key) ([]*Key, error) {
	for fetched := false; ; fetched = true {
		current := s.load()
		if current == nil {
			return nil, nil
		}
		if keys, _ := current.find(kid, alg); !slices.Equal(keys, tried) {
			return slices.DeleteFunc(slices.Clone(keys), func(key *Key) bool { return slices.Contains(tried, key) }), nil
		}
		if fetched || kid != "" && len(current.named) > 0 {
			return nil, nil
		}
		if _, err := s.fetchForStranger(ctx); err != nil {
			return nil, err
		}
	}
}

// snapshot is the keys to judge by, for which only the very first fetch is waited
// for.
func (s *RemoteSet) snapshot(ctx context.Context) (*snapshot, error) {
	current := s.load()
	if current == nil {
		s.begin()
		if first := s.flights.First(); first != nil {
			if err := wait(ctx, first); err != nil {
				return nil, err
			}
		}
		current = s.load()
	}
	if current == nil || time.Since(current.fetched) > s.config.MaxStale {
		return nil, s.unavailable()
	}
	return current, nil
}

// fetchForStranger tells whether there was a fetch, good and begun after the
// last look or under way then. Without one, a nil error means that strangers have
// had their share.
func (s *RemoteSet) fetchForStranger(ctx context.Context) (fetched bool, err error) {
	flight, err := s.flights.AtMostEvery(s.config.UnknownKeyInterval)
	switch {
	case err != nil:
		return false, s.unavailable()
	case flight == nil:
		return false, nil
	}
	if err := wait(ctx, flight); err != nil {
		return false, err
	}
	if flight.Err != nil {
		return false, s.unavailable()
	}
	return true, nil
}

func wait(ctx context.Context, flight *fetch.Flight[http.Header]) error {
	select {
	case <-flight.Done:
		return nil
	case <-ctx.Done():
		return &UnavailableError{RetryAfter: time.Second, Err: ctx.Err()}
	}
}

func (s *RemoteSet) unavailable() error {
	retryAfter, err := s.flights.Trouble()
	return &UnavailableError{RetryAfter: retryAfter, Err: err}
}

// fetch replaces the snapshot by what the URL says now, if that is any good.
func (s *RemoteSet) fetch(ctx context.Context) (http.Header, error) {
	header, err := s.replace(ctx)
	if ctx.Err() == nil {
		s.report.fetched(err)
	}
	return header, err
}

func (s *RemoteSet) replace(ctx context.Context) (http.Header, error) {
	before := s.current.Load()
	previous := s.load()
	var known http.Header
	if previous != nil && !s.report.failing() { // if it is the condition that the server fails on, ask without
		known = previous.header
	}
	document, header, err := s.client.GetUnless(ctx, s.config.URL, known)
	next := &snapshot{header: header, fetched: time.Now()}
	switch {
	case errors.Is(err, fetch.ErrNotModified):
		next.index, next.header = previous.index, freshen(previous.header, header)
	case err != nil:
		return nil, err
	default:
		var older *index
		if previous != nil {
			older = previous.index
		}
		if next.index, err = s.read(document, older); err != nil {
			return nil, fmt.Errorf("the JWK Set: %w", err)
		}
		s.report.changed(previous, next)
	}
	next.due = next.fetched.Add(s.config.interval().Lifetime(next.header))
	if before == gone || !s.current.CompareAndSwap(before, next) {
		return nil, fetch.ErrClosed // meanwhile
	}
	s.overdue.Reset(time.Until(next.due))
	if s.current.Load() == gone { // meanwhile
		s.overdue.Stop()
	}
	return next.header, nil
}

// read is the keys of a document that are to be used, those of older among them kept.
func (s *RemoteSet) read(document []byte, older *index) (*index, error) {
	found, skipped, err := jose.ParseSet(document)
	if skipped != nil || err == nil {
		s.report.leftOut(skipped)
	}
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(key *jose.Key) bool { return slices.Contains(s.config.Distrusted, key.ID) })
	if len(found) == 0 {
		return nil, errors.New("no key that is trusted")
	}
	return newIndex(keeping(older, wrap(found)), maxCandidates).unless(older), nil
}

// freshen is the header of a document that a 304 has confirmed: what the 304 does
// not say of its ETag and its lifetime is as it was (RFC 9111 §3.2).
func freshen(old, fresh http.Header) http.Header {
	merged := fresh.Clone()
	keep := func(name string) {
		if merged.Get(name) == "" && old.Get(name) != "" {
			merged.Set(name, old.Get(name))
		}
	}
	keep("ETag")
	if fresh.Get("Expires") == "" {
		keep("Cache-Control")
	}
	return merged
}

package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of the pause between a failed fetch and the next.
const (
	minBackoff = time.Second
	maxBackoff = time.Minute
)

// ErrClosed is the outcome of fetches after their context has ended.
var ErrClosed = errors.New("closed, or its context ended")

// Flights sees to it that one fetch is in flight at most, that whoever wants one
// shares it, that a failure is followed by retries with growing pauses until one
// succeeds, and that strangers cannot cause more than their share.
type Flights[T any] struct {
	ctx context.Context
	run func(context.Context) (T, error)

	mu                        sync.Mutex
	inFlight                  *Flight[T]
	landedOnce, succeededOnce bool
	succeeded                 chan struct{} // closed with the first success
	failures                  int           // since the last success
	lastErr                   error         // of the last failure
	retryAt                   time.Time     // while failures > 0
	retry                     *time.Timer
	asked                     time.Time     // when AtMostEvery last began a fetch
	refunded                  time.Time     // when a failure last undid that
	interval                  time.Duration // that it was asked with
}

// Flight is one fetch. Value and Err may be read once Done is closed.
type Flight[T any] struct {
	Done  chan struct{}
	Value T
	Err   error
}

// NewFlights prepares fetches by run, which must return within a bounded time and
// soon after ctx is done. Nothing runs before the first Join, nor after ctx.
func NewFlights[T any](ctx context.Context, run func(context.Context) (T, error)) *Flights[T] {
	f := &Flights[T]{ctx: ctx, run: run, succeeded: make(chan struct{})}
	context.AfterFunc(ctx, f.stopRetrying)
	return f
}

// Join begins a fetch, or joins the one in flight.
func (f *Flights[T]) Join() *Flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.join()
}

// JoinUnless is Join, or nil if there is no need: needless is asked while no fetch
// can land, so that two who want the same fetch never make two of it.
func (f *Flights[T]) JoinUnless(needless func() bool) *Flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if needless() {
		return nil
	}
	return f.join()
}

func (f *Flights[T]) join() *Flight[T] {
	if f.inFlight != nil {
		return f.inFlight
	}
	flight := &Flight[T]{Done: make(chan struct{})}
	if f.ctx.Err() != nil {
		flight.Err = ErrClosed
		close(flight.Done)
		return flight
	}
	f.inFlight = flight
	// The fetch belongs to no request: whoever gives up waiting must not end
	// it for the others.
	go func() {
		// A transport that was given to us may panic, and end this goroutine
		// in other ways: no server stands above it to recover, and those who
		// wait must not wait for ever.
		flight.Err = errors.New("the fetch ended its goroutine")
		defer func() {
			if r := recover(); r != nil {
				flight.Err = fmt.Errorf("panic while fetching: %v", r)
			}
			f.landed(flight)
			close(flight.Done)
		}()
		flight.Value, flight.Err = f.run(f.ctx)
	}()
	return flight
}

func (f *Flights[T]) landed(flight *Flight[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight, f.landedOnce = nil, true
	if flight.Err == nil {
		f.failures, f.lastErr = 0, nil
		if f.retry != nil {
			f.retry.Stop()
		}
		if !f.succeededOnce {
			f.succeededOnce = true
			close(f.succeeded)
		}
		return
	}
	f.lastErr = flight.Err
	if time.Since(f.refunded) >= f.interval { // a failure has told the asker nothing; but a server that fails every other time must not be asked twice as often
		f.asked, f.refunded = time.Time{}, time.Now()
	}
	if f.failures > 0 && time.Now().Before(f.retryAt) {
		return // a fetch that the schedule asked for; the retry that clients were told of stands
	}
	pause := min(minBackoff<<min(f.failures, 10), maxBackoff)
	pause = pause*3/4 + rand.N(pause/2) // within a quarter of it, so that a fleet does not return as one
	f.failures++
	f.retryAt = time.Now().Add(pause)
	if f.ctx.Err() == nil {
		f.retry = time.AfterFunc(pause, func() { f.Join() })
	}
}

func (f *Flights[T]) stopRetrying() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.retry != nil {
		f.retry.Stop()
	}
}

// First is the very first fetch, which is begun if it has not been, or nil when it
// has landed.
func (f *Flights[T]) First() *Flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.landedOnce {
		return nil
	}
	return f.join()
}

// Untouched tells whether no fetch was ever begun, and one still can be.
func (f *Flights[T]) Untouched() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.inFlight == nil && !f.landedOnce && f.ctx.Err() == nil
}

// Wait returns nil when a fetch has succeeded, be it long ago. It begins none.
func (f *Flights[T]) Wait(ctx context.Context) error {
	if f.ctx.Err() != nil {
		return ErrClosed
	}
	select {
	case <-f.succeeded:
		return nil
	default:
	}
	select {
	case <-f.succeeded:
		return nil
	case <-f.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		return cmp.Or(f.lastErr, ctx.Err())
	}
}

// Status is when a failed fetch will be tried again, and the failure; zero and nil
// if a success has followed it, and without a time if nothing will be tried any more.
func (f *Flights[T]) Status() (retryAt time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ctx.Err() != nil:
		return time.Time{}, ErrClosed
	case f.failures == 0:
		return time.Time{}, nil
	}
	return f.retryAt, f.lastErr
}

// AtMostEvery is the fetch to wait for on behalf of a stranger: the one in
// flight, or a new one if none was begun here within the interval. If there is
// none, nil and a nil error say that what was last fetched is as fresh as a
// stranger may demand; an error, that fetches are failing at present, so that
// nobody should wait for one: strangers could be many, and the server hang.
func (f *Flights[T]) AtMostEvery(interval time.Duration) (*Flight[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ctx.Err() != nil:
		return nil, ErrClosed
	case f.failures > 0:
		return nil, f.lastErr
	case f.inFlight != nil:
		return f.inFlight, nil
	case !f.asked.IsZero() && time.Since(f.asked) < interval:
		return nil, nil
	}
	f.asked, f.interval = time.Now(), interval
	return f.join(), nil
}

// Trouble is for somebody without a value: why there is none, and how soon it is
// worth asking again. If nothing is under way to get one, a fetch is begun.
func (f *Flights[T]) Trouble() (retryAfter time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil {
		return maxBackoff, ErrClosed
	}
	if f.failures == 0 {
		f.join()
		return time.Second, errors.New("being fetched")
	}
	// One more second, by which the retry will have had its answer.
	return max(time.Until(f.retryAt), 0) + time.Second, f.lastErr
}

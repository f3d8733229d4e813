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
	asked                     time.Time // when AtMostEvery last began a fetch
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
		flight.Value, flight.Err = f.runSafely()
		f.landed(flight)
		close(flight.Done)
	}()
	return flight
}

// runSafely keeps a panic in a transport that was given to us from ending the
// process: no server stands above this goroutine to recover it.
func (f *Flights[T]) runSafely() (value T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic while fetching: %v", r)
		}
	}()
	return f.run(f.ctx)
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
	f.asked = time.Time{} // a failure has told the asker nothing
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

// Wait returns nil when a fetch has succeeded, be it long ago. It begins none.
func (f *Flights[T]) Wait(ctx context.Context) error {
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

// Status is the last failure if no success has followed it, and when it will be
// tried again.
func (f *Flights[T]) Status() (lastErr error, retryAt time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failures == 0 {
		return nil, time.Time{}
	}
	return f.lastErr, f.retryAt
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
	f.asked = time.Now()
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

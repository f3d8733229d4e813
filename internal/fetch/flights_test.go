package fetch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

var errDown = errors.New("down")

// source is what is fetched: its value is the number of the fetch, unless it is
// down, and a fetch takes some time, during which another would be a mistake.
type source struct {
	t    *testing.T
	took time.Duration

	mu      sync.Mutex
	down    bool
	running int
	fetches []time.Time // when each began
}

func (s *source) fetch(ctx context.Context) (int, error) {
	s.mu.Lock()
	s.fetches = append(s.fetches, time.Now())
	number := len(s.fetches)
	if s.running++; s.running > 1 {
		s.t.Error("two fetches at once")
	}
	s.mu.Unlock()

	select {
	case <-time.After(s.took):
	case <-ctx.Done():
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case s.down:
		return 0, errDown
	default:
		return number, nil
	}
}

func (s *source) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fetches)
}

// pauses are the times between a fetch and the next, from the first given on.
func (s *source) pauses(from int) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pauses []time.Duration
	for i := from; i+1 < len(s.fetches); i++ {
		pauses = append(pauses, s.fetches[i+1].Sub(s.fetches[i])-s.took)
	}
	return pauses
}

// inBubble runs a test with flights of a source, whose context ends before the
// bubble does; a goroutine that outlived it would fail the test.
func inBubble(t *testing.T, s *source, test func(*testing.T, *fetch.Flights[int])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.t = t
		ctx, cancel := context.WithCancel(context.Background())
		defer synctest.Wait()
		defer cancel()
		test(t, fetch.NewFlights(ctx, s.fetch))
	})
}

func TestOneFlightIsSharedByAll(t *testing.T) {
	s := &source{took: time.Second}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		if synctest.Wait(); s.count() != 0 {
			t.Error("a fetch before anybody asked")
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				flight := f.Join()
				if <-flight.Done; flight.Value != 1 || flight.Err != nil {
					t.Errorf("%d, %v", flight.Value, flight.Err)
				}
			})
		}
		all.Wait()
		if s.count() != 1 {
			t.Errorf("%d fetches", s.count())
		}
		next := f.Join()
		if <-next.Done; next.Value != 2 {
			t.Error("who comes after the landing is given an old value")
		}
	})
}

func TestWhoGivesUpDoesNotEndTheFlight(t *testing.T) {
	s := &source{took: 5 * time.Second}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		flight := f.Join()
		select {
		case <-flight.Done:
			t.Fatal("too early")
		case <-impatient.Done():
		}
		other := f.Join()
		if <-other.Done; other.Value != 1 || other.Err != nil {
			t.Errorf("the others are given %d, %v", other.Value, other.Err)
		}
	})
}

func TestFailuresAreRetriedWithGrowingPauses(t *testing.T) {
	s := &source{took: 100 * time.Millisecond, down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		if flight := f.Join(); !errors.Is(waitFor(flight), errDown) {
			t.Error("the failure is not reported")
		}
		time.Sleep(time.Hour)
		pauses := s.pauses(0)
		if len(pauses) < 40 {
			t.Fatalf("%d retries in an hour", len(pauses))
		}
		for i, pause := range pauses {
			middle := min(time.Second<<min(i, 10), time.Minute)
			if pause < middle*3/4 || pause > middle*5/4 {
				t.Errorf("pause %d is %v; it should be within a quarter of %v", i, pause, middle)
			}
		}
		if late := slices.Compact(slices.Clone(pauses[10:])); len(late) < 10 {
			t.Errorf("a fleet would return as one: %v", pauses[10:])
		}
	})
}

func TestASuccessEndsTheRetriesAndResetsThePause(t *testing.T) {
	s := &source{down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		_ = waitFor(f.Join())
		time.Sleep(10 * time.Minute)
		s.set(false)
		time.Sleep(2 * time.Minute) // a retry is due within 75 s
		healed := s.count()
		time.Sleep(24 * time.Hour)
		if s.count() != healed {
			t.Errorf("%d retries of a success", s.count()-healed)
		}

		s.set(true)
		_ = waitFor(f.Join())
		time.Sleep(2 * time.Second)
		if pauses := s.pauses(healed); len(pauses) == 0 || pauses[0] > 1250*time.Millisecond {
			t.Errorf("pauses after a new failure: %v", pauses)
		}
	})
}

func TestAtMostEvery(t *testing.T) {
	const interval = 30 * time.Second
	s := &source{took: time.Second}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		none := func(when string) {
			t.Helper()
			if flight, err := f.AtMostEvery(interval); flight != nil || err != nil {
				t.Errorf("%s: %v, %v", when, flight, err)
			}
		}
		begun := func(when string, number int) {
			t.Helper()
			flight, err := f.AtMostEvery(interval)
			if err != nil || flight == nil {
				t.Fatalf("%s: %v, %v", when, flight, err)
			}
			if <-flight.Done; flight.Value != number {
				t.Errorf("%s: fetch %d", when, flight.Value)
			}
		}

		_ = waitFor(f.Join())
		begun("a fetch that was not begun here does not count", 2)
		none("just after it")
		time.Sleep(interval - time.Second - time.Nanosecond) // the fetch took a second of it
		none("just before the interval is over")
		time.Sleep(time.Nanosecond)
		begun("when the interval is over", 3)

		own := f.Join()
		if shared, err := f.AtMostEvery(interval); shared != own || err != nil {
			t.Errorf("not the one in flight but %v, %v", shared, err)
		}
		<-own.Done
	})
}

func TestAtMostEveryWhileFetchesFail(t *testing.T) {
	const interval = 30 * time.Second
	s := &source{down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		flight, err := f.AtMostEvery(interval)
		if err != nil || !errors.Is(waitFor(flight), errDown) {
			t.Fatalf("%v, %v", flight, err)
		}
		before := s.count()
		for range 100 {
			if flight, err := f.AtMostEvery(interval); flight != nil || !errors.Is(err, errDown) {
				t.Errorf("%v, %v", flight, err)
			}
		}
		if synctest.Wait(); s.count() != before {
			t.Error("strangers hasten the retries")
		}

		s.set(false)
		time.Sleep(2 * time.Second) // the retry
		if s.count() != before+1 {
			t.Fatalf("%d retries", s.count()-before)
		}
		// A failure has told nobody anything, so it does not count.
		flight, err = f.AtMostEvery(interval)
		if err != nil || flight == nil || waitFor(flight) != nil {
			t.Errorf("after the failure: %v, %v", flight, err)
		}
	})
}

func TestTrouble(t *testing.T) {
	s := &source{took: time.Second, down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		if after, err := f.Trouble(); after != time.Second || err == nil {
			t.Errorf("nothing under way: %v, %v", after, err)
		}
		if synctest.Wait(); s.count() != 1 {
			t.Errorf("%d fetches; Trouble begins one", s.count())
		}
		_ = waitFor(f.Join()) // the same
		if s.count() != 1 {
			t.Errorf("%d fetches", s.count())
		}
		for s.count() < 12 { // by then the pauses are as long as they get
			before := s.count()
			after, err := f.Trouble()
			if !errors.Is(err, errDown) {
				t.Error(err)
			}
			if time.Sleep(after); s.count() != before+1 {
				t.Fatalf("after %v there were %d fetches", after, s.count()-before)
			}
			synctest.Wait() // that fetch ends at this very moment, or earlier
		}
		s.set(false)
		time.Sleep(2 * time.Minute)
		if flight, err := f.AtMostEvery(time.Second); flight == nil || err != nil || waitFor(flight) != nil {
			t.Errorf("healed: %v, %v", flight, err)
		}
	})
}

func TestNothingRunsAfterTheContext(t *testing.T) {
	for _, row := range []struct {
		name   string
		source *source
		until  time.Duration // from the first fetch to the end of the context
		first  error
	}{
		{"which ends between fetches", &source{took: time.Second}, time.Minute, nil},
		{"which ends during a fetch", &source{took: 5 * time.Second}, time.Second, context.Canceled},
		{"which ends during the pause after a failure", &source{down: true}, 10 * time.Second, errDown},
		{"which has ended before", &source{}, 0, fetch.ErrClosed},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := row.source
				s.t = t
				ctx, cancel := context.WithCancel(context.Background())
				f := fetch.NewFlights(ctx, s.fetch)
				var first *fetch.Flight[int]
				if row.until > 0 {
					first = f.Join()
					time.Sleep(row.until)
				}
				cancel()
				synctest.Wait()
				ended := s.count()
				if first == nil {
					first = f.Join()
				}
				if err := waitFor(first); !errors.Is(err, row.first) {
					t.Errorf("the first fetch: %v", err)
				}
				if err := waitFor(f.Join()); !errors.Is(err, fetch.ErrClosed) {
					t.Errorf("Join: %v", err)
				}
				if flight, err := f.AtMostEvery(time.Second); flight != nil || !errors.Is(err, fetch.ErrClosed) {
					t.Errorf("AtMostEvery: %v, %v", flight, err)
				}
				if after, err := f.Trouble(); after <= 0 || !errors.Is(err, fetch.ErrClosed) {
					t.Errorf("Trouble: %v, %v", after, err)
				}
				time.Sleep(24 * time.Hour)
				if s.count() != ended {
					t.Errorf("%d fetches after the end", s.count()-ended)
				}
			})
		})
	}
}

func waitFor(flight *fetch.Flight[int]) error {
	<-flight.Done
	return flight.Err
}

// A server that fails every other time must not be asked twice as often for it.
func TestAFailureIsRefundedOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		runs := 0
		f := fetch.NewFlights(ctx, func(context.Context) (int, error) {
			if runs++; runs%2 == 0 {
				return 0, errors.New("down")
			}
			return 0, nil
		})
		<-f.Join().Done
		for range 10 * 60 * 20 { // ten minutes, twenty times a second
			_, _ = f.AtMostEvery(30 * time.Second)
			time.Sleep(50 * time.Millisecond)
		}
		// One of a stranger's own, its retry, one for the refund, and its retry.
		if most := 1 + 20*4; runs > most {
			t.Errorf("%d fetches in ten minutes, more than %d", runs, most)
		}
	})
}

// Two clocks that find the same document overdue cause one fetch, not two.
func TestJoinUnlessItIsNeedless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{t: t, took: time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		flights := fetch.NewFlights(ctx, s.fetch)
		overdue := time.Now()
		fresh := func() bool { return time.Now().After(overdue) } // from the landing on
		first, second := flights.JoinUnless(fresh), flights.JoinUnless(fresh)
		if first == nil || first != second {
			t.Fatalf("while it is overdue: %p, %p", first, second)
		}
		<-first.Done
		if third := flights.JoinUnless(fresh); third != nil || len(s.fetches) != 1 {
			t.Errorf("once it is fresh: %p, %d fetches", third, len(s.fetches))
		}
	})
}

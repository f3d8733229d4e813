package fetch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

func TestTheFirstFetchIsBegunByWhoAsksFirst(t *testing.T) {
	s := &source{took: time.Second}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		first := f.First()
		for range 100 {
			if again := f.First(); again != first {
				t.Fatal("there are two first fetches")
			}
		}
		if f.Join() != first {
			t.Error("the first fetch is not the one in flight")
		}
		if err := waitFor(first); err != nil || first.Value != 1 {
			t.Errorf("%d, %v", first.Value, err)
		}
		if f.First() != nil {
			t.Error("the first fetch has landed, and yet there is one to wait for")
		}
		if synctest.Wait(); s.count() != 1 {
			t.Errorf("%d fetches", s.count())
		}
	})
}

func TestAFirstFetchThatFailedIsTheFirstAllTheSame(t *testing.T) {
	s := &source{down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		_ = waitFor(f.First())
		for range 100 {
			if f.First() != nil {
				t.Fatal("who comes later is to wait for the retry")
			}
		}
		if synctest.Wait(); s.count() != 1 {
			t.Errorf("%d fetches; the retry is not due yet", s.count())
		}
	})
}

func TestWait(t *testing.T) {
	const never = 24 * time.Hour
	for _, row := range []struct {
		name     string
		downFor  time.Duration // from the start
		begun    bool          // somebody has begun the first fetch
		patience time.Duration // until the waiting context ends
		want     error
		between  [2]time.Duration // how long it waits, at least and at most
	}{
		{"for the fetch under way", 0, true, never, nil, [2]time.Duration{time.Second, time.Second}},
		{"for a retry that succeeds", 10 * time.Second, true, never, nil, [2]time.Duration{10 * time.Second, 30 * time.Second}},
		{"not beyond the context, when nothing was begun", 0, false, time.Minute, context.DeadlineExceeded, [2]time.Duration{time.Minute, time.Minute}},
		{"not beyond the context, during the very first fetch", 0, true, time.Second / 2, context.DeadlineExceeded, [2]time.Duration{time.Second / 2, time.Second / 2}},
		{"and why there was no success is what the error says", never, true, time.Minute, errDown, [2]time.Duration{time.Minute, time.Minute}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &source{took: time.Second, down: row.downFor > 0}
			inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
				if row.begun {
					f.First()
				}
				heal := time.AfterFunc(row.downFor, func() { s.set(false) })
				defer heal.Stop()
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), row.patience)
				defer cancel()
				var all sync.WaitGroup
				for range 10 {
					all.Go(func() {
						if err := f.Wait(ctx); !errors.Is(err, row.want) {
							t.Errorf("%v, not %v", err, row.want)
						}
					})
				}
				all.Wait()
				if waited := time.Since(start); waited < row.between[0] || waited > row.between[1] {
					t.Errorf("it waited %v", waited)
				}
				if !row.begun && s.count() != 0 {
					t.Error("waiting begins a fetch")
				}
			})
		})
	}
}

func TestWaitAfterASuccess(t *testing.T) {
	s := &source{}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		_ = waitFor(f.Join())
		s.set(true)
		_ = waitFor(f.Join())
		time.Sleep(time.Hour)
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // whichever way a select falls
			if err := f.Wait(impatient); err != nil {
				t.Fatalf("%v, although a fetch has succeeded", err)
			}
		}
	})
}

func TestWaitEndsWithTheFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{t: t, down: true}
		ctx, cancel := context.WithCancel(context.Background())
		f := fetch.NewFlights(ctx, s.fetch)
		f.First()
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		if err := f.Wait(t.Context()); !errors.Is(err, fetch.ErrClosed) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestStatus(t *testing.T) {
	s := &source{took: time.Second}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		well := func(when string) {
			t.Helper()
			if retryAt, err := f.Status(); err != nil || !retryAt.IsZero() {
				t.Errorf("%s: %v, %v", when, err, retryAt)
			}
		}
		well("before the first fetch")
		first := f.First()
		well("during the first fetch")
		_ = waitFor(first)
		well("after a success")

		s.set(true)
		_ = waitFor(f.Join())
		for range 10 {
			retryAt, err := f.Status()
			if !errors.Is(err, errDown) || time.Until(retryAt) <= 0 {
				t.Fatalf("after a failure: %v, again in %v", err, time.Until(retryAt))
			}
			before := s.count()
			time.Sleep(time.Until(retryAt) - time.Nanosecond)
			if synctest.Wait(); s.count() != before {
				t.Fatal("the retry came earlier")
			}
			time.Sleep(time.Nanosecond)
			if synctest.Wait(); s.count() != before+1 {
				t.Fatal("the retry came later")
			}
			if _, err := f.Status(); !errors.Is(err, errDown) {
				t.Errorf("during the retry: %v", err)
			}
			time.Sleep(s.took)
			synctest.Wait()
		}
		s.set(false)
		_ = waitFor(f.Join())
		well("after another success")
	})
}

// A transport is given to us, and no server stands above the goroutine that calls
// it to recover what it throws.
func TestAPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer synctest.Wait()
		defer cancel()
		var runs []time.Time
		f := fetch.NewFlights(ctx, func(context.Context) (int, error) {
			if runs = append(runs, time.Now()); len(runs) <= 2 {
				panic("a transport of theirs")
			}
			return len(runs), nil
		})
		start := time.Now()
		if err := waitFor(f.Join()); err == nil || !strings.Contains(err.Error(), "panic") || !strings.Contains(err.Error(), "a transport of theirs") {
			t.Errorf("%v", err)
		}
		if err := f.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); len(runs) != 3 || waited > 4*time.Second {
			t.Errorf("%d fetches in %v; a panic is retried like any failure", len(runs), waited)
		}
	})
}

func TestASuccessEndsThePendingRetry(t *testing.T) {
	s := &source{down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		_ = waitFor(f.Join())
		s.set(false)
		time.Sleep(time.Second / 2) // the retry is due after 3/4 s at the earliest
		_ = waitFor(f.Join())       // as the schedule has it
		time.Sleep(24 * time.Hour)
		if s.count() != 2 {
			t.Errorf("%d fetches; the retry was needless", s.count())
		}
	})
}

// Clients were told when it is worth asking again.
func TestAScheduledFailureDoesNotPostponeTheRetry(t *testing.T) {
	s := &source{down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		_ = waitFor(f.Join())
		time.Sleep(10 * time.Minute) // the pauses are about a minute by now
		synctest.Wait()
		retryAt, _ := f.Status()
		if time.Until(retryAt) < 10*time.Second {
			time.Sleep(time.Until(retryAt)) // the one after it
			synctest.Wait()
			retryAt, _ = f.Status()
		}
		for range 5 {
			time.Sleep(time.Second)
			_ = waitFor(f.Join())
			if now, _ := f.Status(); !now.Equal(retryAt) {
				t.Errorf("the retry was moved by %v", now.Sub(retryAt))
			}
		}
		before := s.count()
		time.Sleep(time.Until(retryAt))
		if synctest.Wait(); s.count() != before+1 {
			t.Errorf("%d fetches when the retry was due", s.count()-before)
		}
	})
}

func TestScheduledFailuresDoNotLengthenThePause(t *testing.T) {
	s := &source{down: true}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		for range 7 { // the first is a failure, the others are none that a pause follows
			_ = waitFor(f.Join())
			time.Sleep(100 * time.Millisecond)
		}
		retryAt, _ := f.Status()
		time.Sleep(time.Until(retryAt))
		synctest.Wait()
		next, _ := f.Status()
		if pause := next.Sub(retryAt); pause < 1500*time.Millisecond || pause > 2500*time.Millisecond {
			t.Errorf("the second pause is %v, not about 2s", pause)
		}
	})
}

func TestARetryThatIsDueDuringAScheduledFetchIsThatFetch(t *testing.T) {
	s := &source{down: true, took: 2 * time.Second}
	inBubble(t, s, func(t *testing.T, f *fetch.Flights[int]) {
		_ = waitFor(f.Join())
		time.Sleep(time.Second / 2)
		_ = waitFor(f.Join()) // two seconds, in the midst of which the retry is due
		if s.count() != 2 {
			t.Errorf("%d fetches", s.count())
		}
		retryAt, _ := f.Status()
		if pause := time.Until(retryAt); pause < 1500*time.Millisecond || pause > 2500*time.Millisecond {
			t.Errorf("the next retry is due in %v, not in about 2s", pause)
		}
		time.Sleep(time.Until(retryAt))
		if synctest.Wait(); s.count() != 3 {
			t.Errorf("%d fetches; the retries have ended", s.count())
		}
	})
}

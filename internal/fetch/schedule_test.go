package fetch_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

var hourly = fetch.Interval{Min: time.Minute, Max: time.Hour, Default: 15 * time.Minute}

// lifetimes are headers as a server sends them in answers given now, and how
// long such an answer is fresh within the bounds of hourly. A bubble's clock
// starts at the second, so Expires loses nothing.
var lifetimes = []struct {
	name   string
	header func() http.Header
	fresh  time.Duration
}{
	{"nothing said: the default", header(), 15 * time.Minute},
	{"max-age", header("Cache-Control", "max-age=300"), 5 * time.Minute},
	{"max-age among others, in capitals", header("Cache-Control", "public, MAX-AGE=300, must-revalidate"), 5 * time.Minute},
	{"max-age in quotes", header("Cache-Control", `max-age="300"`), 5 * time.Minute},
	{"max-age in a second field line", header("Cache-Control", "public", "Cache-Control", "max-age=300"), 5 * time.Minute},
	{"max-age below the floor", header("Cache-Control", "max-age=5"), time.Minute},
	{"max-age of nothing: the floor", header("Cache-Control", "max-age=0"), time.Minute},
	{"max-age beyond the ceiling", header("Cache-Control", "max-age=31536000"), time.Hour},
	{"s-maxage, which is for shared caches: the default", header("Cache-Control", "s-maxage=300"), 15 * time.Minute},
	{"Age counts", header("Cache-Control", "max-age=600", "Age", "300"), 5 * time.Minute},
	{"Age counts down to the floor", header("Cache-Control", "max-age=600", "Age", "600"), time.Minute},
	{"Age beyond max-age: the floor", header("Cache-Control", "max-age=600", "Age", "3000"), time.Minute},
	{"Age that is no number does not count", header("Cache-Control", "max-age=600", "Age", "old"), 10 * time.Minute},
	{"no-store: the floor", header("Cache-Control", "no-store"), time.Minute},
	{"no-cache: the floor", header("Cache-Control", "no-cache"), time.Minute},
	{"no-store, whatever max-age says before it", header("Cache-Control", "max-age=300, no-store"), time.Minute},
	{"no-cache, whatever max-age says after it", header("Cache-Control", "no-cache, max-age=300"), time.Minute},
	{"Expires that is no date is past (RFC 9111 section 5.3): the floor", header("Expires", "0"), time.Minute},
	{"max-age beyond all numbers: the ceiling", header("Cache-Control", "max-age=9999999999"), time.Hour},
	{"max-age that is no number, and a large one, is stale: the floor", header("Cache-Control", "max-age=9999999999x"), time.Minute},
	{"max-age that is no number is stale: the floor", header("Cache-Control", "max-age=soon"), time.Minute},
	{"two max-age are stale (RFC 9111 section 4.2.1): the floor", header("Cache-Control", "max-age=300, max-age=3600"), time.Minute},
	{"two max-age in two field lines are stale: the floor", header("Cache-Control", "max-age=3600", "Cache-Control", "max-age=3600"), time.Minute},
	{"Expires", expires(10 * time.Minute), 10 * time.Minute},
	{"Expires beyond the ceiling", expires(24 * time.Hour), time.Hour},
	{"Expires in the past: the floor", expires(-time.Hour), time.Minute},
	{"max-age is stronger than Expires", func() http.Header {
		h := expires(10 * time.Minute)()
		h.Set("Cache-Control", "max-age=300")
		return h
	}, 5 * time.Minute},
}

func header(pairs ...string) func() http.Header {
	return func() http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
}

func expires(in time.Duration) func() http.Header {
	return func() http.Header {
		return http.Header{"Expires": {time.Now().Add(in).UTC().Format(http.TimeFormat)}}
	}
}

func TestLifetime(t *testing.T) {
	for _, row := range lifetimes {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if fresh := hourly.Lifetime(row.header()); fresh != row.fresh {
					t.Errorf("%v, not %v", fresh, row.fresh)
				}
			})
		})
	}
}

// scheduling runs Schedule in a bubble, lets some time pass and returns at which
// times, from the start, refresh was called. A goroutine that outlived the
// context would fail the test.
func scheduling(t *testing.T, every fetch.Interval, passed time.Duration, refresh func() (http.Header, error)) (calls []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer synctest.Wait()
		defer cancel()
		start := time.Now()
		err := fetch.Schedule(ctx, "https://issuer.example/jwks", every, func() (http.Header, error) {
			calls = append(calls, time.Since(start)) // never twice at once, says Schedule, and so does -race
			return refresh()
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(passed)
		synctest.Wait()
	})
	return calls
}

func TestScheduleFollowsTheCachingHeaders(t *testing.T) {
	for _, row := range lifetimes {
		t.Run(row.name, func(t *testing.T) {
			calls := scheduling(t, hourly, 4*time.Hour, func() (http.Header, error) { return row.header(), nil })
			if len(calls) == 0 || calls[0] != 0 {
				t.Fatalf("not called at the start, but at %v", calls)
			}
			if least := int(4*time.Hour/(row.fresh+time.Second)) + 1; len(calls) < least {
				t.Errorf("%d calls in four hours; at least %d are due", len(calls), least)
			}
			for i := range calls[1:] {
				// The schedule looks once a second what is due.
				if pause := calls[i+1] - calls[i]; pause < row.fresh || pause > row.fresh+time.Second {
					t.Errorf("called again after %v, not %v", pause, row.fresh)
				}
			}
		})
	}
}

func TestScheduleOfSeconds(t *testing.T) {
	every := fetch.Interval{Min: time.Second, Max: 2 * time.Second, Default: 2 * time.Second}
	calls := scheduling(t, every, time.Minute, func() (http.Header, error) { return nil, nil })
	if len(calls) < 20 || len(calls) > 31 {
		t.Errorf("%d calls in a minute: %v", len(calls), calls)
	}
}

func TestScheduleNeverCallsTwiceAtOnce(t *testing.T) {
	var running, calls atomic.Int32
	scheduling(t, hourly, 24*time.Hour, func() (http.Header, error) {
		if running.Add(1) > 1 {
			t.Error("twice at once")
		}
		defer running.Add(-1)
		calls.Add(1)
		time.Sleep(10 * time.Minute) // ten times as long as the answer is fresh
		return header("Cache-Control", "max-age=60")(), nil
	})
	if calls.Load() < 24*60/11 { // the lifetime of an answer begins when it is there
		t.Errorf("%d calls in a day", calls.Load())
	}
}

func TestScheduleGoesOnAfterFailures(t *testing.T) {
	n := 0
	calls := scheduling(t, hourly, time.Hour, func() (http.Header, error) {
		if n++; n%3 != 0 { // two of three fail, the first of all among them
			return nil, errors.New("down")
		}
		return header("Cache-Control", "max-age=300")(), nil
	})
	// Failures are worth another look after the floor.
	if len(calls) < 24 {
		t.Fatalf("%d calls in an hour: %v", len(calls), calls)
	}
	for i := range calls[1:] {
		floor := time.Minute
		if (i+1)%3 == 0 {
			floor = 5 * time.Minute
		}
		if pause := calls[i+1] - calls[i]; pause < floor || pause > floor+time.Second {
			t.Errorf("call %d was %v after the one before", i+2, pause)
		}
	}
}

func TestScheduleStopsWithItsContext(t *testing.T) {
	for _, row := range []struct {
		name   string
		passed time.Duration // until the context ends
		calls  int32
	}{
		{"during the first call", 5 * time.Second, 1},
		{"between two calls", 30 * time.Second, 1},
		{"during a later call", 3*time.Minute + 5*time.Second, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var calls atomic.Int32
				err := fetch.Schedule(ctx, "https://issuer.example/jwks", hourly, func() (http.Header, error) {
					calls.Add(1)
					select {
					case <-time.After(10 * time.Second):
						return header("Cache-Control", "max-age=120")(), nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(row.passed)
				cancel()
				time.Sleep(24 * time.Hour)
				if calls.Load() != row.calls {
					t.Errorf("%d calls", calls.Load())
				}
			})
		})
	}
}

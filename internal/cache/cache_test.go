package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// numbered is the digest of a token with a number.
func numbered(n int) Digest {
	var octets [8]byte
	binary.LittleEndian.PutUint64(octets[:], uint64(n))
	sum := sha256.Sum256(octets[:])
	return Digest(sum[:])
}

// numbers is a cache of numbers, each of the token that has it.
type numbers struct{ *Cache[int] }

func newNumbers(size int) numbers { return numbers{New[int](size)} }

// has uses the number, if it is there.
func (c numbers) has(n int) bool {
	d := numbered(n)
	return c.Find(&d) != nil
}

func (c numbers) put(n int, until time.Time) {
	d := numbered(n)
	c.Put(&d, n, until, time.Now())
}

func (c numbers) count(upTo int) (n int) {
	for i := range upTo {
		if d := numbered(i); c.Find(&d) != nil {
			n++
		}
	}
	return n
}

// use asks for tokens as requests do, and puts those in that are not there.
func (c numbers) use(until time.Time, requests int, next func() int) (hitRate float64) {
	hits := 0
	for range requests {
		if n := next(); c.has(n) {
			hits++
		} else {
			c.put(n, until)
		}
	}
	return float64(hits) / float64(requests)
}

func TestACacheThatIsNotFullForgetsNothing(t *testing.T) {
	until := time.Now().Add(time.Hour)
	for _, row := range []struct{ max, tokens int }{{0, 1}, {1, 1}, {8, 8}, {10_000, 7_000}} {
		c := newNumbers(row.max)
		for n := range row.tokens {
			c.put(n, until)
		}
		for n := range row.tokens {
			if !c.has(n) {
				t.Errorf("%d of %d tokens: number %d is gone", row.tokens, row.max, n)
			}
		}
	}
	// Two buckets of eight for each token leave little unused.
	c := newNumbers(10_000)
	next := func() int { return rand.IntN(9_500) }
	if c.use(until, 200_000, next); c.use(until, 100_000, next) < 0.98 {
		t.Error("95 % full, and not nearly all tokens are there")
	}
}

func TestACacheIsBounded(t *testing.T) {
	until := time.Now().Add(time.Hour)
	for max, most := range map[int]int{0: 8, 1: 8, 8: 8, 9: 16, 1000: 1000} {
		c := newNumbers(max)
		for i := range 20 * most {
			c.put(i, until)
		}
		if n := c.count(20 * most); n > most || n < most/2 {
			t.Errorf("of size %d: %d tokens are there, of at most %d", max, n, most)
		}
	}
}

func TestACacheOfNone(t *testing.T) {
	c := newNumbers(-1)
	c.put(1, time.Now().Add(time.Hour))
	d := numbered(1)
	if c.Forget(&d); c.has(1) || c.Size() >= 0 {
		t.Error("there is something in it")
	}
	c.Clear()
}

func TestAValueTakesThePlaceOfTheOneBefore(t *testing.T) {
	c := newNumbers(100)
	until, now, d := time.Now().Add(time.Hour), time.Now(), numbered(1)
	for value := range 50 {
		c.Put(&d, value, until, now)
		if found := c.Find(&d); found == nil || *found != value {
			t.Errorf("found %v, want %d", found, value)
		}
	}
	if c.Forget(&d); c.has(1) {
		t.Error("one of those before has come back")
	}
	c.put(1, until)
	if c.Clear(); c.has(1) {
		t.Error("it outlived Clear")
	}
}

func TestWhatExpiresGoesFirst(t *testing.T) {
	now := time.Now()
	c := newNumbers(8)
	for n := range 7 {
		c.put(n, now.Add(time.Hour))
		c.has(n)
	}
	c.put(7, now.Add(-time.Second)) // has expired
	for range 3 {
		c.has(7) // and is used most
	}
	c.put(8, now.Add(time.Hour))
	for n := range 9 {
		if c.has(n) != (n != 7) {
			t.Errorf("%d is there: %v", n, c.has(n))
		}
	}
}

// Tokens that come once, be there ever so many, leave those that come again where
// they are.
func TestStrangersPushNoRegularOut(t *testing.T) {
	c := newNumbers(10_000)
	until := time.Now().Add(time.Hour)
	stranger, hits, requests := 1000, 0, 0
	for i := range 600_000 {
		n := rand.IntN(1000)
		if i%10 != 0 {
			stranger++
			n = stranger
		}
		there := c.has(n)
		if !there {
			c.put(n, until)
		}
		if n < 1000 && i > 300_000 {
			requests++
			if there {
				hits++
			}
		}
	}
	if rate := float64(hits) / float64(requests); rate < 0.99 {
		t.Errorf("regulars are there %.1f %% of the time", 100*rate)
	}
}

// A token that was in use last week does not keep its place for ever.
func TestWhatIsUsedNoMoreGoes(t *testing.T) {
	c := newNumbers(1000)
	until := time.Now().Add(365 * 24 * time.Hour)
	for range 10 {
		c.use(until, 1000, func() int { return rand.IntN(1000) })
	}
	for n := range 50_000 {
		c.put(1000+n, until)
	}
	if old := c.count(1000); old > 10 {
		t.Errorf("%d old tokens are still there", old)
	}
}

// All of the digest tells, not only that part by which a token is found.
func TestATokenIsNotTakenForOneThatIsNearlyTheSame(t *testing.T) {
	c := newNumbers(8)
	c.put(1, time.Now().Add(time.Hour))
	for i := range numbered(1) {
		other := numbered(1)
		other[i] ^= 1
		if c.Find(&other) != nil {
			t.Errorf("octet %d does not tell", i)
		}
	}
}

func TestACacheByManyAtOnce(t *testing.T) {
	c := newNumbers(64) // so small that they meet
	until := time.Now().Add(time.Hour)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 5000 {
				n := (g*31 + i) % 100
				d := numbered(n)
				if found := c.Find(&d); found != nil && *found != n {
					t.Errorf("asked for %d, got %d", n, *found)
				}
				if c.put(n, until); i%7 == 0 {
					c.Forget(&d)
				}
				if i%1000 == 0 {
					c.Clear()
				}
			}
		})
	}
	all.Wait()
}

// What is documented of MaxEntries.
func TestWhatACacheTakes(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const tokens = 100_000
	before := heap()
	c := newNumbers(tokens)
	if idle := heap() - before; idle > 1<<10 {
		t.Errorf("a cache takes %d bytes before its first token", idle)
	}
	for n := range tokens {
		c.put(n, time.Now().Add(time.Hour))
	}
	each := (heap() - before) / tokens
	t.Logf("%d bytes for a token, its principal left out", each)
	if each > 150 {
		t.Errorf("%d bytes for a token, its principal left out", each)
	}
	runtime.KeepAlive(c)
}

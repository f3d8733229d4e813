package verify

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
func numbered(n int) digest {
	var octets [8]byte
	binary.LittleEndian.PutUint64(octets[:], uint64(n))
	return sha256.Sum256(octets[:])
}

func (c *cache) has(n int) bool {
	d := numbered(n)
	return c.find(&d) != nil
}

func (c *cache) put(n int, until time.Time) {
	c.remember(&accepted{digest: numbered(n)}, until, time.Now())
}

// use asks for tokens as requests do, and puts those in that are not there.
func (c *cache) use(until time.Time, requests int, next func() int) (hitRate float64) {
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
	for _, row := range []struct{ max, tokens int }{{1, 1}, {8, 8}, {10_000, 8_000}} {
		c := newCache(row.max)
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
	c := newCache(10_000)
	next := func() int { return rand.IntN(9_500) }
	if c.use(until, 200_000, next); c.use(until, 100_000, next) < 0.98 {
		t.Error("95 % full, and not nearly all tokens are there")
	}
}

func TestACacheIsBounded(t *testing.T) {
	until := time.Now().Add(time.Hour)
	for max, most := range map[int]int{1: 8, 8: 8, 9: 16, 1000: 1000} {
		c := newCache(max)
		n := 0
		for i := range 20 * most {
			c.put(i, until)
		}
		for i := range 20 * most {
			if c.has(i) {
				n++
			}
		}
		if n > most || n < most/2 {
			t.Errorf("newCache(%d): %d tokens are there, of at most %d", max, n, most)
		}
	}
	if newCache(-1).size() >= 0 {
		t.Error("a cache of none has a size")
	}
}

func TestWhatExpiresGoesFirst(t *testing.T) {
	now := time.Now()
	c := newCache(8)
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
	c := newCache(10_000)
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
	c := newCache(1000)
	until := time.Now().Add(365 * 24 * time.Hour)
	for range 10 {
		c.use(until, 1000, func() int { return rand.IntN(1000) })
	}
	for n := range 50_000 {
		c.put(1000+n, until)
	}
	old := 0
	for n := range 1000 {
		if c.has(n) {
			old++
		}
	}
	if old > 10 {
		t.Errorf("%d old tokens are still there", old)
	}
}

// All of the digest tells, not only that part by which a token is found.
func TestATokenIsNotTakenForOneThatIsNearlyTheSame(t *testing.T) {
	c := newCache(8)
	c.put(1, time.Now().Add(time.Hour))
	for i := range digest(numbered(1)) {
		other := numbered(1)
		other[i] ^= 1
		if c.find(&other) != nil {
			t.Errorf("octet %d does not tell", i)
		}
	}
}

func TestACacheByManyAtOnce(t *testing.T) {
	c := newCache(64) // so small that they meet
	until := time.Now().Add(time.Hour)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 5000 {
				n := (g*31 + i) % 100
				d := numbered(n)
				if a := c.find(&d); a != nil && a.digest != d {
					t.Errorf("asked for %d, got another", n)
				}
				c.put(n, until)
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
	c := newCache(tokens)
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

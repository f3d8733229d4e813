// Package cache remembers what was found out about tokens, by a digest each.
package cache

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Cache remembers one value for a token, for a bounded number of them. A value is
// immutable. A nil Cache remembers nothing.
//
// It is an array of buckets of a few slots each. A token may be in one of two buckets,
// which its digest names; so nearly all slots get used before any token has to go. To
// look takes no lock, and writes nothing but a mark into a slot that was used rarely.
// What is put into a slot while something else is put there may be lost.
//
// Who goes: what is of no use any more, else what was not used since it came, else
// what was used least, and of those what came first; so a flood of tokens that come
// once leaves those in use where they are.
type Cache[V any] struct {
	size    int
	buckets atomic.Pointer[buckets[V]] // made with the first value
}

type buckets[V any] []atomic.Pointer[bucket[V]]

// slots is how many a bucket has: the tags of one are a cache line.
const slots = 8

type bucket[V any] struct {
	tags    [slots]atomic.Uint64 // a part of the digest, which spares a look at the entry
	states  [slots]atomic.Uint64 // see state
	entries [slots]atomic.Pointer[entry[V]]
	puts    atomic.Uint32
}

type entry[V any] struct {
	digest Digest
	value  V
}

// state is until when a value is of use, in Unix seconds, and below how often it was
// used lately, up to mostUsed.
type state uint64

const (
	useBits  = 2
	mostUsed = 1<<useBits - 1
	// agesAfter is the number of values put into a bucket after which all in it
	// count as used once less: what was in use last week does not stay for ever.
	agesAfter = 4 * slots
)

func (s state) used() int                  { return int(s & mostUsed) }
func (s state) useless(now time.Time) bool { return int64(s>>useBits) <= now.Unix() }

// New is a cache of size tokens at most, rounded up to fill a bucket of 8; it takes no
// memory before the first. With a negative size it is nil.
func New[V any](size int) *Cache[V] {
	if size < 0 {
		return nil
	}
	return &Cache[V]{size: size}
}

// Size is that given to New; negative if c is nil.
func (c *Cache[V]) Size() int {
	if c == nil {
		return -1
	}
	return c.size
}

// of are the two buckets that a token may be in. They may be the same one.
func (b buckets[V]) of(d *Digest) [2]*atomic.Pointer[bucket[V]] {
	n := uint64(len(b))
	return [2]*atomic.Pointer[bucket[V]]{
		&b[binary.LittleEndian.Uint64(d[0:])%n],
		&b[binary.LittleEndian.Uint64(d[8:])%n],
	}
}

func (d *Digest) tag() uint64 { return binary.LittleEndian.Uint64(d[16:]) }

// Find is what is remembered of a token, or nil.
func (c *Cache[V]) Find(d *Digest) *V {
	b, slot, e := c.find(d)
	if e == nil {
		return nil
	}
	if s := b.states[slot].Load(); state(s).used() < mostUsed {
		b.states[slot].CompareAndSwap(s, s+1)
	}
	return &e.value
}

// find is where a token is; nothing if it is not there.
func (c *Cache[V]) find(d *Digest) (b *bucket[V], slot int, e *entry[V]) {
	if c == nil {
		return nil, 0, nil
	}
	all := c.buckets.Load()
	if all == nil {
		return nil, 0, nil
	}
	tag := d.tag()
	for _, p := range all.of(d) {
		b := p.Load()
		if b == nil {
			continue
		}
		for i := range slots {
			if b.tags[i].Load() != tag {
				continue
			}
			if e := b.entries[i].Load(); e != nil && e.digest == *d {
				return b, i, e
			}
		}
	}
	return nil, 0, nil
}

// Put remembers a value, which is of use until a time, in place of what there is of
// the token.
func (c *Cache[V]) Put(d *Digest, value V, until, now time.Time) {
	if c == nil {
		return
	}
	b, slot, _ := c.find(d)
	if b == nil {
		b, slot = c.place(d, now)
	}
	b.put(slot, &entry[V]{*d, value}, until)
}

// place is where a token that is not there is to go.
func (c *Cache[V]) place(d *Digest, now time.Time) (b *bucket[V], slot int) {
	all := c.buckets.Load()
	if all == nil {
		made := make(buckets[V], max((c.size+slots-1)/slots, 1))
		c.buckets.CompareAndSwap(nil, &made)
		all = c.buckets.Load()
	}
	least := 0
	for _, p := range all.of(d) {
		if p.Load() == nil {
			p.CompareAndSwap(nil, new(bucket[V]))
		}
		candidate := p.Load()
		if i, loss := candidate.victim(now); b == nil || loss < least {
			b, slot, least = candidate, i, loss
		}
	}
	return b, slot
}

// victim is the slot whose value is to go, and how much of a loss that is: the less,
// the more slots are free or of values that are of no use; without any, how much the
// value was used.
func (b *bucket[V]) victim(now time.Time) (slot, loss int) {
	free, begin := 0, int(b.puts.Load())
	slot, loss = begin%slots, mostUsed+1
	for n := range slots {
		i := (begin + n) % slots // what came first goes first, among equals
		s := state(b.states[i].Load())
		switch {
		case b.entries[i].Load() == nil || s.useless(now):
			free++
			slot = i
		case free == 0 && s.used() < loss:
			slot, loss = i, s.used()
		}
	}
	if free > 0 {
		loss = -free
	}
	return slot, loss
}

func (b *bucket[V]) put(slot int, e *entry[V], until time.Time) {
	b.entries[slot].Store(e)
	b.tags[slot].Store(e.digest.tag())
	b.states[slot].Store(uint64(until.Unix()) << useBits)
	if b.puts.Add(1)%agesAfter != 0 {
		return
	}
	for i := range slots {
		if s := b.states[i].Load(); state(s).used() > 0 {
			b.states[i].CompareAndSwap(s, s-1)
		}
	}
}

// Forget removes what is remembered of a token.
func (c *Cache[V]) Forget(d *Digest) {
	for {
		b, slot, e := c.find(d)
		if e == nil {
			return
		}
		b.entries[slot].CompareAndSwap(e, nil)
	}
}

// Clear forgets everything.
func (c *Cache[V]) Clear() {
	if c != nil {
		c.buckets.Store(nil)
	}
}

// Package cache remembers what was found out about tokens, by a digest each.
package cache

import (
	"encoding/binary"
	"math"
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
// what was used least, and of those any one; so a flood of tokens that come once leaves
// those in use where they are.
type Cache[V any] struct {
	size    int
	buckets atomic.Pointer[buckets[V]] // made with the first value
}

type buckets[V any] []atomic.Pointer[bucket[V]]

// slots is how many a bucket has: two cache lines, of which one tells which slots to
// look into.
const slots = 8

type bucket[V any] struct {
	marks   [slots]atomic.Uint32 // see mark
	untils  [slots]atomic.Uint32 // until when a value is of use, see moment
	entries [slots]atomic.Pointer[entry[V]]
}

type entry[V any] struct {
	digest Digest
	value  V
}

// mark is a part of a token's digest, which spares a look at the entry, and below how
// often it was used lately, up to mostUsed.
type mark uint32

const (
	useBits  = 2
	mostUsed = 1<<useBits - 1
	// agesAfter is the number of values put into a bucket after which, on average, all
	// in it count as used once less: what was in use last week does not stay for ever.
	agesAfter = 4 * slots
)

func (m mark) used() int         { return int(m & mostUsed) }
func (m mark) of(d *Digest) bool { return m|mostUsed == d.mark()|mostUsed }

// moment is a time in Unix seconds, which last until 2106 in 32 bits; what is of use
// for longer is, for all that the cache knows, of use until then.
func moment(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

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
		&b[uint64(binary.LittleEndian.Uint32(d[0:]))*n>>32],
		&b[uint64(binary.LittleEndian.Uint32(d[4:]))*n>>32],
	}
}

func (d *Digest) mark() mark { return mark(binary.LittleEndian.Uint32(d[8:])) &^ mostUsed }

// lot is a number that decides where nothing else does. Nobody outside the process
// knows digests, so nobody can choose it.
func (d *Digest) lot() int { return int(binary.LittleEndian.Uint32(d[12:]) >> 1) }

// Find is what is remembered of a token, or nil.
func (c *Cache[V]) Find(d *Digest) *V {
	b, slot, e := c.find(d)
	if e == nil {
		return nil
	}
	if m := b.marks[slot].Load(); mark(m).of(d) && mark(m).used() < mostUsed {
		b.marks[slot].CompareAndSwap(m, m+1)
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
	for _, p := range all.of(d) {
		b := p.Load()
		if b == nil {
			continue
		}
		for i := range slots {
			if !mark(b.marks[i].Load()).of(d) {
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
// the token. It gives back where the value is now, for those who share it.
func (c *Cache[V]) Put(d *Digest, value V, until, now time.Time) *V {
	e := &entry[V]{*d, value}
	if c == nil {
		return &e.value
	}
	b, slot, _ := c.find(d)
	if b == nil {
		b, slot = c.place(d, now)
	}
	b.put(slot, e, until)
	return &e.value
}

// place is where a token that is not there is to go: into its first bucket while that
// is half empty, for it is the first to be looked into, and else to the lesser loss.
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
		if i, loss := candidate.victim(d.lot(), now); b == nil || loss < least {
			b, slot, least = candidate, i, loss
		}
		if least <= -slots/2 {
			break
		}
	}
	return b, slot
}

// victim is the slot whose value is to go, and how much of a loss that is: the less,
// the more slots are free or of values that are of no use; without any, how much the
// value was used. Among equals, the lot decides.
func (b *bucket[V]) victim(lot int, now time.Time) (slot, loss int) {
	free, past := 0, moment(now)
	slot, loss = lot%slots, mostUsed+1
	for n := range slots {
		i := (lot + n) % slots
		used := mark(b.marks[i].Load()).used()
		switch {
		case b.entries[i].Load() == nil || b.untils[i].Load() <= past:
			free++
			slot = i
		case free == 0 && used < loss:
			slot, loss = i, used
		}
	}
	if free > 0 {
		loss = -free
	}
	return slot, loss
}

func (b *bucket[V]) put(slot int, e *entry[V], until time.Time) {
	b.entries[slot].Store(e)
	b.untils[slot].Store(moment(until))
	b.marks[slot].Store(uint32(e.digest.mark()))
	if e.digest.lot()/slots%agesAfter != 0 {
		return
	}
	for i := range slots {
		if m := b.marks[i].Load(); mark(m).used() > 0 {
			b.marks[i].CompareAndSwap(m, m-1)
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

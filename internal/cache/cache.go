// Package cache remembers what was found out about tokens, by a digest each.
package cache

import (
	"cmp"
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
// what was used least, and of those what came first; so a flood of tokens that come
// once leaves those in use where they are.
type Cache[V any] struct {
	size    int
	buckets atomic.Pointer[buckets[V]] // made with the first value
}

type buckets[V any] struct {
	count uint32
	// chunks are made as they are needed. There are few, so to find a bucket is a look
	// into memory that is used all the time, and one into the bucket.
	chunks []atomic.Pointer[chunk[V]]
}

type chunk[V any] struct {
	buckets [chunkSize]bucket[V]
	puts    [chunkSize]atomic.Uint32 // how many values each was given
}

const chunkSize = 16

// slots is how many a bucket has, which is then two cache lines.
const slots = 8

type bucket[V any] [slots]slot[V]

type slot[V any] struct {
	mark  atomic.Uint32 // see mark
	until atomic.Uint32 // until when the value is of use, see Seconds
	entry atomic.Pointer[entry[V]]
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
	// agesAfter is the number of values put into a bucket after which all in it
	// count as used once less: what was in use last week does not stay for ever.
	agesAfter = 4 * slots
)

func (m mark) used() int         { return int(m & mostUsed) }
func (m mark) of(d *Digest) bool { return m|mostUsed == d.mark()|mostUsed }

// Seconds is a time in Unix seconds, rounded down, and no less or more than 32 bits
// hold: they last from 1970 until 2106.
func Seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

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

// of are the numbers of the two buckets that a token may be in. They may be the same.
func (b *buckets[V]) of(d *Digest) [2]uint32 {
	number := func(octets []byte) uint32 {
		return uint32(uint64(binary.LittleEndian.Uint32(octets)) * uint64(b.count) >> 32)
	}
	return [2]uint32{number(d[0:]), number(d[4:])}
}

// at is the bucket of a number, or nil if nothing is in it.
func (b *buckets[V]) at(number uint32) *bucket[V] {
	chunk := b.chunks[number/chunkSize].Load()
	if chunk == nil {
		return nil
	}
	return &chunk.buckets[number%chunkSize]
}

func (d *Digest) mark() mark { return mark(binary.LittleEndian.Uint32(d[8:])) &^ mostUsed }

// Find is what is remembered of a token, or nil.
func (c *Cache[V]) Find(d *Digest) *V {
	where, e := c.find(d)
	if e == nil {
		return nil
	}
	if m := where.mark.Load(); mark(m).of(d) && mark(m).used() < mostUsed {
		where.mark.CompareAndSwap(m, m+1)
	}
	return &e.value
}

// find is where a token is; nothing if it is not there.
func (c *Cache[V]) find(d *Digest) (*slot[V], *entry[V]) {
	if c == nil {
		return nil, nil
	}
	all := c.buckets.Load()
	if all == nil {
		return nil, nil
	}
	for _, number := range all.of(d) {
		b := all.at(number)
		if b == nil {
			continue
		}
		for i := range b {
			if !mark(b[i].mark.Load()).of(d) {
				continue
			}
			if e := b[i].entry.Load(); e != nil && e.digest == *d {
				return &b[i], e
			}
		}
	}
	return nil, nil
}

// Put remembers a value, which is of use until a time, in place of what there is of
// the token. It gives back where the value is now, for those who share it.
func (c *Cache[V]) Put(d *Digest, value V, until, now time.Time) *V {
	e := &entry[V]{*d, value}
	if c == nil {
		return &e.value
	}
	where, _ := c.find(d)
	if where == nil {
		where = c.place(d, now)
	}
	where.entry.Store(e)
	where.until.Store(Seconds(until))
	where.mark.Store(uint32(d.mark()))
	return &e.value
}

// place is where a token that is not there is to go: into its first bucket while that
// is half empty, for it is the first to be looked into, and else to the lesser loss.
func (c *Cache[V]) place(d *Digest, now time.Time) *slot[V] {
	all := c.buckets.Load()
	if all == nil {
		count := max((c.size+slots-1)/slots, 1)
		all = &buckets[V]{uint32(count), make([]atomic.Pointer[chunk[V]], (count+chunkSize-1)/chunkSize)}
		if !c.buckets.CompareAndSwap(nil, all) {
			all = cmp.Or(c.buckets.Load(), all) // or cleared meanwhile, so that what is put there is lost
		}
	}
	var (
		b           *bucket[V]
		puts        *atomic.Uint32
		slot, least int
	)
	for _, number := range all.of(d) {
		candidate := all.at(number)
		if candidate == nil {
			all.chunks[number/chunkSize].CompareAndSwap(nil, new(chunk[V]))
			candidate = all.at(number)
		}
		given := &all.chunks[number/chunkSize].Load().puts[number%chunkSize]
		if i, loss := candidate.victim(int(given.Load()%slots), now); b == nil || loss < least {
			b, puts, slot, least = candidate, given, i, loss
		}
		if least <= -slots/2 {
			break
		}
	}
	if puts.Add(1)%agesAfter == 0 {
		b.age()
	}
	return &b[slot]
}

// victim is the slot whose value is to go, and how much of a loss that is: the less,
// the more slots are free or of values that are of no use; without any, how much the
// value was used. Of equals, it is the first one from begin on.
func (b *bucket[V]) victim(begin int, now time.Time) (slot, loss int) {
	free, past := 0, Seconds(now)
	slot, loss = begin, mostUsed+1
	for n := range slots {
		i := (begin + n) % slots // what came first goes first
		used := mark(b[i].mark.Load()).used()
		switch {
		case b[i].entry.Load() == nil || b[i].until.Load() <= past:
			if free++; free == 1 || i < slot {
				slot = i
			}
		case free == 0 && used < loss:
			slot, loss = i, used
		}
	}
	if free > 0 {
		loss = -free
	}
	return slot, loss
}

// age makes all in b count as used once less.
func (b *bucket[V]) age() {
	for i := range b {
		if m := b[i].mark.Load(); mark(m).used() > 0 {
			b[i].mark.CompareAndSwap(m, m-1)
		}
	}
}

// Forget removes what is remembered of a token.
func (c *Cache[V]) Forget(d *Digest) {
	for {
		where, e := c.find(d)
		if e == nil {
			return
		}
		where.entry.CompareAndSwap(e, nil)
	}
}

// Clear forgets everything.
func (c *Cache[V]) Clear() {
	if c != nil {
		c.buckets.Store(nil)
	}
}

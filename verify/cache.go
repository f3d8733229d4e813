package verify

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// accepted is a token that was found good, and what it went by. It is immutable.
type accepted struct {
	digest    digest
	principal *principal.Principal
	by        *JWTVerifier
	header    *jose.Header // by which the key was found
	key       *jwks.Key    // that has made the signature
}

// cache remembers tokens that were found good, a bounded number of them. That one is
// in it says that its signature was good once; what may have changed since, its
// verifier looks at each time.
//
// It is an array of buckets of a few slots each. A token may be in one of two buckets,
// which its digest names; so nearly all slots get used before any token has to go. A
// look takes no lock, and writes nothing but a mark in a slot that is rarely used. One
// that is put into a slot while another is put there may be lost, and is verified once
// more then.
//
// Who goes: a token that has expired, else one that was not used since it came, else
// one that was used least; so a flood of tokens that come once leaves those in use
// where they are.
type cache struct {
	max     int
	buckets atomic.Pointer[[]atomic.Pointer[bucket]] // made with the first token
}

// slots is how many a bucket has: the tags of one are a cache line.
const slots = 8

type bucket struct {
	tags   [slots]atomic.Uint64 // a part of the digest, which spares a look at the token
	states [slots]atomic.Uint64 // see state
	tokens [slots]atomic.Pointer[accepted]
	puts   atomic.Uint32
}

// state is until when a token is good, in Unix seconds, and below how often it was
// used lately, up to mostUsed.
type state uint64

const (
	useBits  = 2
	mostUsed = 1<<useBits - 1
	// agesAfter is the number of tokens put into a bucket after which all in it
	// count as used once less: what was in use last year does not stay for ever.
	agesAfter = 4 * slots
)

func (s state) used() int                  { return int(s & mostUsed) }
func (s state) expired(now time.Time) bool { return int64(s>>useBits) <= now.Unix() }

// newCache is a cache of at most max tokens, rounded up to fill a bucket; nil, which
// remembers none, if max is negative.
func newCache(max int) *cache {
	if max < 0 {
		return nil
	}
	return &cache{max: max}
}

// candidates are the two buckets that a token may be in, in the order of looking.
func candidates(buckets []atomic.Pointer[bucket], d *digest) (first, second *atomic.Pointer[bucket]) {
	n := uint64(len(buckets))
	return &buckets[binary.LittleEndian.Uint64(d[0:])%n], &buckets[binary.LittleEndian.Uint64(d[8:])%n]
}

func (d *digest) tag() uint64 { return binary.LittleEndian.Uint64(d[16:]) }

// size is how many tokens are remembered, at most.
func (c *cache) size() int {
	if c == nil {
		return -1
	}
	return c.max
}

// look is the digest of a token and what is remembered of it, or nil. The digest is
// there only if anything is remembered at all.
func (c *cache) look(token string) (d digest, known *accepted) {
	if c != nil {
		d = digestOf(token)
		known = c.find(&d)
	}
	return d, known
}

// find is the token with this digest, or nil.
func (c *cache) find(d *digest) *accepted {
	buckets := c.buckets.Load()
	if buckets == nil {
		return nil
	}
	first, second := candidates(*buckets, d)
	if a := first.Load().find(d); a != nil {
		return a
	}
	return second.Load().find(d)
}

func (b *bucket) find(d *digest) *accepted {
	if b == nil {
		return nil
	}
	tag := d.tag()
	for i := range slots {
		if b.tags[i].Load() != tag {
			continue
		}
		if a := b.tokens[i].Load(); a != nil && a.digest == *d {
			if s := b.states[i].Load(); state(s).used() < mostUsed {
				b.states[i].CompareAndSwap(s, s+1)
			}
			return a
		}
	}
	return nil
}

// remember puts a token into the cache, which is good until a time.
func (c *cache) remember(a *accepted, until, now time.Time) {
	if c == nil {
		return
	}
	buckets := c.buckets.Load()
	if buckets == nil {
		made := make([]atomic.Pointer[bucket], (c.max+slots-1)/slots)
		c.buckets.CompareAndSwap(nil, &made)
		buckets = c.buckets.Load()
	}
	first, second := candidates(*buckets, &a.digest)
	b, other := made(first), made(second)
	i, loss := b.victim(now)
	if j, otherLoss := other.victim(now); otherLoss < loss {
		b, i = other, j
	}
	b.put(i, a, until)
}

func made(p *atomic.Pointer[bucket]) *bucket {
	if b := p.Load(); b != nil {
		return b
	}
	p.CompareAndSwap(nil, new(bucket))
	return p.Load()
}

// victim is the slot whose token is to go, and how much of a loss that is: the less,
// the more slots are free or of tokens that have expired; without any, how much the
// token was used.
func (b *bucket) victim(now time.Time) (slot, loss int) {
	free, begin := 0, int(b.puts.Load())
	slot, loss = begin%slots, mostUsed+1
	for n := range slots {
		i := (begin + n) % slots // what came first goes first, among equals
		s := state(b.states[i].Load())
		switch {
		case b.tokens[i].Load() == nil || s.expired(now):
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

func (b *bucket) put(i int, a *accepted, until time.Time) {
	b.tokens[i].Store(a)
	b.tags[i].Store(a.digest.tag())
	b.states[i].Store(uint64(until.Unix()) << useBits)
	if b.puts.Add(1)%agesAfter != 0 {
		return
	}
	for i := range slots {
		if s := b.states[i].Load(); state(s).used() > 0 {
			b.states[i].CompareAndSwap(s, s-1)
		}
	}
}

package verify

import (
	"container/list"
	"sync"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

// verdict is what became of a token: a principal or a refusal. until is when it is
// no longer fresh; zero is a verdict that is not kept.
type verdict struct {
	principal *principal.Principal
	refusal   *Refusal
	until     time.Time
}

// fresh tells whether the verdict may still be given. It looks at both clocks: the
// wall clock may be set back, and the monotonic one stands still while a machine is
// suspended.
func (v verdict) fresh(now time.Time, skew time.Duration) bool {
	if !now.Before(v.until) || !now.Round(0).Before(v.until.Round(0)) {
		return false
	}
	// RFC 7662 §4: never beyond exp. There is no allowance here: whether the token
	// is good beyond it by this clock, the server is asked.
	p := v.principal
	return p == nil || (p.ExpiresAt.IsZero() || now.Before(p.ExpiresAt)) && !now.Add(skew).Before(p.NotBefore)
}

// verdicts remembers verdicts, each for one token. Those on good tokens and the
// refusals are apart, each bounded: however many bad tokens there are, they push
// no good one out. Of either the least recently used goes first.
type verdicts struct {
	skew      time.Duration
	good, bad []*shard
}

// shard is a part of the memory with a lock of its own, which is held for a look
// into a map.
type shard struct {
	mu      sync.Mutex
	max     int
	entries map[digest]*list.Element
	recent  list.List // of *remembered, the most recently used in front
}

type remembered struct {
	digest  digest
	verdict verdict
}

// Shards are so large that chance fills them about evenly.
const (
	maxShards      = 16
	entriesOfShard = 256
)

func newVerdicts(maxEntries int, skew time.Duration) *verdicts {
	return &verdicts{skew: skew, good: newShards(maxEntries), bad: newShards(maxEntries)}
}

func newShards(maxEntries int) []*shard {
	n := min(max(maxEntries/entriesOfShard, 1), maxShards)
	shards := make([]*shard, n)
	for i := range shards {
		size := maxEntries / n
		if i < maxEntries%n {
			size++
		}
		shards[i] = &shard{max: size, entries: make(map[digest]*list.Element)}
	}
	return shards
}

func of(shards []*shard, d digest) *shard { return shards[int(d[0])%len(shards)] }

// find is the fresh verdict on a token, if there is one.
func (v *verdicts) find(d digest, now time.Time) (verdict, bool) {
	if found, ok := of(v.good, d).find(d, now, v.skew); ok {
		return found, true
	}
	return of(v.bad, d).find(d, now, v.skew)
}

// remember keeps a verdict instead of what there was on the token.
func (v *verdicts) remember(d digest, given verdict) {
	keep, drop := v.good, v.bad
	if given.refusal != nil {
		keep, drop = drop, keep
	}
	of(drop, d).forget(d)
	if given.fresh(time.Now(), v.skew) {
		of(keep, d).remember(d, given)
	} else {
		of(keep, d).forget(d)
	}
}

// clear forgets everything.
func (v *verdicts) clear() {
	for _, shards := range [][]*shard{v.good, v.bad} {
		for _, s := range shards {
			s.mu.Lock()
			clear(s.entries)
			s.recent.Init()
			s.mu.Unlock()
		}
	}
}

func (s *shard) find(d digest, now time.Time, skew time.Duration) (verdict, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	element, ok := s.entries[d]
	if !ok {
		return verdict{}, false
	}
	found := element.Value.(*remembered).verdict
	if !found.fresh(now, skew) {
		s.drop(element)
		return verdict{}, false
	}
	s.recent.MoveToFront(element)
	return found, true
}

func (s *shard) remember(d digest, given verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if element, ok := s.entries[d]; ok {
		element.Value.(*remembered).verdict = given
		s.recent.MoveToFront(element)
		return
	}
	if len(s.entries) >= s.max {
		s.drop(s.recent.Back())
	}
	s.entries[d] = s.recent.PushFront(&remembered{d, given})
}

func (s *shard) forget(d digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if element, ok := s.entries[d]; ok {
		s.drop(element)
	}
}

func (s *shard) drop(element *list.Element) {
	delete(s.entries, element.Value.(*remembered).digest)
	s.recent.Remove(element)
}

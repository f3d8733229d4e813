package jwks

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// maxCandidates is how many keys of a remote set are tried for one token, at most:
// those of one kid, or of all where the token names none.
const maxCandidates = 4

// index answers Find by one map lookup. It is immutable.
type index struct {
	all   []*Key
	keys  map[question][]*Key
	named map[string]bool // the kids there are
	kids  []string        // the same, in order

	edition uint64 // no other index has the same
}

var editions atomic.Uint64

type question struct{ kid, alg string }

func newIndex(keys []*Key, maxCandidates int) *index {
	x := &index{all: keys, keys: make(map[question][]*Key), named: make(map[string]bool), edition: editions.Add(1)}
	for _, key := range keys {
		kids := []string{""} // a token without kid may be signed by any key
		if id := key.ID(); id != "" {
			x.named[id] = true
			kids = append(kids, id)
		}
		for _, alg := range jose.Algorithms() {
			if !key.key.Supports(alg) {
				continue
			}
			for _, kid := range kids {
				q := question{kid, alg}
				if len(x.keys[q]) < maxCandidates {
					x.keys[q] = append(x.keys[q], key)
				}
			}
		}
	}
	for q, keys := range x.keys {
		x.keys[q] = slices.Clip(keys)
	}
	x.kids = slices.Sorted(maps.Keys(x.named))
	return x
}

// find is the keys for a token, and whether that settles the matter: that the set
// knows its kid or, where no kid is in play, has keys that fit.
func (x *index) find(kid, alg string) (keys []*Key, known bool) {
	if len(x.named) == 0 {
		kid = "" // a set that names no key has no opinion on kid
	}
	keys = x.keys[question{kid, alg}]
	return keys, len(keys) > 0 || x.named[kid]
}

// keeping is keys, but for those that are in older already, which stay the same *Key:
// who has verified with one can tell by it that it is still there.
func keeping(older *index, keys []*Key) []*Key {
	if older == nil {
		return keys
	}
	byID := make(map[string][]*Key, len(older.all))
	for _, key := range older.all {
		byID[key.ID()] = append(byID[key.ID()], key)
	}
	for i, key := range keys {
		if same := slices.IndexFunc(byID[key.ID()], key.equal); same >= 0 {
			keys[i] = byID[key.ID()][same]
		}
	}
	return keys
}

// unless is the older index if both hold the same keys, so that who asks whether
// keys have changed can compare indexes.
func (x *index) unless(older *index) *index {
	if older != nil && slices.Equal(x.all, older.all) {
		return older
	}
	return x
}

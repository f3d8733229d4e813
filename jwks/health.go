package jwks

import (
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

// Health is how a key set fares, in words that may be shown to strangers.
type Health struct {
	// Ready is that there are keys to verify with, which are not too old, or that
	// the set is lazy and nobody has asked for them yet.
	Ready bool `json:"ready"`
	// KeyIDs are the kids of those keys, in alphabetical order; keys without
	// kid are not among them.
	KeyIDs []string `json:"key_ids,omitempty"`
	// LastSuccess is when the keys were last read; of a file, when its contents
	// last changed for the better.
	LastSuccess time.Time `json:"last_success,omitzero"`
	// LastError is why the latest reading failed, or empty if it did not.
	LastError string `json:"last_error,omitempty"`
	// NextFetch is about when they will be read again; a file is watched all
	// the time.
	NextFetch time.Time `json:"next_fetch,omitzero"`
}

// Health is how the set fares now.
func (s *RemoteSet) Health() Health {
	var h Health
	if current := s.load(); current != nil {
		h.Ready = time.Since(current.fetched) <= s.config.MaxStale
		h.KeyIDs = slices.Clone(current.kids)
		h.LastSuccess, h.NextFetch = current.fetched, current.due
	}
	if s.config.Lazy && s.flights.Untouched() {
		h.Ready = true // the first token will fetch them
	}
	if retryAt, err := s.flights.Status(); err != nil {
		h.LastError, h.NextFetch = fetch.Describe(err), retryAt
	}
	return h
}

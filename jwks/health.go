package jwks

import (
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

// Health is how a key set fares, in words that may be shown to strangers.
type Health struct {
	// Ready is that there are keys to verify with, which are not too old.
	Ready bool `json:"ready"`
	// KeyIDs are the kids of those keys, in alphabetical order; keys without
	// kid are not among them.
	KeyIDs []string `json:"key_ids,omitempty"`
	// LastSuccess is when the keys were last read.
	LastSuccess time.Time `json:"last_success,omitzero"`
	// LastError is why the latest reading failed, or empty if it did not.
	LastError string `json:"last_error,omitempty"`
	// NextFetch is about when they will be read again.
	NextFetch time.Time `json:"next_fetch,omitzero"`
}

// Health is how the set fares now.
func (s *RemoteSet) Health() Health {
	var h Health
	if current := s.current.Load(); current != nil {
		h.Ready = time.Since(current.fetched) <= s.config.MaxStale
		h.KeyIDs = slices.Clone(current.kids)
		h.LastSuccess, h.NextFetch = current.fetched, current.due
	}
	if err, retryAt := s.flights.Status(); err != nil {
		h.LastError, h.NextFetch = fetch.Describe(err), retryAt
	}
	return h
}

package jwks

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// reporter tells the log what becomes of a key set, each thing once. But for
// limited, its methods are called by one fetch at a time.
type reporter struct {
	url     string
	logger  *slog.Logger
	lastErr string // of the latest fetch, if it failed
	skipped map[jose.Skipped]bool
	refused atomic.Int64 // unknown kids since they were last told of
	toldOf  atomic.Int64 // when that was, in Unix nanoseconds
}

func (r *reporter) failing() bool { return r.lastErr != "" }

func (r *reporter) fetched(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == r.lastErr:
	case err != nil:
		r.logger.Warn("jwks: fetch failed; it will be tried again", "url", r.url, "error", err)
	default:
		r.logger.Info("jwks: fetching works again", "url", r.url)
	}
	r.lastErr = text
}

func (r *reporter) changed(previous, next *snapshot) {
	if previous == nil {
		r.logger.Info("jwks: keys fetched", "url", r.url, "keys", next.kids)
		return
	}
	added := slices.DeleteFunc(slices.Clone(next.kids), func(kid string) bool { return slices.Contains(previous.kids, kid) })
	withdrawn := slices.DeleteFunc(slices.Clone(previous.kids), func(kid string) bool { return slices.Contains(next.kids, kid) })
	others := slices.ContainsFunc(next.all, func(key *Key) bool { return !slices.ContainsFunc(previous.all, key.equal) })
	if others || len(next.all) != len(previous.all) {
		r.logger.Info("jwks: keys changed", "url", r.url, "added", added, "withdrawn", withdrawn)
	}
}

// maxTold bounds how many keys of one document are told of.
const maxTold = 20

func (r *reporter) leftOut(skipped []jose.Skipped) {
	now := make(map[jose.Skipped]bool, len(skipped))
	for _, key := range skipped {
		if !r.skipped[key] && !now[key] && len(now) < maxTold {
			r.logger.Warn("jwks: key left out", "url", r.url, "key", key.Key, "reason", key.Reason)
		}
		now[key] = true
	}
	r.skipped = now
}

// limited counts a token that was refused because strangers have had their share
// of fetches. What it writes is not more often than they may fetch.
func (r *reporter) limited(interval time.Duration) {
	r.refused.Add(1)
	now, told := time.Now().UnixNano(), r.toldOf.Load()
	if now-told >= interval.Nanoseconds() && r.toldOf.CompareAndSwap(told, now) {
		r.logger.Warn("jwks: tokens with unknown kids come faster than they may cause fetches", "url", r.url, "refused", r.refused.Swap(0))
	}
}

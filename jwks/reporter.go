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
	failing bool
	skipped map[jose.Skipped]bool
	refused atomic.Int64 // unknown kids since they were last told of
	toldOf  atomic.Int64 // when that was, in Unix nanoseconds
}

func (r *reporter) fetched(err error) {
	switch {
	case err != nil:
		r.logger.Warn("jwks: fetch failed; it will be tried again", "url", r.url, "error", err)
	case r.failing:
		r.logger.Info("jwks: fetching works again", "url", r.url)
	}
	r.failing = err != nil
}

func (r *reporter) changed(previous, next *snapshot) {
	if previous == nil {
		r.logger.Info("jwks: keys fetched", "url", r.url, "keys", next.kids)
		return
	}
	added := slices.DeleteFunc(slices.Clone(next.kids), func(kid string) bool { return slices.Contains(previous.kids, kid) })
	withdrawn := slices.DeleteFunc(slices.Clone(previous.kids), func(kid string) bool { return slices.Contains(next.kids, kid) })
	if len(added)+len(withdrawn) > 0 {
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

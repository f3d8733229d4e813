package verify

import (
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
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
// no good one out.
type verdicts struct {
	skew      time.Duration
	good, bad *cache.Cache[verdict]
}

func newVerdicts(maxEntries int, skew time.Duration) *verdicts {
	return &verdicts{skew, cache.New[verdict](maxEntries), cache.New[verdict](maxEntries)}
}

// find is the fresh verdict on a token, if there is one.
func (v *verdicts) find(d *cache.Digest, now time.Time) (verdict, bool) {
	for _, kept := range []*cache.Cache[verdict]{v.good, v.bad} {
		if found := kept.Find(d); found != nil && found.fresh(now, v.skew) {
			return *found, true
		}
	}
	return verdict{}, false
}

// remember keeps a verdict instead of what there was on the token.
func (v *verdicts) remember(d *cache.Digest, given verdict) {
	v.good.Forget(d)
	v.bad.Forget(d)
	now := time.Now()
	switch {
	case !given.fresh(now, v.skew):
	case given.refusal != nil:
		v.bad.Put(d, given, given.until, now)
	default:
		v.good.Put(d, given, given.until, now)
	}
}

// clear forgets everything.
func (v *verdicts) clear() {
	v.good.Clear()
	v.bad.Clear()
}

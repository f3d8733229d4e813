package verify

import (
	"cmp"
	"slices"

	"github.com/bearerguard/bearerguard/jwks"
)

// Health is how the keys of one issuer fare, in words that may be shown to
// strangers.
type Health struct {
	Issuer string `json:"issuer"`
	jwks.Health
}

// Health is one entry: how the issuer's keys fare now. Keys that are given and
// never change are always ready.
func (v *JWTVerifier) Health() []Health {
	health := jwks.Health{Ready: true}
	if keys, ok := v.config.Keys.(interface{ Health() jwks.Health }); ok {
		health = keys.Health()
	}
	return []Health{{v.Issuer(), health}}
}

// Health is one entry: how the issuer's keys fare now.
func (i *Issuer) Health() []Health { return i.verifier.Health() }

// Health is how the keys of each issuer fare now, in the order of their names; of
// verifiers that tell.
func (s *Issuers) Health() []Health {
	var all []Health
	for _, v := range *s.current.Load() {
		if v, ok := v.(interface{ Health() []Health }); ok {
			all = append(all, v.Health()...)
		}
	}
	slices.SortFunc(all, func(a, b Health) int { return cmp.Compare(a.Issuer, b.Issuer) })
	return all
}

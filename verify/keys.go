package verify

import (
	"context"
	"errors"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/jwks"
)

// findSigner is the key of the set that has made the signature.
func findSigner(ctx context.Context, set jwks.Set, compact *jose.Compact) (*jwks.Key, error) {
	keys, err := set.Find(ctx, compact.KeyID, compact.Algorithm)
	if err != nil {
		return nil, noKeys(err)
	}
	if key := signerAmong(keys, compact); key != nil {
		return key, nil
	}
	if remote := asRemote(set); remote != nil {
		others, err := remote.FindAgain(ctx, compact.KeyID, compact.Algorithm, keys)
		if err != nil {
			return nil, noKeys(err)
		}
		if key := signerAmong(others, compact); key != nil {
			return key, nil
		}
	}
	if len(keys) == 0 {
		return nil, unknownKey
	}
	return nil, badSignature
}

func signerAmong(keys []*jwks.Key, compact *jose.Compact) *jwks.Key {
	for _, key := range keys {
		if key.Verify(compact.Algorithm, compact.Input(), compact.Signature()) == nil {
			return key
		}
	}
	return nil
}

// remoteKeys is a key set that can tell more than a [jwks.Set] has to.
type remoteKeys interface {
	// FindAgain tells, where no kid does, whether a signature may be that of a key
	// the set did not have a moment ago.
	FindAgain(ctx context.Context, kid, alg string, tried []*jwks.Key) ([]*jwks.Key, error)
	// Edition is a number that stays while Find would find the same; 0 tells nothing.
	Edition(now time.Time) uint64
}

// asRemote is set as one, or nil. It goes by what set is rather than by the methods it
// has: those of a set of the program's own around one of ours are ours, and know nothing
// of what Find leaves out there.
func asRemote(set jwks.Set) remoteKeys {
	switch set := set.(type) {
	case *jwks.RemoteSet:
		return set
	case *discoveredKeys:
		return set
	default:
		return nil
	}
}

func noKeys(err error) *UnavailableError {
	unavailable := &UnavailableError{RetryAfter: time.Second, Err: err}
	if cause, ok := errors.AsType[*jwks.UnavailableError](err); ok {
		unavailable.RetryAfter = cause.RetryAfter
	}
	return unavailable
}

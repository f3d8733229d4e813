package verify

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

// Revocations knows which tokens have been revoked before they expire: a
// [RevocationList], or your own in front of Redis or a database. Implementations
// are safe for concurrent use.
type Revocations interface {
	// Revoked tells whether the token that p was read from has been revoked.
	// p is never nil, is of a token that is good otherwise, and is shared: it
	// is not to be changed. What identifies a token is its Issuer together
	// with its TokenID; either may be empty.
	//
	// An error means that it cannot be told, and the bool with it does not
	// count; what becomes of the token is the [FailurePolicy]'s to say. The
	// error's text goes to the log alone. If it is or wraps an
	// *UnavailableError, that says when to try again.
	//
	// It is called on every request, while the request waits: bound how long
	// that may be. ctx is the request's, and may have no deadline.
	Revoked(ctx context.Context, p *principal.Principal) (bool, error)
}

// FailurePolicy is what becomes of a good token while the [Revocations] cannot
// tell whether it has been revoked. The zero value is no choice, and
// [Revocable] refuses it.
type FailurePolicy int

const (
	// RefuseOnFailure gives no verdict: an *UnavailableError, and so 503,
	// never 401. Revoked tokens stay out, and the API stands still for as
	// long as the store does.
	RefuseOnFailure FailurePolicy = iota + 1
	// PassOnFailure lets the token pass. The API does not depend on the
	// store, and whoever can bring the store down can use revoked tokens. The
	// failures are not reported here: let the store log or count its own.
	//
	// Where the request's own context is done, there is no verdict all the
	// same: nobody is to pass by hanging up while the store is asked.
	PassOnFailure
)

// RevocableVerifier is a verifier whose tokens can be revoked. It is immutable,
// and safe for concurrent use.
type RevocableVerifier struct {
	verifier  Verifier
	store     Revocations
	onFailure FailurePolicy
}

// Revocable verifies what v verifies, and refuses those tokens that have been
// revoked, with [ReasonRevoked]. The store is asked on every call, after v has
// accepted the token; so a token that v has in a cache is refused as well, and a
// forged one costs the store nothing.
//
// It fails if v or store is nil, or if onFailure does not say in words what a
// failure of the store means. Closing v, where it can be closed, remains the
// caller's.
func Revocable(v Verifier, store Revocations, onFailure FailurePolicy) (*RevocableVerifier, error) {
	switch {
	case v == nil:
		return nil, errors.New("verify: Revocable without a verifier; pass the result of Discover, JWT or ByIssuer")
	case isNil(v):
		return nil, fmt.Errorf("verify: Revocable with a nil %T; look at the error that came with it", v)
	case store == nil:
		return nil, errors.New("verify: Revocable without a store; pass the result of NewRevocationList, or your own Revocations")
	case isNil(store):
		return nil, fmt.Errorf("verify: Revocable with a nil %T; look at the error that came with it", store)
	case onFailure != RefuseOnFailure && onFailure != PassOnFailure:
		return nil, errors.New("verify: Revocable must be told what a failure of the store means: write verify.RefuseOnFailure (503 until it is back) or verify.PassOnFailure (revoked tokens pass meanwhile)")
	}
	return &RevocableVerifier{v, store, onFailure}, nil
}

// isNil tells a nil pointer or function within an interface. Other kinds may
// well work when they are nil, as a map does.
func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil()
}

// Verify implements [Verifier].
func (r *RevocableVerifier) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	p, err := r.verifier.Verify(ctx, token)
	if err != nil || p == nil {
		return nil, err // a nil principal without an error is for the caller to complain of, as without us
	}
	isRevoked, err := r.store.Revoked(ctx, p)
	switch {
	case err != nil && (r.onFailure != PassOnFailure || ctx.Err() != nil):
		return nil, storeFailure(err)
	case err == nil && isRevoked:
		return nil, revoked
	}
	return p, nil
}

// storeFailure is no verdict, whatever err wraps: a store that has, say, its own
// credentials refused may well answer with ErrInvalidToken, which must not condemn
// the caller's token.
func storeFailure(err error) *UnavailableError {
	unavailable := &UnavailableError{RetryAfter: time.Second}
	if cause, ok := errors.AsType[*UnavailableError](err); ok && cause != nil && cause.RetryAfter > 0 {
		unavailable.RetryAfter = cause.RetryAfter
	}
	if errors.Is(err, ErrInvalidToken) {
		unavailable.Err = fmt.Errorf("revocations: %v", err)
	} else {
		unavailable.Err = fmt.Errorf("revocations: %w", err)
	}
	return unavailable
}

// Issuer is the issuer whose tokens are verified, so that [ByIssuer] takes r; ""
// if the verifier given to Revocable has none, or several.
func (r *RevocableVerifier) Issuer() string {
	if v, ok := r.verifier.(interface{ Issuer() string }); ok {
		return v.Issuer()
	}
	return ""
}

// Health is how the keys of each issuer fare now; nothing if the verifier given to
// Revocable does not tell. Of the store it says nothing.
func (r *RevocableVerifier) Health() []Health {
	if v, ok := r.verifier.(interface{ Health() []Health }); ok {
		return v.Health()
	}
	return nil
}

var revoked = &Refusal{ReasonRevoked, "The access token has been revoked.", "the Revocations given to Revocable say so"}

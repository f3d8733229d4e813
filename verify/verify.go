// Package verify decides whether an access token is good, and whom it speaks
// for. [Discover] and [JWT] verify JWT access tokens with keys from package jwks,
// by RFC 9068 or as a [Profile] says; [Introspection] asks the issuer about tokens
// of any form; [Func] is for everything else. [ByIssuer] and [Hybrid] put several
// side by side, [Revocable] goes around them.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

// Verifier decides about access tokens. Implementations are safe for concurrent
// use.
type Verifier interface {
	// Verify is the principal that token speaks for. token is not empty and
	// comes as the client sent it: it is not to be trusted, and never to be
	// logged.
	//
	// An error that wraps ErrInvalidToken condemns the token, and the client
	// is told to get another one (401); a *Refusal says more. Any other error
	// means that there is no verdict, because keys or an endpoint cannot be
	// reached, and the client is told to try again with the same token (503);
	// an *UnavailableError says when.
	Verify(ctx context.Context, token string) (*principal.Principal, error)
}

// Func makes a function a [Verifier].
type Func func(ctx context.Context, token string) (*principal.Principal, error)

// Verify calls f.
func (f Func) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	return f(ctx, token)
}

// ErrInvalidToken is what every error wraps that condemns a token.
var ErrInvalidToken = errors.New("invalid token")

// The reasons of refusals: a closed list, fit for the label of a metric.
const (
	ReasonMalformed   = "malformed"          // not a token of the form that is read here, or too long
	ReasonType        = "type"               // the header's typ is not that of an access token
	ReasonAlgorithm   = "algorithm"          // alg is not allowed
	ReasonCritical    = "critical_header"    // the header demands an extension
	ReasonIssuer      = "issuer"             // iss is not the expected one
	ReasonAudience    = "audience"           // aud does not name this API
	ReasonExpired     = "expired"            // exp has passed
	ReasonNotYetValid = "not_yet_valid"      // nbf or iat lie in the future
	ReasonClaims      = "claims"             // a claim is missing or not of its type
	ReasonBound       = "sender_constrained" // cnf binds the token to a key of its sender, which cannot be checked
	ReasonUnknownKey  = "unknown_key"        // the issuer has no such key
	ReasonSignature   = "signature"          // the signature is not the key's
	ReasonInactive    = "inactive"           // the introspection endpoint says that the token is not active (RFC 7662 §2.2)
	ReasonRevoked     = "revoked"            // the token was good until it was revoked
	ReasonOther       = "other"              // an error of a Func that is not a *Refusal
)

// Refusal condemns a token and says why. It wraps [ErrInvalidToken]. Nothing in
// it repeats a part of the token.
type Refusal struct {
	// Reason is one of the Reason constants.
	Reason string
	// Description is for the client: which check failed. It goes into the
	// response as error_description (RFC 6750 §3).
	Description string
	// Hint is for the API's author: what was expected, and the configuration
	// field that changes it. It goes to the log alone.
	Hint string
}

func (r *Refusal) Error() string {
	text := "verify: invalid token: " + r.Description
	if r.Hint != "" {
		text += " (" + r.Hint + ")"
	}
	return text
}

// Unwrap is ErrInvalidToken.
func (r *Refusal) Unwrap() error { return ErrInvalidToken }

// UnavailableError is that there is no verdict for now.
type UnavailableError struct {
	// RetryAfter is when it is worth asking again.
	RetryAfter time.Duration
	// Err is why, for a log.
	Err error
}

func (e *UnavailableError) Error() string { return fmt.Sprintf("verify: no verdict: %v", e.Err) }

// Unwrap is Err.
func (e *UnavailableError) Unwrap() error { return e.Err }

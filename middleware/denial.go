package middleware

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// The values of a body's error: those of RFC 6750 §3.1, and two where it names
// none. A challenge has the former alone.
const (
	CodeMissingToken   = "missing_token"
	CodeInvalidRequest = "invalid_request"
	CodeInvalidToken   = "invalid_token"
	CodeInsufficient   = "insufficient_scope"
	CodeUnavailable    = "temporarily_unavailable"
)

// Denial is the decision that a request does not pass, before it is rendered.
type Denial struct {
	// Status is 400, 401, 403 or 503.
	Status int
	// Code is one of the Code constants.
	Code string
	// Description says which check failed. It is for the client.
	Description string
	// Scope is, for insufficient_scope, the scopes that a token needs for this
	// request, those it has included, with spaces between them.
	Scope string
	// Challenges are the values of WWW-Authenticate.
	Challenges []string
	// RetryAfter is, for temporarily_unavailable, when to try again.
	RetryAfter time.Duration
	// Reason is one of the Reason constants of this package or of verify.
	Reason string
	// Hint and Err are for the log, never for the client: what was expected
	// and which setting changes it, and the verifier's error, where that is
	// why.
	Hint string
	Err  error
}

// deny makes a denial whose challenge says the same as its body, but for characters
// that a challenge must not have (RFC 6750 §3).
func (g *Guard) deny(d Denial) *Denial {
	challenge := newChallenge("Bearer").quoted("realm", g.realm)
	if d.Code != CodeMissingToken { // §3.1: nothing to complain of yet
		challenge.plain("error", d.Code).plain("error_description", d.Description)
	}
	if d.Scope != "" {
		challenge.plain("scope", d.Scope)
	}
	d.Challenges = []string{challenge.String()}
	return &d
}

func (g *Guard) denyCredential(found credential) *Denial {
	switch found {
	case credentialInQuery:
		return g.deny(Denial{Status: http.StatusUnauthorized, Code: CodeMissingToken, Reason: ReasonMissingToken,
			Description: "An access token in the query is not read; send it in the Authorization header."})
	case credentialMalformed:
		return g.deny(Denial{Status: http.StatusBadRequest, Code: CodeInvalidRequest, Reason: ReasonMalformedHeader,
			Description: "The Authorization header is not Bearer, a space and a token."})
	case credentialTwice:
		return g.deny(Denial{Status: http.StatusBadRequest, Code: CodeInvalidRequest, Reason: ReasonTwoCredentials,
			Description: "The request has more than one credential; send one Authorization header alone."})
	case credentialTooLong:
		return g.deny(Denial{Status: http.StatusUnauthorized, Code: CodeInvalidToken, Reason: verify.ReasonMalformed,
			Description: "The token is too long."})
	default:
		return g.deny(Denial{Status: http.StatusUnauthorized, Code: CodeMissingToken, Reason: ReasonMissingToken,
			Description: "The request has no bearer access token."})
	}
}

// denyToken tells a bad token from a missing verdict: an outage of ours must not
// make clients throw good tokens away.
func (g *Guard) denyToken(ctx context.Context, err error) *Denial {
	if !errors.Is(err, verify.ErrInvalidToken) {
		d := &Denial{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Reason: ReasonUnavailable, Err: err,
			Description: "Access tokens cannot be verified at the moment; try again with the same token.",
			RetryAfter:  5 * time.Second}
		if unavailable, ok := errors.AsType[*verify.UnavailableError](err); ok && unavailable.RetryAfter > 0 {
			d.RetryAfter = unavailable.RetryAfter
		}
		if ctx.Err() != nil { // the client has gone, or its time is up: no outage of ours
			d.Reason = ReasonCanceled
		}
		return d
	}
	d := Denial{Status: http.StatusUnauthorized, Code: CodeInvalidToken, Reason: verify.ReasonOther, Err: err,
		Description: "The access token is invalid."}
	if refusal, ok := errors.AsType[*verify.Refusal](err); ok && refusal != nil {
		d.Reason = cmp.Or(refusal.Reason, d.Reason)
		d.Description = cmp.Or(refusal.Description, d.Description)
		d.Hint = refusal.Hint
	}
	return g.deny(d)
}

func (g *Guard) denyScopes(granted scopes.Set) *Denial {
	return g.deny(Denial{Status: http.StatusForbidden, Code: CodeInsufficient, Reason: ReasonInsufficientScope,
		Description: "The access token does not grant what this request needs.",
		Scope:       strings.Join(g.rule.Wanted(granted), " "),
		Hint:        g.ruleHint})
}

func (g *Guard) denyUser() *Denial {
	return g.deny(Denial{Status: http.StatusForbidden, Code: CodeInsufficient, Reason: ReasonUserToken,
		Description: "This request is for clients in their own name; the access token speaks for a user.",
		Hint:        "the token's sub is neither empty nor its client id (Guard.ClientsOnly)"})
}

// Deny answers r with a denial. It is the same for every client, whatever its
// Accept says.
func (g *Guard) Deny(w http.ResponseWriter, r *http.Request, d *Denial) {
	contentType, body := g.render(d)
	header := w.Header()
	header["Www-Authenticate"] = slices.Clone(d.Challenges)
	if len(d.Challenges) == 0 {
		header.Del("WWW-Authenticate")
	}
	if d.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.RetryAfter.Seconds()))))
	}
	for _, name := range []string{"Content-Encoding", "ETag", "Last-Modified"} {
		header.Del(name) // of the answer that is not given
	}
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	if !slices.Contains(header["Vary"], "Authorization") {
		header.Add("Vary", "Authorization")
	}
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(d.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone: nobody is left to tell
	}
}

func (g *Guard) render(d *Denial) (contentType string, body []byte) {
	contentType, value := g.body(d)
	body, err := json.Marshal(value)
	if err != nil {
		contentType, value = OAuthError(d)
		body, _ = json.Marshal(value) // a struct of strings
	}
	return contentType, append(body, '\n')
}

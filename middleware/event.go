package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/verify"
)

// The reasons for which a guard denies a request itself, beside those for which
// a verifier condemns its token (verify.Reason…). Together they are a closed
// list, fit for the label of a metric.
const (
	ReasonMissingToken      = "missing_token"
	ReasonMalformedHeader   = "malformed_header"
	ReasonTwoCredentials    = "two_credentials"
	ReasonInsufficientScope = "insufficient_scope"
	ReasonUserToken         = "user_token"
	ReasonUnavailable       = "unavailable"
	ReasonCanceled          = "canceled"
)

// Outcome is what became of a request.
type Outcome string

const (
	// Allowed: the token is good, and so are its scopes.
	Allowed Outcome = "allowed"
	// Anonymous: an optional guard let a request without a credential pass.
	Anonymous Outcome = "anonymous"
	// Denied: 400, 401 or 403.
	Denied Outcome = "denied"
	// Unavailable: 503, no verdict.
	Unavailable Outcome = "unavailable"
	// Canceled: the request ended while its token was being verified.
	Canceled Outcome = "canceled"
)

// Event is one decision. Nothing in it is of the token, but for what a verified
// token says.
type Event struct {
	Outcome Outcome
	// Status is the response's, or 0 if the request passed.
	Status int
	// Reason is a Reason constant of this package or of verify, or empty if
	// the request passed.
	Reason string
	// Hint says what was expected and which field of the configuration changes
	// it, where that helps.
	Hint string
	// Err is the verifier's error, if there is one.
	Err error
	// Method and Route are the request's. A method that RFC 9110 and RFC 5789
	// do not name is "_OTHER"; Route is empty where no router has seen the
	// request yet.
	Method, Route string
	// Issuer and ClientID are those of a verified token, else empty.
	Issuer, ClientID string
	// Duration is what the decision took.
	Duration time.Duration
}

func newEvent(r Request, known recall.Token, d *Denial, took time.Duration) Event {
	e := Event{Outcome: Allowed, Method: knownMethod(r.Method), Route: r.Route, Duration: took}
	if known != nil {
		caller := known.Caller()
		e.Issuer, e.ClientID = caller.Issuer, caller.ClientID
	}
	switch {
	case d != nil:
		e.Outcome, e.Status, e.Reason, e.Hint, e.Err = Denied, d.Status, d.Reason, d.Hint, d.Err
		switch {
		case d.Reason == ReasonCanceled:
			e.Outcome = Canceled
		case d.Status == http.StatusServiceUnavailable:
			e.Outcome = Unavailable
		}
	case known == nil:
		e.Outcome = Anonymous
	}
	return e
}

// knownMethod keeps a stranger from choosing the label of a metric.
func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
		return method
	default:
		return "_OTHER"
	}
}

// LogTo is an observer for [Config] that writes events to logger: refusals at
// level Info, outages at Error, and what every API sees all day, requests that
// pass or come without a credential, at Debug. Of a token that is refused it never
// writes any part; of one that was verified, issuer and client id.
func LogTo(logger *slog.Logger) func(context.Context, Event) {
	return func(ctx context.Context, e Event) {
		level := slog.LevelInfo
		switch {
		case e.Outcome == Unavailable:
			level = slog.LevelError
		case e.Outcome != Denied || e.Reason == ReasonMissingToken:
			level = slog.LevelDebug
		}
		if !logger.Enabled(ctx, level) {
			return
		}
		message := "request " + string(e.Outcome)
		switch e.Outcome {
		case Unavailable:
			message = "access tokens cannot be verified"
		case Denied:
			message = "request refused"
		}
		attrs := make([]slog.Attr, 0, 8)
		add := func(name, value string) {
			if value != "" {
				attrs = append(attrs, slog.String(name, value))
			}
		}
		add("reason", e.Reason)
		add("hint", e.Hint)
		add("method", e.Method)
		add("route", e.Route)
		add("issuer", e.Issuer)
		add("client_id", e.ClientID)
		switch err := e.Err.(type) {
		case nil:
		case *verify.Refusal:
			if err != nil && err.Hint == "" {
				add("error", err.Error())
			}
		default:
			add("error", err.Error()) // it says more than the hint
		}
		attrs = append(attrs, slog.Duration("took", e.Duration))
		logger.LogAttrs(ctx, level, message, attrs...)
	}
}

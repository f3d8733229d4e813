package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// Config configures [New]. Only Verifier must be set.
type Config struct {
	// Verifier decides about tokens: verify.Discover, verify.JWT or your own.
	Verifier verify.Verifier
	// Realm names the protected space in every challenge (RFC 9110 §11.5), in
	// printable ASCII. Default "api".
	Realm string
	// Body is what the body of a refusal says. Default [OAuthError];
	// [ProblemDetails] and [LaravelMessage] are ready-made too.
	Body Body
	// Observe hears of every decision; see [LogTo]. It is called on the
	// request's goroutine, before the handler. nil hears nothing.
	Observe func(context.Context, Event)
}

// Guard decides which requests pass. It is immutable: Require, ClientsOnly and
// Optional return copies, so a guard may be shared and derived from freely, at any
// time and from any goroutine.
//
// Guards that come from one New may be nested, on a router and on a route of it,
// say: they verify a request's token once.
type Guard struct {
	*base
	rule        scopes.Rule
	ruleHint    string
	clientsOnly bool
	optional    bool
}

// base is what all guards derived from one New share.
type base struct {
	verifier verify.Verifier
	realm    string
	body     Body
	observe  func(context.Context, Event)
	// recalls is the verifier, if it is one that leaves it to others to make a
	// principal. It refuses, before it does anything else, a token with an octet that
	// no b64token has. So these are looked for in tokens that it has refused, to answer
	// 400 rather than 401, and not in each good one.
	recalls recall.Verifier
}

// New is a guard that any valid token passes. It fails if the configuration is
// not complete, with a message that says what to write.
func New(config Config) (*Guard, error) {
	if config.Verifier == nil {
		return nil, errors.New("middleware: Config.Verifier is nil; set it to the result of verify.Discover or verify.JWT")
	}
	if v := reflect.ValueOf(config.Verifier); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("middleware: Config.Verifier is a nil %T; look at the error that came with it", config.Verifier)
	}
	if config.Realm == "" {
		config.Realm = "api"
	}
	for _, c := range []byte(config.Realm) {
		if c < ' ' || c > '~' {
			return nil, fmt.Errorf("middleware: Config.Realm %q is not printable ASCII; name the API in plain letters, such as \"invoices\"", config.Realm)
		}
	}
	if config.Body == nil {
		config.Body = OAuthError
	}
	return &Guard{base: &base{config.Verifier, config.Realm, config.Body, config.Observe, recall.Of(config.Verifier)}}, nil
}

// Require is g, asking for a token, and for every one of the rules as well.
func (g *Guard) Require(rules ...scopes.Rule) *Guard {
	narrower := *g
	narrower.optional = false
	narrower.rule = g.rule.And(rules...)
	narrower.ruleHint = "the route needs " + narrower.rule.String() + " (Guard.Require)"
	return &narrower
}

// ClientsOnly is g, asking for a token, and refusing those that speak for a user:
// 403.
func (g *Guard) ClientsOnly() *Guard {
	narrower := *g
	narrower.optional = false
	narrower.clientsOnly = true
	return &narrower
}

// Optional is g, letting requests without a credential pass as well, whatever
// else g asks for; their context has no principal. A credential that is there is
// judged as ever. It comes last: what Require and ClientsOnly derive from an
// optional guard is not optional.
func (g *Guard) Optional() *Guard {
	wider := *g
	wider.optional = true
	return &wider
}

// Protect is next behind the guard. CORS preflight requests carry no credential
// and are refused like any other request without one; put a CORS middleware
// around the guard, not behind it.
func (g *Guard) Protect(next http.Handler) http.Handler {
	if next == nil {
		panic("middleware: Protect without a handler to protect")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		attached, denial := g.check(r.Context(), RequestOf(r))
		if denial != nil {
			g.Deny(w, r, denial)
			return
		}
		if attached != nil {
			r = r.WithContext(attached)
		}
		next.ServeHTTP(w, r)
	})
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/principal"
)

// When it is worth trying again: after a call that failed, and when there were too
// many at one time.
const (
	retryAfterFailure = 5 * time.Second
	retryAfterBusy    = time.Second
)

// calls are those in flight: one for a token, and a bounded number of all together.
type calls struct {
	max     int
	mu      sync.Mutex
	running map[cache.Digest]*call
}

func newCalls(most int) *calls { return &calls{max: most, running: make(map[cache.Digest]*call)} }

// call is one question to the endpoint. verdict and err may be read once done is
// closed. ctx is its own, and no request's.
type call struct {
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	verdict verdict
	err     error
}

// wait is the verdict of the call for a token, which others may wait for as well.
func (v *IntrospectionVerifier) wait(ctx context.Context, d cache.Digest, token string) (*principal.Principal, error) {
	c, found, err := v.join(d, token)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return found.principal, found.err()
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return nil, &UnavailableError{RetryAfter: retryAfterBusy, Err: ctx.Err()}
	case <-c.ctx.Done():
		select {
		case <-c.done: // for it ends its context itself, after it has landed
		default: // a transport or a function given to us that does not heed its context
			return nil, v.unavailable(c.ctx.Err())
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	return c.verdict.principal, c.verdict.err()
}

// join is the call for a token, begun if there is none, or the verdict of one that
// has landed just now.
func (v *IntrospectionVerifier) join(d cache.Digest, token string) (*call, verdict, error) {
	v.calls.mu.Lock()
	defer v.calls.mu.Unlock()
	if c, ok := v.calls.running[d]; ok {
		return c, verdict{}, nil
	}
	if found, ok := v.verdicts.find(&d, time.Now()); ok {
		return nil, found, nil
	}
	if len(v.calls.running) >= v.calls.max {
		return nil, verdict{}, &UnavailableError{RetryAfter: retryAfterBusy,
			Err: fmt.Errorf("introspection: %d calls at one time, and no more (IntrospectionConfig.MaxCalls)", v.calls.max)}
	}
	c := &call{done: make(chan struct{})}
	c.ctx, c.cancel = context.WithTimeout(v.ctx, v.config.Timeout)
	v.calls.running[d] = c
	// It belongs to no request: whoever gives up waiting must not end it for the
	// others.
	go v.run(c, d, token)
	return c, verdict{}, nil
}

func (v *IntrospectionVerifier) run(c *call, d cache.Digest, token string) {
	given, err := v.askSafely(c.ctx, token)
	v.state.landed(err)
	if err != nil {
		c.err = v.unavailable(err)
	} else if c.verdict = given; v.ctx.Err() == nil {
		v.verdicts.remember(&d, given)
	}
	v.calls.mu.Lock()
	delete(v.calls.running, d) // after it is remembered: so nobody asks in between
	v.calls.mu.Unlock()
	close(c.done)
	c.cancel()
	if v.ctx.Err() != nil {
		v.client.Close() // its connection as well
	}
}

// unavailable is no verdict, whatever err wraps: a function that was given to us may
// well fail with ErrInvalidToken, of a token of this API's own.
func (v *IntrospectionVerifier) unavailable(err error) *UnavailableError {
	switch {
	case v.ctx.Err() != nil:
		return closed
	case errors.Is(err, ErrInvalidToken):
		err = errors.New(err.Error())
	}
	endpoint, _, _ := strings.Cut(v.config.Endpoint, "?")
	hint := ""
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
		switch {
		case status.Status == http.StatusUnauthorized || status.Status == http.StatusForbidden:
			hint = "; it does not take this API's own credentials (ClientID, ClientSecret and Auth of IntrospectionConfig)"
		case status.Status/100 == 3:
			hint = "; redirects are not followed: write where it leads to into IntrospectionConfig.Endpoint"
		}
	}
	return &UnavailableError{RetryAfter: retryAfterFailure, Err: fmt.Errorf("introspection at %s: %w%s", endpoint, err, hint)}
}

// askSafely keeps a panic in what was given to us, such as a transport, from ending
// the process: no server stands above this goroutine to recover it. What it panicked
// with may hold a token, and is not repeated.
func (v *IntrospectionVerifier) askSafely(ctx context.Context, token string) (given verdict, err error) {
	defer func() {
		if r := recover(); r != nil {
			given, err = verdict{}, fmt.Errorf("panic with a %T", r)
			if bug, ok := r.(runtime.Error); ok {
				err = fmt.Errorf("panic: %w", bug)
			}
		}
	}()
	return v.ask(ctx, token)
}

// ask asks the endpoint (RFC 7662 §2.1). An error means that it has given no answer
// that can be understood.
func (v *IntrospectionVerifier) ask(ctx context.Context, token string) (verdict, error) {
	began := time.Now()
	header := http.Header{"Accept": {"application/json"}}
	if v.config.Signed != nil {
		header.Set("Accept", "application/"+signedResponseType) // RFC 9701 §4
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	who := clientCredentials{v.config.ClientID, v.config.ClientSecret, v.config.Endpoint}
	if err := v.config.Auth.authenticate(ctx, who, header, form); err != nil {
		return verdict{}, err
	}
	response, err := v.client.Post(ctx, v.config.Endpoint, header, form)
	if err != nil {
		return verdict{}, err
	}
	if v.config.Signed != nil {
		if response, err = v.unsign(ctx, response, began); err != nil {
			return verdict{}, err
		}
	}
	return v.understand(response, began)
}

// understand is what the answer to a call that began at a time says (RFC 7662 §2.2).
func (v *IntrospectionVerifier) understand(response []byte, began time.Time) (verdict, error) {
	text := string(response)
	members, err := strictjson.Parse(text, nil)
	if err != nil {
		return verdict{}, fmt.Errorf("the answer: %w", err)
	}
	active := members.Get("active")
	if active.Kind != strictjson.Bool {
		return verdict{}, errors.New(`the answer has no member active that is true or false`)
	}
	if active.Text != "true" {
		return verdict{refusal: inactive, until: began.Add(v.config.MaxNegativeAge)}, nil
	}
	return v.judge(members, text, began), nil
}

// judge reads who calls out of what the server says of an active token, and checks
// what else it says.
func (v *IntrospectionVerifier) judge(members strictjson.Members, response string, began time.Time) verdict {
	refusal := notAccess
	p := new(principal.Principal)
	if isAccessToken(members) {
		refusal = v.claims.read(p, members, time.Now())
	}
	switch {
	case refusal == nil:
		p.Scopes = v.claims.alike(grounds{}, members, p).common.Scopes // one list for all that have it
		p.RawClaims = principal.RawClaimsOf(response)
		return verdict{principal: p, until: began.Add(v.config.MaxAge)}
	case refusal.Reason == ReasonNotYetValid:
		return verdict{refusal: refusal} // it will be good soon, and then at once
	default:
		return verdict{refusal: refusal, until: began.Add(v.config.MaxNegativeAge)}
	}
}

// isAccessToken is false if the server says that the token is of another kind. Its
// endpoint may know refresh tokens as well, whatever the hint asks for (RFC 7662
// §2.1), and whoever holds one must not use it here. What servers call the kind
// differs, as does where they say it, so only names that leave no doubt count.
func isAccessToken(members strictjson.Members) bool {
	for _, name := range []string{"token_use", "token_type", "typ"} {
		kind, _ := members.Get(name).String()
		switch strings.ToLower(kind) {
		case "refresh_token", "refresh", "offline", "id_token", "id":
			return false
		}
	}
	return true
}

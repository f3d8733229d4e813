package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

func TestEachDecisionIsOneEvent(t *testing.T) {
	var events []middleware.Event
	guard := newGuard(t, func(c *middleware.Config) {
		c.Observe = func(_ context.Context, e middleware.Event) { events = append(events, e) }
	})
	mux := http.NewServeMux()
	mux.Handle("GET /x/{id}", guard.Require(scopes.All("x")).Protect(http.NotFoundHandler()))
	mux.Handle("GET /optional", guard.Optional().Protect(http.NotFoundHandler()))
	mux.Handle("GET /clients", guard.ClientsOnly().Protect(http.NotFoundHandler()))

	for _, row := range []struct {
		name, target, authorization string
		want                        middleware.Event
	}{
		{"passes", "/x/1", "Bearer a~x", middleware.Event{Outcome: middleware.Allowed, Route: "GET /x/{id}", ClientID: "a"}},
		{"passes without a credential", "/optional", "", middleware.Event{Outcome: middleware.Anonymous, Route: "GET /optional"}},
		{"no token", "/x/1", "", middleware.Event{Outcome: middleware.Denied, Status: 401, Reason: middleware.ReasonMissingToken, Route: "GET /x/{id}"}},
		{"malformed", "/x/1", "Bearer", middleware.Event{Outcome: middleware.Denied, Status: 400, Reason: middleware.ReasonMalformedHeader, Route: "GET /x/{id}"}},
		{"two credentials", "/x/1?access_token=a", "Bearer a", middleware.Event{Outcome: middleware.Denied, Status: 400, Reason: middleware.ReasonTwoCredentials, Route: "GET /x/{id}"}},
		{"bad", "/x/1", "Bearer revoked", middleware.Event{Outcome: middleware.Denied, Status: 401, Reason: verify.ReasonOther, Route: "GET /x/{id}"}},
		{"may not", "/x/1", "Bearer a", middleware.Event{Outcome: middleware.Denied, Status: 403, Reason: middleware.ReasonInsufficientScope, Route: "GET /x/{id}", ClientID: "a"}},
		{"a user", "/clients", "Bearer user1", middleware.Event{Outcome: middleware.Denied, Status: 403, Reason: middleware.ReasonUserToken, Route: "GET /clients", ClientID: "user1"}},
		{"no verdict", "/x/1", "Bearer down", middleware.Event{Outcome: middleware.Unavailable, Status: 503, Reason: middleware.ReasonUnavailable, Route: "GET /x/{id}"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			events = nil
			r := httptest.NewRequest("GET", row.target, nil)
			if row.authorization != "" {
				r.Header.Set("Authorization", row.authorization)
			}
			mux.ServeHTTP(httptest.NewRecorder(), r)
			if len(events) != 1 {
				t.Fatalf("%d events", len(events))
			}
			got := events[0]
			if got.Duration < 0 || got.Method != "GET" {
				t.Errorf("got %+v", got)
			}
			got.Duration, got.Method, got.Hint, got.Err = 0, "", "", nil
			if got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// Somebody who hangs up is no outage of ours, and somebody who invents a method
// does not choose the label of a metric.
func TestWhatStrangersDoIsNotOurTrouble(t *testing.T) {
	var event middleware.Event
	var log bytes.Buffer
	toLog := middleware.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
	guard := newGuard(t, func(c *middleware.Config) {
		c.Observe = func(ctx context.Context, e middleware.Event) { event = e; toLog(ctx, e) }
	})
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	_, denial := guard.Check(ctx, middleware.Request{Header: bearer("down"), Method: strings.Repeat("X", 1000)})
	if denial == nil || denial.Status != 503 || event.Outcome != middleware.Canceled || event.Reason != middleware.ReasonCanceled {
		t.Errorf("got %+v, %+v", denial, event)
	}
	if event.Method != "_OTHER" || log.Len() > 0 {
		t.Errorf("method %q, log %s", event.Method, &log)
	}
}

func TestTheLogNamesTheCheckAndNeverTheToken(t *testing.T) {
	var log bytes.Buffer
	issuer := oauthtest.NewIssuer(t)
	guard := newGuard(t, func(c *middleware.Config) {
		c.Verifier = issuer.Verifier()
		c.Observe = middleware.LogTo(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})))
	}).Require(scopes.All("x"))

	const attackers = "attackers-own-words"
	for name, row := range map[string]struct{ token, want string }{
		"typ JWT":     {issuer.Token("billing", "x", oauthtest.Header("typ", "JWT")), `add \"JWT\" to Profile.Types`},
		"odd typ":     {issuer.Token("billing", "x", oauthtest.Header("typ", attackers)), "Profile.Types"},
		"odd alg":     {issuer.Token("billing", "x", oauthtest.Header("alg", attackers)), "JWTConfig.Algorithms"},
		"odd kid":     {issuer.Token("billing", "x", oauthtest.Header("kid", attackers)), "reason=unknown_key"},
		"odd issuer":  {issuer.Token("billing", "x", oauthtest.Claim("iss", attackers)), "(Issuer)"},
		"odd aud":     {issuer.Token("billing", "x", oauthtest.ForAudience(attackers)), "(Audience)"},
		"odd subject": {issuer.Token("billing", "x", oauthtest.Claim("client_id", attackers), oauthtest.Forged()), "reason=signature"},
		"expired":     {issuer.Token("billing", "x", oauthtest.Expired()), "reason=expired"},
		"scope":       {issuer.Token("billing", "y"), `client_id=billing`},
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			response := call(guard, "GET", "/", bearer(row.token))
			if line := log.String(); !strings.Contains(line, row.want) || strings.Count(line, "\n") != 1 {
				t.Errorf("want one line with %s, got %s", row.want, line)
			}
			for _, part := range append(strings.Split(row.token, "."), attackers) {
				if strings.Contains(log.String(), part) {
					t.Errorf("the log has %q of the token: %s", part, log.String())
				}
				if strings.Contains(response.Header.Get("WWW-Authenticate"), part) {
					t.Errorf("the challenge has %q of the token", part)
				}
			}
		})
	}
	log.Reset()
	call(guard, "GET", "/", nil)
	call(guard, "GET", "/", bearer(issuer.Token("billing", "x")))
	if log.Len() > 0 {
		t.Errorf("what happens all day is logged above Debug: %s", log.String())
	}
}

// What a verifier of the user's own returns by mistake, or says nothing in, is logged
// without harm.
func TestOddErrorsAreLogged(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		want string
	}{
		"a refusal with a hint":    {&verify.Refusal{Reason: "x", Description: "no", Hint: "set Y"}, "reason=x hint=\"set Y\""},
		"a refusal without one":    {&verify.Refusal{Reason: "x", Description: "no"}, "error=\"verify: invalid token: no\""},
		"a nil refusal":            {(*verify.Refusal)(nil), "reason=other"},
		"an error around the fact": {fmt.Errorf("row 7: %w", verify.ErrInvalidToken), "error=\"row 7: invalid token\""},
		"any other error":          {errors.New("disk full"), "error=\"disk full\""},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			guard := newGuard(t, func(c *middleware.Config) {
				c.Observe = middleware.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
				c.Verifier = verify.Func(func(context.Context, string) (*principal.Principal, error) { return nil, row.err })
			})
			call(guard, "GET", "/", bearer("a"))
			if !strings.Contains(log.String(), row.want) || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("want one line with %s, got %s", row.want, &log)
			}
			if strings.Contains(log.String(), "error=") != strings.Contains(row.want, "error=") {
				t.Errorf("got %s", &log)
			}
		})
	}
}

func TestHowLongADecisionTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		guard, err := middleware.New(middleware.Config{
			Verifier: verify.Func(func(context.Context, string) (*principal.Principal, error) {
				time.Sleep(3 * time.Second)
				return &principal.Principal{}, nil
			}),
			Observe: func(_ context.Context, e middleware.Event) { took = e.Duration },
		})
		if err != nil {
			t.Fatal(err)
		}
		guard.Check(t.Context(), middleware.Request{Method: "GET", Header: http.Header{"Authorization": {"Bearer a"}}})
		if took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

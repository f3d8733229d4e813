package benchmarks

import (
	"context"
	"io"
	"log/slog"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// What JWTConfig.MaxEntries can be: how many verified tokens are remembered.
const (
	cacheDefault = 0
	cacheOff     = -1
)

// Guard is bearerguard as its README sets it up, until ctx is done. The logs are
// written, and then thrown away.
func Guard(ctx context.Context, api API) (*middleware.Guard, error) {
	return guard(ctx, api, cacheDefault, true)
}

func guard(ctx context.Context, api API, cache int, log bool) (*middleware.Guard, error) {
	config := verify.JWTConfig{Issuer: api.Issuer, Audience: []string{api.Audience}, MaxEntries: cache}
	tokens, err := verify.DiscoverWith(ctx, config, jwks.RemoteConfig{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	var observe func(context.Context, middleware.Event)
	if log {
		observe = middleware.LogTo(slog.New(slog.NewTextHandler(io.Discard, nil)))
	}
	g, err := middleware.New(middleware.Config{Verifier: tokens, Observe: observe})
	if err != nil {
		return nil, err
	}
	return g.Require(scopes.All(api.Scope)), nil
}

func bearerguard(ctx context.Context, api API, cache int, log bool) (Middleware, error) {
	g, err := guard(ctx, api, cache, log)
	if err != nil {
		return nil, err
	}
	return g.Protect, nil
}

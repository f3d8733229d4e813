package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	auth0jwks "github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-chi/jwtauth/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/golang-jwt/jwt/v5/request"
	"github.com/lestrrat-go/jwx/v2/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
	"github.com/modelcontextprotocol/go-sdk/auth"
)

// auth0 is its README's production example.
func auth0(_ context.Context, api API) (Middleware, error) {
	issuer, err := url.Parse(api.Issuer)
	if err != nil {
		return nil, err
	}
	provider, err := auth0jwks.NewCachingProvider(auth0jwks.WithIssuerURL(issuer))
	if err != nil {
		return nil, err
	}
	tokens, err := validator.New(
		validator.WithKeyFunc(provider.KeyFunc),
		validator.WithAlgorithm(validator.SignatureAlgorithm(api.Algorithm)),
		validator.WithIssuer(issuer.String()),
		validator.WithAudience(api.Audience),
	)
	if err != nil {
		return nil, err
	}
	guard, err := jwtmiddleware.New(jwtmiddleware.WithValidator(tokens))
	if err != nil {
		return nil, err
	}
	return guard.CheckJWT, nil
}

// chiJWTAuth is its README's group of protected routes. It takes one key, and has
// no way to learn of another.
func chiJWTAuth(ctx context.Context, api API) (Middleware, error) {
	set, err := jwk.Fetch(ctx, api.KeysURL)
	if err != nil {
		return nil, err
	}
	for keys := set.Keys(ctx); keys.Next(ctx); {
		key := keys.Pair().Value.(jwk.Key)
		if key.Algorithm().String() != api.Algorithm {
			continue
		}
		var public any
		if err := key.Raw(&public); err != nil {
			return nil, err
		}
		tokens := jwtauth.New(api.Algorithm, nil, public,
			jwxjwt.WithIssuer(api.Issuer), jwxjwt.WithAudience(api.Audience), jwxjwt.WithRequiredClaim(jwxjwt.ExpirationKey))
		return func(next http.Handler) http.Handler {
			return jwtauth.Verifier(tokens)(jwtauth.Authenticator(tokens)(next))
		}, nil
	}
	return nil, fmt.Errorf("benchmarks: no key for %s at %s", api.Algorithm, api.KeysURL)
}

// claims are what a handler would want of a token; scopes among them.
type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

// golangJWTVerifier is keyfunc's README, with golang-jwt's options to check what
// all check here.
func golangJWTVerifier(ctx context.Context, api API) (func(token string) (*claims, error), error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{api.KeysURL})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{api.Algorithm}),
		jwt.WithIssuer(api.Issuer),
		jwt.WithAudience(api.Audience),
		jwt.WithExpirationRequired(),
	)
	return func(token string) (*claims, error) {
		c := &claims{}
		_, err := parser.ParseWithClaims(token, c, keys.Keyfunc)
		return c, err
	}, nil
}

type claimsKey struct{}

func golangJWT(ctx context.Context, api API) (Middleware, error) {
	verify, err := golangJWTVerifier(ctx, api)
	if err != nil {
		return nil, err
	}
	return middlewareOf(func(r *http.Request) (any, error) {
		token, err := request.AuthorizationHeaderExtractor.ExtractToken(r)
		if err != nil {
			return nil, err
		}
		return verify(token)
	}), nil
}

// goOIDC is its README's verifier, for the audience where that has the client's id.
func goOIDC(ctx context.Context, api API) (Middleware, error) {
	provider, err := oidc.NewProvider(ctx, api.Issuer)
	if err != nil {
		return nil, err
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: api.Audience, SupportedSigningAlgs: []string{api.Algorithm}})
	return middlewareOf(func(r *http.Request) (any, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return nil, errors.New("no bearer token")
		}
		return verifier.Verify(r.Context(), token)
	}), nil
}

// jwxParseRequest is the documentation's cached set and its way with requests.
func jwxParseRequest(ctx context.Context, api API) (Middleware, error) {
	cache := jwk.NewCache(ctx)
	if err := cache.Register(api.KeysURL, jwk.WithMinRefreshInterval(15*time.Minute)); err != nil {
		return nil, err
	}
	if _, err := cache.Refresh(ctx, api.KeysURL); err != nil {
		return nil, err
	}
	options := []jwxjwt.ParseOption{
		jwxjwt.WithKeySet(jwk.NewCachedSet(cache, api.KeysURL)),
		jwxjwt.WithIssuer(api.Issuer),
		jwxjwt.WithAudience(api.Audience),
		jwxjwt.WithRequiredClaim(jwxjwt.ExpirationKey),
	}
	return middlewareOf(func(r *http.Request) (any, error) { return jwxjwt.ParseRequest(r, options...) }), nil
}

// mcpSDK is the documentation's middleware; what verifies tokens is left to its
// users.
func mcpSDK(ctx context.Context, api API) (Middleware, error) {
	verify, err := golangJWTVerifier(ctx, api)
	if err != nil {
		return nil, err
	}
	return auth.RequireBearerToken(func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		c, err := verify(token)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", auth.ErrInvalidToken, err)
		}
		return &auth.TokenInfo{Scopes: strings.Fields(c.Scope), Expiration: c.ExpiresAt.Time, UserID: c.Subject}, nil
	}, &auth.RequireBearerTokenOptions{Scopes: []string{api.Scope}}), nil
}

// middlewareOf is what the documentation of verifiers leaves to the reader: refuse,
// or hand what has been verified to the handler in the context.
func middlewareOf(verify func(*http.Request) (any, error)) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			verified, err := verify(r)
			if err != nil {
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, verified)))
		})
	}
}

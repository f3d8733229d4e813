// Package benchmarks measures bearerguard beside what a Go program would use
// instead: each a complete net/http middleware, set up as its own documentation
// says, with the same tokens in the same run.
package benchmarks

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// Middleware is what all implementations have in common.
type Middleware = func(http.Handler) http.Handler

// API is what an implementation is told of the API that it protects.
type API struct {
	Issuer, Audience, KeysURL string
	// Algorithm is the one that the issuer signs with.
	Algorithm string
	// Scope is what the route asks for, of those who can ask for scopes.
	Scope string
}

// Implementation is a row of the comparison.
type Implementation struct {
	Name    string
	Modules []string // none for the standard library alone
	What    string   // how it is set up, in a few words of Markdown
	// Algorithms that it can verify; nil for all that are measured.
	Algorithms []string
	// Floor marks what does less than protect an API: it is measured to compare
	// with, not to choose.
	Floor bool
	// Fetches marks those that fetch keys while they serve.
	Fetches bool
	// Variant marks what is measured only where it matters, such as another setting
	// of a row before it.
	Variant string
	// Build is the middleware, until ctx is done.
	Build func(ctx context.Context, api API) (Middleware, error)
}

// The variants.
const (
	onServers    = "on whole servers"
	withoutCache = "without the cache of verified tokens"
	withoutLog   = "without a log"
)

// Implementations are all there are, ours first and the floors last.
var Implementations = []Implementation{
	{
		Name: "bearerguard", Modules: []string{"github.com/bearerguard/bearerguard"}, Fetches: true,
		What: "the README's program: `verify.Discover`, `middleware.New` with `middleware.LogTo`, `Require(scopes.All(…))`",
		Build: func(ctx context.Context, api API) (Middleware, error) {
			return bearerguard(ctx, api, cacheDefault, true)
		},
	},
	{
		Name: "bearerguard-nocache", Modules: []string{"github.com/bearerguard/bearerguard"}, Fetches: true, Variant: withoutCache,
		What: "the same, without the cache of verified tokens; measured for first sights",
		Build: func(ctx context.Context, api API) (Middleware, error) {
			return bearerguard(ctx, api, cacheOff, true)
		},
	},
	{
		Name: "bearerguard-nolog", Modules: []string{"github.com/bearerguard/bearerguard"}, Fetches: true, Variant: withoutLog,
		What: "the same, without `Config.Observe`; measured for refusals, for nobody else logs them",
		Build: func(ctx context.Context, api API) (Middleware, error) {
			return bearerguard(ctx, api, cacheDefault, false)
		},
	},
	{
		Name: "auth0", Modules: []string{"github.com/auth0/go-jwt-middleware/v3"}, Fetches: true,
		What:  "`jwks.NewCachingProvider`, `validator.New`, `jwtmiddleware.New`",
		Build: auth0,
	},
	{
		Name: "jwtauth", Modules: []string{"github.com/go-chi/jwtauth/v5"},
		What:  "`jwtauth.Verifier` and `jwtauth.Authenticator`, with `jwt.WithIssuer`, `WithAudience`, `WithRequiredClaim(\"exp\")`; its one key is read from the JWK Set at the start",
		Build: chiJWTAuth,
	},
	{
		Name: "keyfunc", Modules: []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"}, Fetches: true,
		What:  "`keyfunc.NewDefaultCtx` with golang-jwt's `jwt.Parse`, `WithValidMethods`, `WithIssuer`, `WithAudience`, `WithExpirationRequired`; the header is read by golang-jwt's `request.AuthorizationHeaderExtractor`, in a middleware of ten lines",
		Build: golangJWT,
	},
	{
		Name: "go-oidc", Modules: []string{"github.com/coreos/go-oidc/v3"}, Fetches: true,
		What:  "`oidc.NewProvider`, `provider.Verifier` with `SupportedSigningAlgs`, in a middleware of ten lines",
		Build: goOIDC,
	},
	{
		Name: "jwx", Modules: []string{"github.com/lestrrat-go/jwx/v2"}, Fetches: true,
		What:  "`jwk.NewCache`, `jwk.NewCachedSet`, `jwt.ParseRequest` with `WithIssuer`, `WithAudience`, `WithRequiredClaim(\"exp\")`, in a middleware of ten lines",
		Build: jwxParseRequest,
	},
	{
		Name: "mcp-sdk", Modules: []string{"github.com/modelcontextprotocol/go-sdk", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"}, Fetches: true,
		What:  "`auth.RequireBearerToken` with `Scopes`; its verifier function is golang-jwt and keyfunc as above",
		Build: mcpSDK,
	},
	{
		Name: "crypto", Floor: true,
		What:  "three parts decoded, hashed, and the signature verified, by the standard library; no claim is read",
		Build: bareCrypto,
	},
	{
		Name: "lookup", Floor: true, Variant: onServers,
		What:  "the token looked up in a Go map behind a `sync.RWMutex`, and what is found handed on by `Request.WithContext`; every token that comes is put in, so nothing is verified; measured on whole servers",
		Build: lookup,
	},
	{
		Name: "unprotected", Floor: true,
		What: "no middleware: what the measuring itself costs",
		Build: func(context.Context, API) (Middleware, error) {
			return func(next http.Handler) http.Handler { return next }, nil
		},
	},
}

// Can tells whether it verifies signatures by alg.
func (i Implementation) Can(alg string) bool {
	return i.Algorithms == nil || slices.Contains(i.Algorithms, alg)
}

//go:embed go.mod
var goMod []byte

// Version is that of a module in go.mod, which is the one that is measured.
func Version(module string) string {
	if module == "github.com/bearerguard/bearerguard" {
		return "this tree"
	}
	match := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(goMod)
	if match == nil {
		panic(fmt.Sprintf("benchmarks: go.mod has no %s", module))
	}
	return string(match[1])
}

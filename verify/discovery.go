package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// Issuer verifies the JWT access tokens of an authorization server that was
// found by discovery.
type Issuer struct {
	tokens  JWTConfig
	keys    jwks.RemoteConfig
	client  *fetch.Client
	current atomic.Pointer[JWTVerifier]
	flights *fetch.Flights[struct{}]
	stop    context.CancelFunc
}

// Discover finds an authorization server by the metadata that it publishes
// (RFC 8414, else OpenID Connect Discovery) and verifies its RFC 9068 access
// tokens for audience, the identifier of this API. issuer is the https URL that
// the server calls itself, to the letter; http will do on a loopback host.
//
// The metadata and the keys are fetched before Discover returns; how long that
// may take is bounded. A server that cannot be reached or answers 5xx is no
// error: until it is back, tokens get an *UnavailableError. Metadata that does
// not exist or is not the issuer's is an error, as is a bad argument.
//
// The keys are kept fresh until ctx is done or [Issuer.Close] is called; so a
// context with a deadline for the start alone is not the one to pass.
func Discover(ctx context.Context, issuer, audience string) (*Issuer, error) {
	return DiscoverWith(ctx, JWTConfig{Issuer: issuer, Audience: []string{audience}}, jwks.RemoteConfig{})
}

// DiscoverWith is [Discover] with every setting: what tokens must be (but for
// Keys, which are found) and how metadata and keys are fetched (but for URL,
// which is found).
func DiscoverWith(ctx context.Context, tokens JWTConfig, keys jwks.RemoteConfig) (*Issuer, error) {
	tokens, err := tokens.complete()
	if err != nil {
		return nil, err
	}
	if tokens.Keys != nil || keys.URL != "" {
		return nil, errors.New("verify: discovery finds JWTConfig.Keys and RemoteConfig.URL itself; leave them empty, or use JWT with jwks.Remote")
	}
	keys, err = keys.Complete()
	if err != nil {
		return nil, err
	}
	i := &Issuer{
		tokens: tokens,
		keys:   keys,
		client: fetch.NewClient(keys.HTTPClient, keys.InsecureHTTP, keys.Timeout, maxMetadataBytes),
	}
	if err := i.checkIssuer(); err != nil {
		return nil, err
	}
	ctx, i.stop = context.WithCancel(ctx)
	context.AfterFunc(ctx, i.forget)
	i.flights = fetch.NewFlights(ctx, i.discover)
	flight := i.flights.Join()
	<-flight.Done
	if wrong, ok := errors.AsType[*metadataError](flight.Err); ok {
		i.stop()
		return nil, wrong
	}
	return i, nil
}

// Issuer is the issuer whose tokens i verifies.
func (i *Issuer) Issuer() string { return i.tokens.Issuer }

// Close ends all fetching. From then on Verify reports an *UnavailableError.
func (i *Issuer) Close() {
	i.stop()
	i.forget()
}

func (i *Issuer) forget() {
	i.current.Store(nil)
	i.client.Close()
}

// Verify implements [Verifier].
func (i *Issuer) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	if v := i.current.Load(); v != nil {
		return v.Verify(ctx, token)
	}
	retryAfter, err := i.flights.Trouble()
	return nil, &UnavailableError{RetryAfter: retryAfter, Err: fmt.Errorf("metadata of %s: %w", i.tokens.Issuer, err)}
}

// maxMetadataBytes bounds a metadata document.
const maxMetadataBytes = 256 << 10

// metadataError is that the issuer's metadata is wrong, rather than out of reach.
type metadataError struct{ text string }

func (e *metadataError) Error() string { return "verify: " + e.text }

func (i *Issuer) checkIssuer() error {
	if err := i.client.CheckURL(i.tokens.Issuer); err != nil {
		return fmt.Errorf("verify: JWTConfig.Issuer: %w", err)
	}
	// RFC 8414 §2. CheckURL has parsed it.
	if strings.ContainsAny(i.tokens.Issuer, "?#") {
		return fmt.Errorf("verify: JWTConfig.Issuer %q has a query or fragment; an issuer has neither", i.tokens.Issuer)
	}
	return nil
}

// discover finds the issuer's keys and begins to verify with them. It is run
// until it succeeds once.
func (i *Issuer) discover(ctx context.Context) (struct{}, error) {
	err := i.find(ctx)
	if err != nil && ctx.Err() == nil {
		i.keys.Logger.Warn("verify: discovery failed; it will be tried again", "issuer", i.tokens.Issuer, "error", err)
	}
	return struct{}{}, err
}

func (i *Issuer) find(ctx context.Context) error {
	jwksURI, err := i.jwksURI(ctx)
	if err != nil {
		return err
	}
	keys := i.keys
	keys.URL = jwksURI
	set, err := jwks.Remote(ctx, keys)
	if err != nil {
		return &metadataError{fmt.Sprintf("jwks_uri in the metadata of %s: %v", i.tokens.Issuer, err)}
	}
	tokens := i.tokens
	tokens.Keys = set
	v, err := JWT(tokens)
	if err != nil {
		set.Close()
		return err
	}
	i.current.Store(v)
	i.client.Close()
	if ctx.Err() != nil { // closed meanwhile
		i.current.Store(nil)
	}
	return nil
}

// jwksURI asks at the well-known places (RFC 8414 §3 and §5).
func (i *Issuer) jwksURI(ctx context.Context) (string, error) {
	var failures []string
	outage := false
	for _, place := range wellKnown(i.tokens.Issuer) {
		jwksURI, err := i.ask(ctx, place)
		if err == nil {
			return jwksURI, nil
		}
		failures = append(failures, fmt.Sprintf("%s: %v", place, err))
		_, wrong := errors.AsType[*metadataError](err)
		outage = outage || !wrong
	}
	text := strings.Join(failures, "; ")
	if outage {
		return "", errors.New(text)
	}
	return "", &metadataError{fmt.Sprintf("no metadata of issuer %s: %s; write JWTConfig.Issuer to the letter as the server names itself, or use JWT with jwks.Remote for a server without metadata", i.tokens.Issuer, text)}
}

func (i *Issuer) ask(ctx context.Context, place string) (jwksURI string, err error) {
	document, _, err := i.client.Get(ctx, place)
	if status, ok := errors.AsType[*fetch.StatusError](err); ok && status.Status < http.StatusInternalServerError && status.Status != http.StatusTooManyRequests {
		return "", &metadataError{status.Error()}
	}
	if err != nil {
		return "", err
	}
	metadata, err := strictjson.Parse(document, nil)
	if err != nil {
		return "", &metadataError{err.Error()}
	}
	// RFC 8414 §3.3: a document of another issuer must not be used.
	if issuer, _ := metadata.Get("issuer").String(); issuer != i.tokens.Issuer {
		return "", &metadataError{fmt.Sprintf("the document is of issuer %q", issuer)}
	}
	jwksURI, _ = metadata.Get("jwks_uri").String()
	if jwksURI == "" {
		return "", &metadataError{"the document has no jwks_uri"}
	}
	if strings.HasPrefix(i.tokens.Issuer, "https:") && !strings.HasPrefix(jwksURI, "https:") {
		return "", &metadataError{"jwks_uri is not https, as the issuer is"}
	}
	return jwksURI, nil
}

// wellKnown is where the issuer's metadata may be: by RFC 8414 §3.1 between host
// and path, by OpenID Connect Discovery 1.0 §4.1 behind the path.
func wellKnown(issuer string) []string {
	u, err := url.Parse(strings.TrimSuffix(issuer, "/"))
	if err != nil {
		return nil // CheckURL has parsed it before
	}
	origin, path := u.Scheme+"://"+u.Host, u.EscapedPath()
	return []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + path + "/.well-known/openid-configuration",
	}
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// Issuer verifies the JWT access tokens of an authorization server that was
// found by discovery.
type Issuer struct {
	verifier *JWTVerifier
	keys     *discoveredKeys
}

// Discover finds an authorization server by the metadata that it publishes
// (RFC 8414, else OpenID Connect Discovery) and verifies its RFC 9068 access
// tokens for audience, the identifier of this API. issuer is the https URL that
// the server calls itself, to the letter; http will do on a loopback host.
//
// The metadata and the keys are fetched before Discover returns; how long that
// may take is bounded. A server that cannot be reached or answers 5xx is no
// error: until it is back, tokens that need a key to be judged get an
// *UnavailableError. Metadata that does not exist or is not the issuer's is an
// error, as is a bad argument.
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
	if tokens.Keys != nil || keys.URL != "" {
		return nil, errors.New("verify: discovery finds JWTConfig.Keys and RemoteConfig.URL itself; leave them empty, or use JWT with jwks.Remote")
	}
	keys, err := keys.Complete()
	if err != nil {
		return nil, err
	}
	found := &discoveredKeys{
		issuer: tokens.Issuer,
		config: keys,
		client: fetch.NewClient(keys.HTTPClient, keys.InsecureHTTP, keys.Timeout, maxMetadataBytes),
	}
	tokens.Keys = found
	verifier, err := JWT(tokens)
	if err != nil {
		return nil, err
	}
	if err := found.checkIssuer(); err != nil {
		return nil, err
	}
	if err := found.start(ctx); err != nil {
		return nil, err
	}
	return &Issuer{verifier, found}, nil
}

// Issuer is the issuer whose tokens i verifies.
func (i *Issuer) Issuer() string { return i.verifier.Issuer() }

// Verify implements [Verifier].
func (i *Issuer) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	return i.verifier.Verify(ctx, token)
}

// Ready waits until there are keys to verify with, or for ctx: then its error says
// why there are none yet. It is for programs that insist on keys before they serve.
func (i *Issuer) Ready(ctx context.Context) error { return i.keys.ready(ctx) }

// Close ends all fetching. From then on tokens that need a key to be judged get
// an *UnavailableError.
func (i *Issuer) Close() { i.keys.close() }

// discoveredKeys is the key set that an issuer's metadata leads to. What can be
// judged of a token without a key is judged before it has been found.
type discoveredKeys struct {
	issuer  string
	config  jwks.RemoteConfig
	client  *fetch.Client
	current atomic.Pointer[jwks.RemoteSet]
	found   string // where current is from; only discovery touches it
	flights *fetch.Flights[struct{}]
	stop    context.CancelFunc
}

// start tries once; if the server cannot be reached, it goes on trying in the
// background, until it succeeds once.
func (d *discoveredKeys) start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("verify: the context to keep the keys fresh by is done already: %w", err)
	}
	ctx, d.stop = context.WithCancel(ctx)
	context.AfterFunc(ctx, d.forget)
	d.flights = fetch.NewFlights(ctx, d.discover)
	if d.config.Lazy {
		return nil
	}
	flight := d.flights.Join()
	<-flight.Done
	if wrong, ok := errors.AsType[*metadataError](flight.Err); ok {
		d.stop()
		return wrong
	}
	return nil
}

func (d *discoveredKeys) close() {
	d.stop()
	d.forget()
}

func (d *discoveredKeys) forget() {
	if set := d.current.Swap(nil); set != nil {
		set.Close()
	}
	d.client.Close()
}

// Find implements [jwks.Set]. Only the very first discovery is waited for.
func (d *discoveredKeys) Find(ctx context.Context, kid, alg string) ([]*jwks.Key, error) {
	if d.current.Load() == nil {
		if first := d.flights.First(); first != nil {
			select {
			case <-first.Done:
			case <-ctx.Done():
				return nil, &jwks.UnavailableError{RetryAfter: time.Second, Err: ctx.Err()}
			}
		}
	}
	if set := d.current.Load(); set != nil {
		return set.Find(ctx, kid, alg)
	}
	retryAfter, err := d.flights.Trouble()
	return nil, &jwks.UnavailableError{RetryAfter: retryAfter, Err: fmt.Errorf("metadata of %s: %w", d.issuer, err)}
}

// Edition is [jwks.RemoteSet.Edition].
func (d *discoveredKeys) Edition(now time.Time) uint64 {
	if set := d.current.Load(); set != nil {
		return set.Edition(now)
	}
	return 0
}

// FindAgain is [jwks.RemoteSet.FindAgain].
func (d *discoveredKeys) FindAgain(ctx context.Context, kid, alg string, tried []*jwks.Key) ([]*jwks.Key, error) {
	if set := d.current.Load(); set != nil {
		return set.FindAgain(ctx, kid, alg, tried)
	}
	return nil, nil
}

// ready waits until there are keys.
func (d *discoveredKeys) ready(ctx context.Context) error {
	d.flights.First()
	if err := d.flights.Wait(ctx); err != nil {
		return fmt.Errorf("verify: no metadata of %s: %w", d.issuer, err)
	}
	if set := d.current.Load(); set != nil {
		return set.Ready(ctx)
	}
	return fmt.Errorf("verify: no keys of %s: %w", d.issuer, fetch.ErrClosed)
}

// Health is that of the keys, or of the search for them.
func (d *discoveredKeys) Health() jwks.Health {
	if set := d.current.Load(); set != nil {
		return set.Health()
	}
	retryAt, err := d.flights.Status()
	return jwks.Health{Ready: d.config.Lazy && d.flights.Untouched(), LastError: fetch.Describe(err), NextFetch: retryAt}
}

func (d *discoveredKeys) discover(ctx context.Context) (struct{}, error) {
	err := d.find(ctx)
	if err != nil && ctx.Err() == nil {
		d.config.Logger.Warn("verify: discovery failed; it will be tried again", "issuer", d.issuer, "error", err)
	}
	return struct{}{}, err
}

func (d *discoveredKeys) find(ctx context.Context) error {
	config := d.config
	var err error
	if config.URL, err = d.jwksURI(ctx); err != nil {
		return err
	}
	d.client.Close()
	old := d.current.Load()
	if old != nil && config.URL == d.found {
		return nil
	}
	set, err := jwks.Remote(ctx, config)
	if err != nil {
		return &metadataError{fmt.Sprintf("jwks_uri in the metadata of %s: %v", d.issuer, err)}
	}
	if !d.current.CompareAndSwap(old, set) || ctx.Err() != nil { // closed meanwhile
		set.Close()
		d.current.CompareAndSwap(set, nil)
		return fetch.ErrClosed
	}
	d.found = config.URL
	if old != nil {
		d.config.Logger.Info("verify: the issuer has moved its keys", "issuer", d.issuer, "jwks_uri", config.URL)
		old.Close()
		return nil
	}
	d.watch(ctx)
	return nil
}

// moved is for how long keys may be out of reach before the metadata are asked
// whether they are elsewhere now, and watchful how often that is looked at.
const (
	moved    = 10 * time.Minute
	watchful = time.Minute
)

// watch looks whether the keys are out of reach.
func (d *discoveredKeys) watch(ctx context.Context) {
	reached := time.Now()
	var again *time.Timer
	again = time.AfterFunc(time.Hour, func() {
		set := d.current.Load()
		if ctx.Err() != nil || set == nil {
			return
		}
		health := set.Health()
		if health.LastSuccess.After(reached) {
			reached = health.LastSuccess
		}
		if health.LastError != "" && time.Since(reached) > moved {
			<-d.flights.Join().Done
		}
		again.Reset(watchful)
	})
	again.Reset(watchful) // not before again is set, which the function reads
	context.AfterFunc(ctx, func() { again.Stop() })
}

func (d *discoveredKeys) checkIssuer() error {
	if err := d.client.CheckURL(d.issuer); err != nil {
		return fmt.Errorf("verify: JWTConfig.Issuer: %w", err)
	}
	if strings.ContainsAny(d.issuer, "?#") { // RFC 8414 §2
		return fmt.Errorf("verify: JWTConfig.Issuer %q has a query or fragment; an issuer has neither", d.issuer)
	}
	return nil
}

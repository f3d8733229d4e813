package jwks_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

const (
	alg     = "EdDSA"
	jwksURL = "https://issuer.example/jwks"
)

// silent keeps expected warnings out of the output.
var silent = slog.New(slog.DiscardHandler)

// private is the private key of a name, the same each time.
func private(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

// jwk is the public key of a name, as an element of a JWK Set whose kid is that
// name.
func jwk(name string) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, name, coordinate(name))
}

// nameless is the same without a kid.
func nameless(name string) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, coordinate(name))
}

func coordinate(name string) string {
	public, _ := private(name).Public().(ed25519.PublicKey)
	return base64.RawURLEncoding.EncodeToString(public)
}

func setOf(elements ...string) string {
	return `{"keys":[` + strings.Join(elements, ",") + `]}`
}

// signedBy tells whether one of the keys is that of the name.
func signedBy(keys []*jwks.Key, name string) bool {
	input := []byte("header.payload")
	for _, key := range keys {
		if key.Verify(alg, input, ed25519.Sign(private(name), input)) == nil {
			return true
		}
	}
	return false
}

// publisher is a server that publishes a JWK Set, as an http.Handler and as a
// transport without a network. It is for concurrent use.
type publisher struct {
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func publishing(elements ...string) *publisher {
	p := &publisher{}
	p.publish(elements...)
	return p
}

// publish answers with a JWK Set from now on.
func (p *publisher) publish(elements ...string) {
	p.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, setOf(elements...)) })
}

// fails answers with a status from now on.
func (p *publisher) fails(status int) {
	p.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func (p *publisher) does(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *publisher) fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked++
	answer := p.answer
	p.mu.Unlock()
	answer(w, r)
}

// RoundTrip answers in the caller's own goroutine, so an answer that waits has to
// mind the request's context.
func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

// inMemory is a set of a publisher without a network, for a bubble. It is closed
// at the end, and a goroutine that outlives it fails the test.
func inMemory(t *testing.T, p *publisher, config jwks.RemoteConfig) *jwks.RemoteSet {
	t.Helper()
	config.URL = jwksURL
	config.HTTPClient = &http.Client{Transport: p}
	if config.Logger == nil {
		config.Logger = silent
	}
	set, err := jwks.Remote(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

// overTCP is a set of a server on loopback, with an HTTP client of its own.
func overTCP(t *testing.T, p *publisher, config jwks.RemoteConfig) *jwks.RemoteSet {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	config.URL = server.URL + "/jwks"
	config.Logger = silent
	set, err := jwks.Remote(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

// mustFind demands that the kid leads to the key of its name.
func mustFind(t *testing.T, set jwks.Set, name string) {
	t.Helper()
	keys, err := set.Find(t.Context(), name, alg)
	if err != nil || !signedBy(keys, name) {
		t.Errorf("Find %s: %d keys, %v", name, len(keys), err)
	}
}

// mustNotFind demands the verdict that there is no key of that name.
func mustNotFind(t *testing.T, set jwks.Set, name string) {
	t.Helper()
	if keys, err := set.Find(t.Context(), name, alg); len(keys) != 0 || err != nil {
		t.Errorf("Find %s: %d keys, %v", name, len(keys), err)
	}
}

// mustBeUnavailable demands that there is no verdict, and says when to ask again.
func mustBeUnavailable(t *testing.T, set jwks.Set, name string) time.Duration {
	t.Helper()
	keys, err := set.Find(t.Context(), name, alg)
	var unavailable *jwks.UnavailableError
	if len(keys) != 0 || !errors.As(err, &unavailable) {
		t.Fatalf("Find %s: %d keys, %v", name, len(keys), err)
	}
	if unavailable.RetryAfter <= 0 || unavailable.RetryAfter > 2*time.Minute || unavailable.Err == nil {
		t.Errorf("RetryAfter %v, because of %v", unavailable.RetryAfter, unavailable.Err)
	}
	return unavailable.RetryAfter
}

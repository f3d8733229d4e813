// Package oauthtest is for the tests of protected APIs: an authorization server
// in the test's own process, tokens of it, good and deliberately bad, and, for
// handlers alone, a caller without any token.
//
//	issuer := oauthtest.NewIssuer(t)
//	guard, _ := middleware.New(middleware.Config{Verifier: issuer.Verifier()})
//	request.Header.Set("Authorization", "Bearer "+issuer.Token("billing", "invoices.read"))
package oauthtest

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/bearerguard/bearerguard/internal/authserver"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// Audience is the aud of an Issuer's tokens.
const Audience = "https://api.example"

// Issuer is an authorization server for one test: metadata (RFC 8414), a JWK Set
// and, for the clients it is told of, a token endpoint with the client
// credentials grant. It is safe for concurrent use.
type Issuer struct {
	// URL is the issuer, and where the server is.
	URL string

	t       testing.TB
	server  *authserver.Server
	client  *http.Client
	fetches atomic.Int64
	instead atomic.Pointer[http.Handler]
}

// Client is an application that may ask an Issuer's token endpoint for tokens.
type Client struct {
	ID, Secret string
	// Scope is what it may ask for: names with spaces between them.
	Scope string
}

// NewIssuer is an issuer on a free port of the loopback interface, which is
// closed when the test ends.
func NewIssuer(t testing.TB, clients ...Client) *Issuer {
	t.Helper()
	i := &Issuer{t: t}
	server := httptest.NewUnstartedServer(i)
	i.URL = "http://" + server.Listener.Addr().String()
	i.prepare(clients)
	server.Start()
	t.Cleanup(server.Close)
	i.client = server.Client()
	return i
}

// NewMemoryIssuer is an issuer without a network, for tests in a
// testing/synctest bubble: its URL is https://issuer.example, which only its
// HTTPClient can reach.
func NewMemoryIssuer(t testing.TB, clients ...Client) *Issuer {
	t.Helper()
	i := &Issuer{t: t, URL: "https://issuer.example"}
	i.client = &http.Client{Transport: memory{i}}
	i.prepare(clients)
	return i
}

func (i *Issuer) prepare(clients []Client) {
	i.t.Helper()
	known := make([]authserver.Client, len(clients))
	for n, client := range clients {
		granted, err := scopes.Parse(client.Scope)
		if err != nil {
			i.t.Fatalf("oauthtest: client %q: %v", client.ID, err)
		}
		known[n] = authserver.Client{ID: client.ID, Secret: client.Secret, Scopes: granted}
	}
	server, err := authserver.New(i.URL, Audience, known...)
	if err != nil {
		i.t.Fatalf("oauthtest: %v", err)
	}
	i.server = server
}

// ServeHTTP is the authorization server.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/.well-known/jwks.json" {
		i.fetches.Add(1)
	}
	if instead := i.instead.Load(); instead != nil {
		(*instead).ServeHTTP(w, r)
		return
	}
	i.server.ServeHTTP(w, r)
}

// HTTPClient reaches the issuer.
func (i *Issuer) HTTPClient() *http.Client { return i.client }

// Verifier verifies the issuer's tokens for [Audience], by discovery, until the
// test ends.
func (i *Issuer) Verifier() *verify.Issuer {
	i.t.Helper()
	v, err := verify.DiscoverWith(context.Background(),
		verify.JWTConfig{Issuer: i.URL, Audience: []string{Audience}},
		jwks.RemoteConfig{HTTPClient: i.client, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		i.t.Fatalf("oauthtest: %v", err)
	}
	i.t.Cleanup(v.Close)
	return v
}

// Rotate signs with a new key from now on: alg is RS256 to PS512, ES256 to ES512
// or EdDSA; at first it is ES256. Older keys stay published until Withdraw.
func (i *Issuer) Rotate(alg string) {
	i.t.Helper()
	if err := i.server.Keys.Rotate(alg); err != nil {
		i.t.Fatalf("oauthtest: %v", err)
	}
}

// Withdraw publishes the current key alone.
func (i *Issuer) Withdraw() { i.server.Keys.Withdraw() }

// PublicKeyFile is the path of a PEM file with the public key that the issuer signs
// with now, like Laravel Passport's oauth-public.key. It is gone with the test.
func (i *Issuer) PublicKeyFile() string {
	i.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(i.server.Keys.Current().Signer.Public())
	if err != nil {
		i.t.Fatalf("oauthtest: %v", err)
	}
	path := filepath.Join(i.t.TempDir(), "oauth-public.key")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		i.t.Fatalf("oauthtest: %v", err)
	}
	return path
}

// Publish adds any JSON value to the head of the key set: keys that others
// publish, and that nobody can use.
func (i *Issuer) Publish(jwk string) { i.server.Keys.Publish([]byte(jwk)) }

// Fail answers every request with status and nothing else, until Recover.
func (i *Issuer) Fail(status int) {
	i.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
}

// Answer has another handler answer every request until Recover: one that is slow,
// hangs until the request's context is done, or answers garbage.
func (i *Issuer) Answer(instead http.Handler) { i.instead.Store(&instead) }

// Recover ends what Fail or Answer began.
func (i *Issuer) Recover() { i.instead.Store(nil) }

// Fetches is how often the key set has been asked for.
func (i *Issuer) Fetches() int { return int(i.fetches.Load()) }

// memory is a transport to a handler in the same process.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	answered := make(chan *http.Response, 1)
	go func() {
		recorder := httptest.NewRecorder()
		m.handler.ServeHTTP(recorder, r)
		answered <- recorder.Result()
	}()
	select {
	case response := <-answered:
		response.Request = r
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

package conformance_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"
)

// fositeServer is an authorization server made of fosite: its token, introspection
// and revocation endpoints.
type fositeServer struct {
	*httptest.Server
	provider fosite.OAuth2Provider
	key      *jose.JSONWebKey // nil if tokens are opaque
	bare     bool             // tokens say no more than fosite itself writes
}

// newFosite issues JWTs that it signs by alg, or opaque tokens if alg is empty.
func newFosite(t *testing.T, alg jose.SignatureAlgorithm, change func(*fosite.Config)) *fositeServer {
	t.Helper()
	s := &fositeServer{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", s.issue)
	mux.HandleFunc("POST /oauth2/introspect", s.introspect)
	mux.HandleFunc("POST /oauth2/revoke", s.revoke)
	mux.HandleFunc("GET /.well-known/openid-configuration", s.metadata)
	mux.HandleFunc("GET /.well-known/jwks.json", s.keys)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)

	config := &fosite.Config{
		AccessTokenIssuer:   s.URL,
		AccessTokenLifespan: time.Hour,
		GlobalSecret:        []byte(rand.Text() + rand.Text())[:32],
		HashCost:            bcrypt.MinCost,
	}
	if change != nil {
		change(config)
	}
	var strategy oauth2.CoreStrategy = compose.NewOAuth2HMACStrategy(config)
	if alg != "" {
		s.key = newKey(t, alg)
		strategy = compose.NewOAuth2JWTStrategy(func(context.Context) (any, error) { return s.key, nil }, strategy, config)
	}
	s.provider = compose.Compose(config, clients(t), strategy,
		compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)
	return s
}

func newKey(t *testing.T, alg jose.SignatureAlgorithm) *jose.JSONWebKey {
	t.Helper()
	var private crypto.Signer
	var err error
	switch alg {
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: string(alg), Use: "sig"}
}

// clients are billing, which calls the API, late, whose tokens have expired when it
// gets them, and the API itself.
func clients(t *testing.T) *storage.MemoryStore {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	expired := -time.Hour
	store := storage.NewMemoryStore()
	for id, lifespans := range map[string]*fosite.ClientLifespanConfig{
		"billing":      nil,
		"late":         {ClientCredentialsGrantAccessTokenLifespan: &expired},
		"invoices-api": nil,
	} {
		store.Clients[id] = &fosite.DefaultClientWithCustomTokenLifespans{
			DefaultClient: &fosite.DefaultClient{
				ID: id, Secret: hash, GrantTypes: fosite.Arguments{"client_credentials"},
				Scopes:   []string{"invoices.read", "invoices.write"},
				Audience: []string{audience, "https://other.example"},
			},
			TokenLifespans: lifespans,
		}
	}
	return store
}

// session is what Hydra adds to the claims and the header that fosite writes: see
// Session in its oauth2/session.go.
func (s *fositeServer) session(clientID string) *oauth2.JWTSession {
	session := &oauth2.JWTSession{JWTClaims: &jwt.JWTClaims{}, JWTHeader: jwt.NewHeaders()}
	if s.bare || clientID == "" {
		return session
	}
	session.Subject = clientID
	session.JWTClaims.Subject = clientID
	session.JWTClaims.NotBefore = time.Now()
	session.JWTClaims.Extra = map[string]any{"client_id": clientID, "ext": map[string]any{}}
	if s.key != nil {
		session.JWTHeader.Add("kid", s.key.KeyID)
	}
	return session
}

func (s *fositeServer) issue(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	session := s.session("")
	request, err := s.provider.NewAccessRequest(ctx, r, session)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	// Scopes and audiences that the client may not have, fosite has refused.
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	for _, audience := range request.GetRequestedAudience() {
		request.GrantAudience(audience)
	}
	ours := s.session(request.GetClient().GetID())
	session.Subject, session.JWTClaims, session.JWTHeader = ours.Subject, ours.JWTClaims, ours.JWTHeader
	response, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *fositeServer) introspect(w http.ResponseWriter, r *http.Request) {
	response, err := s.provider.NewIntrospectionRequest(r.Context(), r, s.session(""))
	if err != nil {
		s.provider.WriteIntrospectionError(r.Context(), w, err)
		return
	}
	s.provider.WriteIntrospectionResponse(r.Context(), w, response)
}

func (s *fositeServer) revoke(w http.ResponseWriter, r *http.Request) {
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
}

// metadata and keys are where Hydra publishes them; fosite has no endpoints for
// either.
func (s *fositeServer) metadata(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]string{
		"issuer": s.URL, "token_endpoint": s.URL + "/oauth2/token", "jwks_uri": s.URL + "/.well-known/jwks.json",
	})
}

func (s *fositeServer) keys(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}})
}

// token is a new one for a client; scope and audience may be empty.
func (s *fositeServer) token(t *testing.T, clientID, scope, audience string) string {
	t.Helper()
	return obtain(t, s.URL+"/oauth2/token", clientID, url.Values{"scope": {scope}, "audience": {audience}})
}

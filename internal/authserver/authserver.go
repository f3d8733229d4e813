// Package authserver is a small authorization server for tests and examples: the
// client credentials grant (RFC 6749 §4.4), access tokens by RFC 9068, metadata
// by RFC 8414. Keys and clients live in memory. It is no product.
package authserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/bearerguard/bearerguard/scopes"
)

// TokenLifetime is how long an access token is valid.
const TokenLifetime = time.Hour

// Client is an application that may ask for tokens.
type Client struct {
	ID, Secret string
	// Scopes is what it may ask for, and what it gets if it asks for nothing
	// in particular.
	Scopes scopes.Set
}

// Server is the authorization server, as an http.Handler for its issuer URL.
type Server struct {
	Issuer   string
	Audience string // of every token
	Keys     *Keys

	clients map[string]registered
	mux     *http.ServeMux
}

type registered struct {
	secret [sha256.Size]byte
	scopes scopes.Set
}

// New is a server that calls itself issuer, a URL without path, and issues tokens
// for audience to the clients.
func New(issuer, audience string, clients ...Client) (*Server, error) {
	keys, err := NewKeys("ES256")
	if err != nil {
		return nil, err
	}
	s := &Server{Issuer: issuer, Audience: audience, Keys: keys, clients: make(map[string]registered), mux: http.NewServeMux()}
	for _, client := range clients {
		s.clients[client.ID] = registered{sha256.Sum256([]byte(client.Secret)), client.Scopes}
	}
	s.mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	s.mux.HandleFunc("GET /.well-known/jwks.json", s.jwks)
	s.mux.HandleFunc("POST /oauth/token", s.token)
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                s.Issuer,
		"token_endpoint":                        s.Issuer + "/oauth/token",
		"jwks_uri":                              s.Issuer + "/.well-known/jwks.json",
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=300")
	answer(w, http.StatusOK, map[string]any{"keys": s.Keys.Published()})
}

// tokenError is an error of RFC 6749 §5.2.
type tokenError struct {
	status            int
	code, description string
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	body, failure := s.grant(w, r)
	if failure == nil {
		answer(w, http.StatusOK, body)
		return
	}
	if failure.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="token endpoint"`)
	}
	answer(w, failure.status, map[string]any{"error": failure.code, "error_description": failure.description})
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) (map[string]any, *tokenError) {
	form, err := readForm(w, r)
	if err != nil {
		return nil, &tokenError{http.StatusBadRequest, "invalid_request", err.Error()}
	}
	id, client, failure := s.authenticate(r, form)
	if failure != nil {
		return nil, failure
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return nil, &tokenError{http.StatusBadRequest, "invalid_request", "grant_type is missing"}
	default:
		return nil, &tokenError{http.StatusBadRequest, "unsupported_grant_type", "client_credentials is the one supported"}
	}
	granted, err := scopes.Parse(form.Get("scope"))
	if err != nil {
		return nil, &tokenError{http.StatusBadRequest, "invalid_scope", "scope is malformed"}
	}
	if granted.Len() == 0 {
		granted = client.scopes
	}
	for name := range granted.All() {
		if !client.scopes.Has(name) {
			return nil, &tokenError{http.StatusBadRequest, "invalid_scope", "the client may not have one of the scopes it asks for"}
		}
	}
	draft := s.Draft(id, granted.String())
	token, err := draft.Sign()
	if err != nil {
		return nil, &tokenError{http.StatusInternalServerError, "server_error", "no token could be signed"}
	}
	return map[string]any{
		"access_token": token,
		"token_type":   "Bearer",
		"expires_in":   int(TokenLifetime.Seconds()),
		"scope":        granted.String(),
	}, nil
}

// readForm reads a body of parameters, none of them twice (RFC 6749 §3.2).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errors.New("the body must be application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		return nil, errors.New("the body is malformed or too long")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, errors.New("a parameter is repeated")
		}
	}
	return r.PostForm, nil
}

// authenticate reads client_secret_basic or client_secret_post (RFC 6749 §2.3.1).
func (s *Server) authenticate(r *http.Request, form url.Values) (id string, client registered, failure *tokenError) {
	id, secret, basic := r.BasicAuth()
	switch {
	case !basic && r.Header.Get("Authorization") != "":
		return "", client, &tokenError{http.StatusUnauthorized, "invalid_client", "the Authorization header is not Basic"}
	case basic && (form.Has("client_secret") || form.Has("client_id") && form.Get("client_id") != id):
		return "", client, &tokenError{http.StatusBadRequest, "invalid_request", "more than one way of client authentication"}
	case basic:
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		if errors.Join(errID, errSecret) != nil {
			return "", client, &tokenError{http.StatusBadRequest, "invalid_request", "the Basic credentials are malformed"}
		}
	default:
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	client, known := s.clients[id]
	offered := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(offered[:], client.secret[:]) != 1 || !known {
		return "", client, &tokenError{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
	}
	return id, client, nil
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody is left to tell
}

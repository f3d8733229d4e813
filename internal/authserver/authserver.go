// Package authserver is a small authorization server for tests and examples: the
// client credentials grant (RFC 6749 §4.4), access tokens by RFC 9068, metadata
// by RFC 8414, revocation by RFC 7009, introspection by RFC 7662. Keys and clients
// live in memory. It is no product.
package authserver

import (
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

// Server is the authorization server, as an http.Handler for its issuer URL.
type Server struct {
	Issuer   string
	Audience string // of every token
	Keys     *Keys
	Clients  *Clients
	// OnTokenRevoked and OnClientRevoked, if set, are told before whoever revoked
	// has an answer: APIs that verify tokens by themselves have to hear of it. If
	// one fails, so does the request.
	OnTokenRevoked  func(tokenID string, expires time.Time) error
	OnClientRevoked func(clientID string) error

	tokens issuedTokens
	mux    *http.ServeMux
}

// New is a server that calls itself issuer, a URL without path, and issues tokens
// for audience to the clients.
func New(issuer, audience string, clients ...Client) (*Server, error) {
	keys, err := NewKeys("ES256")
	if err != nil {
		return nil, err
	}
	s := &Server{Issuer: issuer, Audience: audience, Keys: keys, Clients: newClients(), mux: http.NewServeMux()}
	s.tokens.revoked = map[string]time.Time{}
	for _, client := range clients {
		if _, err := s.Clients.Create(client); err != nil {
			return nil, err
		}
	}
	s.mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	s.mux.HandleFunc("GET /.well-known/jwks.json", s.jwks)
	s.mux.HandleFunc("POST /oauth/token", s.token)
	s.mux.HandleFunc("POST /oauth/revoke", s.revoke)
	s.mux.HandleFunc("POST /oauth/introspect", s.introspect)
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                s.Issuer,
		"token_endpoint":                        s.Issuer + "/oauth/token",
		"jwks_uri":                              s.Issuer + "/.well-known/jwks.json",
		"revocation_endpoint":                   s.Issuer + "/oauth/revoke",
		"introspection_endpoint":                s.Issuer + "/oauth/introspect",
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
	s.fail(w, failure)
}

func (s *Server) fail(w http.ResponseWriter, failure *tokenError) {
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
	if client.owner != "" {
		draft.Claims["owner"] = client.owner
	}
	// A client that was revoked since it authenticated was revoked after iat, and
	// who heard of that refuses the token; one that is revoked from now on, too.
	if _, known := s.Clients.get(id); !known {
		return nil, &tokenError{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
	}
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
	client, ok := s.Clients.authenticate(id, secret)
	if !ok {
		return "", client, &tokenError{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
	}
	return id, client, nil
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody is left to tell
}

package authserver

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/bearerguard/bearerguard/scopes"
)

// Admin is the server's administration, for whoever has the key as a bearer token:
//
//	POST   /admin/clients              {"owner": "…", "scope": "a b"}  a client and its secret, shown once
//	POST   /admin/clients/{id}/secret  a new secret; the old one is dead at once
//	DELETE /admin/clients/{id}         the client and its tokens are revoked
func (s *Server) Admin(key string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admin/clients", s.createClient)
	mux.HandleFunc("POST /admin/clients/{id}/secret", s.rotateSecret)
	mux.HandleFunc("DELETE /admin/clients/{id}", s.revokeClient)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+key)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="administration"`)
			answer(w, http.StatusUnauthorized, map[string]any{"error": "the admin key is missing or wrong"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) createClient(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		ID    string `json:"client_id"`
		Owner string `json:"owner"`
		Scope string `json:"scope"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "the body must be a JSON object of client_id, owner and scope, each a string"})
		return
	}
	granted, err := scopes.Parse(wanted.Scope)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "scope must be names with single spaces between them"})
		return
	}
	client, err := s.Clients.Create(Client{ID: wanted.ID, Scopes: granted, Owner: wanted.Owner})
	if err != nil {
		answer(w, http.StatusConflict, map[string]any{"error": "there is such a client already, or has been"})
		return
	}
	answer(w, http.StatusCreated, map[string]any{"client_id": client.ID, "client_secret": client.Secret, "owner": client.Owner, "scope": client.Scopes.String()})
}

func (s *Server) rotateSecret(w http.ResponseWriter, r *http.Request) {
	secret, err := s.Clients.Rotate(r.PathValue("id"))
	if errors.Is(err, ErrNoClient) {
		answer(w, http.StatusNotFound, map[string]any{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"client_id": r.PathValue("id"), "client_secret": secret})
}

func (s *Server) revokeClient(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.Clients.Revoke(id); errors.Is(err, ErrNoClient) {
		answer(w, http.StatusNotFound, map[string]any{"error": err.Error()})
		return
	}
	if s.OnClientRevoked != nil {
		if err := s.OnClientRevoked(id); err != nil {
			answer(w, http.StatusInternalServerError, map[string]any{"error": "the client is revoked, but the API could not be told, so that its tokens live on"})
			return
		}
	}
	answer(w, http.StatusOK, map[string]any{"client_id": id, "revoked": true})
}

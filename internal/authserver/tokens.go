package authserver

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// issuedTokens are the ids of tokens that were revoked one by one, until they would
// have expired anyway.
type issuedTokens struct {
	mu      sync.Mutex
	revoked map[string]time.Time
}

func (t *issuedTokens) revoke(id string, expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, expires := range t.revoked {
		if time.Now().After(expires) {
			delete(t.revoked, id)
		}
	}
	t.revoked[id] = expires
}

func (t *issuedTokens) isRevoked(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, revoked := t.revoked[id]
	return revoked
}

// ownToken is what a token of this server says, if it is one and still counts.
type ownToken struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	ID       string `json:"jti"`
	Scope    string `json:"scope,omitempty"`
	Owner    string `json:"owner,omitempty"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

func (s *Server) read(token string) (claims ownToken, active bool) {
	compact, err := jose.Parse(token)
	if err != nil || !s.Keys.verify(compact) || json.Unmarshal([]byte(compact.Payload()), &claims) != nil {
		return claims, false
	}
	_, known := s.Clients.get(claims.ClientID)
	return claims, known && claims.Issuer == s.Issuer && time.Now().Unix() < claims.Expires && !s.tokens.isRevoked(claims.ID)
}

// revoke is RFC 7009: a client revokes a token of its own. A token that is none, or
// somebody else's, gets the same answer.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	form, err := readForm(w, r)
	if err != nil {
		s.fail(w, &tokenError{http.StatusBadRequest, "invalid_request", err.Error()})
		return
	}
	id, _, failure := s.authenticate(r, form)
	if failure != nil {
		s.fail(w, failure)
		return
	}
	if claims, active := s.read(form.Get("token")); active && claims.ClientID == id {
		expires := time.Unix(claims.Expires, 0)
		s.tokens.revoke(claims.ID, expires)
		if s.OnTokenRevoked != nil {
			if err := s.OnTokenRevoked(claims.ID, expires); err != nil {
				s.fail(w, &tokenError{http.StatusServiceUnavailable, "temporarily_unavailable", "the API could not be told; try again"}) // RFC 7009 §2.2.1
				return
			}
		}
	}
	w.WriteHeader(http.StatusOK)
}

// introspect is RFC 7662, for any client that authenticates.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	form, err := readForm(w, r)
	if err != nil {
		s.fail(w, &tokenError{http.StatusBadRequest, "invalid_request", err.Error()})
		return
	}
	if _, _, failure := s.authenticate(r, form); failure != nil {
		s.fail(w, failure)
		return
	}
	claims, active := s.read(form.Get("token"))
	if !active {
		answer(w, http.StatusOK, map[string]any{"active": false}) // §2.2: and nothing else
		return
	}
	answer(w, http.StatusOK, struct {
		Active bool   `json:"active"`
		Type   string `json:"token_type"`
		ownToken
	}{true, "Bearer", claims})
}

package authserver

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// Draft is an access token before it is signed.
type Draft struct {
	Header, Claims map[string]any
	Key            SigningKey
}

// Draft is a client's own token as RFC 9068 wants it, valid from now.
func (s *Server) Draft(clientID, scope string) *Draft {
	key, now := s.Keys.Current(), time.Now()
	claims := map[string]any{
		"iss": s.Issuer, "aud": s.Audience, "sub": clientID, "client_id": clientID,
		"iat": now.Unix(), "exp": now.Add(TokenLifetime).Unix(), "jti": rand.Text(),
	}
	if scope != "" {
		claims["scope"] = scope
	}
	return &Draft{
		Header: map[string]any{"typ": "at+jwt", "alg": key.Algorithm, "kid": key.ID},
		Claims: claims,
		Key:    key,
	}
}

// Sign is the token.
func (d *Draft) Sign() (string, error) {
	header, err := json.Marshal(d.Header)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(d.Claims)
	if err != nil {
		return "", err
	}
	return jose.Sign(d.Key.Algorithm, d.Key.Signer, header, claims)
}

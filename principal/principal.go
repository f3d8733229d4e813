// Package principal says who calls: the [Principal] of a verified access token,
// and its place in a request's context. It is all that a handler needs to
// import.
package principal

import (
	"time"

	"github.com/bearerguard/bearerguard/scopes"
)

// Kind is whom a token speaks for.
type Kind string

const (
	// KindClient is an application that calls in its own name: the client
	// credentials grant of RFC 6749 §4.4.
	KindClient Kind = "client"
	// KindUser is a person on whose behalf an application calls.
	KindUser Kind = "user"
)

// GrantClientCredentials is the grant type of RFC 6749 §4.4.
const GrantClientCredentials = "client_credentials"

// Principal is the caller that a verified access token speaks for. It is shared
// by everything that serves a request, and may be by several requests that came
// with the same token; what it holds may be shared by others. Read it, never change
// it.
type Principal struct {
	// Kind tells a client's own token from one that speaks for a user.
	Kind Kind `json:"kind"`
	// Issuer is the authorization server that issued the token (iss), or
	// empty if its tokens do not say.
	Issuer string `json:"issuer,omitempty"`
	// ClientID is the application that the token was issued to.
	ClientID string `json:"client_id"`
	// UserID is the user whom the token speaks for. For a client it is empty,
	// whatever the token's sub says: some issuers put the client's id there,
	// and looking a user up by that would find a stranger (RFC 9068 §5).
	UserID string `json:"user_id,omitempty"`
	// Subject is the token's sub as it stands. To tell a user, take UserID;
	// it is unique for one Issuer only.
	Subject string `json:"subject,omitempty"`
	// Grant is the grant type by which the token was obtained: what the
	// token says, GrantClientCredentials for a client whose token does not
	// say, or empty where it is not known.
	Grant string `json:"grant,omitempty"`
	// Scopes is what the token grants.
	Scopes scopes.Set `json:"scope"`
	// Audience is whom the token is for (aud).
	Audience []string `json:"audience,omitempty"`
	// TokenID is the token's own identifier (jti), or empty.
	TokenID string `json:"token_id,omitempty"`
	// IssuedAt, NotBefore and ExpiresAt are iat, nbf and exp, in UTC; zero where
	// the token does not say.
	IssuedAt  time.Time `json:"issued_at,omitzero"`
	NotBefore time.Time `json:"not_before,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// RawClaims is the token's claims, or the introspection response; [Claims]
	// reads it.
	RawClaims RawClaims `json:"-"`
}

// Can tells whether the token's scopes cover the named one. It is safe on a nil
// Principal, which can do nothing.
func (p *Principal) Can(scope string) bool {
	return p != nil && p.Scopes.Has(scope)
}

// IsClient tells whether the caller is an application in its own name.
func (p *Principal) IsClient() bool {
	return p != nil && p.Kind == KindClient
}

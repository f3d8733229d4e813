package oauthtest

import (
	"strings"
	"time"

	"github.com/bearerguard/bearerguard/internal/authserver"
)

// Change makes a token other than it should be.
type Change func(*draft)

type draft struct {
	*authserver.Draft
	after func(token string) string
}

// Token is an access token by RFC 9068 that the issuer signed, valid for an hour:
// the client's own, granting scope (names with spaces between them), unless
// changes make it something else.
func (i *Issuer) Token(clientID, scope string, changes ...Change) string {
	i.t.Helper()
	d := &draft{Draft: i.server.Draft(clientID, scope)}
	for _, change := range changes {
		change(d)
	}
	token, err := d.Sign()
	if err != nil {
		i.t.Fatalf("oauthtest: %v", err)
	}
	if d.after != nil {
		token = d.after(token)
	}
	return token
}

// Claim sets a claim to any JSON value.
func Claim(name string, value any) Change {
	return func(d *draft) { d.Claims[name] = value }
}

// Without leaves a claim out.
func Without(name string) Change {
	return func(d *draft) { delete(d.Claims, name) }
}

// Header sets a header parameter to any JSON value.
func Header(name string, value any) Change {
	return func(d *draft) { d.Header[name] = value }
}

// WithoutHeader leaves a header parameter out.
func WithoutHeader(name string) Change {
	return func(d *draft) { delete(d.Header, name) }
}

// Expired makes a token that was valid until an hour ago.
func Expired() Change {
	return func(d *draft) {
		d.Claims["iat"] = time.Now().Add(-2 * time.Hour).Unix()
		d.Claims["exp"] = time.Now().Add(-time.Hour).Unix()
	}
}

// NotYetValid makes a token that will be valid in an hour.
func NotYetValid() Change { return Claim("nbf", time.Now().Add(time.Hour).Unix()) }

// ForAudience makes a token for somebody else's API.
func ForAudience(audience string) Change { return Claim("aud", audience) }

// ForUser makes a token that the client holds on behalf of a user.
func ForUser(id string) Change { return Claim("sub", id) }

// Forged signs with a key of somebody else's under the kid of the issuer's.
func Forged() Change {
	return func(d *draft) {
		key, err := authserver.NewSigningKey(d.Key.Algorithm)
		if err != nil {
			panic(err) // the algorithm is one that the issuer has a key for
		}
		d.Key.Signer = key.Signer
	}
}

// Unsigned makes a token with alg none.
func Unsigned() Change {
	return func(d *draft) {
		d.Header["alg"] = "none"
		d.after = func(token string) string { return token[:strings.LastIndexByte(token, '.')+1] }
	}
}

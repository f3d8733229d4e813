package verify

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// ClientAuth is how this API says who it is to an endpoint that wants to know
// (RFC 7662 §2.1): [ClientSecretBasic], [ClientSecretPost], [BearerAuth],
// [PrivateKeyJWT] or [InsecureNoAuth].
type ClientAuth interface {
	// check is what is wrong with the configuration for this way, and what to
	// write instead.
	check(id, secret string) error
	// authenticate puts the credentials into a request's header or form.
	authenticate(ctx context.Context, who clientCredentials, header http.Header, form url.Values) error
}

type clientCredentials struct{ id, secret, endpoint string }

// ClientSecretBasic is HTTP Basic with client id and secret, each form-encoded
// first (RFC 6749 §2.3.1).
type ClientSecretBasic struct{}

func (ClientSecretBasic) check(id, secret string) error { return wantSecret(id, secret) }

func (ClientSecretBasic) authenticate(_ context.Context, who clientCredentials, header http.Header, _ url.Values) error {
	pair := url.QueryEscape(who.id) + ":" + url.QueryEscape(who.secret)
	header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	return nil
}

// ClientSecretPost is client id and secret in the form, for servers that do not
// take them by HTTP Basic (RFC 6749 §2.3.1).
type ClientSecretPost struct{}

func (ClientSecretPost) check(id, secret string) error { return wantSecret(id, secret) }

func (ClientSecretPost) authenticate(_ context.Context, who clientCredentials, _ http.Header, form url.Values) error {
	form.Set("client_id", who.id)
	form.Set("client_secret", who.secret)
	return nil
}

func wantSecret(id, secret string) error {
	if id == "" || secret == "" {
		return errors.New("verify: IntrospectionConfig.ClientID or ClientSecret is empty; write what the server knows this API by, or choose another Auth: BearerAuth, PrivateKeyJWT, or InsecureNoAuth for an endpoint that asks nobody who he is")
	}
	return nil
}

// BearerAuth is an access token of this API's own (RFC 7662 §2.1). The function is
// called for every request to the endpoint, by several goroutines at once: it is to
// keep the token for as long as it is good. Its ctx ends with the request's time.
type BearerAuth func(ctx context.Context) (token string, err error)

func (b BearerAuth) check(_, secret string) error {
	if b == nil {
		return errors.New("verify: IntrospectionConfig.Auth is a nil BearerAuth; write a function that returns this API's own access token")
	}
	return wantNoSecret(secret, "BearerAuth")
}

func (b BearerAuth) authenticate(ctx context.Context, _ clientCredentials, header http.Header, _ url.Values) error {
	token, err := b(ctx)
	if err != nil {
		return fmt.Errorf("this API's own token (BearerAuth): %w", err)
	}
	if !isVisible(token) {
		return errors.New("this API's own token (BearerAuth) is empty, or has characters that no token has")
	}
	header.Set("Authorization", "Bearer "+token)
	return nil
}

// PrivateKeyJWT is an assertion that this API signs for each request, valid for a
// minute: private_key_jwt of OpenID Connect Core §9, by RFC 7523 §2.2 and §3. It
// needs IntrospectionConfig.ClientID.
type PrivateKeyJWT struct {
	// Signer is the private key: RSA of 2048 bits or more, EC on P-256, P-384 or
	// P-521, or Ed25519. It may be in a device of its own; it is called by
	// several goroutines at once.
	Signer crypto.Signer
	// Algorithm is the JWS algorithm, such as ES256; one for that key.
	Algorithm string
	// KeyID is the kid by which the server knows the key. It may be empty.
	KeyID string
	// Audience is the aud of the assertion: by what the server calls itself.
	// Default the endpoint's URL; many servers want their issuer identifier.
	Audience string
}

// assertionLifetime is short: an assertion is made for one request, at once.
const assertionLifetime = time.Minute

func (p PrivateKeyJWT) check(id, secret string) error {
	switch {
	case id == "":
		return errors.New("verify: IntrospectionConfig.ClientID is empty; PrivateKeyJWT needs it for iss and sub of its assertions")
	case p.Signer == nil:
		return errors.New("verify: PrivateKeyJWT.Signer is nil; write the private key whose public key the server has")
	case p.Algorithm == "":
		return errors.New("verify: PrivateKeyJWT.Algorithm is empty; write the JWS algorithm that the server expects, such as ES256")
	}
	if _, err := jose.NewKey(p.KeyID, p.Algorithm, p.Signer.Public()); err != nil {
		return fmt.Errorf("verify: PrivateKeyJWT with Algorithm %q: %w", p.Algorithm, err)
	}
	return wantNoSecret(secret, "PrivateKeyJWT")
}

func (p PrivateKeyJWT) authenticate(_ context.Context, who clientCredentials, _ http.Header, form url.Values) error {
	header := map[string]string{"typ": "JWT", "alg": p.Algorithm}
	if p.KeyID != "" {
		header["kid"] = p.KeyID
	}
	audience := p.Audience
	if audience == "" {
		audience = who.endpoint
	}
	now := time.Now()
	claims := map[string]any{
		"iss": who.id, "sub": who.id, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	}
	headerText, err := json.Marshal(header)
	if err != nil {
		return err
	}
	claimsText, err := json.Marshal(claims)
	if err != nil {
		return err
	}
	assertion, err := jose.Sign(p.Algorithm, p.Signer, headerText, claimsText)
	if err != nil {
		return fmt.Errorf("signing the assertion (PrivateKeyJWT): %w", err)
	}
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return nil
}

// InsecureNoAuth is for an endpoint that asks nobody who he is, such as Sopheak
// JwtAuth's: whoever reaches it can try out tokens (RFC 7662 §4). Let the network
// keep strangers away from it.
type InsecureNoAuth struct{}

func (InsecureNoAuth) check(_, secret string) error { return wantNoSecret(secret, "InsecureNoAuth") }

func (InsecureNoAuth) authenticate(context.Context, clientCredentials, http.Header, url.Values) error {
	return nil
}

func wantNoSecret(secret, way string) error {
	if secret != "" {
		return fmt.Errorf("verify: IntrospectionConfig.ClientSecret would not be used with %s; leave it out, or choose ClientSecretBasic or ClientSecretPost", way)
	}
	return nil
}

// isVisible tells whether s is of the characters that an access token may have
// (VSCHAR, RFC 6749 appendix A.12), and is not empty.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s != ""
}

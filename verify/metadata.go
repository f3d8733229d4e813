package verify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/internal/strictjson"
)

// maxMetadataBytes bounds a metadata document.
const maxMetadataBytes = 256 << 10

// metadataError is that the issuer's metadata is wrong, rather than out of reach.
type metadataError struct{ text string }

func (e *metadataError) Error() string { return "verify: " + e.text }

// jwksURI asks at the well-known places (RFC 8414 §3 and §5).
func (d *discoveredKeys) jwksURI(ctx context.Context) (string, error) {
	var failures []string
	outage := false
	for _, place := range wellKnown(d.issuer) {
		jwksURI, err := d.ask(ctx, place)
		if err == nil {
			return jwksURI, nil
		}
		wrong, ok := errors.AsType[*metadataError](err)
		outage = outage || !ok
		if ok {
			failures = append(failures, place+": "+wrong.text)
		} else {
			failures = append(failures, fmt.Sprintf("%s: %v", place, err))
		}
	}
	text := strings.Join(failures, "; ")
	if outage {
		return "", errors.New(text)
	}
	return "", &metadataError{fmt.Sprintf("no metadata of issuer %s: %s; write JWTConfig.Issuer to the letter as the server names itself, or use JWT with jwks.Remote for a server without metadata", d.issuer, text)}
}

func (d *discoveredKeys) ask(ctx context.Context, place string) (jwksURI string, err error) {
	document, _, err := d.client.Get(ctx, place)
	if err != nil {
		if fetch.Lasting(err) {
			err = &metadataError{err.Error()}
		}
		return "", err
	}
	metadata, err := strictjson.Parse(string(document), nil)
	if err != nil {
		return "", &metadataError{err.Error()}
	}
	// RFC 8414 §3.3: a document of another issuer must not be used.
	if issuer, _ := metadata.Get("issuer").String(); issuer != d.issuer {
		return "", &metadataError{fmt.Sprintf("the document is of issuer %q", issuer)}
	}
	jwksURI, _ = metadata.Get("jwks_uri").String()
	if jwksURI == "" {
		return "", &metadataError{"the document has no jwks_uri"}
	}
	if err := d.client.CheckHop(d.issuer, jwksURI); err != nil {
		return "", &metadataError{"jwks_uri: " + err.Error()}
	}
	return jwksURI, nil
}

// wellKnown is where the issuer's metadata may be: by RFC 8414 §3.1 between host
// and path, by OpenID Connect Discovery 1.0 §4.1 behind the path.
func wellKnown(issuer string) []string {
	u, err := url.Parse(strings.TrimSuffix(issuer, "/"))
	if err != nil {
		return nil // CheckURL has parsed it before
	}
	origin, path := u.Scheme+"://"+u.Host, u.EscapedPath()
	return []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + path + "/.well-known/openid-configuration",
	}
}

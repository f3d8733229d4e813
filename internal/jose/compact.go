package jose

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/bearerguard/bearerguard/internal/strictjson"
)

var (
	// ErrMalformed is a token that is not a JWS in compact serialization.
	ErrMalformed = errors.New("not a JWS in compact serialization (RFC 7515 section 7.1)")
	// ErrCritical is a token whose header demands an extension. None is
	// understood here, so each must be refused (RFC 7515 §4.1.11).
	ErrCritical = errors.New("the header demands an extension (crit or b64)")
)

// maxKeyID bounds kid, which is compared, never interpreted.
const maxKeyID = 1024

// Compact is a JWS in compact serialization whose header has been read, and
// whose signature has not been verified.
type Compact struct {
	// Algorithm, KeyID and Type are alg, kid and typ; empty if absent.
	// jwk, jku, x5u and x5c are not read: a token does not bring its own key
	// (RFC 8725 §3.10).
	Algorithm, KeyID, Type string

	input, payload, signature []byte
}

// Parse reads the compact form strictly: three parts, base64url without padding,
// stray characters or stray bits, the header a JSON object. The caller bounds
// the size of token.
func Parse(token string) (*Compact, error) {
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first <= 0 || last-first < 2 || strings.IndexByte(token[first+1:last], '.') >= 0 {
		return nil, ErrMalformed
	}
	// Strict refuses stray bits at the end, but like every decoder of
	// encoding/base64 it skips line breaks.
	if strings.IndexByte(token, '\n') >= 0 || strings.IndexByte(token, '\r') >= 0 {
		return nil, ErrMalformed
	}
	// One piece of memory for all that is gone when the signature has been
	// verified. The payload outlives it.
	room := make([]byte, 0, len(token)+base64url.DecodedLen(first)+base64url.DecodedLen(len(token)-last-1))
	room = append(room, token...)
	c := &Compact{input: room[:last:last]}
	header, err := base64url.AppendDecode(room[len(room):], room[:first])
	if err != nil {
		return nil, ErrMalformed
	}
	if c.payload, err = base64url.AppendDecode(nil, room[first+1:last]); err != nil {
		return nil, ErrMalformed
	}
	if c.signature, err = base64url.AppendDecode(header[len(header):], room[last+1:]); err != nil {
		return nil, ErrMalformed
	}
	if err := c.readHeader(string(header)); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Compact) readHeader(header string) error {
	var room [8]strictjson.Member
	members, err := strictjson.Parse(header, room[:])
	if err != nil {
		return ErrMalformed
	}
	for _, member := range members {
		text, isText := member.Value.String()
		switch member.Name {
		case "alg":
			c.Algorithm = text
		case "kid":
			c.KeyID = text
			isText = isText && text != "" && len(text) <= maxKeyID
		case "typ":
			c.Type = text
			isText = isText && text != ""
		case "crit", "b64":
			return ErrCritical
		default:
			continue
		}
		if !isText {
			return ErrMalformed
		}
	}
	if c.Algorithm == "" {
		return ErrMalformed
	}
	return nil
}

// Claims is the payload as a JSON object (RFC 7519 §7.2), which nobody has
// vouched for before [Key.Verify] has.
func (c *Compact) Claims(into strictjson.Members) (strictjson.Members, error) {
	claims, err := strictjson.Parse(string(c.payload), into)
	if err != nil {
		return nil, ErrMalformed
	}
	return claims, nil
}

// Payload is the claims as the token holds them.
func (c *Compact) Payload() []byte { return c.payload }

// Input is what was signed: ASCII(BASE64URL(header) . BASE64URL(payload)).
func (c *Compact) Input() []byte { return c.input }

// Signature is the signature of Input.
func (c *Compact) Signature() []byte { return c.signature }

// base64url is the encoding of RFC 7515 §2.
var base64url = base64.RawURLEncoding.Strict()

// decode is for what is not on a request's way.
func decode(encoded string) ([]byte, error) {
	if strings.ContainsAny(encoded, "\r\n") {
		return nil, ErrMalformed
	}
	return base64url.DecodeString(encoded)
}

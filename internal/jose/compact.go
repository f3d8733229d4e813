package jose

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/bearerguard/bearerguard/internal/octets"
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

// Header is what is read of a token's header. jwk, jku, x5u and x5c are not: a token
// does not bring its own key (RFC 8725 §3.10). It is immutable.
type Header struct {
	// Algorithm, KeyID and Type are alg, kid and typ; empty if absent.
	Algorithm, KeyID, Type string

	encoded string
}

// Compact is a JWS in compact serialization whose header has been read, and
// whose signature has not been verified.
type Compact struct {
	*Header

	input     string
	payload   string
	signature []byte
}

// Parse reads the compact form strictly: three parts, base64url without padding,
// stray characters or stray bits, the header a JSON object. The caller bounds
// the size of token.
func Parse(token string) (*Compact, error) { return ParseAfter(nil, token) }

// ParseAfter is Parse for the next token of an issuer, whose headers are the same to
// the letter as a rule: then last, the header of one before, is this one's as well,
// the same *Header.
func ParseAfter(last *Header, token string) (*Compact, error) {
	first := strings.IndexByte(token, '.')
	second := strings.LastIndexByte(token, '.')
	if first <= 0 || second-first < 2 || strings.IndexByte(token[first+1:second], '.') >= 0 {
		return nil, ErrMalformed
	}
	// Strict refuses stray bits at the end, but like every decoder of
	// encoding/base64 it skips line breaks.
	if strings.IndexByte(token, '\n') >= 0 || strings.IndexByte(token, '\r') >= 0 {
		return nil, ErrMalformed
	}
	var scratch [1 << 10]byte // for all but large payloads
	payload, err := base64url.AppendDecode(scratch[:0], []byte(token[first+1:second]))
	if err != nil {
		return nil, ErrMalformed
	}
	c := &Compact{Header: last, input: token[:second], payload: string(payload)}
	if c.signature, err = base64url.DecodeString(token[second+1:]); err != nil {
		return nil, ErrMalformed
	}
	if last != nil && last.encoded == token[:first] {
		return c, nil
	}
	if c.Header, err = readHeader(token[:first]); err != nil {
		return nil, err
	}
	return c, nil
}

func readHeader(encoded string) (*Header, error) {
	document, err := base64url.DecodeString(encoded)
	if err != nil {
		return nil, ErrMalformed
	}
	var room [8]strictjson.Member
	members, err := strictjson.Parse(string(document), room[:])
	if err != nil {
		return nil, ErrMalformed
	}
	h := &Header{encoded: strings.Clone(encoded)} // it may outlive the token
	for _, member := range members {
		text, isText := member.Value.String()
		switch member.Name {
		case "alg":
			h.Algorithm = text
		case "kid":
			h.KeyID = text
			isText = isText && text != "" && len(text) <= maxKeyID
		case "typ":
			h.Type = text
			isText = isText && text != ""
		case "crit", "b64":
			return nil, ErrCritical
		default:
			continue
		}
		if !isText {
			return nil, ErrMalformed
		}
	}
	if h.Algorithm == "" {
		return nil, ErrMalformed
	}
	return h, nil
}

// Claims is the payload as a JSON object (RFC 7519 §7.2), which nobody has
// vouched for before [Key.Verify] has.
func (c *Compact) Claims(into strictjson.Members) (strictjson.Members, error) {
	claims, err := strictjson.Parse(c.payload, into)
	if err != nil {
		return nil, ErrMalformed
	}
	return claims, nil
}

// Payload is the claims as the token holds them.
func (c *Compact) Payload() string { return c.payload }

// EncodedPayload is the claims in base64url, a part of a token that Parse has taken or
// of its Input.
func EncodedPayload(token string) string {
	_, token, _ = strings.Cut(token, ".")
	payload, _, _ := strings.Cut(token, ".")
	return payload
}

// Input is what was signed: ASCII(BASE64URL(header) . BASE64URL(payload)), in the
// token's own memory.
func (c *Compact) Input() []byte { return octets.Of(c.input) }

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

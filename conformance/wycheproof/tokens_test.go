package wycheproof_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

const hmac = "HMAC: who can verify with a shared key can sign with it too, so no such key or algorithm is taken (RFC 7518 section 3.2)"

// All of these are valid there, and refused here.
var tokenDeviations = []deviations{
	{"json_web_signature_test.json", []int{1, 348, 352, 357, 358, 359, 372, 373, 376, 377}, hmac},
	{"json_web_crypto_test.json", []int{1, 48}, hmac},
	{"json_web_key_test.json", []int{2, 13, 14, 15}, hmac},
	{"json_web_signature_test.json", []int{259, 264, 268, 272, 320, 325}, "the payload is empty: no claims (RFC 7519 section 7.2), and the form of a JWS whose content is elsewhere (RFC 7515 appendix F)"},
	{"json_web_signature_test.json", []int{346, 350}, "the key says alg PS256, and the token says PS384: a key serves the algorithm that it names (RFC 7517 section 4.4, RFC 8725 section 3.1)"},
	{"json_web_signature_test.json", []int{347, 351}, "the key says alg ES521, which is the name of no algorithm: it is ES512 (RFC 7518 section 3.1)"},
}

// tokenGroup are tokens for one key, or one set of keys.
type tokenGroup struct {
	Type, Comment   string
	Public, Private json.RawMessage
	Tests           []struct {
		vector
		JWS, JWE json.RawMessage
	}
}

// keys are those that are taken of what a group has for whoever verifies.
func (g tokenGroup) keys() []*jose.Key {
	if g.Public == nil { // a key that both sides share
		return taken(g.Private)
	}
	return taken(g.Public)
}

// taken are the keys that are used of a key set, or of one key in a set of its own.
func taken(document json.RawMessage) []*jose.Key {
	var set struct{ Keys json.RawMessage }
	if err := json.Unmarshal(document, &set); err == nil && set.Keys == nil {
		document = json.RawMessage(`{"keys":[` + string(document) + `]}`)
	}
	keys, _, err := jose.ParseSet(document)
	if err != nil {
		return nil
	}
	return keys
}

// TestTokens: a JWS is accepted if any of the keys verifies it. A JWE is none, and
// must be refused by its form alone: there is nothing here that decrypts.
func TestTokens(t *testing.T) {
	read(t, "tokens", tokenFiles, tokenDeviations, func(c *tally, group tokenGroup) {
		if !slices.Contains([]string{"JsonWebSignature", "JsonWebEncryption", "JsonWebKey", "JsonWebCrypto"}, group.Type) {
			t.Errorf("%s: unknown kind of group %q", c.file, group.Type)
		}
		keys := group.keys()
		if group.Public != nil && taken(group.Private) != nil {
			t.Errorf("%s, %s: a private key is taken for a public one", c.file, group.Comment)
		}
		for _, v := range group.Tests {
			want := v.valid(t)
			switch {
			case v.JWS != nil && v.JWE == nil:
				c.count(v.vector, verified(text(v.JWS), keys), want)
				if accepted, empty := verifiedEmpty(text(v.JWS), keys); empty && group.Public != nil && accepted != want {
					t.Errorf("%s %d (%s): but for its payload, accepted is %v, want %v", c.file, v.TcID, v.Comment, accepted, want)
				}
			case v.JWE != nil && v.JWS == nil:
				_, err := jose.Parse(text(v.JWE))
				c.count(v.vector, err == nil, false)
			default:
				t.Errorf("%s %d: neither a JWS nor a JWE", c.file, v.TcID)
			}
		}
	})
}

// text is a token as it would be sent: in JSON serialization it is an object.
func text(token json.RawMessage) string {
	var compact string
	if json.Unmarshal(token, &compact) != nil {
		return string(token)
	}
	return compact
}

func verified(token string, keys []*jose.Key) bool {
	parsed, err := jose.Parse(token)
	return err == nil && anyVerifies(keys, parsed.Algorithm, parsed.Input(), parsed.Signature())
}

// verifiedEmpty is whether a key verifies a token with an empty payload. Parse refuses
// them all, but what some are about is the key.
func verifiedEmpty(token string, keys []*jose.Key) (accepted, empty bool) {
	input, signature, empty := strings.Cut(token, "..")
	var header struct{ Alg string }
	octets, err := base64.RawURLEncoding.DecodeString(input)
	if !empty || err != nil || json.Unmarshal(octets, &header) != nil {
		return false, false
	}
	octets, err = base64.RawURLEncoding.DecodeString(signature)
	return err == nil && anyVerifies(keys, header.Alg, []byte(input+"."), octets), true
}

func anyVerifies(keys []*jose.Key, alg string, input, signature []byte) bool {
	return slices.ContainsFunc(keys, func(key *jose.Key) bool { return key.Verify(alg, input, signature) == nil })
}

// TestBase64: the keys of this group are for HMAC, so that none of its tokens can be
// accepted. What they are about is their form, of which Parse alone decides.
func TestBase64(t *testing.T) {
	const file = "json_web_signature_test.json"
	read(t, "base64url", []string{file}, []deviations{
		{file, []int{367, 370}, "the padding in their names is not in them: they are the same as 357, which is valid"},
		{file, []int{372, 373}, "there is a ? in them, which is not base64url (RFC 7515 section 2, RFC 4648 section 3.3), and for which 361 to 364 and 371 are invalid"},
	}, func(c *tally, group tokenGroup) {
		if group.Comment != "base64" {
			c.leave(len(group.Tests))
			return
		}
		for _, v := range group.Tests {
			_, err := jose.Parse(text(v.JWS))
			c.count(v.vector, err == nil, v.valid(t))
		}
	})
}

package jose

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
)

const rfc7517RSA = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`

// A thumbprint of what was read, not of what it was read from: the key is the one
// that the RFC means.
func TestTheThumbprintsOfTheRFCs(t *testing.T) {
	for name, test := range map[string]struct{ jwk, thumbprint string }{
		"RFC 7638 3.1":         {rfc7517RSA, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		"RFC 8037 A.2 and A.3": {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, skipped, err := ParseSet([]byte(`{"keys":[` + test.jwk + `]}`))
			if err != nil {
				t.Fatal(err, skipped)
			}
			if got := thumbprint(t, keys[0]); got != test.thumbprint {
				t.Errorf("got %s, want %s", got, test.thumbprint)
			}
		})
	}
}

// thumbprint is RFC 7638 §3: the required members in lexicographic order, which is
// the order in which maps are marshaled.
func thumbprint(t *testing.T, key *Key) string {
	t.Helper()
	published, err := Publish("", "", key.public)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal(published, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "use")
	required, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(required)
	return base64url.EncodeToString(hash[:])
}

// RFC 7517 A.1: of the two keys of the example, one is for encryption.
func TestTheKeySetOfTheRFC(t *testing.T) { // C13
	const ec = `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"1"`
	keys, skipped, err := ParseSet([]byte(`{"keys":[{` + ec + `,"use":"enc"},` + rfc7517RSA + `]}`))
	if err != nil || len(keys) != 1 || keys[0].ID != "2011-04-29" || !keys[0].Supports("RS256") || keys[0].Supports("PS256") {
		t.Errorf("got %+v, %v", keys, err)
	}
	if len(skipped) != 1 || skipped[0] != (Skipped{"1", "use is not sig"}) {
		t.Errorf("skipped %+v", skipped)
	}
	// Nothing else is wrong with it.
	keys, _, err = ParseSet([]byte(`{"keys":[{` + ec + `,"use":"sig"},` + rfc7517RSA + `]}`))
	if err != nil || len(keys) != 2 || keys[0].ID != "1" || !keys[0].Supports("ES256") {
		t.Errorf("for signatures: got %+v, %v", keys, err)
	}
}

package jose_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

const (
	// The symmetric keys of RFC 7515 A.1.1 and RFC 7520 §3.5.
	rfc7515Secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	rfc7520Secret = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"

	rfc7520HS256      = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9"
	rfc7520MAC        = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"
	rfc7520ManyRS256  = "MIsjqtVlOpa71KE-Mss8_Nq2YH4FGhiocsqrgi5NvyG53uoimic1tcMdSg-qptrzZc7CG6Svw2Y13TDIqHzTUrL_lR2ZFcryNFiHkSw129EghGpwkpxaTn_THJTCglNbADko1MZBCdwzJxwqZc-1RlpO2HibUYyXSwO97BSe0_evZKdjvvKSgsIqjytKSeAMbhMBdMma622_BG5t4sdbuCHtFjp9iJmkio47AIwqkZV1aIZsv33uPUqBBCXbYoQJwt7mxPftHmNlGoOSMxR_3thmXTCm4US-xiNOyhbm8afKK64jU6_TPtQHiJeQJxz9G3Tx-083B745_AfYOnlC9w"
	rfc7520ManyES512  = "ARcVLnaJJaUWG8fG-8t5BREVAuTY8n8YHjwDO1muhcdCoFZFFjfISu0Cdkn9Ybdlmi54ho0x924DUz8sK7ZXkhc7AFM8ObLfTvNCrqcI3Jkl2U5IX3utNhODH6v7xgy1Qahsn0fyb4zSAkje8bAWz4vIfj5pCMYxxm4fgV3q7ZYhm5eD"
	rfc7520HeaderMAC  = "bWUSVaxorn7bEF1djytBd0kHv70Ly5pvbomzMWSOr20"
	rfc7520ContentMAC = "xuLifqLGiblpv9zBpuZczWhNj1gARaLV3UxvxhJxZuk"
)

// made is a signature or MAC of the examples, by itself.
type made struct{ alg, key, input, signature string }

// good is whether it is what the RFC says, so that it is refused for nothing else.
func (m made) good() bool {
	signature := must(raw.DecodeString(m.signature))
	if m.alg == "HS256" {
		mac := hmac.New(sha256.New, must(raw.DecodeString(m.key)))
		mac.Write([]byte(m.input))
		return hmac.Equal(mac.Sum(nil), signature)
	}
	keys, _, err := jose.ParseSet([]byte(`{"keys":[` + m.key + `]}`))
	return err == nil && keys[0].Verify(m.alg, []byte(m.input), signature) == nil
}

// Good by their RFCs, and nothing that an API should take: a MAC that whoever can
// verify could have made, no signature, and forms beside the compact one.
func TestTheExamplesOfTheRFCsAreRefused(t *testing.T) { // C9, C14
	const rs256, es256, hs256 = "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9"
	const withCRLF = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
	const joesMAC = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	const secretID = `"kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"`
	const bilboID = `"kid":"bilbo.baggins@hobbiton.example"`
	joesRSA, joesEC := made{"RS256", rfc7515RSA, rs256 + "." + joe, rfc7515RS256}, made{"ES256", rfc7515EC, es256 + "." + joe, rfc7515ES256}
	frodosMAC := made{"HS256", rfc7520Secret, rfc7520HS256 + "." + frodo, rfc7520MAC}
	for name, test := range map[string]struct {
		token string
		alg   string // where the token can be read, and nothing but its algorithm is wrong
		made  []made
	}{
		"RFC 7515 A.1, HS256":     {withCRLF + "." + joe + "." + joesMAC, "HS256", []made{{"HS256", rfc7515Secret, withCRLF + "." + joe, joesMAC}}},
		"RFC 7515 A.5, unsecured": {"eyJhbGciOiJub25lIn0." + joe + ".", "none", nil},
		"RFC 7515 A.6, general":   {general(joe, signer(rs256, `"kid":"2010-12-29"`, rfc7515RS256), signer(es256, `"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"`, rfc7515ES256)), "", []made{joesRSA, joesEC}},
		"RFC 7515 A.7, flat":      {flattened(joe, signer(es256, `"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"`, rfc7515ES256)), "", []made{joesEC}},
		"RFC 7520 4.4, HS256":     {rfc7520HS256 + "." + frodo + "." + rfc7520MAC, "HS256", []made{frodosMAC}},
		"RFC 7520 4.4, general":   {general(frodo, signer(rfc7520HS256, "", rfc7520MAC)), "", []made{frodosMAC}},
		"RFC 7520 4.4, flat":      {flattened(frodo, signer(rfc7520HS256, "", rfc7520MAC)), "", []made{frodosMAC}},
		"RFC 7520 4.5, detached":  {rfc7520HS256 + ".." + rfc7520MAC, "", []made{frodosMAC}},
		"RFC 7520 4.6, a header that is not protected": {
			general(frodo, signer(hs256, secretID, rfc7520HeaderMAC)), "",
			[]made{{"HS256", rfc7520Secret, hs256 + "." + frodo, rfc7520HeaderMAC}},
		},
		"RFC 7520 4.6, flat": {
			flattened(frodo, signer(hs256, secretID, rfc7520HeaderMAC)), "",
			[]made{{"HS256", rfc7520Secret, hs256 + "." + frodo, rfc7520HeaderMAC}},
		},
		"RFC 7520 4.7, no protected header": {
			general(frodo, signer("", `"alg":"HS256",`+secretID, rfc7520ContentMAC)), "",
			[]made{{"HS256", rfc7520Secret, "." + frodo, rfc7520ContentMAC}},
		},
		"RFC 7520 4.7, flat": {
			flattened(frodo, signer("", `"alg":"HS256",`+secretID, rfc7520ContentMAC)), "",
			[]made{{"HS256", rfc7520Secret, "." + frodo, rfc7520ContentMAC}},
		},
		"RFC 7520 4.7, as if it were compact": {
			"." + frodo + "." + rfc7520ContentMAC, "",
			[]made{{"HS256", rfc7520Secret, "." + frodo, rfc7520ContentMAC}},
		},
		"RFC 7520 4.8, several signatures": {
			general(frodo, signer(rs256, bilboID, rfc7520ManyRS256), signer("", `"alg":"ES512",`+bilboID, rfc7520ManyES512), signer(rfc7520HS256, "", rfc7520MAC)), "",
			[]made{{"RS256", bilboRSA, rs256 + "." + frodo, rfc7520ManyRS256}, {"ES512", bilboEC, "." + frodo, rfc7520ManyES512}, frodosMAC},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range test.made {
				if !m.good() {
					t.Errorf("not the %s of the RFC", m.alg)
				}
			}
			c, err := jose.Parse(test.token)
			if test.alg == "" {
				if !errors.Is(err, jose.ErrMalformed) {
					t.Errorf("got %v, want ErrMalformed", err)
				}
				return
			}
			if err != nil || c.Algorithm != test.alg {
				t.Fatalf("read %+v, %v", c, err)
			}
			keys, _, err := jose.ParseSet([]byte(`{"keys":[` + strings.Join([]string{rfc7515RSA, rfc7515EC, bilboRSA, bilboEC}, ",") + `]}`))
			if err != nil || len(keys) != 4 {
				t.Fatal(err)
			}
			for _, key := range keys {
				if key.Supports(c.Algorithm) || key.Verify(c.Algorithm, c.Input(), c.Signature()) == nil {
					t.Errorf("a key takes %s", c.Algorithm)
				}
			}
		})
	}
}

// The keys of those MACs cannot be had, whichever way they come.
func TestTheSymmetricKeysOfTheRFCsAreRefused(t *testing.T) { // C13, C14
	for name, jwk := range map[string]string{
		"RFC 7515 A.1.1": `{"kty":"oct","k":"` + rfc7515Secret + `"}`,
		"RFC 7520 3.5":   `{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"` + rfc7520Secret + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			keys, skipped, err := jose.ParseSet([]byte(`{"keys":[` + jwk + `]}`))
			if err == nil || len(skipped) != 1 || !strings.Contains(skipped[0].Reason, "symmetric") {
				t.Errorf("got %v, %v, %v", keys, skipped, err)
			}
		})
	}
	if key, err := jose.NewKey("", "HS256", must(raw.DecodeString(rfc7515Secret))); err == nil {
		t.Errorf("got %v", key)
	}
}

// signer is one signature in JSON serialization: the protected header and the other
// one, each of which may be absent.
func signer(protected, header, signature string) string {
	members := `"signature":"` + signature + `"`
	if header != "" {
		members = `"header":{` + header + `},` + members
	}
	if protected != "" {
		members = `"protected":"` + protected + `",` + members
	}
	return members
}

// general and flattened are the JSON serializations (RFC 7515 §7.2).
func general(payload string, signers ...string) string {
	return `{"payload":"` + payload + `","signatures":[{` + strings.Join(signers, "},{") + `}]}`
}

func flattened(payload, signer string) string {
	return `{"payload":"` + payload + `",` + signer + `}`
}

package jwks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// C13: what one key says is not the business of the others.
func TestAKeyThatCannotBeUsedHarmsNoOther(t *testing.T) {
	x := coordinate("odd")
	for _, row := range []struct{ name, element, reason string }{
		{"ML-DSA (C13)", `{"kty":"AKP","alg":"ML-DSA-65","kid":"odd","pub":"AAAA"}`, "kty not supported"},
		{"Ed448", `{"kty":"OKP","crv":"Ed448","kid":"odd","x":"AAAA"}`, "crv not supported"},
		{"X25519, which signs nothing", `{"kty":"OKP","crv":"X25519","kid":"odd","x":"` + x + `"}`, "crv not supported"},
		{"secp256k1", `{"kty":"EC","crv":"secp256k1","kid":"odd","x":"AAAA","y":"AAAA"}`, "crv not supported"},
		{"no kty (C13)", `{"kid":"odd","x":"` + x + `"}`, "kty not supported"},
		{"kty that is no string (C13)", `{"kty":1,"kid":"odd"}`, "kty not supported"},
		{"for encryption (C13)", `{"kty":"OKP","crv":"Ed25519","use":"enc","kid":"odd","x":"` + x + `"}`, "use is not sig"},
		{"not for verification (C13)", `{"kty":"OKP","crv":"Ed25519","key_ops":["sign"],"kid":"odd","x":"` + x + `"}`, "key_ops without verify"},
		{"for another alg than it can (C13)", `{"kty":"OKP","crv":"Ed25519","alg":"ES256","kid":"odd","x":"` + x + `"}`, "not a signature algorithm for it"},
		{"a private key", `{"kty":"OKP","crv":"Ed25519","kid":"odd","x":"` + x + `","d":"c2VjcmV0"}`, "private or symmetric"},
		{"a shared secret", `{"kty":"oct","kid":"odd","k":"c2VjcmV0"}`, "private or symmetric"},
		{"a member missing (C13)", `{"kty":"OKP","crv":"Ed25519","kid":"odd"}`, "x is missing"},
		{"a member that is not base64url (C13)", `{"kty":"OKP","crv":"Ed25519","kid":"odd","x":"` + x + `="}`, "x is missing or not base64url"},
		{"a point that is not on its curve (C14)", `{"kty":"EC","crv":"P-256","kid":"odd","x":"` + x + `","y":"` + x + `"}`, ""},
		{"a small RSA modulus (C14)", `{"kty":"RSA","kid":"odd","n":"` + strings.Repeat("_", 170) + `w","e":"AQAB"}`, "bits"},
		{"a kid that is no string", `{"kty":"OKP","crv":"Ed25519","kid":7,"x":"` + x + `"}`, "kid is not a string"},
		{"a member twice (C10)", `{"kty":"OKP","crv":"Ed25519","kid":"odd","kid":"odd","x":"` + x + `"}`, ""},
		{"no object", `"odd"`, ""},
		{"null", `null`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logged{}
				set := inMemory(t, publishing(row.element, jwk("good")), jwks.RemoteConfig{Logger: log.logger()})
				mustFind(t, set, "good")
				mustNotFind(t, set, "odd")
				left := log.leftOut(t)
				if len(left) != 1 || !strings.Contains(left[0], row.reason) {
					t.Errorf("logged %q; it should say: %s", left, row.reason)
				}
				if text := log.text.String(); strings.Contains(text, "c2VjcmV0") || strings.Contains(text, x) {
					t.Errorf("the log repeats key material: %s", text)
				}
			})
		})
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) { // C13
	element := strings.TrimSuffix(jwk("a"), "}") +
		`,"use":"sig","key_ops":["verify"],"alg":"Ed25519","x5c":["garbage"],"x5u":"https://issuer.example/x5u","exp":1,"added":{"in":"2030"}}`
	set := overTCP(t, publishing(element), jwks.RemoteConfig{})
	mustFind(t, set, "a")
}

// logged keeps what a set logs. Its text may be read while the set is idle.
type logged struct{ text bytes.Buffer }

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(&l.text, nil)) }

// leftOut is which keys it says are left out, each with the reason.
func (l *logged) leftOut(t *testing.T) (keys []string) {
	t.Helper()
	synctest.Wait()
	for line := range strings.Lines(l.text.String()) {
		var record struct{ Level, Msg, URL, Key, Reason string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record.Msg != "jwks: key left out" {
			continue
		}
		if record.Level != "WARN" || record.URL != jwksURL {
			t.Errorf("%+v", record)
		}
		keys = append(keys, record.Key+": "+record.Reason)
	}
	return keys
}

func TestAKeyIsReportedOncePerReason(t *testing.T) {
	const (
		pq       = `{"kty":"AKP","kid":"pq"}`
		pqForEnc = `{"kty":"AKP","kid":"pq","use":"enc"}`
		unnamed  = `{"kty":"AKP"}`

		unsupported = "pq: kty not supported; RSA, EC and OKP are"
	)
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		p := publishing(jwk("a"), pq, pq, unnamed)
		set := inMemory(t, p, jwks.RemoteConfig{Logger: log.logger()})
		want := []string{unsupported, "keys[3]" + strings.TrimPrefix(unsupported, "pq")}
		expect := func(when string, more ...string) {
			t.Helper()
			want = append(want, more...)
			if got := log.leftOut(t); !slices.Equal(got, want) {
				t.Fatalf("%s: %q, not %q", when, got, want)
			}
			mustFind(t, set, "a")
		}
		expect("at the start")
		time.Sleep(24 * time.Hour)
		expect("after many refreshes")
		p.fails(500)
		time.Sleep(time.Hour)
		p.publish(jwk("a"), pq)
		time.Sleep(time.Hour)
		expect("after an outage")
		p.publish(jwk("a"), pqForEnc)
		time.Sleep(afterRefresh)
		expect("for another reason", "pq: use is not sig")
		p.publish(jwk("a"))
		time.Sleep(afterRefresh)
		p.publish(jwk("a"), pqForEnc)
		time.Sleep(afterRefresh)
		expect("when it is back", "pq: use is not sig")
	})
}

func TestTheLogIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		elements := []string{jwk("a")}
		for n := range 500 {
			elements = append(elements, fmt.Sprintf(`{"kty":"AKP","kid":"pq-%d"}`, n))
		}
		set := inMemory(t, publishing(elements...), jwks.RemoteConfig{Logger: log.logger()})
		time.Sleep(24 * time.Hour)
		if n := len(log.leftOut(t)); n == 0 || n > 20 {
			t.Errorf("%d lines", n)
		}
		mustFind(t, set, "a")
	})
}

// An issuer may go on publishing keys that it has retired or lost, as Sopheak JwtAuth
// does.
func TestDistrustedKeysAreNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := inMemory(t, publishing(jwk("lost"), jwk("good")), jwks.RemoteConfig{Distrusted: []string{"lost"}})
		mustFind(t, set, "good")
		mustNotFind(t, set, "lost")
		none := inMemory(t, publishing(jwk("lost")), jwks.RemoteConfig{Distrusted: []string{"lost"}})
		mustBeUnavailable(t, none, "lost")
	})
}

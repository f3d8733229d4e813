package benchmarks

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// BenchmarkGrowth is what a request costs where there is much of something, with a
// token that comes for the first time, and with one that comes again. All are signed
// by EdDSA.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		sights(b, fmt.Sprintf("of=keys/n=%d", n), func(b *testing.B, entries int) (verify.Verifier, string) {
			v, signing := trusted(b, 0, n, entries)
			return v, signing.token(b, 4)
		})
	}
	for _, n := range []int{1, 10, 100} {
		sights(b, fmt.Sprintf("of=issuers/n=%d", n), func(b *testing.B, entries int) (verify.Verifier, string) {
			all := make([]verify.IssuerVerifier, n)
			var last signer
			for i := range all {
				all[i], last = trusted(b, i, 1, entries)
			}
			v, err := verify.ByIssuer(all...)
			if err != nil {
				b.Fatal(err)
			}
			return v, last.token(b, 4)
		})
	}
	for _, n := range []int{1, 10, 50} {
		sights(b, fmt.Sprintf("of=scopes/n=%d", n), func(b *testing.B, entries int) (verify.Verifier, string) {
			v, signing := trusted(b, 0, 1, entries)
			return v, signing.token(b, n)
		})
	}
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("of=tokens/n=%d/sight=further", n), func(b *testing.B) {
			handler, all := remembering(b, n)
			c := newClient(handler)
			next := 0
			m := startMeter(b)
			for b.Loop() {
				sendGood(b, c, all[next])
				next = (next + 7919) % n // a prime: all of them, and not as they came
			}
			m.report()
		})
	}
}

// sights measures one token again and again, by a verifier that remembers none and by
// one that does.
func sights(b *testing.B, name string, make func(b *testing.B, entries int) (verify.Verifier, string)) {
	for sight, entries := range map[string]int{"first": cacheOff, "further": cacheDefault} {
		b.Run(name+"/sight="+sight, func(b *testing.B) {
			v, authorization := make(b, entries)
			c := newClient(protected(b, v))
			sendGood(b, c, authorization)
			m := startMeter(b)
			for b.Loop() {
				sendGood(b, c, authorization)
			}
			m.report()
		})
	}
}

func protected(b *testing.B, v verify.Verifier) http.Handler {
	b.Helper()
	guard, err := middleware.New(middleware.Config{Verifier: v})
	if err != nil {
		b.Fatal(err)
	}
	return guard.Require(scopes.All(Scope)).Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
}

// signer is an issuer's key.
type signer struct {
	issuer, id string
	private    ed25519.PrivateKey
}

// trusted is the verifier of an issuer with some keys, the last of which signs.
func trusted(b *testing.B, issuer, keys, entries int) (*verify.JWTVerifier, signer) {
	b.Helper()
	signing := signer{issuer: fmt.Sprintf("https://issuer%d.example", issuer)}
	set := make([]*jwks.Key, keys)
	for i := range set {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		signing.id, signing.private = fmt.Sprint("key", i), private
		if set[i], err = jwks.NewKey(signing.id, "EdDSA", public); err != nil {
			b.Fatal(err)
		}
	}
	v, err := verify.JWT(verify.JWTConfig{Issuer: signing.issuer, Audience: []string{Audience}, Keys: jwks.Static(set...), MaxEntries: entries})
	if err != nil {
		b.Fatal(err)
	}
	return v, signing
}

// token is another one each time, and grants n scopes.
func (s signer) token(b *testing.B, n int) (authorization string) {
	b.Helper()
	granted := []string{Scope}
	for i := range n - 1 {
		granted = append(granted, fmt.Sprintf("resource%d.write", i))
	}
	now := time.Now()
	d := &Draft{
		Header: map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": s.id},
		Claims: map[string]any{
			"iss": s.issuer, "aud": Audience, "sub": "billing", "client_id": "billing", "scope": strings.Join(granted, " "),
			"iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(), "jti": rand.Text(),
		},
		Signer: s.private,
	}
	value, err := d.sign()
	if err != nil {
		b.Fatal(err)
	}
	return "Bearer " + value
}

// crowds are handlers that have seen so many tokens, made once for all rounds.
var crowds sync.Map // of crowd, by their number

type crowd struct {
	handler http.Handler
	tokens  []string
}

func remembering(b *testing.B, n int) (http.Handler, []string) {
	if made, ok := crowds.Load(n); ok {
		return made.(crowd).handler, made.(crowd).tokens
	}
	v, signing := trusted(b, 0, 1, n+n/8)
	made := crowd{protected(b, v), make([]string, n)}
	for i := range made.tokens {
		made.tokens[i] = signing.token(b, 4)
		sendGood(b, newClient(made.handler), made.tokens[i])
	}
	crowds.Store(n, made)
	return made.handler, made.tokens
}

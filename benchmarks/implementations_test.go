package benchmarks

import (
	"net/http"
	"testing"
)

// What is measured protects: it lets a good token pass, by every algorithm that it
// can verify, and refuses every kind of bad request.
func TestEveryImplementationAcceptsAndRefuses(t *testing.T) {
	for _, implementation := range Implementations {
		t.Run(implementation.Name, func(t *testing.T) {
			for _, alg := range Algorithms {
				if !implementation.Can(alg) {
					continue
				}
				guard, err := implementation.Build(t.Context(), api(issuer(t), alg))
				if err != nil {
					t.Fatal(err)
				}
				served := 0
				c := newClient(guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					served++
					w.WriteHeader(http.StatusOK)
				})))
				for n := range 3 {
					if status := c.send(authorization(t, issuer(t), alg)); status != http.StatusOK || served != n+1 {
						t.Fatalf("%s: a good token got %d, %d of %d served", alg, status, served, n+1)
					}
				}
				served = 0
				for _, kind := range Kinds {
					value, err := kind.Authorization(issuer(t), alg)
					if err != nil {
						t.Fatal(err)
					}
					status := c.send(value)
					switch refused := status >= 400 && served == 0; {
					case !refused && !implementation.Floor:
						t.Errorf("%s, %s: got %d, %d served", alg, kind.Name, status, served)
					case refused && implementation.Name == "unprotected":
						t.Errorf("%s, %s: refused without a guard, so the request was no good", alg, kind.Name)
					}
					served = 0
				}
			}
		})
	}
}

// The floor is a floor of what verifies signatures.
func TestBareCryptoVerifies(t *testing.T) {
	for _, implementation := range Implementations {
		if implementation.Name != "crypto" {
			continue
		}
		for _, alg := range Algorithms {
			c := newClient(build(t, t.Context(), implementation, issuer(t), alg))
			if status := c.send(authorization(t, issuer(t), alg, forged(alg))); status != http.StatusUnauthorized {
				t.Errorf("%s: a forged token got %d", alg, status)
			}
		}
	}
}

func TestTokensAreOfTheUsualSize(t *testing.T) {
	for _, alg := range Algorithms {
		token, err := issuer(t).Token(alg)
		if err != nil {
			t.Fatal(err)
		}
		if len(token) < 600 || len(token) > 900 {
			t.Errorf("%s: %d bytes", alg, len(token))
		}
	}
}

// The measuring itself allocates nothing that could be laid at somebody's door.
func TestTheHarnessDoesNotAllocate(t *testing.T) {
	value := authorization(t, issuer(t), "ES256")
	c := newClient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	if n := testing.AllocsPerRun(100, func() { c.send(value) }); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}

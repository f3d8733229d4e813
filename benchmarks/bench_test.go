package benchmarks

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// How many tokens there are.
const (
	poolRSA      = 1 << 12 // signing one takes a millisecond
	pool         = 1 << 14
	inTurn       = 2000
	ofEachKind   = 64
	unknownKeyID = 10_000
)

// pools are good tokens for each algorithm, made when they are first asked for.
var pools = func() map[string]func() ([]string, error) {
	pools := map[string]func() ([]string, error){}
	for _, alg := range Algorithms {
		pools[alg] = sync.OnceValues(func() ([]string, error) {
			i, err := site()
			if err != nil {
				return nil, err
			}
			size := pool
			if alg == "RS256" || alg == "PS256" {
				size = poolRSA
			}
			values := make([]string, size)
			for n := range values {
				if values[n], err = bearer(i, alg); err != nil {
					return nil, err
				}
			}
			return values, nil
		})
	}
	return pools
}()

func tokens(b *testing.B, alg string) []string {
	b.Helper()
	values, err := pools[alg]()
	if err != nil {
		b.Fatal(err)
	}
	return values
}

// each runs a benchmark for the implementations that it is about: all but variants,
// and those of the variants that are named.
func each(b *testing.B, alg string, run func(*testing.B, Implementation), variants ...string) {
	for _, implementation := range Implementations {
		wanted := implementation.Variant == ""
		for _, variant := range variants {
			wanted = wanted || implementation.Variant == variant
		}
		if wanted && implementation.Can(alg) {
			b.Run("impl="+implementation.Name, func(b *testing.B) {
				b.ReportAllocs()
				run(b, implementation)
			})
		}
	}
}

func sendGood(b *testing.B, c *client, authorization string) {
	if status := c.send(authorization); status != http.StatusOK {
		b.Fatalf("a good token got %d", status)
	}
}

// BenchmarkDigest is the measure for what is done without a signature.
func BenchmarkDigest(b *testing.B) {
	data := make([]byte, 1024)
	rand.Read(data)
	m := startMeter(b)
	for b.Loop() {
		sha256.Sum256(data)
	}
	m.report()
}

// BenchmarkFirstSight is tokens that the middleware has never seen. When all of the
// pool have been, a new middleware takes over, off the clock; so no token is in any
// cache, however large.
func BenchmarkFirstSight(b *testing.B) {
	for _, alg := range Algorithms {
		b.Run("alg="+alg, func(b *testing.B) {
			each(b, alg, func(b *testing.B, implementation Implementation) {
				values := tokens(b, alg)
				ctx, cancel := context.WithCancel(b.Context())
				c := newClient(build(b, ctx, implementation, issuer(b), alg))
				next := 0
				m := startMeter(b)
				for b.Loop() {
					if next == len(values) {
						m.pause(func() {
							cancel()
							ctx, cancel = context.WithCancel(b.Context())
							c = newClient(build(b, ctx, implementation, issuer(b), alg))
							next = 0
						})
					}
					sendGood(b, c, values[next])
					next++
				}
				m.report()
				cancel()
			}, withoutCache)
		})
	}
}

// BenchmarkFurtherSight is tokens that have been seen before: one all the time, as a
// client by the client credentials grant sends it, and those of many clients in turn.
func BenchmarkFurtherSight(b *testing.B) {
	for _, alg := range Algorithms {
		for _, size := range []int{1, inTurn} {
			b.Run(fmt.Sprintf("tokens=%d/alg=%s", size, alg), func(b *testing.B) {
				each(b, alg, func(b *testing.B, implementation Implementation) {
					values := tokens(b, alg)[:size]
					c := newClient(build(b, b.Context(), implementation, issuer(b), alg))
					for _, value := range values {
						sendGood(b, c, value)
					}
					next := 0
					m := startMeter(b)
					for b.Loop() {
						sendGood(b, c, values[next])
						if next++; next == len(values) {
							next = 0
						}
					}
					m.report()
				})
			})
		}
	}
}

// BenchmarkParallel is many clients' further requests, on all processors at once.
func BenchmarkParallel(b *testing.B) {
	const alg = "ES256"
	b.Run("tokens=2000/alg="+alg, func(b *testing.B) {
		each(b, alg, func(b *testing.B, implementation Implementation) {
			values := tokens(b, alg)[:inTurn]
			handler := build(b, b.Context(), implementation, issuer(b), alg)
			for _, value := range values {
				sendGood(b, newClient(handler), value)
			}
			m := startMeter(b)
			b.RunParallel(func(pb *testing.PB) {
				c := newClient(handler)
				for next := 0; pb.Next(); next++ {
					if c.send(values[next%len(values)]) != http.StatusOK {
						b.Error("a good token was refused")
						return
					}
				}
			})
			m.report()
		})
	})
}

// BenchmarkRefusal is requests that are refused, of each kind: what strangers can
// cost, who have no token.
func BenchmarkRefusal(b *testing.B) {
	const alg = "ES256"
	for _, kind := range Kinds {
		b.Run("kind="+kind.Name+"/alg="+alg, func(b *testing.B) {
			values := make([]string, ofEachKind)
			for n := range values {
				var err error
				if values[n], err = kind.Authorization(issuer(b), alg); err != nil {
					b.Fatal(err)
				}
			}
			each(b, alg, func(b *testing.B, implementation Implementation) {
				if implementation.Floor {
					b.Skip("it refuses too little")
				}
				c := newClient(build(b, b.Context(), implementation, issuer(b), alg))
				next := 0
				m := startMeter(b)
				for b.Loop() {
					if status := c.send(values[next%len(values)]); status < 400 {
						b.Fatalf("status %d", status)
					}
					next++
				}
				m.report()
			}, withoutLog)
		})
	}
}

// BenchmarkUnknownKids is how often the issuer is asked for its keys because of
// 10,000 requests of a stranger who invents key ids.
func BenchmarkUnknownKids(b *testing.B) {
	const alg = "ES256"
	token := authorization(b, issuer(b), alg)
	rest := token[strings.IndexByte(token, '.'):]
	values := make([]string, unknownKeyID)
	for n := range values {
		values[n] = "Bearer " + encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"`+rand.Text()+`"}`)) + rest
	}
	each(b, alg, func(b *testing.B, implementation Implementation) {
		if !implementation.Fetches {
			b.Skip("it fetches no keys while it serves")
		}
		fetches := int64(0)
		for b.Loop() {
			b.StopTimer()
			ctx, cancel := context.WithCancel(b.Context())
			c := newClient(build(b, ctx, implementation, issuer(b), alg))
			before := issuer(b).Fetches()
			b.StartTimer()
			for _, value := range values {
				if status := c.send(value); status < 400 {
					b.Fatalf("status %d", status)
				}
			}
			cancel()
			fetches += issuer(b).Fetches() - before
		}
		b.ReportMetric(float64(fetches)/float64(b.N), "fetches/op")
	})
}

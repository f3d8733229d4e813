// Command caches compares internal/cache with what could have stood in its place, and
// prints the table of docs/performance.md.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dgraph-io/ristretto/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/maypok86/otter/v2"

	"github.com/bearerguard/bearerguard/benchmarks"
	"github.com/bearerguard/bearerguard/internal/cache"
)

// size is that of all caches, and lifetime that of what is put in.
const (
	size     = 10_000
	lifetime = time.Hour
)

// value stands for what is remembered of a token.
type value [6]uint64

type kind struct {
	name string
	make func() memory
}

type memory struct {
	get func(d *cache.Digest) bool
	put func(d *cache.Digest)
}

var kinds = []kind{
	{"internal/cache", func() memory {
		c := cache.New[value](size)
		return memory{
			func(d *cache.Digest) bool { return c.Find(d) != nil },
			func(d *cache.Digest) { now := time.Now(); c.Put(d, value{}, now.Add(lifetime), now) },
		}
	}},
	{"otter v2", func() memory {
		return ofOtter(&otter.Options[cache.Digest, *value]{MaximumSize: size})
	}},
	{"otter v2, with expiry", func() memory {
		return ofOtter(&otter.Options[cache.Digest, *value]{MaximumSize: size, ExpiryCalculator: otter.ExpiryCreating[cache.Digest, *value](lifetime)})
	}},
	{"golang-lru v2, in 16 parts", func() memory {
		var parts [16]*lru.Cache[cache.Digest, *value]
		for i := range parts {
			parts[i], _ = lru.New[cache.Digest, *value](size / len(parts)) // fails for no size alone
		}
		return memory{
			func(d *cache.Digest) bool { _, ok := parts[d[0]%16].Get(*d); return ok },
			func(d *cache.Digest) { parts[d[0]%16].Add(*d, &value{}) },
		}
	}},
	{"ristretto v2", func() memory {
		c, err := ristretto.NewCache(&ristretto.Config[string, *value]{NumCounters: 10 * size, MaxCost: size, BufferItems: 64, IgnoreInternalCost: true})
		if err != nil {
			panic(err) // the configuration is the one of its README
		}
		return memory{
			func(d *cache.Digest) bool { _, ok := c.Get(string(d[:])); return ok },
			func(d *cache.Digest) { c.SetWithTTL(string(d[:]), &value{}, 1, lifetime) },
		}
	}},
	{"maps in 16 parts, any one goes", func() memory {
		var parts [16]struct {
			sync.RWMutex
			values map[cache.Digest]*value
		}
		for i := range parts {
			parts[i].values = map[cache.Digest]*value{}
		}
		return memory{
			func(d *cache.Digest) bool {
				p := &parts[d[0]%16]
				p.RLock()
				defer p.RUnlock()
				return p.values[*d] != nil
			},
			func(d *cache.Digest) {
				p := &parts[d[0]%16]
				p.Lock()
				defer p.Unlock()
				for other := range p.values {
					if len(p.values) < size/len(parts) {
						break
					}
					delete(p.values, other)
				}
				p.values[*d] = &value{}
			},
		}
	}},
}

func ofOtter(options *otter.Options[cache.Digest, *value]) memory {
	c := otter.Must(options)
	return memory{
		func(d *cache.Digest) bool { _, ok := c.GetIfPresent(*d); return ok },
		func(d *cache.Digest) { c.Set(*d, &value{}) },
	}
}

// digests are those of tokens 0 to n-1.
func digests(n int) []cache.Digest {
	all := make([]cache.Digest, n)
	for i := range all {
		all[i] = cache.DigestOf(string(binary.AppendUvarint(nil, uint64(i))))
	}
	return all
}

func main() {
	log.SetFlags(0)
	page := flag.String("page", "", "the Markdown file whose part \"caches\" is replaced; without it, the table is printed")
	flag.Parse()
	text := compare()
	if err := benchmarks.Show(*page, "caches", text); err != nil {
		log.Fatal(err)
	}
}

func compare() string {
	var table strings.Builder
	all := digests(10 * size)
	fmt.Fprintln(&table, "| | found, ns | put in while full, ns | bytes of each | idle, KiB | goroutines | found of 10 times as many, some more often | regulars found among strangers |")
	fmt.Fprintln(&table, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	var memories []string // measured before there is other garbage
	for _, k := range kinds {
		each, idle, goroutines := takes(k, all)
		memories = append(memories, fmt.Sprintf("%d | %d | %d", each, idle>>10, goroutines))
	}
	for i, k := range kinds {
		found, put := times(k.make(), all)
		fmt.Fprintf(&table, "| %s | %d | %d | %s | %.1f %% | %.1f %% |\n", k.name, found, put, memories[i],
			100*skewed(k.make(), all), 100*regulars(k.make(), all))
	}
	return table.String()
}

// times are what it takes to find a token and to put one in, at best of many short
// measurements: what else the machine does makes them no shorter. Putting in is the
// median of longer ones, for some caches do the work later.
func times(m memory, all []cache.Digest) (found, put int64) {
	regular := len(all) - 1
	m.put(&all[regular])
	time.Sleep(10 * time.Millisecond)
	found = int64(time.Hour)
	for range 20_000 {
		began := time.Now()
		for range 10 {
			m.get(&all[regular])
		}
		found = min(found, int64(time.Since(began))/10)
	}
	for i := range size {
		m.put(&all[i])
	}
	var puts []int64
	next := size
	for range 80 {
		began := time.Now()
		for range 1000 {
			if d := &all[next%regular]; !m.get(d) {
				m.put(d)
			}
			next++
		}
		puts = append(puts, int64(time.Since(began))/1000)
	}
	slices.Sort(puts)
	return found, puts[len(puts)/4]
}

// takes is the memory of each token and of none, and the goroutines.
func takes(k kind, all []cache.Digest) (each, idle int64, goroutines int) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	running := runtime.NumGoroutine()
	before := heap()
	m := k.make()
	idle = heap() - before
	for i := range size {
		m.put(&all[i])
	}
	time.Sleep(100 * time.Millisecond)
	goroutines = runtime.NumGoroutine() - running
	each = (heap() - before - idle) / size
	runtime.KeepAlive(m)
	return each, idle, goroutines
}

// skewed is the share of requests whose token is there, if a few are much more often
// used than most of ten times as many as there is room for.
func skewed(m memory, all []cache.Digest) float64 {
	random := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, uint64(len(all)-1))
	hits := 0
	const warm, measured = 300_000, 300_000
	for i := range warm + measured {
		d := &all[random.Uint64()]
		if there := m.get(d); !there {
			m.put(d)
		} else if i >= warm {
			hits++
		}
	}
	return float64(hits) / measured
}

// regulars is the share of requests of 1,000 tokens that are there, if nine of ten
// requests are with tokens that come once.
func regulars(m memory, all []cache.Digest) float64 {
	random := rand.New(rand.NewPCG(1, 2))
	stranger, hits, requests := 1000, 0, 0
	for i := range 600_000 {
		n := random.IntN(1000)
		if i%10 != 0 {
			stranger++
			n = 1000 + stranger%(len(all)-1000)
		}
		there := m.get(&all[n])
		if !there {
			m.put(&all[n])
		}
		if n < 1000 && i > 300_000 {
			requests++
			if there {
				hits++
			}
		}
	}
	return float64(hits) / float64(requests)
}

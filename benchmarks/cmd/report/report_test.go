package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Three runs of a few benchmarks, whose medians are 500 ns, 80 µs, 100 µs and 50 µs.
const sample = `goos: linux
goarch: amd64
cpu: a processor
BenchmarkDigest 	 1	 9 ns/op	 400 cpu-ns/op
BenchmarkDigest 	 1	 9 ns/op	 500 cpu-ns/op
BenchmarkDigest 	 1	 9 ns/op	 900 cpu-ns/op
BenchmarkFirstSight/alg=ES256/impl=crypto 	 1	 9 ns/op	 80000 cpu-ns/op	 2288 B/op	 25 allocs/op
BenchmarkFirstSight/alg=ES256/impl=bearerguard 	 1	 9 ns/op	 100000 cpu-ns/op	 512 B/op	 3 allocs/op
BenchmarkFirstSight/alg=ES256/impl=bearerguard-nocache 	 1	 9 ns/op	 80000 cpu-ns/op	 512 B/op	 3 allocs/op
BenchmarkFurtherSight/tokens=1/alg=ES256/impl=bearerguard 	 1	 9 ns/op	 1000 cpu-ns/op	 16 B/op	 1 allocs/op
BenchmarkFurtherSight/tokens=2000/alg=ES256/impl=auth0 	 1	 9 ns/op	 50000 cpu-ns/op	 16 B/op	 1 allocs/op
BenchmarkFirstSight/alg=ES256/impl=unprotected 	 1	 9 ns/op	 25 cpu-ns/op	 0 B/op	 0 allocs/op
BenchmarkParallel/tokens=2000/alg=ES256/impl=auth0 	 1	 2000 ns/op	 1900 cpu-ns/op	 16 B/op	 1 allocs/op
BenchmarkParallel/tokens=2000/alg=ES256/impl=auth0-2 	 1	 1000 ns/op	 2000 cpu-ns/op	 16 B/op	 1 allocs/op
BenchmarkRefusal/kind=expired/alg=ES256/impl=bearerguard 	 1	 9 ns/op	 5000 cpu-ns/op	 2048 B/op	 1 allocs/op
BenchmarkGrowth/of=tokens/n=1000/sight=further 	 1	 9 ns/op	 1000 cpu-ns/op	 16 B/op	 1 allocs/op
BenchmarkGrowth/of=tokens/n=1000000/sight=further 	 1	 9 ns/op	 2000 cpu-ns/op	 16 B/op	 1 allocs/op
BenchmarkUnknownKids/impl=go-oidc 	 1	 9 ns/op	 10000 fetches/op	 16 B/op	 1 allocs/op
`

func readSample(t *testing.T) *figures {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench.out")
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := read([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheTable(t *testing.T) {
	f := readSample(t)
	text, err := table(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| ES256 | 1.25×<br>without the cache 1.00× | n/a | n/a | n/a | n/a | n/a | n/a | 80 µs |\n",
		"| allocations, ES256 | 3, 512 B<br>without the cache 3, 512 B | n/a | n/a | n/a | n/a | n/a | n/a | 25, 2.2 KiB |\n",
		"SHA-256 of 1 KiB (500 ns)",
		"| ES256 | 1 µs, 2.00× | n/a |",
		"| ES256 | n/a | 50 µs, 100× |",
		"| on one processor | n/a | 500 k, 1.9 µs |",
		"| on two | n/a | 1000 k, 2 µs |",
		"| expired | 5 µs, 0.050×, 2.0 KiB | n/a |",
		"| fetches of the key set | n/a | n/a | n/a | n/a | 10000 | n/a |",
	} {
		if !strings.Contains(text, row) {
			t.Errorf("no %q in\n%s", row, text)
		}
	}
	if got, want := growth(f), "| tokens in the cache | 1,000 | 1,000,000 |\n| --- | --- | --- |\n| a token seen before | 1 µs | 2 µs |\n\n"; got != want {
		t.Errorf("growth is\n%s", got)
	}
	if said := caption(f); !strings.Contains(said, "Medians of 3 runs, which are too few") || !strings.Contains(said, "a processor") || !strings.Contains(said, "costs 25 ns") {
		t.Error(said)
	}
}

func TestTheChartIsXML(t *testing.T) {
	chart := svg(readSample(t))
	for decoder := xml.NewDecoder(strings.NewReader(chart)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{">0.6<", ">1.25×<", ">50 µs<", ">bearerguard<"} {
		if !strings.Contains(chart, text) {
			t.Errorf("no %s", text)
		}
	}
}

func TestNothingToReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.out")
	if err := os.WriteFile(path, []byte("PASS\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read([]string{path}); err == nil {
		t.Error("an empty file is a report")
	}
}

// Report reads the output of bench.sh and writes it as one table and one chart.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"github.com/bearerguard/bearerguard/benchmarks"
)

func main() {
	log.SetFlags(0)
	page := flag.String("page", "", "the Markdown file whose part \"table\" is replaced; without it, the table is printed")
	chart := flag.String("chart", "", "the SVG file to write")
	flag.Parse()
	figures, err := read(flag.Args())
	if err != nil {
		log.Fatal(err)
	}
	text, err := table(figures)
	if err != nil {
		log.Fatal(err)
	}
	text += "\n" + caption(figures)
	if *chart != "" {
		if err := os.WriteFile(*chart, []byte(svg(figures)), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	for _, part := range []struct{ name, text string }{{"table", text}, {"growth", growth(figures)}} {
		if err := benchmarks.Show(*page, part.name, part.text); err != nil {
			log.Fatal(err)
		}
	}
}

// figures are all runs' values, by benchmark and unit.
type figures struct {
	values map[string]map[string][]float64
	used   map[string]map[string]benchmath.Summary
	cpu    string
	system string
}

// The units as benchfmt normalizes them.
const (
	cpuTime     = "cpu-sec/op"
	wallTime    = "sec/op"
	bytes       = "B/op"
	allocations = "allocs/op"
	fetches     = "fetches/op"
)

func read(paths []string) (*figures, error) {
	f := &figures{values: map[string]map[string][]float64{}, used: map[string]map[string]benchmath.Summary{}}
	files := benchfmt.Files{Paths: paths, AllowStdin: true}
	for files.Scan() {
		switch record := files.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, record
		case *benchfmt.Result:
			name := record.Name.String()
			if f.values[name] == nil {
				f.values[name] = map[string][]float64{}
			}
			for _, value := range record.Values {
				f.values[name][value.Unit] = append(f.values[name][value.Unit], value.Value)
			}
			f.cpu, f.system = record.GetConfig("cpu"), record.GetConfig("goos")+"/"+record.GetConfig("goarch")
		}
	}
	if len(f.values) == 0 && files.Err() == nil {
		return nil, fmt.Errorf("report: no benchmarks in %q", paths)
	}
	return f, files.Err()
}

// median is that of the runs; false if nothing was measured.
func (f *figures) median(name, unit string) (float64, bool) {
	values := f.values[name][unit]
	if len(values) == 0 {
		return 0, false
	}
	summary := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds), 0.95)
	if f.used[name] == nil {
		f.used[name] = map[string]benchmath.Summary{}
	}
	f.used[name][unit] = summary
	return summary.Center, true
}

// caption says what the figures are worth.
func caption(f *figures) string {
	runs := 0
	type spread struct {
		name string
		half float64
	}
	var spreads []spread
	for name, units := range f.used {
		for unit, summary := range units {
			runs = max(runs, len(f.values[name][unit]))
			if unit == cpuTime && summary.Center > 0 {
				spreads = append(spreads, spread{name, (summary.Hi - summary.Lo) / 2 / summary.Center})
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d runs", runs)
	if runs < 6 {
		b.WriteString(", which are too few: this is a trial")
	} else if len(spreads) > 0 {
		slices.SortFunc(spreads, func(a, b spread) int { return cmp.Compare(a.half, b.half) })
		widest := spreads[len(spreads)-1]
		fmt.Fprintf(&b, ", of which half have a 95 %% interval of ±%.0f %% or less; the widest is ±%.0f %%, of `%s`",
			100*spreads[len(spreads)/2].half, 100*widest.half, widest.name)
	}
	if own, ok := f.median("FirstSight/alg=ES256/impl=unprotected", cpuTime); ok {
		fmt.Fprintf(&b, ". The measuring itself costs %s per request", duration(own))
	}
	fmt.Fprintf(&b, ". %s, %s, %s, commit %s, %s. Written by `make bench`.\n",
		runtime.Version(), f.system, cmp.Or(f.cpu, "an unnamed processor"), commit(), time.Now().UTC().Format(time.DateOnly))
	return b.String()
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude", "*").Output()
	if err != nil {
		return "unknown"
	}
	return "`" + strings.TrimSpace(string(out)) + "`"
}

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bearerguard/bearerguard/benchmarks"
)

// columns are the implementations, and the floor that others are measured by.
func columns() []benchmarks.Implementation {
	var all []benchmarks.Implementation
	for _, implementation := range benchmarks.Implementations {
		if implementation.Variant == "" && implementation.Name != "unprotected" {
			all = append(all, implementation)
		}
	}
	return all
}

// table has a row for each question and a column for each implementation.
func table(f *figures) (string, error) {
	digest, ok := f.median("Digest", cpuTime)
	if !ok {
		return "", errors.New("report: no BenchmarkDigest, to which further sights are compared")
	}
	t := &writer{f: f}
	head, rule := "| ", "| ---"
	for _, column := range columns() {
		head += " | " + column.Name
		rule += " | ---"
	}
	t.b.WriteString(head + " |\n" + rule + " |\n")

	t.section("A token never seen before: CPU time, as a multiple of `crypto`")
	for _, alg := range benchmarks.Algorithms {
		floor, _ := f.median("FirstSight/alg="+alg+"/impl=crypto", cpuTime)
		t.row(alg, "FirstSight/alg="+alg, func(name string) string {
			spent, ok := f.median(name, cpuTime)
			switch {
			case !ok || floor == 0:
				return ""
			case strings.HasSuffix(name, "/impl=crypto"):
				return duration(spent)
			}
			return ratio(spent / floor)
		}, variant{"-nocache", "without the cache"})
	}
	t.row("allocations, ES256", "FirstSight/alg=ES256", t.allocations, variant{"-nocache", "without the cache"})

	for _, tokens := range []string{"1", "2000"} {
		t.section(map[string]string{
			"1":    "One token again and again: CPU time, and as a multiple of SHA-256 of 1 KiB (" + duration(digest) + ")",
			"2000": "2,000 tokens in turn, the same",
		}[tokens])
		for _, alg := range benchmarks.Algorithms {
			t.row(alg, "FurtherSight/tokens="+tokens+"/alg="+alg, func(name string) string {
				spent, ok := f.median(name, cpuTime)
				if !ok {
					return ""
				}
				return duration(spent) + ", " + ratio(spent/digest)
			})
		}
		t.row("allocations, ES256", "FurtherSight/tokens="+tokens+"/alg=ES256", t.allocations)
	}

	t.section("2,000 tokens in turn, ES256: requests per second by the clock on the wall, and CPU time of one")
	for _, processors := range []string{"", "-2"} {
		t.row(map[string]string{"": "on one processor", "-2": "on two"}[processors], "Parallel/tokens=2000/alg=ES256", func(name string) string {
			spent, ok := f.median(name+processors, wallTime)
			if !ok {
				return ""
			}
			busy, _ := f.median(name+processors, cpuTime)
			return rate(1/spent) + ", " + duration(busy)
		})
	}

	t.section("Refused, ES256: CPU time, as a multiple of a good token never seen before, and bytes allocated")
	for _, kind := range benchmarks.Kinds {
		t.row(kind.Name, "Refusal/kind="+kind.Name+"/alg=ES256", func(name string) string {
			implementation := strings.TrimSuffix(name[strings.LastIndexByte(name, '=')+1:], "-nolog")
			accepted, _ := f.median("FirstSight/alg=ES256/impl="+implementation, cpuTime)
			spent, ok := f.median(name, cpuTime)
			allocated, _ := f.median(name, bytes)
			if !ok || accepted == 0 {
				return ""
			}
			return duration(spent) + ", " + ratio(spent/accepted) + ", " + size(allocated)
		}, variant{"-nolog", "without a log"})
	}

	t.section("10,000 requests with invented key ids")
	t.row("fetches of the key set", "UnknownKids", func(name string) string {
		n, ok := f.median(name, fetches)
		if !ok {
			return ""
		}
		return fmt.Sprintf("%.0f", n)
	})
	if t.cells == 0 {
		return "", errors.New("report: none of the benchmarks' names is known")
	}
	return t.b.String(), nil
}

type writer struct {
	f     *figures
	b     strings.Builder
	cells int
}

func (t *writer) section(name string) {
	t.b.WriteString("| **" + name + "**" + strings.Repeat(" | ", len(columns())) + " |\n")
}

// variant is another setting of an implementation: how its name ends, and what it
// is called in a cell.
type variant struct{ suffix, name string }

func (t *writer) row(name, benchmark string, cell func(name string) string, variants ...variant) {
	t.b.WriteString("| " + name)
	for _, column := range columns() {
		full := benchmark + "/impl=" + column.Name
		text := cell(full)
		for _, v := range variants {
			if other := cell(full + v.suffix); other != "" {
				text += "<br>" + v.name + " " + other
			}
		}
		if text == "" {
			text = "n/a"
		} else {
			t.cells++
		}
		t.b.WriteString(" | " + text)
	}
	t.b.WriteString(" |\n")
}

func (t *writer) allocations(name string) string {
	n, ok := t.f.median(name, allocations)
	if !ok {
		return ""
	}
	allocated, _ := t.f.median(name, bytes)
	return fmt.Sprintf("%.0f, %s", n, size(allocated))
}

func duration(seconds float64) string {
	switch ns := seconds * 1e9; {
	case ns < 100:
		return fmt.Sprintf("%.2g ns", ns)
	case ns < 999.5:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 99.95e3:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 999.5e3:
		return fmt.Sprintf("%.0f µs", ns/1e3)
	default:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
}

func rate(perSecond float64) string {
	if perSecond < 99.95e3 {
		return fmt.Sprintf("%.1f k", perSecond/1e3)
	}
	return fmt.Sprintf("%.0f k", perSecond/1e3)
}

func ratio(r float64) string {
	switch {
	case r < 0.095:
		return fmt.Sprintf("%.3f×", r)
	case r < 9.95:
		return fmt.Sprintf("%.2f×", r)
	default:
		return fmt.Sprintf("%.0f×", r)
	}
}

func size(bytes float64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.1f KiB", bytes/1024)
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bearerguard/bearerguard/benchmarks"
)

// table has a row for each target. results are by number of tokens, round and target;
// a ratio is that to the turn beside.
func table(targets []benchmarks.Target, results map[int][][]turn) string {
	var b strings.Builder
	head, rule := "| ", "| ---"
	for _, count := range counts {
		name := "one token"
		if count > 1 {
			name = fmt.Sprintf("%d tokens in turn", count)
		}
		head += fmt.Sprintf(" | %s: requests/s | CPU per request | p99", name)
		rule += " | --- | --- | ---"
	}
	b.WriteString(head + " |\n" + rule + " |\n")
	for n, target := range targets {
		b.WriteString("| " + target.String())
		for _, count := range counts {
			cell := func(text func(float64) string, of func(result) float64) {
				var values, ratios []float64
				for _, round := range results[count] {
					values = append(values, of(round[n].result))
					ratios = append(ratios, of(round[n].result)/of(round[n].beside))
				}
				fmt.Fprintf(&b, " | %s, %.2f×", text(median(values)), median(ratios))
			}
			cell(func(v float64) string { return fmt.Sprintf("%.0f", v) }, func(r result) float64 { return r.rate })
			cell(span, func(r result) float64 { return float64(r.cpu) })
			cell(span, func(r result) float64 { return float64(r.p99) })
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

func span(nanoseconds float64) string {
	if nanoseconds < 1e6 {
		return fmt.Sprintf("%.1f µs", nanoseconds/1e3)
	}
	return fmt.Sprintf("%.2f ms", nanoseconds/1e6)
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}

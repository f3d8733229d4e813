package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// growth is a table of what a request costs where there is much of something.
func growth(f *figures) string {
	var b strings.Builder
	for _, row := range []struct{ of, title string }{
		{"keys", "keys in the set"},
		{"issuers", "issuers"},
		{"scopes", "scopes in the token"},
		{"tokens", "tokens in the cache"},
	} {
		var counts []int
		for name := range f.values {
			if rest, ok := strings.CutPrefix(name, "Growth/of="+row.of+"/n="); ok {
				count, _, _ := strings.Cut(rest, "/")
				if n, err := strconv.Atoi(count); err == nil && !slices.Contains(counts, n) {
					counts = append(counts, n)
				}
			}
		}
		if counts == nil {
			continue
		}
		slices.Sort(counts)
		head, rule := "| "+row.title, "| ---"
		for _, n := range counts {
			head += " | " + grouped(n)
			rule += " | ---"
		}
		fmt.Fprintf(&b, "%s |\n%s |\n", head, rule)
		for _, sight := range []struct{ name, title string }{{"first", "a token never seen before"}, {"further", "a token seen before"}} {
			cells := ""
			for _, n := range counts {
				if spent, ok := f.median(fmt.Sprintf("Growth/of=%s/n=%d/sight=%s", row.of, n, sight.name), cpuTime); ok {
					cells += " | " + duration(spent)
				}
			}
			if cells != "" {
				fmt.Fprintf(&b, "| %s%s |\n", sight.title, cells)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// grouped is n with a comma before each three digits.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

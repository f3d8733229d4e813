package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/benchmarks"
)

// A ratio is that of a round, whatever the machine did between rounds.
func TestRatiosAreWithinARound(t *testing.T) {
	targets := []benchmarks.Target{{Implementation: "unprotected", Router: "nethttp"}, {Implementation: "bearerguard", Router: "gin"}}
	fast, slow := 10*time.Microsecond, 40*time.Microsecond
	results := map[int][][]result{}
	for _, count := range counts {
		results[count] = [][]result{
			{{1000, fast, fast}, {500, 2 * fast, 3 * fast}},
			{{100, slow, slow}, {50, 2 * slow, 3 * slow}},
			{{100, slow, slow}, {50, 2 * slow, 3 * slow}},
		}
	}
	got := table(targets, results)
	if want := "| bearerguard, gin | 50, 0.50× | 80.0 µs, 2.00× | 120.0 µs, 3.00× | 50, 0.50×"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

func TestCPUTimeOfAProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here, and so no load test")
	}
	if spent, err := cpu(os.Getpid()); err != nil || spent < 0 || spent > time.Hour {
		t.Errorf("got %v, %v", spent, err)
	}
}

func TestTheFirstTargetIsAlwaysMeasured(t *testing.T) {
	for only, want := range map[string]int{"": len(benchmarks.Targets()), "^bearerguard": 4, "chi$": 3, "nobody": 1} {
		targets, err := chosen(benchmarks.Targets(), only)
		if err != nil || len(targets) != want || targets[0] != benchmarks.Targets()[0] {
			t.Errorf("-only %q: %v, %v", only, targets, err)
		}
	}
	if _, err := chosen(benchmarks.Targets(), "("); err == nil {
		t.Error("no error of what is no regular expression")
	}
}

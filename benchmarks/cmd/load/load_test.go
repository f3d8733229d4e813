package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/benchmarks"
)

// A ratio is that of a turn, whatever the machine did between turns.
func TestRatiosAreWithinATurn(t *testing.T) {
	targets := []benchmarks.Target{{Implementation: "unprotected", Router: "nethttp"}, {Implementation: "bearerguard", Router: "gin"}}
	fast, slow := 10*time.Microsecond, 40*time.Microsecond
	results := map[int][][]turn{}
	for _, count := range counts {
		quick, sluggish := result{1000, fast, fast}, result{100, slow, slow}
		results[count] = [][]turn{
			{{quick, quick}, {result{500, 2 * fast, 3 * fast}, quick}},
			{{quick, quick}, {result{50, 2 * slow, 3 * slow}, sluggish}},
			{{quick, quick}, {result{50, 2 * slow, 3 * slow}, sluggish}},
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

func TestEachTargetIsComparedWithWhatItProtects(t *testing.T) {
	for only, want := range map[string]int{"": len(benchmarks.Targets()), "^bearerguard": 6, "chi$": 4, "nobody": 3} {
		targets, err := chosen(benchmarks.Targets(), only)
		if err != nil || len(targets) != want {
			t.Fatalf("-only %q: %v, %v", only, targets, err)
		}
		for _, target := range targets {
			router := target.Router
			if target.Implementation == "unprotected" {
				router = "nethttp"
			}
			if got := targets[beside(targets, target)]; got.Implementation != "unprotected" || got.Router != router {
				t.Errorf("%s is compared with %s", target, got)
			}
		}
	}
	if _, err := chosen(benchmarks.Targets(), "("); err == nil {
		t.Error("no error of what is no regular expression")
	}
}

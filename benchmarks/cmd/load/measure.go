package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Where the processes run, if there are two processors and a way to say so.
const (
	serverCore    = "0"
	generatorCore = "1"
)

// pin is the beginning of a command that runs on one processor alone.
func pin(core string) []string {
	if _, err := exec.LookPath("taskset"); err != nil || runtime.NumCPU() < 2 {
		return nil
	}
	return []string{"taskset", "-c", core}
}

type generator struct {
	script, tokens string
	connections    int
}

// turn is that of one target, and that of the unprotected target beside it.
type turn struct {
	result
	beside result
}

// result is what was measured in a turn.
type result struct {
	rate float64       // requests per second
	cpu  time.Duration // of the server, per request
	p99  time.Duration
}

var resultLine = regexp.MustCompile(`(?m)^RESULT (\d+) (\d+) (\d+) (\d+)$`)

func (g generator) measure(s *server, tokens, seconds int) (result, error) {
	before, err := cpu(s.command.Process.Pid)
	if err != nil {
		return result{}, err
	}
	arguments := append(pin(generatorCore), "wrk", "-t1", fmt.Sprintf("-c%d", g.connections), fmt.Sprintf("-d%ds", seconds), "--timeout", "20s",
		"-s", g.script, s.url, "--", g.tokens, strconv.Itoa(tokens))
	out, err := exec.Command(arguments[0], arguments[1:]...).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := cpu(s.command.Process.Pid)
	if err != nil {
		return result{}, err
	}
	match := resultLine.FindSubmatch(out)
	if match == nil {
		return result{}, fmt.Errorf("wrk said nothing of its result:\n%s", out)
	}
	var numbers [4]float64 // requests, µs, µs, errors
	for n := range numbers {
		if numbers[n], err = strconv.ParseFloat(string(match[n+1]), 64); err != nil {
			return result{}, err
		}
	}
	if numbers[0] == 0 || numbers[3] != 0 {
		return result{}, fmt.Errorf("%.0f requests, %.0f of which failed\n%s", numbers[0], numbers[3], out)
	}
	return result{
		rate: numbers[0] / (numbers[1] / 1e6),
		cpu:  time.Duration(float64(after-before) / numbers[0]),
		p99:  time.Duration(numbers[2]) * time.Microsecond,
	}, nil
}

// warm sends every token at least once before anything is measured. Each turn begins
// with the first token, so one of them must be long enough for all.
func (g generator) warm(s *server, tokens int) error {
	for seconds := 1; ; seconds *= 2 {
		measured, err := g.measure(s, tokens, seconds)
		if err != nil || measured.rate*float64(seconds) >= float64(tokens) {
			return err
		}
	}
}

// cpu is what the process has had of the processors, to a hundredth of a second
// (proc(5): utime and stime of /proc/pid/stat, in ticks of 1/100 s).
func cpu(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from the third on
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, fmt.Errorf("load: /proc/%d/stat is %q", pid, stat)
	}
	ticks := 0
	for _, field := range []string{fields[utime], fields[stime]} {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100, nil
}

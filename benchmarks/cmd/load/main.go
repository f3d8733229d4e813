// Load measures whole servers with wrk: the same tiny handler unprotected, behind
// bearerguard on each router, and behind each peer, all with the same bytes.
//
// Each is a process of its own. Rounds are interleaved: every target has its turn in
// each, beside one of the unprotected target on the same router, with which it is
// compared. All rounds of one token come before those of many.
package main

import (
	"bufio"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/bearerguard/bearerguard/benchmarks"
)

//go:embed wrk.lua
var script string

// counts are how many tokens are sent in turn.
var counts = []int{1, 2000}

func main() {
	log.SetFlags(0)
	algorithm := flag.String("alg", "ES256", "what the issuer signs with")
	rounds := flag.Int("rounds", 15, "how often each target has its turn")
	seconds := flag.Int("seconds", 1, "how long one turn is")
	connections := flag.Int("connections", 16, "how many connections are kept busy")
	only := flag.String("only", "", "a regular expression for the targets to measure, beside the unprotected ones")
	page := flag.String("page", "", "the Markdown file whose part \"load\" is replaced; without it, the table is printed")
	flag.Parse()
	targets, err := chosen(benchmarks.Targets(), *only)
	if err != nil {
		log.Fatal(err)
	}
	text, err := run(targets, *algorithm, *rounds, *seconds, *connections)
	if err != nil {
		log.Fatal(err)
	}
	if err := benchmarks.Show(*page, "load", text); err != nil {
		log.Fatal(err)
	}
}

// chosen are the targets that match, and those that nothing protects.
func chosen(targets []benchmarks.Target, only string) ([]benchmarks.Target, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("load: -only: %w", err)
	}
	return slices.DeleteFunc(targets, func(t benchmarks.Target) bool {
		return t.Implementation != "unprotected" && !pattern.MatchString(t.String())
	}), nil
}

// beside is which target another is compared with: what it protects, unprotected. Of
// those that nothing protects, it is the first.
func beside(targets []benchmarks.Target, target benchmarks.Target) int {
	if target.Implementation == "unprotected" {
		return 0
	}
	return slices.Index(targets, benchmarks.Target{Implementation: "unprotected", Router: target.Router})
}

func run(targets []benchmarks.Target, algorithm string, rounds, seconds, connections int) (string, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return "", fmt.Errorf("load: wrk is needed (Debian: apt-get install wrk): %w", err)
	}
	folder, err := os.MkdirTemp("", "load")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	issuer, err := benchmarks.NewIssuer(algorithm)
	if err != nil {
		return "", err
	}
	defer issuer.Close()
	g := generator{script: filepath.Join(folder, "wrk.lua"), tokens: filepath.Join(folder, "tokens"), connections: connections}
	if err := os.WriteFile(g.script, []byte(script), 0o600); err != nil {
		return "", err
	}
	if err := writeTokens(g.tokens, issuer, algorithm); err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "server")
	if out, err := exec.Command("go", "build", "-o", binary, "./cmd/server").CombinedOutput(); err != nil {
		return "", fmt.Errorf("load: %w (run it in the folder benchmarks)\n%s", err, out)
	}

	servers := make([]*server, len(targets))
	for n, target := range targets {
		if servers[n], err = start(binary, target, issuer.URL, algorithm); err != nil {
			return "", err
		}
		defer servers[n].stop()
	}
	results := map[int][][]turn{}
	for _, count := range counts { // one token is measured before anybody knows of others
		for n, target := range targets {
			if err := g.warm(servers[n], count); err != nil {
				return "", fmt.Errorf("load: %s: %w", target, err)
			}
		}
		for round := range rounds {
			results[count] = append(results[count], make([]turn, len(targets)))
			for n, target := range targets {
				// Now the one is first, now the other, for what grows or wanes meanwhile.
				unprotected := beside(targets, target)
				var both [2]result
				for i := range both {
					which := (i + round) % 2
					if both[which], err = g.measure(servers[which*n+(1-which)*unprotected], count, seconds); err != nil {
						return "", fmt.Errorf("load: %s: %w", target, err)
					}
				}
				measured := turn{both[1], both[0]}
				log.Printf("round %d, %4d tokens, %-18s %8.0f/s, %.3f of the unprotected, %9s of CPU each, p99 %s",
					round+1, count, target, measured.rate, measured.rate/measured.beside.rate, measured.cpu.Round(10*time.Nanosecond), measured.p99)
				results[count][round][n] = measured
			}
		}
	}
	pinned := "The server has one processor, by GOMAXPROCS and taskset, and wrk the other"
	if len(pin(serverCore)) == 0 {
		pinned = "The server has one processor by GOMAXPROCS; it and wrk are not pinned"
	}
	trial := ""
	if rounds < 3 {
		trial = " That is too few: this is a trial."
	}
	return table(targets, results) + fmt.Sprintf(
		"\nMedians of %d rounds; a turn is %d s, and %d connections are kept busy by wrk; tokens are signed by %s. %s.%s %s, %s. Written by `make bench-load`.\n",
		rounds, seconds, connections, algorithm, pinned, trial, runtime.Version(), time.Now().UTC().Format(time.DateOnly)), nil
}

func writeTokens(path string, issuer *benchmarks.Issuer, algorithm string) error {
	var b strings.Builder
	for range counts[len(counts)-1] {
		token, err := issuer.Token(algorithm)
		if err != nil {
			return err
		}
		b.WriteString(token + "\n")
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// server is a process that serves a target.
type server struct {
	command *exec.Cmd
	input   io.Closer
	url     string
}

func start(binary string, target benchmarks.Target, issuer, algorithm string) (*server, error) {
	arguments := append(pin(serverCore), binary, "-impl", target.Implementation, "-router", target.Router, "-issuer", issuer, "-alg", algorithm)
	s := &server{command: exec.Command(arguments[0], arguments[1:]...)}
	s.command.Env = append(os.Environ(), "GOMAXPROCS=1")
	s.command.Stderr = os.Stderr
	input, err := s.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.input = input
	output, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("load: the server for %s did not start: %w", target, err)
	}
	s.url = strings.TrimSpace(line)
	return s, nil
}

func (s *server) stop() {
	s.input.Close()
	s.command.Wait()
}

package bearerguard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeBlocks are the README's blocks of code in a language.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

// The README's programs are the examples, which their own tests run.
func TestReadmeProgramsAreTheExamples(t *testing.T) {
	var programs []string
	for _, block := range readmeBlocks(t, "go") {
		if strings.HasPrefix(block, "package main") {
			programs = append(programs, block)
		}
	}
	examples := []string{"nethttp", "gin", "chi"}
	if len(programs) != len(examples) {
		t.Fatalf("%d programs in the README, %d examples", len(programs), len(examples))
	}
	for i, name := range examples {
		source, err := os.ReadFile(filepath.Join("examples", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if programs[i] != string(source) {
			t.Errorf("program %d of the README is not examples/%s/main.go", i+1, name)
		}
	}
}

// The README's fragments compile as the body of a function.
func TestReadmeFragmentsCompile(t *testing.T) {
	const before = `package main

import (
	"context"
	"log"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

func main() {
	ctx := context.Background()
`
	const after = `
	log.Print(tokens, err)
}
`
	fragments := 0
	for _, block := range readmeBlocks(t, "go") {
		if strings.HasPrefix(block, "package") {
			continue
		}
		fragments++
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(before+block+after), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, block)
		}
	}
	if fragments != 1 {
		t.Errorf("%d fragments; say here what each one needs around it", fragments)
	}
}

// The answers that the README shows are those that the examples' tests hold every
// router to.
func TestReadmeShowsRealAnswers(t *testing.T) {
	golden, err := os.ReadFile("internal/apitest/apitest.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(strings.Join(readmeBlocks(t, "console"), "")) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "Www-Authenticate: ")
		if strings.HasPrefix(line, "{") || strings.HasPrefix(line, "Bearer ") || strings.HasPrefix(line, "invoices for ") {
			lines++
			if !strings.Contains(strings.ReplaceAll(string(golden), "for billing", "for demo"), line) {
				t.Errorf("no router is held to this answer: %s", line)
			}
		}
	}
	if lines != 5 {
		t.Errorf("%d answers found in the README", lines)
	}
}

// A newcomer's links lead somewhere.
func TestReadmeLinks(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if target := match[1]; !strings.Contains(target, "://") {
			if _, err := os.Stat(target); err != nil {
				t.Errorf("dead link: %v", err)
			}
		}
	}
}

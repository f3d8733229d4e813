package bearerguard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func pages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// blocks are a page's blocks of code in a language.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
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
	for _, block := range blocks(t, "README.md", "go") {
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

// The fragments in the README and in docs compile, each as the body of a function.
func TestFragmentsCompile(t *testing.T) {
	const before = `package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

// What fragments take for granted.
var (
	ctx             = context.Background()
	tokens          *verify.Issuer
	staff, partners *verify.Issuer
	err             error

	keys            jwks.Set

	_ = jwks.RemoteConfig{}
	_ = log.Print
	_ = os.Getenv
	current *verify.RevocableVerifier
	opaque  *verify.IntrospectionVerifier
	_ = time.Second
)

func main() {
`
	const after = `
	_, _, _, _, _, _ = ctx, keys, tokens, current, opaque, err
}
`
	fragments := 0
	for _, page := range append(pages(t), "README.md") {
		for _, block := range blocks(t, page, "go") {
			if strings.HasPrefix(block, "package") {
				continue
			}
			fragments++
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(before+block+after), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", page, err, out, block)
			}
		}
	}
	if fragments == 0 {
		t.Error("no fragments found")
	}
}

// Each promise of SECURITY.md names a test that exists.
func TestPromisesAreTested(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	promises := regexp.MustCompile("`([a-z]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(promises) < 10 {
		t.Errorf("%d tests named", len(promises))
	}
	for _, promise := range promises {
		found := false
		for _, folder := range []string{promise[1], filepath.Join("internal", promise[1])} {
			files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
			for _, file := range files {
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				found = found || strings.Contains(string(source), "\nfunc "+promise[2]+"(")
			}
		}
		if !found {
			t.Errorf("there is no %s.%s", promise[1], promise[2])
		}
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
	for line := range strings.Lines(strings.Join(blocks(t, "README.md", "console"), "")) {
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
func TestLinks(t *testing.T) {
	for _, page := range append(pages(t), "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if target := match[1]; !strings.Contains(target, "://") {
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
					t.Errorf("%s: dead link: %v", page, err)
				}
			}
		}
	}
}

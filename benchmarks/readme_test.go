package benchmarks

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write README.md's tables instead of comparing them")

// README.md says what is measured, in which version, and what each of them checks;
// and it says so because they do.
func TestReadmeTables(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for name, table := range map[string]string{"implementations": implementationsTable(), "checks": checksTable(t)} {
		page, err = Between(page, name, table)
		if err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case page == string(text):
	case *update:
		if err := os.WriteFile("README.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md is not up to date; run: go test -run TestReadmeTables -update\n%s", page)
	}
}

func implementationsTable() string {
	var b strings.Builder
	b.WriteString("| `impl=` | modules | set up as |\n| --- | --- | --- |\n")
	for _, implementation := range Implementations {
		modules := []string{"the standard library"}
		if implementation.Modules != nil {
			modules = nil
		}
		for _, module := range implementation.Modules {
			modules = append(modules, fmt.Sprintf("`%s` %s", module, Version(module)))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", implementation.Name, strings.Join(modules, ", "), implementation.What)
	}
	return b.String()
}

// checksTable asks every implementation, and prints what it does.
func checksTable(t *testing.T) string {
	const alg = "ES256"
	var asked []Implementation
	heads, rule := "| the issuer signed a token that is or has", "| ---"
	for _, implementation := range Implementations {
		if !implementation.Floor && implementation.Variant == "" {
			asked = append(asked, implementation)
			heads += " | " + implementation.Name
			rule += " | ---"
		}
	}
	var b strings.Builder
	b.WriteString(heads + " |\n" + rule + " |\n")
	row := func(name string, cell func(Implementation) string) {
		b.WriteString("| " + name)
		for _, implementation := range asked {
			b.WriteString(" | " + cell(implementation))
		}
		b.WriteString(" |\n")
	}
	for _, probe := range Probes {
		value := authorization(t, issuer(t), alg, probe.Change)
		row(probe.Name, func(implementation Implementation) string {
			status := newClient(build(t, t.Context(), implementation, issuer(t), alg)).send(value)
			if status == http.StatusOK {
				return "passes"
			}
			return fmt.Sprint(status)
		})
	}
	row("signed with a key that was published after the start", func(implementation Implementation) string {
		rotating, err := NewIssuer(alg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(rotating.Close)
		c := newClient(build(t, t.Context(), implementation, rotating, alg))
		if err := rotating.Rotate(alg); err != nil {
			t.Fatal(err)
		}
		status := 0
		for range 5 { // the fetch of a moment ago may not be over yet for everybody
			if status = c.send(authorization(t, rotating, alg)); status == http.StatusOK {
				return "passes, as it should"
			}
			time.Sleep(50 * time.Millisecond)
		}
		return fmt.Sprint(status)
	})
	return b.String()
}

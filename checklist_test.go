package bearerguard_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notOurs are statements without a test, each with a sentence that says why: parts of
// the standards that this project has no part in.
var notOurs = map[string]string{
	"C37": "The API does not publish metadata of a protected resource (RFC 9728).",
	"C38": "The API does not publish metadata of a protected resource (RFC 9728).",
	"C39": "The API does not publish metadata of a protected resource (RFC 9728), so no challenge names them.",
	"C40": "Proofs of DPoP are not verified: a token that is bound to a key is refused (C41).",
	"C42": "There are no nonces, for proofs of DPoP are not verified.",
	"C43": "There is no memory for replays, for proofs of DPoP are not verified.",
	"C45": "There is no step-up: nothing is asked of how a user has authenticated (RFC 9470).",
	"C49": "FAPI 2.0 wants tokens that are bound to their sender, which are refused.",
	"C51": "MCP wants metadata of a protected resource, which is not published.",
	"C52": "What MCP wants here is said by C1, C2, C6 and C22 as well.",
	"C54": "What ASVS wants here is said by C22 and C30, and by C41, C44 and C45.",
}

// testFunctions are the tests of the module's own packages by their names, such as
// middleware.TestX, each with its comment and text.
func testFunctions(t *testing.T) map[string]string {
	t.Helper()
	function := regexp.MustCompile(`(?m)(?:^//.*\n)*^func ((?:Test|Fuzz)\w*)\(.*(?:\n(?:[^}\n].*)?)*`)
	all := map[string]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") || path == "checklist_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range function.FindAllSubmatch(text, -1) {
			all[filepath.Base(filepath.Dir(path))+"."+string(match[1])] += string(match[0])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("%d tests found", len(all))
	}
	return all
}

func carries(text, number string) bool {
	return regexp.MustCompile(`\b` + number + `\b`).MatchString(text)
}

// Each statement has a test that carries its number, or a reason why there is none.
func TestEachStatementIsTested(t *testing.T) {
	functions := testFunctions(t)
	for n := 1; n <= 54; n++ {
		number := fmt.Sprintf("C%d", n)
		tested := false
		for _, text := range functions {
			tested = tested || carries(text, number)
		}
		reason := notOurs[number]
		switch {
		case !tested && reason == "":
			t.Errorf("%s: no test carries the number, and nothing says why", number)
		case tested && reason != "":
			t.Errorf("%s: there is a test, and a reason why there is none", number)
		case reason != "" && !strings.HasSuffix(reason, "."):
			t.Errorf("%s: the reason is no sentence: %s", number, reason)
		}
	}
}

// The table in docs/testing.md says of each number what it means, and names tests that
// exist, of which each carries the number or is named beside one that does.
func TestTheTableOfStatements(t *testing.T) {
	page, err := os.ReadFile("docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	functions := testFunctions(t)
	var numbers []string
	for _, row := range regexp.MustCompile(`(?m)^\| (C\d+) \| (.+) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(string(page), -1) {
		number, named := row[1], regexp.MustCompile("`(\\w+\\.\\w+)`").FindAllStringSubmatch(row[4], -1)
		numbers = append(numbers, number)
		carried := false
		for _, name := range named {
			text, there := functions[name[1]]
			if !there {
				t.Errorf("%s: there is no %s", number, name[1])
			}
			carried = carried || carries(text, number)
		}
		if !carried {
			t.Errorf("%s: none of the tests named carries the number", number)
		}
	}
	var want []string
	for n := 1; n <= 48; n++ {
		if n <= 36 || n >= 46 {
			want = append(want, fmt.Sprintf("C%d", n))
		}
	}
	if !slices.Equal(numbers, want) {
		t.Errorf("the table has %q, want %q", numbers, want)
	}
}

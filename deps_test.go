package bearerguard_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bearerguard/bearerguard"

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func list(t *testing.T, arguments ...string) []pkg {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, arguments...)...)
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// arrows are what each package may import of this module: the sentence that the
// folders spell, from right to left. examples may import everything.
var arrows = map[string][]string{
	"":                    {},
	"scopes":              {},
	"internal/contextkey": {},
	"principal":           {"scopes", "internal/contextkey"},
	"internal/recall":     {"principal", "scopes"},
	"internal/octets":     {},
	"internal/cache":      {"internal/octets"},
	"internal/strictjson": {},
	"internal/jose":       {"internal/octets", "internal/strictjson"},
	"internal/fetch":      {},
	"jwks":                {"internal/jose", "internal/fetch"},
	"verify":              {"jwks", "principal", "scopes", "internal/cache", "internal/jose", "internal/fetch", "internal/strictjson", "internal/recall"},
	"middleware":          {"verify", "principal", "scopes", "internal/contextkey", "internal/recall"},
	"adapters/ginauth":    {"middleware", "principal"},
	"adapters/chiauth":    {"middleware"},
	"internal/authserver": {"internal/jose", "scopes"},
	"oauthtest":           {"internal/authserver", "jwks", "verify", "principal", "scopes"},
	"internal/apitest":    {"jwks", "verify", "oauthtest"},
}

func TestArrows(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(name, "examples/") {
			continue
		}
		allowed, known := arrows[name]
		if !known {
			t.Errorf("%s is new: say in deps_test.go and docs/architecture.md what it may import", name)
		}
		for _, imported := range p.Imports {
			own, isOwn := strings.CutPrefix(imported, module+"/")
			if isOwn && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, against the arrows of docs/architecture.md", name, own)
			}
		}
	}
}

// Each foreign library has one door.
func TestForeignLibrariesHaveOneImporter(t *testing.T) {
	doors := map[string]struct{ importer, reason string }{
		"github.com/lestrrat-go/jwx":    {"internal/jose", "moving to another major version must be a change of one folder"},
		"github.com/lestrrat-go/httprc": {"internal/fetch", "it is safe to use in one narrow way only"},
		"github.com/gin-gonic/gin":      {"adapters/ginauth", "users of other routers must not get it into their build"},
		"github.com/go-chi/chi":         {"adapters/chiauth", "users of other routers must not get it into their build"},
	}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if strings.HasPrefix(name, "examples/") {
			continue
		}
		for _, imported := range p.Imports {
			for library, door := range doors {
				if strings.HasPrefix(imported, library+"/") && name != door.importer {
					t.Errorf("%s imports %s; only %s may: %s", name, imported, door.importer, door.reason)
				}
			}
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") && !strings.HasPrefix(imported, module) &&
				!slices.ContainsFunc([]string{"github.com/lestrrat-go/jwx/", "github.com/lestrrat-go/httprc", "github.com/gin-gonic/gin", "github.com/go-chi/chi/"},
					func(known string) bool { return strings.HasPrefix(imported, known) }) {
				t.Errorf("%s imports %s, which has no line in docs/dependencies.md", name, imported)
			}
		}
	}
}

func TestWhatAUserGetsIntoTheBuild(t *testing.T) {
	for _, row := range []struct {
		name     string
		packages []string
		no       []string
		reason   string
	}{
		{"handlers", []string{"./scopes", "./principal"}, []string{"."}, "handlers import nothing but the standard library with these"},
		{"middleware", []string{"./middleware"}, []string{"gin-gonic", "go-chi", "testing", "net/http/httptest"}, "net/http users want no router and no test code"},
		{"chi", []string{"./adapters/chiauth"}, []string{"gin-gonic"}, "chi users want no gin"},
		{"gin", []string{"./adapters/ginauth"}, []string{"go-chi"}, "gin users want no chi"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, p := range list(t, row.packages...) {
				for _, dependency := range p.Deps {
					if strings.HasPrefix(dependency, module) {
						continue
					}
					for _, no := range row.no {
						first, _, _ := strings.Cut(dependency, "/")
						foreign := strings.Contains(first, ".")
						if dependency == no || foreign && strings.Contains(dependency, no) {
							t.Errorf("%s gets %s: %s", p.ImportPath, dependency, row.reason)
						}
					}
				}
			}
		})
	}
}

package jwks_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// The mistakes that a file can hold, from the start or later.
var badFiles = []struct{ name, document, says string }{
	{"nothing", "", "no PEM block"},
	{"words", "the keys will follow", "no PEM block"},
	{"a JWK Set cut short", setOf(jwk("b"))[:40], "not a JSON object"},
	{"a JWK Set without keys", setOf(), "no usable key"},
	{"a JWK Set of keys that cannot be used", setOf(`{"kty":"AKP","kid":"pq"}`), "no usable key"},
	{"a single JWK", jwk("b"), "not a JWK Set"},
	{"PEM cut short", pemOf("b")[:60], "no PEM block"},
	{"PEM whose second block is cut short", pemOf("b", "c")[:len(pemOf("b"))+60], "2 PEM blocks begin and 1 could be read"},
	{"a private key", string(block("PRIVATE KEY", []byte("c2VjcmV0"))), "a private key"},
	{"too much", setOf(jwk("b")) + strings.Repeat(" ", 1<<20), "longer than 1048576 bytes"},
	{"PEM and a JWK Set", pemOf("b") + "-----BEGIN " + setOf(jwk("c")), "2 PEM blocks begin and 1 could be read"},
}

func TestABadFileAtTheStart(t *testing.T) {
	for _, row := range badFiles {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(row.document), 0o600); err != nil {
				t.Fatal(err)
			}
			refusedAtTheStart(t, path, row.says)
		})
	}
	t.Run("no file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := refusedAtTheStart(t, path, ""); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("a directory", func(t *testing.T) { refusedAtTheStart(t, t.TempDir(), "not a regular file") })
}

func refusedAtTheStart(t *testing.T, path, says string) error {
	t.Helper()
	set, err := jwks.File(t.Context(), jwks.FileConfig{Path: path, Logger: silent})
	if err == nil {
		set.Close()
		t.Fatal("accepted")
	}
	for _, says := range []string{"jwks: ", path, says} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%v; it should say: %s", err, says)
		}
	}
	return err
}

func TestABadFileKeepsTheOldKeys(t *testing.T) {
	var rows []mistake
	for _, row := range badFiles {
		rows = append(rows, mistake{row.name, func(f *keyFile) { f.write(row.document) }, row.says})
	}
	rows = append(rows,
		mistake{"no file", (*keyFile).remove, "keys: "}, // and the system's own words
		mistake{"a directory", func(f *keyFile) {
			f.remove()
			if err := os.Mkdir(f.path, 0o700); err != nil {
				f.t.Fatal(err)
			}
		}, "not a regular file"})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { servesOn(t, row) })
	}
}

// mistake is what can happen to a file that was good.
type mistake struct {
	name   string
	happen func(*keyFile)
	says   string
}

func (f *keyFile) remove() {
	f.t.Helper()
	if err := os.Remove(f.path); err != nil {
		f.t.Fatal(err)
	}
}

// servesOn is the life of a set whose file is good, then bad, then good: the keys
// serve on, and the mistake is told of once.
func servesOn(t *testing.T, row mistake) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := inFile(t, pemOf("a"))
		row.happen(f)
		time.Sleep(time.Second) // a hundred looks
		synctest.Wait()
		f.mustHold("with a bad file", "a")
		warnings := slices.DeleteFunc(f.log.take(), func(line string) bool { return strings.Contains(line, "key left out") })
		if len(warnings) != 1 || !strings.Contains(warnings[0], `level=WARN msg="jwks: file not used; the last good keys serve on"`) ||
			!strings.Contains(warnings[0], row.says) || strings.Contains(warnings[0], "c2VjcmV0") {
			t.Errorf("the log is\n%s\nIt should say once: %s", strings.Join(warnings, "\n"), row.says)
		}

		f.heal(pemOf("b"))
		looked()
		f.mustHold("healed", "b")
		f.log.take()
		row.happen(f)
		looked()
		f.mustHold("with the same mistake again", "b")
		if again := f.log.take(); !strings.Contains(strings.Join(again, "\n"), "file not used") {
			t.Errorf("it is not told of again: %q", again)
		}
		f.heal(pemOf("b")) // the very contents that are known already
		looked()
		f.mustHold("healed again", "b")
		if h := f.set.Health(); h.LastError != "" {
			t.Errorf("%+v", h)
		}
	})
}

// heal removes whatever is at the path.
func (f *keyFile) heal(document string) {
	f.t.Helper()
	if err := os.RemoveAll(f.path); err != nil {
		f.t.Fatal(err)
	}
	f.write(document)
}

func TestEachMistakeIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inFile(t, pemOf("a"))
		expect := func(when string, warnings int) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if n := strings.Count(strings.Join(f.log.take(), "\n"), "file not used"); n != warnings {
				t.Errorf("%s: %d warnings", when, n)
			}
			f.mustHold(when, "a")
		}
		f.write("words")
		expect("a mistake", 1)
		f.write("other words")
		expect("the same in other words", 0)
		f.write("{")
		expect("another", 1)
		f.remove()
		expect("a third", 1)
		f.write(pemOf("a"))
		expect("none", 0)
		f.write("words")
		expect("the first again, after all was well", 1)
	})
}

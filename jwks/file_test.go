package jwks_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

const look = 10 * time.Millisecond // how often a file is looked at here

// keyFile is a file of keys in a directory of its own, with a set that reads it and
// what that set logs. It is for a bubble: reading a file is no waiting that makes
// time pass there, so after a look the set has done what it does.
type keyFile struct {
	t    *testing.T
	path string
	set  *jwks.FileSet
	log  *journal
}

func inFile(t *testing.T, document string) *keyFile {
	t.Helper()
	f := &keyFile{t: t, path: filepath.Join(t.TempDir(), "keys"), log: &journal{}}
	f.write(document)
	f.open()
	return f
}

// open reads the file with a set from here on.
func (f *keyFile) open() {
	f.t.Helper()
	var err error
	f.set, err = jwks.File(context.Background(), jwks.FileConfig{Path: f.path, Interval: look, Logger: f.log.logger()})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(f.set.Close)
}

// write replaces the contents in place.
func (f *keyFile) write(document string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(document), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// rename puts another file in its place, as who writes carefully does.
func (f *keyFile) rename(document string) {
	f.t.Helper()
	next := f.path + ".next"
	if err := os.WriteFile(next, []byte(document), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(next, f.path); err != nil {
		f.t.Fatal(err)
	}
}

// looked is when the set has looked at the file since the last change.
func looked() {
	time.Sleep(look)
	synctest.Wait()
}

// mustHold demands that the keys of these names are in the set, and no others.
func (f *keyFile) mustHold(when string, names ...string) {
	f.t.Helper()
	keys, err := f.set.Find(f.t.Context(), "", alg)
	if err != nil || len(keys) != len(names) {
		f.t.Errorf("%s: %d keys, %v", when, len(keys), err)
	}
	for _, name := range names {
		if !signedBy(keys, name) {
			f.t.Errorf("%s: the key of %s is not there", when, name)
		}
	}
}

func pemOf(names ...string) string {
	var all []byte
	for _, name := range names {
		all = append(all, spki(private(name).Public())...)
	}
	return string(all)
}

func TestFile(t *testing.T) {
	for _, row := range []struct {
		name     string
		document string
		kid      string
		keys     []string
	}{
		{"PEM", pemOf("a"), "", []string{"a"}},
		{"PEM, for a token with a kid", pemOf("a"), "any", []string{"a"}},
		{"PEM, more keys than a remote set tries", pemOf("a", "b", "c", "d", "e"), "", []string{"a", "b", "c", "d", "e"}},
		{"a certificate", string(certificate(private("a"))), "", []string{"a"}},
		{"a JWK Set", setOf(jwk("a"), jwk("b")), "b", []string{"b"}},
		{"a JWK Set behind white space", "\n\t " + setOf(jwk("a")), "a", []string{"a"}},
		{"a JWK Set, for a token without kid", setOf(jwk("a"), jwk("b")), "", []string{"a", "b"}},
		{"a JWK Set, for a kid that is not in it", setOf(jwk("a"), jwk("b")), "c", nil},
		{"a JWK Set with a key that cannot be used (C13)", setOf(`{"kty":"AKP","kid":"pq"}`, jwk("a")), "a", []string{"a"}},
		{"as long as a file may be", setOf(jwk("a")) + strings.Repeat(" ", 1<<20-len(setOf(jwk("a")))), "a", []string{"a"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := inFile(t, row.document)
				keys, err := f.set.Find(t.Context(), row.kid, alg)
				if err != nil || len(keys) != len(row.keys) {
					t.Errorf("%d keys, %v", len(keys), err)
				}
				for _, name := range row.keys {
					if !signedBy(keys, name) {
						t.Errorf("the key of %s is not there", name)
					}
				}
			})
		})
	}
}

func TestAFileThatChanges(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(f *keyFile, document string)
	}{
		{"in place", (*keyFile).write},
		{"by another file that takes its name", (*keyFile).rename},
		{"by being gone for a moment", func(f *keyFile, document string) {
			if err := os.Remove(f.path); err != nil {
				f.t.Fatal(err)
			}
			f.write(document)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := inFile(t, pemOf("a"))
				f.mustHold("at the start", "a")
				row.change(f, pemOf("b"))
				f.mustHold("before the next look", "a")
				looked()
				f.mustHold("another key", "b") // as long as the first, and written in the same moment
				row.change(f, pemOf("b", "c"))
				looked()
				f.mustHold("one more", "b", "c")
				row.change(f, setOf(jwk("a")))
				looked()
				f.mustHold("a JWK Set", "a")
				mustNotFind(t, f.set, "b")
				row.change(f, pemOf("a"))
				looked()
				f.mustHold("PEM again", "a")
				if err := os.Chtimes(f.path, time.Now(), time.Now()); err != nil {
					t.Fatal(err)
				}
				looked()
				f.mustHold("another time, nothing else", "a")
				again := func(keys, kids string) string {
					return `level=INFO msg="jwks: file read again" path=` + f.path + " keys=" + keys + " kids=" + kids
				}
				f.log.expect(t, "for each change", again("1", "[]"), again("2", "[]"), again("1", "[a]"), again("1", "[]"))
			})
		})
	}
}

// Kubernetes mounts a ConfigMap so: keys is a link to ..data/keys, and ..data a link
// to a directory, which is switched by a rename.
func TestAFileBehindLinksThatAreSwitched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mount := t.TempDir()
		link := func(to, name string) {
			t.Helper()
			if err := os.Symlink(to, filepath.Join(mount, name)); err != nil {
				if runtime.GOOS == "windows" {
					t.Skip(err) // it takes a privilege there
				}
				t.Fatal(err)
			}
		}
		version := func(name, document string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(mount, name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(mount, name, "keys"), []byte(document), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		switchTo := func(name string) {
			t.Helper()
			link(name, "..data_tmp")
			if err := os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		version("..2026_11", pemOf("a"))
		version("..2026_12", pemOf("a", "b"))
		link("..2026_11", "..data")
		link(filepath.Join("..data", "keys"), "keys")

		f := &keyFile{t: t, path: filepath.Join(mount, "keys"), log: &journal{}}
		f.open()
		f.mustHold("at the start", "a")
		switchTo("..2026_12")
		if err := os.RemoveAll(filepath.Join(mount, "..2026_11")); err != nil {
			t.Fatal(err)
		}
		looked()
		f.mustHold("switched", "a", "b")
		switchTo("..nowhere")
		looked()
		f.mustHold("a link that leads nowhere", "a", "b")
		version("..nowhere", pemOf("c"))
		looked()
		f.mustHold("where it leads is there", "c")
	})
}

func TestTheIntervalOfAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &keyFile{t: t, path: filepath.Join(t.TempDir(), "keys"), log: &journal{}}
		f.write(pemOf("a"))
		var err error
		f.set, err = jwks.File(t.Context(), jwks.FileConfig{Path: f.path, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		defer f.set.Close()
		f.write(pemOf("b"))
		time.Sleep(5*time.Second - time.Nanosecond)
		synctest.Wait()
		f.mustHold("just before five seconds, the default, are over", "a")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		f.mustHold("when they are over", "b")
	})
}

func TestHealthOfAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inFile(t, setOf(jwk("b"), jwk("a")))
		start := time.Now()
		if h := f.set.Health(); !h.Ready || !slices.Equal(h.KeyIDs, []string{"a", "b"}) || !h.LastSuccess.Equal(start) || h.LastError != "" {
			t.Errorf("at the start: %+v", h)
		}
		f.write("{")
		looked()
		if h := f.set.Health(); !h.Ready || !slices.Equal(h.KeyIDs, []string{"a", "b"}) || !h.LastSuccess.Equal(start) || h.LastError != "the file could not be used" {
			t.Errorf("with a broken file: %+v; it is ready all the same, and tells no path", h)
		}
		f.write(setOf(jwk("c")))
		looked()
		if h := f.set.Health(); !h.Ready || !slices.Equal(h.KeyIDs, []string{"c"}) || !h.LastSuccess.After(start) || h.LastError != "" {
			t.Errorf("healed: %+v", h)
		}
		f.set.Close()
		if h := f.set.Health(); h.Ready || h.KeyIDs != nil || !h.LastSuccess.IsZero() {
			t.Errorf("closed: %+v", h)
		}
	})
}

// That no goroutine is left is seen by the bubble: it fails the test if one is.
func TestTheEndOfAFile(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(*jwks.FileSet, context.CancelFunc)
	}{
		{"Close", func(set *jwks.FileSet, _ context.CancelFunc) { set.Close() }},
		{"the context", func(_ *jwks.FileSet, cancel context.CancelFunc) { cancel() }},
	} {
		for _, after := range []time.Duration{0, look, time.Second} {
			t.Run(row.name+" after "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &keyFile{t: t, path: filepath.Join(t.TempDir(), "keys"), log: &journal{}}
					f.write(setOf(jwk("a")))
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					set, err := jwks.File(ctx, jwks.FileConfig{Path: f.path, Interval: look, Logger: f.log.logger()})
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(after)
					f.write(setOf(jwk("b"))) // with after, a look of this very moment may find it
					row.end(set, cancel)
					synctest.Wait()
					mustBeUnavailable(t, set, "a")
					f.log.take()
					time.Sleep(time.Hour)
					mustBeUnavailable(t, set, "a")
					mustBeUnavailable(t, set, "b")
					f.log.expect(t, "after the end")
					set.Close() // a second time is harmless
				})
			})
		}
	}
}

func TestWhatIsWrongWithAFileConfig(t *testing.T) {
	good := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(good, []byte(pemOf("a")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		config jwks.FileConfig
		says   string
	}{
		{"no path", jwks.FileConfig{}, "FileConfig.Path is empty"},
		{"an interval below zero", jwks.FileConfig{Path: good, Interval: -time.Second}, "FileConfig.Interval is -1s; it may be 10ms and more, or 0 for 5s"},
		{"a number that was meant to be seconds", jwks.FileConfig{Path: good, Interval: 5}, "FileConfig.Interval is 5ns"},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := jwks.File(t.Context(), row.config)
			if err == nil {
				set.Close()
				t.Fatal("accepted")
			}
			if !strings.HasPrefix(err.Error(), "jwks: ") || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%v; it should say: %s", err, row.says)
			}
		})
	}
}

//go:build unix

package jwks_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// Opening a FIFO waits for its writer: for ever, and nothing could end the wait.
func TestAFIFOIsNotOpened(t *testing.T) {
	refused := t.Run("at the start", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		told := make(chan struct{})
		go func() {
			defer close(told)
			set, err := jwks.File(t.Context(), jwks.FileConfig{Path: path, Logger: silent})
			if err == nil {
				set.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%v", err)
			}
		}()
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Fatal("it waits for a writer")
		}
	})
	if !refused {
		return // the bubble of the following would hang, and with it the whole run
	}
	t.Run("later", func(t *testing.T) {
		servesOn(t, mistake{"a FIFO", func(f *keyFile) {
			f.remove()
			if err := syscall.Mkfifo(f.path, 0o600); err != nil {
				f.t.Fatal(err)
			}
		}, "not a regular file"})
	})
}

func TestAFileThatMayNotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	servesOn(t, mistake{"no permission", func(f *keyFile) {
		f.t.Helper()
		if err := os.Chmod(f.path, 0); err != nil {
			f.t.Fatal(err)
		}
	}, "permission denied"})
}

// A device has no end.
func TestADeviceIsNotRead(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip(err)
	}
	refusedAtTheStart(t, "/dev/zero", "not a regular file")
}

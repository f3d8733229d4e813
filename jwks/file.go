package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/internal/jose"
)

// FileConfig configures [File]. Only Path has no default.
type FileConfig struct {
	// Path is a file of PEM blocks (see [PEM]) or a JWK Set, of at most 1 MiB.
	Path string
	// Interval is how often the file is looked at. Default 5 s.
	Interval time.Duration
	// Logger hears of changes and of what is wrong with the file; nil is
	// slog.Default().
	Logger *slog.Logger
}

// FileSet is the keys in a file. Requests read the last good snapshot of it.
type FileSet struct {
	config  FileConfig
	current atomic.Pointer[fileSnapshot]
	lastErr atomic.Pointer[error] // of the latest reading, if it failed
	stop    context.CancelFunc
	report  reporter
}

type fileSnapshot struct {
	*index
	read time.Time
}

// File is the set of the keys in a file, which is read again when its contents
// change, in place or by another file that takes its name, until ctx is done or
// [FileSet.Close] is called. A change for the worse, be the file gone, damaged or
// without any usable key, is reported and changes nothing: the last good keys serve
// on. At the start there are none yet, so then it is an error, as is a bad
// configuration. Rewrite a file of several keys by renaming another one over it: one
// that is cut off between two keys is not seen to be damaged.
func File(ctx context.Context, config FileConfig) (*FileSet, error) {
	if config.Interval == 0 {
		config.Interval = 5 * time.Second
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Path == "" {
		return nil, errors.New("jwks: FileConfig.Path is empty; write the path of a PEM file or of a JWK Set")
	}
	if config.Interval < 10*time.Millisecond {
		return nil, fmt.Errorf("jwks: FileConfig.Interval is %v; it may be 10ms and more, or 0 for 5s", config.Interval)
	}
	f := &FileSet{config: config, report: reporter{url: filepath.Clean(config.Path), logger: config.Logger}}
	document, err := f.read(nil)
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	ctx, f.stop = context.WithCancel(ctx)
	context.AfterFunc(ctx, f.forget)
	go f.watch(ctx, document)
	return f, nil
}

// Find implements [Set]. It waits for nothing.
func (f *FileSet) Find(_ context.Context, kid, alg string) ([]*Key, error) {
	current := f.load()
	if current == nil {
		return nil, &UnavailableError{RetryAfter: time.Minute, Err: fetch.ErrClosed}
	}
	keys, _ := current.find(kid, alg)
	return keys, nil
}

// Health is how the set fares now.
func (f *FileSet) Health() Health {
	var h Health
	if current := f.load(); current != nil {
		h = Health{Ready: true, KeyIDs: slices.Clone(current.kids), LastSuccess: current.read}
	}
	if f.lastErr.Load() != nil {
		h.LastError = "the file could not be used"
	}
	return h
}

// Close ends the watching. From then on Find reports an *UnavailableError.
func (f *FileSet) Close() {
	f.stop()
	f.forget()
}

func (f *FileSet) forget() { f.current.Store(goneFile) }

// goneFile is the snapshot of a set that is closed.
var goneFile = &fileSnapshot{}

func (f *FileSet) load() *fileSnapshot {
	if current := f.current.Load(); current != goneFile {
		return current
	}
	return nil
}

// watch compares contents rather than times and sizes, which miss a change within
// one tick of the file system's clock.
func (f *FileSet) watch(ctx context.Context, known []byte) {
	ticker := time.NewTicker(f.config.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		document, err := f.read(known)
		if ctx.Err() != nil { // closed meanwhile
			return
		}
		if previous := f.lastErr.Swap(pointer(err)); err != nil && (previous == nil || (*previous).Error() != err.Error()) {
			f.config.Logger.Warn("jwks: file not used; the last good keys serve on", "path", f.config.Path, "error", err)
		}
		if err == nil {
			known = document
		}
	}
}

func pointer(err error) *error {
	if err == nil {
		return nil
	}
	return &err
}

// read reads the file and, if it is not as it is known, publishes its keys.
func (f *FileSet) read(known []byte) ([]byte, error) {
	if info, err := os.Stat(f.config.Path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.config.Path) // opening a pipe would wait for its writer
	}
	file, err := os.Open(f.config.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxSetBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(document) > maxSetBytes:
		return nil, fmt.Errorf("%s is longer than %d bytes", f.config.Path, maxSetBytes)
	case bytes.Equal(document, known) && known != nil:
		return known, nil
	}
	keys, err := f.parse(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.config.Path, err)
	}
	previous := f.current.Load()
	if previous != nil {
		keys = keeping(previous.index, keys)
	}
	next := &fileSnapshot{newIndex(keys, len(keys)), time.Now()}
	if previous == goneFile || !f.current.CompareAndSwap(previous, next) {
		return nil, fetch.ErrClosed // meanwhile
	}
	if previous != nil {
		f.config.Logger.Info("jwks: file read again", "path", f.config.Path, "keys", len(keys), "kids", next.kids)
	}
	return document, nil
}

func (f *FileSet) parse(document []byte) ([]*Key, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(document), []byte("{")) {
		return parsePEM(document)
	}
	found, skipped, err := jose.ParseSet(document)
	if skipped != nil || err == nil {
		f.report.leftOut(skipped)
	}
	return wrap(found), err
}

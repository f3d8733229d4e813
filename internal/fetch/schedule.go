package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lestrrat-go/httprc"
)

// Interval is how often a document is fetched again when nothing goes wrong.
type Interval struct {
	// Min and Max bound what the server's caching headers ask for; Default
	// applies where it asks for nothing.
	Min, Max, Default time.Duration
}

// Tick is how often httprc looks whether a refresh is due, and so how late one may
// be. It is the shortest that it takes.
const Tick = time.Second

// Schedule calls refresh soon, and from then on whenever httprc finds that the
// document's lifetime is over, until ctx is done. refresh is never called twice
// at once, and must return within a bounded time.
//
// Of httprc it uses the background schedule alone. Values are not read from it:
// its Get waits for a refresh in progress whatever its context says. And it is
// asked for a first fetch only once: each Refresh would add one more perpetual
// entry to the schedule. See docs/dependencies.md.
func Schedule(ctx context.Context, url string, every Interval, refresh func() (http.Header, error)) error {
	cache := httprc.NewCache(ctx,
		httprc.WithRefreshWindow(Tick),
		httprc.WithFetcherWorkerCount(1))
	err := cache.Register(url,
		httprc.WithHTTPClient(scheduled{every, refresh}),
		httprc.WithMinRefreshInterval(every.Min),
		httprc.WithTransformer(httprc.TransformFunc(func(string, *http.Response) (any, error) { return nil, nil })))
	if err != nil {
		return err
	}
	go func() { _, _ = cache.Get(ctx, url) }()
	return nil
}

// scheduled is what httprc takes for an HTTP client. The answer that it returns
// has no body, only a lifetime within our bounds.
type scheduled struct {
	every   Interval
	refresh func() (http.Header, error)
}

func (s scheduled) Get(string) (*http.Response, error) {
	header, err := s.refresh()
	if err != nil {
		return nil, err
	}
	maxAge := int(s.every.Lifetime(header).Seconds())
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Cache-Control": {fmt.Sprintf("max-age=%d", maxAge)}},
		Body:       http.NoBody,
	}, nil
}

// Lifetime is for how long a document with this header is fresh (RFC 9111
// §4.2), within the bounds. Time that it has spent in caches on the way counts:
// an intermediary must not make a withdrawn key live longer. What cannot be read
// is taken for stale (§4.2.1, §5.3).
func (i Interval) Lifetime(header http.Header) time.Duration {
	lifetime := i.Default
	if expires := header.Get("Expires"); expires != "" {
		lifetime = 0
		if when, err := http.ParseTime(expires); err == nil {
			lifetime = time.Until(when)
		}
	}
	aged := false
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return i.Min
		case "max-age":
			if aged { // two answers are none (§4.2.1)
				return i.Min
			}
			aged = true
			lifetime = seconds(strings.Trim(value, `"`)) - seconds(header.Get("Age"))
		}
	}
	return min(max(lifetime, i.Min), i.Max)
}

// seconds reads delta-seconds, of which 2^31 is as good as more (RFC 9111 §1.2.2);
// 0 if it is not by the grammar.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if strings.Trim(s, "0123456789") != "" { // of 9999999999x, ParseUint says that it is too large
		n = 0
	} else if errors.Is(err, strconv.ErrRange) {
		n = 1 << 31
	} else if err != nil {
		n = 0
	}
	return time.Duration(n) * time.Second
}

package jwks

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

// RemoteConfig configures [Remote]. Only URL has no default.
type RemoteConfig struct {
	// URL is where the JWK Set is: https, or http on a loopback host.
	URL string
	// HTTPClient makes the requests; nil is a client of the set's own, with
	// the proxy settings of the environment. It is copied, and its redirect
	// policy replaced: at most 3, none from https to http.
	HTTPClient *http.Client
	// InsecureHTTP allows plain http to any host. Whoever sits on the way can
	// then replace the keys, and with them sign what he likes.
	InsecureHTTP bool
	// Timeout bounds one fetch, from connecting to the last byte. Default 5 s.
	Timeout time.Duration
	// MinRefresh and MaxRefresh bound how often the set is fetched while all
	// is well, to the second; in between, its Cache-Control and Expires decide,
	// and where they say nothing, 15 min. Defaults 1 min and 12 h. A key that
	// the issuer withdraws is trusted until the next refresh.
	MinRefresh, MaxRefresh time.Duration
	// MaxStale is for how long after the last good fetch its keys serve on
	// while fetches fail. Default 24 h, at least 10 s, 4 times Timeout and
	// twice MaxRefresh.
	MaxStale time.Duration
	// UnknownKeyInterval is the least time between two fetches that tokens
	// with unknown kids cause. Default 30 s.
	UnknownKeyInterval time.Duration
	// Distrusted are the kids of keys that the issuer publishes and that shall not
	// be used, such as those that it has retired or lost.
	Distrusted []string
	// Lazy fetches nothing before the first token needs a key, which then waits
	// for the first fetch: for services that trust many issuers of which few
	// ever call.
	Lazy bool
	// Logger hears of fetches that fail, of keys that appear, are withdrawn or
	// cannot be used, and of floods of unknown kids; nil is slog.Default().
	Logger *slog.Logger
}

const year = 365 * 24 * time.Hour

// Complete is the configuration with its defaults filled in, or what is wrong
// with it, whatever its URL. [Remote] does this itself.
func (c RemoteConfig) Complete() (RemoteConfig, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	var err error
	bound := func(name string, field *time.Duration, otherwise, atLeast, atMost time.Duration) {
		if *field == 0 {
			*field = otherwise
		}
		if err == nil && (*field < atLeast || *field > atMost) {
			err = fmt.Errorf("jwks: RemoteConfig.%s is %v; it may be %v to %v, or 0 for %v", name, *field, atLeast, atMost, otherwise)
		}
	}
	// In this order: what the later ones may be depends on the earlier.
	bound("Timeout", &c.Timeout, 5*time.Second, time.Millisecond, time.Minute)
	bound("UnknownKeyInterval", &c.UnknownKeyInterval, 30*time.Second, time.Second, 24*time.Hour)
	// Keys may be twice as old as a refresh is due before they are too old, so
	// that one that is late, or slow, refuses nobody.
	bound("MaxStale", &c.MaxStale, 24*time.Hour, max(10*time.Second, 4*c.Timeout), year)
	bound("MinRefresh", &c.MinRefresh, min(time.Minute, c.MaxStale/2), time.Second, c.MaxStale/2)
	bound("MaxRefresh", &c.MaxRefresh, max(c.MinRefresh, min(12*time.Hour, c.MaxStale/2)), c.MinRefresh, c.MaxStale/2)
	return c, err
}

func (c *RemoteConfig) interval() fetch.Interval {
	return fetch.Interval{
		Min:     c.MinRefresh,
		Max:     c.MaxRefresh,
		Default: min(max(15*time.Minute, c.MinRefresh), c.MaxRefresh),
	}
}

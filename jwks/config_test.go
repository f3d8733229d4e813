package jwks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

func TestConfigDefaults(t *testing.T) {
	const day = 24 * time.Hour
	type times struct{ timeout, minRefresh, maxRefresh, maxStale, unknownKey time.Duration }
	for _, row := range []struct {
		name   string
		config jwks.RemoteConfig
		want   times
	}{
		{"nothing set", jwks.RemoteConfig{}, times{5 * time.Second, time.Minute, 12 * time.Hour, day, 30 * time.Second}},
		{"everything set",
			jwks.RemoteConfig{Timeout: time.Second, MinRefresh: 2 * time.Minute, MaxRefresh: time.Hour, MaxStale: 2 * time.Hour, UnknownKeyInterval: time.Minute},
			times{time.Second, 2 * time.Minute, time.Hour, 2 * time.Hour, time.Minute}},
		{"keys that are soon too old are refreshed before that",
			jwks.RemoteConfig{MaxStale: time.Hour}, times{5 * time.Second, time.Minute, 30 * time.Minute, time.Hour, 30 * time.Second}},
		{"keys that are always soon too old",
			jwks.RemoteConfig{MaxStale: 10 * time.Second, Timeout: time.Second}, times{time.Second, 5 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second}},
		{"a long floor raises the ceiling",
			jwks.RemoteConfig{MinRefresh: 13 * time.Hour, MaxStale: 2 * day}, times{5 * time.Second, 13 * time.Hour, 13 * time.Hour, 2 * day, 30 * time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := row.config.Complete()
			if err != nil {
				t.Fatal(err)
			}
			if got := (times{c.Timeout, c.MinRefresh, c.MaxRefresh, c.MaxStale, c.UnknownKeyInterval}); got != row.want {
				t.Errorf("%+v", got)
			}
			if c.Logger == nil {
				t.Error("no logger")
			}
		})
	}
}

func TestWhatIsWrongWithAConfig(t *testing.T) {
	const url = "https://issuer.example/jwks"
	for _, row := range []struct {
		name   string
		config jwks.RemoteConfig
		says   []string
	}{
		{"no URL", jwks.RemoteConfig{}, []string{"RemoteConfig.URL", "absolute URL"}},
		{"a path for a URL", jwks.RemoteConfig{URL: "/jwks"}, []string{"RemoteConfig.URL", `"/jwks"`, "https://issuer.example"}},
		{"plain http", jwks.RemoteConfig{URL: "http://issuer.example/jwks"}, []string{"RemoteConfig.URL", "use https", "InsecureHTTP"}},
		{"user information", jwks.RemoteConfig{URL: "https://user:password@issuer.example"}, []string{"RemoteConfig.URL", "user information"}},
		{"another scheme", jwks.RemoteConfig{URL: "ftp://issuer.example", InsecureHTTP: true}, []string{"RemoteConfig.URL", "use https"}},

		{"a timeout below zero", jwks.RemoteConfig{URL: url, Timeout: -time.Second},
			[]string{"RemoteConfig.Timeout is -1s", "1ms to 1m0s", "0 for 5s"}},
		{"a number that was meant to be seconds", jwks.RemoteConfig{URL: url, Timeout: 5},
			[]string{"RemoteConfig.Timeout is 5ns"}},
		{"a timeout of minutes", jwks.RemoteConfig{URL: url, Timeout: 2 * time.Minute},
			[]string{"RemoteConfig.Timeout is 2m0s"}},
		{"fetches for strangers all the time", jwks.RemoteConfig{URL: url, UnknownKeyInterval: time.Millisecond},
			[]string{"RemoteConfig.UnknownKeyInterval is 1ms", "1s to 24h0m0s", "0 for 30s"}},
		{"refreshes all the time", jwks.RemoteConfig{URL: url, MinRefresh: time.Millisecond},
			[]string{"RemoteConfig.MinRefresh is 1ms", "1s to 12h0m0s", "0 for 1m0s"}},
		{"a ceiling below the floor", jwks.RemoteConfig{URL: url, MinRefresh: time.Hour, MaxRefresh: time.Minute},
			[]string{"RemoteConfig.MaxRefresh is 1m0s", "1h0m0s to 12h0m0s"}},
		{"keys that are too old before they are refreshed", jwks.RemoteConfig{URL: url, MaxRefresh: 2 * time.Hour, MaxStale: time.Hour},
			[]string{"RemoteConfig.MaxRefresh is 2h0m0s", "1m0s to 30m0s"}},
		{"a floor that outlives the keys", jwks.RemoteConfig{URL: url, MinRefresh: 2 * time.Hour, MaxStale: time.Hour},
			[]string{"RemoteConfig.MinRefresh is 2h0m0s", "1s to 30m0s"}},
		{"keys for ever", jwks.RemoteConfig{URL: url, MaxStale: 10 * 365 * 24 * time.Hour},
			[]string{"RemoteConfig.MaxStale is 87600h0m0s"}},
		{"keys that one late refresh makes too old", jwks.RemoteConfig{URL: url, MaxRefresh: time.Hour, MaxStale: time.Hour},
			[]string{"RemoteConfig.MaxRefresh is 1h0m0s", "1m0s to 30m0s"}},
		{"keys that are too old after one timeout", jwks.RemoteConfig{URL: url, MaxStale: time.Minute, Timeout: 30 * time.Second},
			[]string{"RemoteConfig.MaxStale is 1m0s; it may be 2m0s"}},
		{"keys for seconds", jwks.RemoteConfig{URL: url, MaxStale: 9 * time.Second, Timeout: time.Second},
			[]string{"RemoteConfig.MaxStale is 9s; it may be 10s"}},
		{"keys for no time", jwks.RemoteConfig{URL: url, MaxStale: -1},
			[]string{"RemoteConfig.MaxStale is -1ns"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := jwks.Remote(t.Context(), row.config)
			if err == nil {
				set.Close()
				t.Fatal("accepted")
			}
			for _, says := range row.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%v; it should say: %s", err, says)
				}
			}
		})
	}
}

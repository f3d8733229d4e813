package fetch_test

import (
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A Cache-Control that is no more than directives with a token or a quoted number
// each (RFC 9111 §5.2), and delta-seconds (§1.2.2).
var (
	directives   = regexp.MustCompile(`\A[a-zA-Z-]+(=([a-zA-Z0-9-]+|"[0-9]+"))?( ?, ?[a-zA-Z-]+(=([a-zA-Z0-9-]+|"[0-9]+"))?)*\z`)
	between      = regexp.MustCompile(` ?, ?`)
	uncacheable  = regexp.MustCompile(`\A(?i:no-store|no-cache)(=.*)?\z`)
	maxAge       = regexp.MustCompile(`\A(?i:max-age)(?:="?([^"]*)"?)?\z`)
	deltaSeconds = regexp.MustCompile(`\A[0-9]+\z`)
)

// clamped is a number of seconds within the bounds of hourly.
func clamped(seconds *big.Int) time.Duration {
	low, high := big.NewInt(int64(hourly.Min/time.Second)), big.NewInt(int64(hourly.Max/time.Second))
	switch {
	case seconds.Cmp(low) < 0:
		return hourly.Min
	case seconds.Cmp(high) > 0:
		return hourly.Max
	default:
		return time.Duration(seconds.Int64()) * time.Second
	}
}

// delta is the seconds of a field, as many as RFC 9111 §1.2.2 lets one read; 0 if it
// is not by the grammar.
func delta(field string) *big.Int {
	n, most := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 31)
	if deltaSeconds.MatchString(field) {
		n.SetString(field, 10)
	}
	if n.Cmp(most) > 0 {
		return most
	}
	return n
}

// Whatever a server says, its keys are asked for again within the bounds; and where
// it says something by the grammar, when it says.
func FuzzLifetime(f *testing.F) { // RFC 9111 §4.2
	for _, cacheControl := range []string{
		"", "max-age=300", "public, MAX-AGE=300", `max-age="300"`, "no-store", "max-age=300, no-cache", "max-age=-1", "max-age=99999999999999999999",
		"max-age", "s-maxage=300", "max-age=60, max-age=3600", `private="max-age=5"`,
	} {
		f.Add(cacheControl, "", "", "")
		f.Add("public", cacheControl, "", "60")
	}
	f.Add("", "", "Thu, 01 Jan 2099 00:00:00 GMT", "")
	f.Add("", "", "0", "")
	f.Add("max-age=300", "", "Thu, 01 Jan 1970 00:00:00 GMT", "99999999999999999999")
	f.Fuzz(func(t *testing.T, first, second, expires, age string) {
		header := http.Header{"Cache-Control": {first, second}, "Expires": {expires}, "Age": {age}}
		if second == "" {
			header["Cache-Control"] = []string{first}
		}
		got := hourly.Lifetime(header)
		if got < hourly.Min || got > hourly.Max {
			t.Fatalf("%q: %v", header, got)
		}
		said := strings.Join(header["Cache-Control"], ",")
		if said != "" && !directives.MatchString(said) {
			return
		}
		var ages []string
		never := false
		for _, directive := range between.Split(said, -1) {
			never = never || uncacheable.MatchString(directive)
			if age := maxAge.FindStringSubmatch(directive); age != nil {
				ages = append(ages, age[1])
			}
		}
		want := hourly.Default
		switch {
		case never || len(ages) > 1:
			want = hourly.Min
		case len(ages) == 1:
			want = clamped(new(big.Int).Sub(delta(ages[0]), delta(age)))
		case expires != "":
			when, err := time.Parse(http.TimeFormat, expires)
			if err != nil {
				return // one of the older forms of RFC 9110 §5.6.7, or none
			}
			in := time.Until(when) // a moment later than Lifetime
			if want = clamped(big.NewInt(int64(in / time.Second))); (got - want).Abs() > 10*time.Second {
				t.Fatalf("%q: %v, in %v", header, got, in)
			}
			return
		}
		if got != want {
			t.Fatalf("%q: %v, want %v", header, got, want)
		}
	})
}

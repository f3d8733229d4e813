package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/verify"
)

const (
	active   = `{"active":true,"client_id":"billing","scope":"a"}`
	inactive = `{"active":false}`
)

// remembering is a verifier over an endpoint without a network.
func remembering(t *testing.T, e http.RoundTripper, change func(*verify.IntrospectionConfig)) *verify.IntrospectionVerifier {
	t.Helper()
	return introspecting(t, "https://issuer.example/introspect", func(c *verify.IntrospectionConfig) {
		c.HTTPClient = &http.Client{Transport: e}
		if change != nil {
			change(c)
		}
	})
}

func TestIntrospectionVerdictsAreAsFreshAsSaid(t *testing.T) { // C33
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(map[string]string{"opaque": active})
		v := remembering(t, e, nil)
		defer v.Close()
		for _, row := range []struct {
			after  time.Duration
			answer string
			want   string
			calls  int
		}{
			{0, active, "", 1},
			{59 * time.Second, inactive, "", 1}, // revoked, and good for a second more
			{999 * time.Millisecond, inactive, "", 1},
			{time.Millisecond, inactive, verify.ReasonInactive, 2},
			{9 * time.Second, active, verify.ReasonInactive, 2},
			{time.Second, active, "", 3},
			{30 * time.Second, active, "", 3},
			{30 * time.Second, active, "", 4}, // use makes nothing younger
		} {
			time.Sleep(row.after)
			e.set("opaque", row.answer)
			if got := outcome(t, v, "opaque"); got != row.want || e.calls() != row.calls {
				t.Errorf("%v later: %q after %d calls, want %q after %d", row.after, got, e.calls(), row.want, row.calls)
			}
		}
	})
}

func TestIntrospectionVerdictsCountFromTheBeginningOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(map[string]string{"opaque": active})
		slow := roundTrip(func(r *http.Request) (*http.Response, error) {
			response, err := e.RoundTrip(r) // judged now, told later
			time.Sleep(4 * time.Second)
			return response, err
		})
		v := remembering(t, slow, func(c *verify.IntrospectionConfig) { c.MaxAge = 10 * time.Second })
		defer v.Close()
		for _, row := range []struct {
			wait  time.Duration
			calls int
		}{{0, 1}, {5 * time.Second, 1}, {time.Second, 2}} { // 4 s, 9 s and 10 s after the first began
			time.Sleep(row.wait)
			if got := outcome(t, v, "opaque"); got != "" || e.calls() != row.calls {
				t.Errorf("%v later: %q after %d calls, want %d", row.wait, got, e.calls(), row.calls)
			}
		}
	})
}

func TestIntrospectionVerdictsEndWithExp(t *testing.T) { // C33
	synctest.Test(t, func(t *testing.T) {
		exp := time.Now().Add(20 * time.Second)
		e := newEndpoint(map[string]string{
			"opaque": fmt.Sprintf(`{"active":true,"client_id":"billing","exp":%d}`, exp.Unix()),
		})
		v := remembering(t, e, func(c *verify.IntrospectionConfig) { c.ClockSkew = 5 * time.Second })
		defer v.Close()
		for _, row := range []struct {
			after time.Duration
			want  string
			calls int
		}{
			{0, "", 1},
			{19 * time.Second, "", 1},
			{time.Second, "", 2}, // within the skew, and asked for every time
			{time.Second, "", 3},
			{3 * time.Second, "", 4},
			{time.Second, verify.ReasonExpired, 5},
			{time.Second, verify.ReasonExpired, 5},
		} {
			time.Sleep(row.after)
			if got := outcome(t, v, "opaque"); got != row.want || e.calls() != row.calls {
				t.Errorf("%v later: %q after %d calls, want %q after %d", row.after, got, e.calls(), row.want, row.calls)
			}
		}
	})
}

func TestIntrospectionOfATokenThatIsNotYetValidIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(map[string]string{
			"opaque": fmt.Sprintf(`{"active":true,"client_id":"billing","nbf":%d}`, time.Now().Unix()+31),
		})
		v := remembering(t, e, nil)
		defer v.Close()
		if got := outcome(t, v, "opaque"); got != verify.ReasonNotYetValid {
			t.Errorf("before: %q", got)
		}
		time.Sleep(time.Second)
		if got := outcome(t, v, "opaque"); got != "" {
			t.Errorf("from nbf on: %q", got)
		}
	})
}

func TestIntrospectionVerdictsCanBeForgottenAtOnce(t *testing.T) {
	e := newEndpoint(map[string]string{"good": active})
	v := remembering(t, e, func(c *verify.IntrospectionConfig) {
		c.MaxAge, c.MaxNegativeAge = time.Nanosecond, time.Nanosecond
	})
	for i, token := range []string{"good", "good", "bad", "bad"} {
		outcome(t, v, token)
		if e.calls() != i+1 {
			t.Errorf("%d calls for %d requests", e.calls(), i+1)
		}
	}
}

func TestIntrospectionFailuresAreNotRemembered(t *testing.T) {
	e := newEndpoint(map[string]string{"opaque": "<html>"})
	v := remembering(t, e, nil)
	if got := outcome(t, v, "opaque"); got != "unavailable" {
		t.Errorf("before: %q", got)
	}
	e.set("opaque", active)
	if got := outcome(t, v, "opaque"); got != "" {
		t.Errorf("at once after: %q", got)
	}
}

// Bad tokens, however many, push no good one out, and take no more room than said.
func TestIntrospectionVerdictsOnGoodTokensOutliveAFlood(t *testing.T) {
	const good = 500
	var calls atomic.Int64
	v := remembering(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		form, _ := io.ReadAll(r.Body)
		answer := inactive
		if _, after, isGood := strings.Cut(string(form), "token=good"); isGood {
			number, _, _ := strings.Cut(after, "&")
			answer = `{"active":true,"client_id":"client` + number + `"}`
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer))}, nil
	}), func(c *verify.IntrospectionConfig) { c.MaxEntries, c.MaxAge = 1000, time.Hour })
	verifyAll := func() {
		for i := range good {
			p, err := v.Verify(context.Background(), fmt.Sprint("good", i))
			if err != nil || p.ClientID != fmt.Sprint("client", i) {
				t.Fatalf("good%d: %+v, %v", i, p, err)
			}
		}
	}
	verifyAll()
	before := calls.Load()
	var all sync.WaitGroup
	for part := range 4 {
		all.Go(func() {
			for i := range 25_000 {
				if _, err := v.Verify(context.Background(), fmt.Sprint("bad", part, "-", i)); !errors.Is(err, verify.ErrInvalidToken) {
					t.Errorf("a bad token: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if got := calls.Load() - before; got != 100_000 {
		t.Errorf("%d calls for the bad tokens", got)
	}
	before = calls.Load()
	verifyAll()
	if got := calls.Load() - before; got != 0 {
		t.Errorf("%d of %d good tokens were forgotten", got, good)
	}
}

func TestIntrospectionForgetsTheLeastUsed(t *testing.T) {
	answers := map[string]string{}
	for n := range 9 {
		answers[fmt.Sprint(n)] = active
	}
	e := newEndpoint(answers)
	v := remembering(t, e, func(c *verify.IntrospectionConfig) { c.MaxEntries = 8 })
	for _, row := range []struct {
		tokens string
		calls  int // in all
	}{
		{"01234567", 8},
		{"0124567", 8}, // all but 3 again
		{"8", 9},       // for which there is no room
		{"01245678", 9},
		{"3", 10},
	} {
		for _, token := range strings.Split(row.tokens, "") {
			if got := outcome(t, v, token); got != "" {
				t.Errorf("%s: %q", token, got)
			}
		}
		if e.calls() != row.calls {
			t.Errorf("%s: %d calls, want %d", row.tokens, e.calls(), row.calls)
		}
	}
}

// Two tokens never share a verdict, however alike they are (CVE-2026-33496), and what
// a token grants is what the latest answer says (CVE-2021-32701).
func TestIntrospectionVerdictsAreOfOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(map[string]string{"opaque": active, "Opaque": `{"active":true,"client_id":"other","scope":"b"}`})
		v := remembering(t, e, nil)
		defer v.Close()
		if p, err := v.Verify(t.Context(), "opaque"); err != nil || p.ClientID != "billing" || !p.Can("a") {
			t.Fatal(p, err)
		}
		if p, err := v.Verify(t.Context(), "Opaque"); err != nil || p.ClientID != "other" || p.Can("a") {
			t.Errorf("in other case: %v, %v", p, err)
		}
		for _, token := range []string{"opaque ", " opaque", "opaqu", "opaquee", "opaque.", "%6fpaque", "opaque&x", "opaque+", "opaque\x00", "opaque\n", "opaqu\u0065\u0301"} {
			if got := outcome(t, v, token); got != verify.ReasonInactive && got != verify.ReasonMalformed {
				t.Errorf("%q: %q", token, got)
			}
		}
		time.Sleep(time.Minute)
		e.set("opaque", `{"active":true,"client_id":"billing","scope":"c"}`)
		if p, err := v.Verify(t.Context(), "opaque"); err != nil || p.Can("a") || !p.Can("c") {
			t.Errorf("later: %+v, %v", p, err)
		}
	})
}

func TestIntrospectionOfHostileTokens(t *testing.T) {
	e := newEndpoint(nil)
	v := remembering(t, e, nil)
	for name, token := range map[string]string{
		"empty": "", "4 KiB and one": string(make([]byte, 4<<10+1)), "a line break": "a\r\nHost: evil", "no ASCII": "tökén", "DEL": "a\x7f",
	} {
		if got := outcome(t, v, token); got != verify.ReasonMalformed || e.calls() != 0 {
			t.Errorf("%s: %q after %d calls", name, got, e.calls())
		}
	}
}

package verify

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/principal"
)

// However many bad tokens there are, they push no good one out.
func TestGoodAndBadVerdictsAreApart(t *testing.T) {
	v := newVerdicts(100, 0)
	until := time.Now().Add(time.Hour)
	for i := range 50 {
		d := cache.DigestOf(fmt.Sprint("good", i))
		v.remember(&d, verdict{principal: &principal.Principal{}, until: until})
	}
	for i := range 10_000 {
		d := cache.DigestOf(fmt.Sprint("bad", i))
		v.remember(&d, verdict{refusal: inactive, until: until})
	}
	for i := range 50 {
		d := cache.DigestOf(fmt.Sprint("good", i))
		if _, ok := v.find(&d, time.Now()); !ok {
			t.Errorf("good token %d is gone", i)
		}
	}
}

func TestVerdictsReplaceOneAnother(t *testing.T) {
	v := newVerdicts(10, 0)
	d, until := cache.DigestOf("opaque"), time.Now().Add(time.Hour)
	good, bad := verdict{principal: &principal.Principal{}, until: until}, verdict{refusal: inactive, until: until}
	for _, given := range []verdict{good, bad, good, bad, bad, good} {
		v.remember(&d, given)
		if found, ok := v.find(&d, time.Now()); !ok || found != given {
			t.Errorf("found %+v, want %+v", found, given)
		}
	}
	v.remember(&d, verdict{refusal: inactive}) // not to be kept
	if found, ok := v.find(&d, time.Now()); ok {
		t.Errorf("found %+v", found)
	}
}

func TestVerdictsAreLookedAtByTheClock(t *testing.T) {
	now := time.Now()
	v := verdict{principal: &principal.Principal{NotBefore: now, ExpiresAt: now.Add(time.Minute)}, until: now.Add(30 * time.Second)}
	for _, row := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"now", now, true},
		{"no longer fresh", now.Add(30 * time.Second), false},
		{"no longer fresh, by the wall clock alone", now.Round(0).Add(40 * time.Second), false},
		{"before nbf, as when the clock has been set back", now.Round(0).Add(-11 * time.Second), false},
		{"before nbf, within the skew", now.Round(0).Add(-9 * time.Second), true},
	} {
		if got := v.fresh(row.at, 10*time.Second); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestVerdictsByManyAtOnce(t *testing.T) {
	v := newVerdicts(300, 0)
	var all sync.WaitGroup
	for part := range 8 {
		all.Go(func() {
			for i := range 5000 {
				token := fmt.Sprint((i * (part + 1)) % 400)
				d := cache.DigestOf(token)
				if found, ok := v.find(&d, time.Now()); ok && found.principal != nil && found.principal.ClientID != token {
					t.Errorf("the verdict on %s for %s", found.principal.ClientID, token)
				}
				given := verdict{principal: &principal.Principal{ClientID: token}, until: time.Now().Add(time.Millisecond)}
				if i%3 == 0 {
					given = verdict{refusal: inactive, until: given.until}
				}
				v.remember(&d, given)
			}
		})
	}
	all.Wait()
	v.clear()
	for i := range 400 {
		d := cache.DigestOf(fmt.Sprint(i))
		if v.good.Find(&d) != nil || v.bad.Find(&d) != nil {
			t.Errorf("%d is there after clear", i)
		}
	}
}

// What the documentation of MaxEntries says that an entry takes.
func TestVerdictsTakeTheMemoryThatIsSaid(t *testing.T) {
	const n = 10_000
	measure := func(make func(i int) verdict) int {
		v := newVerdicts(n, 0)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range n {
			d := cache.DigestOf(fmt.Sprint(i))
			v.remember(&d, make(i))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(v)
		return int(after.HeapAlloc-before.HeapAlloc) / n
	}
	until := time.Now().Add(time.Hour)
	if got := measure(func(int) verdict { return verdict{refusal: inactive, until: until} }); got > 150 {
		t.Errorf("a refused one takes %d bytes", got)
	} else {
		t.Logf("a refused one takes %d bytes", got)
	}
	const response = `{"active":true,"client_id":"billing-service","sub":"billing-service","scope":"invoices.read invoices.write","iss":"https://issuer.example","aud":"https://api.example","exp":4000000000,"iat":1000000000,"jti":"0b1e0b1e-0b1e-0b1e-0b1e-0b1e0b1e0b1e"}`
	iv, err := Introspection(IntrospectionConfig{Endpoint: "https://issuer.example", Auth: InsecureNoAuth{}, Audience: []string{"https://api.example"}})
	if err != nil {
		t.Fatal(err)
	}
	defer iv.Close()
	got := measure(func(int) verdict {
		given, err := iv.understand([]byte(response), time.Now())
		if err != nil || given.refusal != nil {
			t.Fatal(given.refusal, err)
		}
		return given
	})
	if t.Logf("a good one takes %d bytes", got); got > 450+len(response) {
		t.Errorf("a good one takes %d bytes", got)
	}
}

package verify

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

func (v *verdicts) sizes() (good, bad int) {
	count := func(shards []*shard) (n int) {
		for _, s := range shards {
			s.mu.Lock()
			n += len(s.entries)
			if len(s.entries) != s.recent.Len() {
				panic("the map and the list differ")
			}
			s.mu.Unlock()
		}
		return n
	}
	return count(v.good), count(v.bad)
}

func TestVerdictsAreBounded(t *testing.T) {
	for _, most := range []int{1, 2, 255, 256, 1000, 10_000} {
		v := newVerdicts(most, 0)
		until := time.Now().Add(time.Hour)
		for i := range 3*most + 10 {
			v.remember(digestOf(fmt.Sprint("good", i)), verdict{principal: &principal.Principal{}, until: until})
			v.remember(digestOf(fmt.Sprint("bad", i)), verdict{refusal: inactive, until: until})
		}
		if good, bad := v.sizes(); good != most || bad != most {
			t.Errorf("MaxEntries %d: %d good, %d bad", most, good, bad)
		}
	}
}

func TestVerdictsReplaceOneAnother(t *testing.T) {
	v := newVerdicts(10, 0)
	d, until := digestOf("opaque"), time.Now().Add(time.Hour)
	good, bad := verdict{principal: &principal.Principal{}, until: until}, verdict{refusal: inactive, until: until}
	for _, given := range []verdict{good, bad, good, bad, bad, good} {
		v.remember(d, given)
		if found, ok := v.find(d, time.Now()); !ok || found != given {
			t.Errorf("found %+v, want %+v", found, given)
		}
	}
	v.remember(d, verdict{refusal: inactive}) // not to be kept
	if found, ok := v.find(d, time.Now()); ok {
		t.Errorf("found %+v", found)
	}
	if good, bad := v.sizes(); good+bad != 0 {
		t.Errorf("%d good, %d bad", good, bad)
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

// What is kept of a token is not what another process keeps, nor what a list of
// common tokens could be compared with.
func TestADigestIsOfThisProcessAlone(t *testing.T) {
	first, again := digestOf("opaque"), digestOf("opaque")
	if first != again || first == digestOf("Opaque") || first == sha256.Sum256([]byte("opaque")) {
		t.Error("digests are not of their own")
	}
	if long := strings.Repeat("a", 4<<10); digestOf(long) == digestOf(long+"a") || digestOf(long) != digestOf(long) {
		t.Error("digests of long tokens are not of their own")
	}
}

func TestVerdictsByManyAtOnce(t *testing.T) {
	v := newVerdicts(300, 0)
	var all sync.WaitGroup
	for part := range 8 {
		all.Go(func() {
			for i := range 5000 {
				token := fmt.Sprint((i * (part + 1)) % 400)
				d := digestOf(token)
				if found, ok := v.find(d, time.Now()); ok && found.principal != nil && found.principal.ClientID != token {
					t.Errorf("the verdict on %s for %s", found.principal.ClientID, token)
				}
				given := verdict{principal: &principal.Principal{ClientID: token}, until: time.Now().Add(time.Millisecond)}
				if i%3 == 0 {
					given = verdict{refusal: inactive, until: given.until}
				}
				v.remember(d, given)
			}
		})
	}
	all.Wait()
	v.clear()
	if good, bad := v.sizes(); good+bad != 0 {
		t.Errorf("%d good, %d bad after clear", good, bad)
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
			v.remember(digestOf(fmt.Sprint(i)), make(i))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(v)
		return int(after.HeapAlloc-before.HeapAlloc) / n
	}
	until := time.Now().Add(time.Hour)
	if got := measure(func(int) verdict { return verdict{refusal: inactive, until: until} }); got > 400 {
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
	if t.Logf("a good one takes %d bytes", got); got > 1200+len(response) {
		t.Errorf("a good one takes %d bytes", got)
	}
}

func BenchmarkVerdictsHit(b *testing.B) {
	v := newVerdicts(10_000, 0)
	tokens := make([]string, 1000)
	for i := range tokens {
		tokens[i] = fmt.Sprintf("%064d", i)
		v.remember(digestOf(tokens[i]), verdict{principal: &principal.Principal{}, until: time.Now().Add(time.Hour)})
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, ok := v.find(digestOf(tokens[i%len(tokens)]), time.Now()); !ok {
				b.Error("not found")
			}
		}
	})
}

package jwks_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// journal keeps what a set logs, in order, one line for each event. It may be read
// while the set is at work.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, attr slog.Attr) slog.Attr {
			if len(groups) == 0 && attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		},
	}))
}

// take is the lines since it was last called.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return strings.Split(strings.TrimSuffix(j.text.String(), "\n"), "\n")
}

// expect demands that exactly these lines have come since it was last called.
func (j *journal) expect(t *testing.T, when string, lines ...string) {
	t.Helper()
	synctest.Wait() // what is to be written has been
	if len(lines) == 0 {
		lines = []string{""}
	}
	if got := j.take(); !slices.Equal(got, lines) {
		t.Errorf("%s, the log is\n%s\nnot\n%s", when, strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

const (
	fetchedA   = `level=INFO msg="jwks: keys fetched" url=https://issuer.example/jwks keys=[a]`
	failed503  = `level=WARN msg="jwks: fetch failed; it will be tried again" url=https://issuer.example/jwks error="the server answered 503 Service Unavailable"`
	worksAgain = `level=INFO msg="jwks: fetching works again" url=https://issuer.example/jwks`
	leftOutPQ  = `level=WARN msg="jwks: key left out" url=https://issuer.example/jwks key=pq reason="kty not supported; RSA, EC and OKP are"`
)

func changed(added, withdrawn string) string {
	return fmt.Sprintf(`level=INFO msg="jwks: keys changed" url=https://issuer.example/jwks added=%s withdrawn=%s`, added, withdrawn)
}

func TestWhatTheLogTellsOfKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pq = `{"kty":"AKP","kid":"pq"}`
		log := &journal{}
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{Logger: log.logger()})
		log.expect(t, "at the start", fetchedA)
		time.Sleep(24 * time.Hour)
		log.expect(t, "after a day of refreshes without a change")

		p.publish(jwk("a"), jwk("b"))
		time.Sleep(afterRefresh)
		log.expect(t, "when a key was added", changed("[b]", "[]"))
		p.publish(jwk("b"))
		time.Sleep(afterRefresh)
		log.expect(t, "when a key was withdrawn", changed("[]", "[a]"))
		p.publish(jwk("d"), jwk("c"))
		time.Sleep(afterRefresh)
		log.expect(t, "when all keys are others", changed(`"[c d]"`, "[b]"))
		p.publish(jwk("c"), jwk("d"))
		time.Sleep(afterRefresh)
		log.expect(t, "when they are in another order")

		p.publish(jwk("c"), jwk("d"), pq)
		time.Sleep(3 * time.Hour)
		log.expect(t, "when there is a key that cannot be used", leftOutPQ)
		p.publish(jwk("c"), jwk("d"), jwk("e"))
		mustFind(t, set, "e")
		log.expect(t, "when a token's kid was unknown and is found", changed("[e]", "[]"))
		set.Close()
		log.expect(t, "after the end")
	})
}

func TestWhatTheLogTellsOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		p := publishing(jwk("a"))
		p.fails(http.StatusServiceUnavailable)
		set := inMemory(t, p, jwks.RemoteConfig{Logger: log.logger()})
		log.expect(t, "when the first fetch fails", failed503)
		for range 1000 {
			mustBeUnavailable(t, set, "a")
		}
		log.expect(t, "when requests ask meanwhile")
		p.publish(jwk("a"))
		time.Sleep(2 * time.Second)
		log.expect(t, "when the retry succeeds", fetchedA, worksAgain)

		p.fails(http.StatusServiceUnavailable)
		time.Sleep(afterRefresh)
		lines := log.take()
		if len(lines) == 0 || len(lines) != len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line != failed503 })) {
			t.Errorf("during an outage, the log is\n%s", strings.Join(lines, "\n"))
		}
		p.publish(jwk("a"))
		time.Sleep(2 * time.Minute)
		if lines := log.take(); lines[len(lines)-1] != worksAgain {
			t.Errorf("after the outage, the log is\n%s", strings.Join(lines, "\n"))
		}
		time.Sleep(24 * time.Hour)
		log.expect(t, "after a good day")
	})
}

// Closing a set is no failure of the server's.
func TestTheEndDuringAFetchIsNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		p := publishing(jwk("a"))
		set := inMemory(t, p, jwks.RemoteConfig{Logger: log.logger()})
		begun := make(chan struct{}, 1)
		p.does(func(_ http.ResponseWriter, r *http.Request) {
			begun <- struct{}{}
			<-r.Context().Done()
		})
		<-begun
		log.take()
		set.Close()
		log.expect(t, "after the end")
	})
}

// What strangers can have written is bounded like what they can have fetched.
func TestTheLogTellsOfUnknownKidsOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval, each = time.Minute, 50 // a second
		log := &journal{}
		set := inMemory(t, publishing(jwk("a")), jwks.RemoteConfig{Logger: log.logger(), UnknownKeyInterval: interval})
		log.take()
		told, lines := 0, 0
		const minutes = 10
		for second := range minutes * 60 {
			for n := range each {
				mustNotFind(t, set, fmt.Sprintf("unknown-%d-%d", second, n))
			}
			for _, line := range log.take() {
				if line == "" {
					continue
				}
				var refused int
				_, told2, _ := strings.Cut(line, " refused=")
				if _, err := fmt.Sscan(told2, &refused); err != nil || !strings.HasPrefix(line, `level=WARN msg="jwks: tokens with unknown kids come faster`) {
					t.Fatalf("%v: %s", err, line)
				}
				if strings.Contains(line, "unknown-") {
					t.Errorf("the log repeats what strangers write: %s", line)
				}
				told += refused
				lines++
			}
			time.Sleep(time.Second)
		}
		if lines < minutes-1 || lines > minutes {
			t.Errorf("%d lines in %d intervals", lines, minutes)
		}
		// The last interval's are told of with the next, if there is one; and one of
		// each interval caused a fetch.
		if all := minutes * 60 * each; told > all || told < all-(60*each)-2*minutes {
			t.Errorf("%d of %d are told of", told, all)
		}
	})
}

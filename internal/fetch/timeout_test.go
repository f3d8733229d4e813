package fetch_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

// The timeout is that of the whole fetch, wherever the server spends it: it must
// not begin anew with every byte or redirect.
func TestTimeout(t *testing.T) {
	for _, row := range []struct {
		name   string
		server http.HandlerFunc
	}{
		{"no header comes", func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}},
		{"no body comes", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		{"half of the body comes", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write(make([]byte, 50))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		{"a byte comes every second", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{' '})
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		}},
		{"each redirect takes a little less", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(4 * time.Second)
			http.Redirect(w, r, "/", http.StatusFound)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, row.server)
				defer b.close()
				client := fetch.NewClient(&b.Client, false, 5*time.Second, maxBytes)
				start := time.Now()
				_, _, err := client.Get(t.Context(), "http://127.0.0.1/jwks")
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
				if took := time.Since(start); took != 5*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestTimeoutOfConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		client := fetch.NewClient(&http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				<-end
				return nil, net.ErrClosed
			},
		}}, false, 5*time.Second, maxBytes)
		start := time.Now()
		_, _, err := client.Get(t.Context(), "https://issuer.example/jwks")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestASlowAnswerWithinTheTimeoutIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, func(w http.ResponseWriter, _ *http.Request) {
			for range 4 {
				_, _ = w.Write([]byte("1234"))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		})
		defer b.close()
		body, _, err := fetch.NewClient(&b.Client, false, 5*time.Second, maxBytes).Get(t.Context(), "http://127.0.0.1/jwks")
		if err != nil || len(body) != 16 {
			t.Errorf("%q, %v", body, err)
		}
	})
}

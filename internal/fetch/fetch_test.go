package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

const (
	timeout  = 30 * time.Second // far beyond what a test on this machine takes
	maxBytes = 1000
)

func TestURLPolicy(t *testing.T) {
	const anyHost, accepted = true, ""
	for _, row := range []struct {
		name, url    string
		insecureHTTP bool
		refused      string // what the error says
	}{
		{"https", "https://issuer.example/jwks", !anyHost, accepted},
		{"https with a port and a query", "https://issuer.example:8443/jwks?tenant=a", !anyHost, accepted},
		{"https in capitals", "HTTPS://issuer.example/jwks", !anyHost, accepted},
		{"https on loopback", "https://127.0.0.1:8443/jwks", !anyHost, accepted},
		{"http on localhost", "http://localhost/jwks", !anyHost, accepted},
		{"http on localhost in capitals, with a port", "http://LocalHost:8080/jwks", !anyHost, accepted},
		{"http on 127.0.0.1", "http://127.0.0.1:8080/jwks", !anyHost, accepted},
		{"http elsewhere in 127.0.0.0/8", "http://127.1.2.3/jwks", !anyHost, accepted},
		{"http on ::1", "http://[::1]:8080/jwks", !anyHost, accepted},
		{"http on 127.0.0.1 mapped to IPv6", "http://[::ffff:127.0.0.1]/jwks", !anyHost, accepted},

		{"http elsewhere", "http://issuer.example/jwks", !anyHost, "use https, or set InsecureHTTP"},
		{"http on a private address", "http://10.0.0.1/jwks", !anyHost, "use https"},
		{"http on a name that begins like localhost", "http://localhost.issuer.example/jwks", !anyHost, "use https"},
		{"http on a name below localhost, which DNS may send anywhere", "http://issuer.localhost/jwks", !anyHost, "use https"},
		{"http on a name that begins like 127.0.0.1", "http://127.0.0.1.issuer.example/jwks", !anyHost, "use https"},
		{"http on 127.0.0.1 written as one number", "http://2130706433/jwks", !anyHost, "use https"},
		{"http elsewhere, allowed by InsecureHTTP", "http://issuer.example/jwks", anyHost, accepted},

		{"user information", "https://user:password@issuer.example/jwks", !anyHost, "user information"},
		{"a user alone", "https://user@issuer.example/jwks", anyHost, "user information"},
		{"nothing", "", !anyHost, "not an absolute URL"},
		{"a path", "/jwks", anyHost, "not an absolute URL"},
		{"a host without a scheme", "issuer.example/jwks", anyHost, "not an absolute URL"},
		{"a scheme without a host", "https:///jwks", anyHost, "not an absolute URL"},
		{"a scheme without slashes", "https:issuer.example", anyHost, "not an absolute URL"},
		{"a line break", "https://issuer.example/\njwks", anyHost, "not an absolute URL"},
		{"a file", "file:///etc/jwks.json", anyHost, "not an absolute URL"},
		{"two slashes alone", "//issuer.example/jwks", anyHost, "use https"},
		{"another scheme", "ftp://issuer.example/jwks", !anyHost, `scheme "ftp"; use https`},
		{"another scheme, which InsecureHTTP does not allow", "ftp://issuer.example/jwks", anyHost, `scheme "ftp"; use https`},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := fetch.NewClient(nil, row.insecureHTTP, timeout, maxBytes).CheckURL(row.url)
			switch {
			case row.refused == accepted && err != nil:
				t.Errorf("refused: %v", err)
			case row.refused != accepted && err == nil:
				t.Error("accepted")
			case row.refused != accepted && !strings.Contains(err.Error(), row.refused):
				t.Errorf("%v; it should say: %s", err, row.refused)
			case err != nil && strings.Contains(err.Error(), "password"):
				t.Errorf("%v; it tells the password", err)
			}
		})
	}
}

func TestGetOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.RequestURI() != "/jwks?tenant=a" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if accept := r.Header.Get("Accept"); !strings.Contains(accept, "application/json") {
			t.Errorf("Accept: %s", accept)
		}
		if r.Header.Get("Cache-Control") != "no-cache" {
			t.Error("a cache on the way may answer")
		}
		w.Header().Set("Cache-Control", "max-age=300")
		_, _ = io.WriteString(w, `{"keys":[]}`)
	}))
	server.Config.ErrorLog = quiet // it hears of the client below that does not trust it
	server.StartTLS()
	defer server.Close()

	client := fetch.NewClient(server.Client(), false, timeout, maxBytes)
	body, header, err := client.Get(t.Context(), server.URL+"/jwks?tenant=a")
	if err != nil || string(body) != `{"keys":[]}` || header.Get("Cache-Control") != "max-age=300" {
		t.Errorf("%q, %v, %v", body, header, err)
	}

	// A certificate of nobody that this machine knows.
	stranger := fetch.NewClient(nil, false, timeout, maxBytes)
	defer stranger.Close()
	if body, _, err := stranger.Get(t.Context(), server.URL+"/jwks?tenant=a"); err == nil {
		t.Errorf("an unknown certificate was trusted: %q", body)
	}
}

func TestOnly200IsAnAnswer(t *testing.T) {
	for _, status := range []int{201, 204, 206, 301, 304, 400, 401, 404, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				if status != 204 && status != 304 {
					_, _ = io.WriteString(w, `{"keys":[]}`)
				}
			}))
			defer server.Close()
			body, _, err := fetch.NewClient(server.Client(), false, timeout, maxBytes).Get(t.Context(), server.URL)
			var unexpected *fetch.StatusError
			if !errors.As(err, &unexpected) || unexpected.Status != status {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	squeezed := func(n int) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(make([]byte, n))
		_ = w.Close()
		return b.Bytes()
	}
	for _, row := range []struct {
		name    string
		body    http.HandlerFunc
		refused bool
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, false},
		{"as much as is allowed", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, maxBytes))
		}, false},
		{"one byte more", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, maxBytes+1))
		}, true},
		{"as much as is allowed, compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(squeezed(maxBytes))
		}, false},
		{"few bytes that become many", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(squeezed(maxBytes + 1))
		}, true},
		{"bytes without end", func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 1<<14)); err != nil {
					return
				}
			}
			t.Error("64 MiB have been read")
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(row.body)
			defer server.Close()
			client := fetch.NewClient(nil, false, timeout, maxBytes)
			defer client.Close()
			body, _, err := client.Get(t.Context(), server.URL)
			if refused := err != nil; refused != row.refused {
				t.Errorf("%d bytes, %v", len(body), err)
			}
			if row.refused && !strings.Contains(err.Error(), "longer than 1000 bytes") {
				t.Error(err)
			}
		})
	}
}

func TestAShortBodyIsNoAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"keys":[]}`)
	}))
	defer server.Close()
	body, _, err := fetch.NewClient(server.Client(), false, timeout, maxBytes).Get(t.Context(), server.URL)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", body, err)
	}
}

// counted is a body that knows whether it is still open.
type counted struct {
	io.Reader
	open *int
}

func (c counted) Close() error { *c.open--; return nil }

func TestBodiesAreClosed(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
	}{
		{"a good answer", 200, "{}"},
		{"another status", 500, "oops"},
		{"too many bytes", 200, strings.Repeat("x", maxBytes+1)},
	} {
		t.Run(row.name, func(t *testing.T) {
			open := 0
			client := fetch.NewClient(&http.Client{Transport: answers(func(*http.Request) (*http.Response, error) {
				open++
				return &http.Response{StatusCode: row.status, Body: counted{strings.NewReader(row.body), &open}}, nil
			})}, false, timeout, maxBytes)
			_, _, _ = client.Get(t.Context(), "https://issuer.example")
			if open != 0 {
				t.Error("the body was left open")
			}
		})
	}
}

func TestTheCallersContextEndsAFetch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	_, _, err := fetch.NewClient(server.Client(), false, timeout, maxBytes).Get(ctx, server.URL)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

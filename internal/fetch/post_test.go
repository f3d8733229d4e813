package fetch_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

func TestPost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-Own")+" "+string(body))
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 1001))
		case "/status":
			w.WriteHeader(http.StatusTeapot)
		case "/redirect":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/location":
			w.Header().Set("Location", "http://%zz/s3cr3t")
			w.WriteHeader(http.StatusFound)
		case "/abort":
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}
	}))
	server.Config.ErrorLog = quiet
	defer server.Close()
	client := fetch.NewPoster(nil, false, 200*time.Millisecond, 1000, 4)
	defer client.Close()
	post := func(at string) (string, error) {
		body, err := client.Post(t.Context(), at, http.Header{"X-Own": {"yes"}}, url.Values{"token": {"a b&c"}})
		return string(body), err
	}
	if got, err := post(server.URL + "/echo"); err != nil || got != "POST application/x-www-form-urlencoded yes token=a+b%26c" {
		t.Errorf("%q, %v", got, err)
	}
	for path, want := range map[string]string{
		"/long": "longer than 1000 bytes", "/status": "418", "/redirect": "307", "/location": "could not be reached",
		"/abort": "could not be reached", "/hang": "did not answer in time",
	} {
		got, err := post(server.URL + path)
		if err == nil || got != "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), path) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	other.Close()
	_, err := post(other.URL)
	if call, ok := errors.AsType[*fetch.CallError](err); !ok || call.Text != "the server could not be reached" || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody there: %v", err)
	}
}

// A server that closes a connection just when the next request comes is no failure:
// the question is asked again.
func TestPostOverAConnectionThatEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var again atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			reader := bufio.NewReader(conn)
			if request, err := http.ReadRequest(reader); err == nil {
				if _, sent := request.Header["Idempotency-Key"]; sent {
					t.Error("Idempotency-Key was sent")
				}
				_, _ = io.Copy(io.Discard, request.Body)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
			}
			if _, err := http.ReadRequest(reader); err == nil {
				again.Add(1) // and it has no answer
			}
			_ = conn.Close()
		}
	}()
	client := fetch.NewPoster(nil, false, 5*time.Second, 1000, 4)
	defer client.Close()
	for i := range 5 {
		body, err := client.Post(t.Context(), "http://"+listener.Addr().String(), nil, url.Values{"token": {"x"}})
		if err != nil || string(body) != "good" {
			t.Fatalf("%d: %q, %v", i, body, err)
		}
	}
	if again.Load() == 0 {
		t.Error("no connection was used again")
	}
}

func TestCheckEndpoint(t *testing.T) {
	strict, lax := fetch.NewPoster(nil, false, time.Second, 1, 1), fetch.NewPoster(nil, true, time.Second, 1, 1)
	for at, want := range map[string]string{
		"https://issuer.example/introspect?x=1": "",
		"http://localhost:80/introspect":        "",
		"http://127.0.0.1/":                     "",
		"http://issuer.example/":                "read the tokens",
		"https://issuer.example/#x":             "fragment",
		"https://a:b@issuer.example/":           "user information",
		"issuer.example":                        "absolute URL",
		"":                                      "absolute URL",
		"file:///x":                             "absolute URL",
	} {
		if err := strict.CheckEndpoint(at); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if err := lax.CheckEndpoint("http://issuer.example/"); err != nil {
		t.Error(err)
	}
}

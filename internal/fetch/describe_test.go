package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

// failing is the failure of a fetch from https://issuer.example/jwks that is
// answered so.
func failing(t *testing.T, answer answers) error {
	t.Helper()
	client := fetch.NewClient(&http.Client{Transport: answer}, false, timeout, 10)
	_, _, err := client.Get(t.Context(), "https://issuer.example/jwks")
	if err == nil {
		t.Fatal("no failure")
	}
	return err
}

func answering(status int, location, body string) answers {
	return func(*http.Request) (*http.Response, error) {
		response := httptest.NewRecorder()
		response.Header().Set("Location", location)
		response.WriteHeader(status)
		_, _ = response.WriteString(body)
		return response.Result(), nil
	}
}

func refusing(err error) answers {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// timedOut is an error as a dialer's own timeout makes it.
type timedOut struct{ error }

func (timedOut) Timeout() bool   { return true }
func (timedOut) Temporary() bool { return true }

// A readiness endpoint shows these words to whoever asks. What the error itself
// says is for the log, and tells far more.
func TestDescribe(t *testing.T) {
	const (
		policy   = "the answer was too long, or a redirect that is not followed"
		late     = "the server did not answer in time"
		down     = "the server could not be reached"
		unusable = "the answer could not be used"
	)
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8443}, Err: err}
	}
	for _, row := range []struct {
		name  string
		err   error
		words string
	}{
		{"no failure", nil, ""},
		{"a status", failing(t, answering(503, "", "secret")), "the server answered 503 Service Unavailable"},
		{"a status, within another error", fmt.Errorf("metadata of https://issuer.example: %w", &fetch.StatusError{Status: 404}),
			"the server answered 404 Not Found"},
		{"an answer that is too long", failing(t, answering(200, "", "secret secret secret")), policy},
		{"a redirect to http", failing(t, answering(302, "http://10.0.0.7/secret", "")), policy},
		{"a redirect to loopback", failing(t, answering(302, "https://127.0.0.1:8443/secret", "")), policy},
		{"a redirect without end", failing(t, answering(302, "https://10.0.0.7/secret", "")), policy},
		{"a redirect that is no URL", failing(t, answering(302, "https://10.0.0.7:secret/", "")), down},
		{"no answer in time", failing(t, refusing(context.DeadlineExceeded)), late},
		{"no connection in time", failing(t, refusing(dial(timedOut{errors.New("i/o timeout")}))), late},
		{"no answer in time, seen while reading", fmt.Errorf("reading the answer: %w", context.DeadlineExceeded), late},
		{"no name server in time", failing(t, refusing(dial(&net.DNSError{Err: "secret", Name: "issuer.example", Server: "10.0.0.7:53", IsTimeout: true}))), late},
		{"no such host", failing(t, refusing(dial(&net.DNSError{Err: "no such host", Name: "issuer.example", Server: "10.0.0.7:53", IsNotFound: true}))), down},
		{"a connection refused", failing(t, refusing(dial(os.NewSyscallError("connect", errors.New("secret"))))), down},
		{"a proxy that refuses", failing(t, refusing(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("secret")})), down},
		{"a fetch that was given up", failing(t, refusing(context.Canceled)), down},
		{"a URL that is none", &url.Error{Op: "parse", URL: "https://issuer.example", Err: errors.New("secret")}, down},
		{"a connection cut while reading", fmt.Errorf("reading the answer: %w", dial(errors.New("secret"))), unusable},
		{"an answer that is no key set", fmt.Errorf("the JWK Set: %w", errors.New("secret at issuer.example")), unusable},
		{"a panic", errors.New("panic while fetching: secret"), unusable},
	} {
		t.Run(row.name, func(t *testing.T) {
			words := fetch.Describe(row.err)
			if words != row.words {
				t.Errorf("%v is described as %q, not %q", row.err, words, row.words)
			}
			for _, tells := range []string{"secret", "issuer.example", "jwks", "127.0.0.1", "10.0.0.7", "8443", "tcp"} {
				if strings.Contains(words, tells) {
					t.Errorf("%q tells %s", words, tells)
				}
			}
		})
	}
}

func TestDescribeAnUnknownCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	stranger := fetch.NewClient(nil, false, timeout, maxBytes)
	defer stranger.Close()
	_, _, err := stranger.Get(t.Context(), server.URL)
	if words := fetch.Describe(err); words != "the server could not be reached" {
		t.Errorf("%v is described as %q", err, words)
	}
}

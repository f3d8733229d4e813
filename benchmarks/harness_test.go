package benchmarks

import (
	"context"
	"net/http"
	"sync"
	"testing"
)

// site is one issuer for the whole run: keys are dear to make.
var site = sync.OnceValues(func() (*Issuer, error) { return NewIssuer(Algorithms...) })

func issuer(tb testing.TB) *Issuer {
	tb.Helper()
	i, err := site()
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// api is what an implementation is told in front of issuer i.
func api(i *Issuer, alg string) API {
	return API{Issuer: i.URL, Audience: Audience, KeysURL: i.URL + "/jwks.json", Algorithm: alg, Scope: Scope}
}

// build is the implementation in front of a handler that answers 200, warm: it has
// seen a token that the test will not send, and fetched its keys.
func build(tb testing.TB, ctx context.Context, implementation Implementation, i *Issuer, alg string) http.Handler {
	tb.Helper()
	guard, err := implementation.Build(ctx, api(i, alg))
	if err != nil {
		tb.Fatal(err)
	}
	handler := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	if status := newClient(handler).send(authorization(tb, i, alg)); status != http.StatusOK {
		tb.Fatalf("%s: a good token got %d", implementation.Name, status)
	}
	return handler
}

// authorization is the header with a token that was never sent before.
func authorization(tb testing.TB, i *Issuer, alg string, changes ...func(*Draft)) string {
	tb.Helper()
	value, err := bearer(i, alg, changes...)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// client sends requests to a handler without a network, and allocates nothing for
// it. It is for one goroutine.
type client struct {
	handler http.Handler
	request *http.Request
	value   []string
	answer  answerWriter
}

func newClient(handler http.Handler) *client {
	request, err := http.NewRequest(http.MethodGet, "http://api.example/invoices", nil)
	if err != nil {
		panic(err)
	}
	return &client{handler: handler, request: request, value: make([]string, 1), answer: answerWriter{header: http.Header{}}}
}

// send is the status of the answer to a request with this Authorization header; if
// empty, without any.
func (c *client) send(authorization string) int {
	c.value[0] = authorization
	if authorization == "" {
		delete(c.request.Header, "Authorization")
	} else {
		c.request.Header["Authorization"] = c.value
	}
	c.answer.status = 0
	clear(c.answer.header)
	c.handler.ServeHTTP(&c.answer, c.request)
	return c.answer.status
}

// answerWriter keeps the status alone.
type answerWriter struct {
	header http.Header
	status int
}

func (a *answerWriter) Header() http.Header { return a.header }

func (a *answerWriter) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answerWriter) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return len(b), nil
}

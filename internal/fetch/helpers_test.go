package fetch_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
)

// quiet keeps what a server says about broken connections out of the output.
var quiet = log.New(io.Discard, "", 0)

// answers is a transport without a network.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// bubble is net/http's own server and transport with pipes between them, which
// unlike sockets a synctest bubble can see waiting. It is for the whole bubble:
// call close before it ends.
type bubble struct {
	http.Client
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}
}

func newBubble(t *testing.T, handler http.HandlerFunc) *bubble {
	t.Helper()
	b := &bubble{
		server: &http.Server{Handler: handler, ErrorLog: quiet},
		conns:  make(chan net.Conn),
		closed: make(chan struct{}),
	}
	b.Transport = &http.Transport{DialContext: b.dial}
	go func() { _ = b.server.Serve(b) }()
	return b
}

// close waits for handlers: of those whose client is gone, the context ends.
func (b *bubble) close() {
	b.CloseIdleConnections()
	_ = b.server.Shutdown(context.Background())
}

func (b *bubble) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case b.conns <- server:
		return client, nil
	case <-b.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, Close and Addr make it the server's net.Listener.
func (b *bubble) Accept() (net.Conn, error) {
	select {
	case conn := <-b.conns:
		return conn, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

func (b *bubble) Close() error   { close(b.closed); return nil }
func (b *bubble) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

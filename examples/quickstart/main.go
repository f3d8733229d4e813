// Quickstart is an example of bearerguard in one process: a development
// authorization server, and an API that is protected against that server's
// published metadata and keys, as against any other. Both live in memory and are
// gone when it ends.
//
//	go run ./examples/quickstart          # prints curl lines to paste
//	go run ./examples/quickstart -demo    # sends the same requests itself
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/bearerguard/bearerguard/internal/authserver"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// audience is how the authorization server's tokens name the API.
const audience = "https://api.example"

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "loopback `host:port` to listen on; port 0 picks a free one")
	demo := flag.Bool("demo", false, "send the requests to itself, print them with their answers, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr, *demo, os.Stdout)
	stop()
	if err != nil {
		log.Fatal("quickstart: ", err)
	}
}

// run serves until ctx is done, or until the demo is over.
func run(ctx context.Context, addr string, demo bool, out io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if host, ok := listener.Addr().(*net.TCPAddr); !ok || !host.IP.IsLoopback() {
		return fmt.Errorf("%s is not a loopback address; this is a development server, without TLS and for this machine alone: -addr 127.0.0.1:8080", addr)
	}
	d := &deployment{url: "http://" + listener.Addr().String(), clientID: "demo", clientSecret: rand.Text()}
	d.issuer, err = authserver.New(d.url, audience, authserver.Client{
		ID:     d.clientID,
		Secret: d.clientSecret,
		Scopes: scopes.Of("invoices.read", "invoices.write", "reports.generate"),
	})
	if err != nil {
		return err
	}
	root := http.NewServeMux()
	root.Handle("/.well-known/", d.issuer)
	root.Handle("/oauth/", d.issuer)

	server := &http.Server{Handler: root, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer server.Close()

	// The API is found by its issuer's metadata, so the issuer is up first.
	tokens, err := verify.Discover(ctx, d.url, audience)
	if err != nil {
		return err
	}
	defer tokens.Close()
	api, err := newAPI(tokens, slog.Default())
	if err != nil {
		return err
	}
	root.Handle("/", api)

	if demo {
		return d.demo(ctx, out)
	}
	if err := d.greet(out); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return err
	}
}

// deployment is what a client of the example needs to know.
type deployment struct {
	url, clientID, clientSecret string
	issuer                      *authserver.Server
}

// expiredToken is a token that was good until an hour ago.
func (d *deployment) expiredToken() (string, error) {
	draft := d.issuer.Draft(d.clientID, "invoices.read")
	draft.Claims["iat"] = time.Now().Add(-2 * time.Hour).Unix()
	draft.Claims["exp"] = time.Now().Add(-time.Hour).Unix()
	return draft.Sign()
}

func (d *deployment) greet(out io.Writer) error {
	expired, err := d.expiredToken()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(out, strings.NewReplacer("URL", d.url, "ID", d.clientID, "SECRET", d.clientSecret, "EXPIRED", expired).Replace(greeting))
	return err
}

const greeting = `A development authorization server and an API that it protects: URL
client id:     ID
client secret: SECRET

# Get a token that may read invoices:
TOKEN=$(curl -s -u 'ID:SECRET' -d grant_type=client_credentials -d scope=invoices.read URL/oauth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# It reads invoices, and the API knows who calls:
curl -i -H "Authorization: Bearer $TOKEN" URL/partner/invoices
curl -i -H "Authorization: Bearer $TOKEN" URL/whoami

# No token, 401:
curl -i URL/partner/invoices

# It may not write them, 403; the challenge names the scopes to ask for:
curl -i -X POST -H "Authorization: Bearer $TOKEN" URL/partner/invoices

# A token that expired an hour ago, 401:
curl -i -H "Authorization: Bearer EXPIRED" URL/partner/invoices

`

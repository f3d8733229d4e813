// Quickstart is an example of bearerguard in one process: a development
// authorization server, and an API that is protected against that server's
// published metadata and keys, as against any other. Both live in memory and are
// gone when it ends.
//
//	go run ./examples/quickstart          # prints curl lines to paste
//	go run ./examples/quickstart -demo    # sends the same requests itself, and more
//
// While it runs, its clients are managed from another terminal, with the admin key
// that it prints:
//
//	export QUICKSTART_ADMIN_KEY=…
//	go run ./examples/quickstart client create -owner acme -scope "invoices.read"
//	go run ./examples/quickstart client rotate client-xyz
//	go run ./examples/quickstart client revoke client-xyz
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
	if flag.Arg(0) == "client" {
		if err := manage("http://"+*addr, os.Getenv("QUICKSTART_ADMIN_KEY"), flag.Args()[1:], os.Stdout); err != nil {
			log.Fatal("quickstart: ", err)
		}
		return
	}
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
	d := &deployment{url: "http://" + listener.Addr().String(), clientID: "demo", clientSecret: rand.Text(), adminKey: rand.Text()}
	d.issuer, err = authserver.New(d.url, audience, authserver.Client{
		ID:     d.clientID,
		Secret: d.clientSecret,
		Scopes: scopes.Of("invoices.read", "invoices.write", "reports.generate"),
	})
	if err != nil {
		return err
	}
	revocations, err := verify.NewRevocationList(verify.RevocationListConfig{MaxTokenLifetime: authserver.TokenLifetime})
	if err != nil {
		return err
	}
	// The API shares a process with the server here, so it hears of a revocation
	// before whoever revoked has an answer. Elsewhere, send an event.
	d.issuer.OnTokenRevoked = func(id string, expires time.Time) error { return revocations.RevokeToken(d.url, id, expires) }
	d.issuer.OnClientRevoked = func(id string) error { return revocations.RevokeClient(d.url, id) }

	root := http.NewServeMux()
	root.Handle("/.well-known/", d.issuer)
	root.Handle("/oauth/", d.issuer)
	root.Handle("/admin/", d.issuer.Admin(d.adminKey))

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
	current, err := verify.Revocable(tokens, revocations, verify.RefuseOnFailure)
	if err != nil {
		return err
	}
	api, err := newAPI(current, slog.Default())
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
	url, clientID, clientSecret, adminKey string

	issuer *authserver.Server
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
	_, err = fmt.Fprint(out, strings.NewReplacer("URL", d.url, "CLIENT", d.clientID, "SECRET", d.clientSecret, "ADMIN", d.adminKey, "EXPIRED", expired).Replace(greeting))
	return err
}

const greeting = `A development authorization server and an API that it protects: URL
client id:     CLIENT
client secret: SECRET
admin key:     ADMIN

# Get a token that may read invoices:
TOKEN=$(curl -s -u 'CLIENT:SECRET' -d grant_type=client_credentials -d scope=invoices.read URL/oauth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# It reads invoices, and the API knows who calls:
curl -i -H "Authorization: Bearer $TOKEN" URL/partner/invoices
curl -i -H "Authorization: Bearer $TOKEN" URL/whoami

# No token, 401:
curl -i URL/partner/invoices

# It may not write them, 403; the challenge names the scopes to ask for:
curl -i -X POST -H "Authorization: Bearer $TOKEN" URL/partner/invoices

# A token that expired an hour ago, 401:
curl -i -H "Authorization: Bearer EXPIRED" URL/partner/invoices

# Its owner revokes it, and from then on it gets 401 too:
curl -i -u 'CLIENT:SECRET' -d token=$TOKEN URL/oauth/revoke
curl -i -H "Authorization: Bearer $TOKEN" URL/partner/invoices

`

// FOS is an example of opaque tokens that are looked up in a database: those of
// FOSOAuthServerBundle, which has no introspection endpoint. The API reads the tables
// that the bundle writes, here in SQLite.
//
//	go run . -database tokens.db
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	_ "modernc.org/sqlite"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

func main() {
	path := flag.String("database", "tokens.db", "the SQLite `file` that FOSOAuthServerBundle writes its tokens to")
	flag.Parse()
	db, err := sql.Open("sqlite", *path)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8081", api(verify.Func(lookUp(db)))))
}

// lookUp finds a token as the bundle stores it: in plain, so the database must not be
// anybody's to read. Its public client id is the row's id and a random part, with an
// underscore between them; a client's own token has no user.
func lookUp(db *sql.DB) func(context.Context, string) (*principal.Principal, error) {
	const query = `SELECT c.id || '_' || c.random_id, t.user_id, t.expires_at, COALESCE(t.scope, '')
		FROM oauth_access_token t JOIN oauth_client c ON c.id = t.client_id WHERE t.token = ?`
	return func(ctx context.Context, token string) (*principal.Principal, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		p := &principal.Principal{Kind: principal.KindClient, Grant: principal.GrantClientCredentials}
		var user, expires sql.NullInt64
		var granted string
		switch err := db.QueryRowContext(ctx, query, token).Scan(&p.ClientID, &user, &expires, &granted); {
		case errors.Is(err, sql.ErrNoRows):
			return nil, verify.ErrInvalidToken // 401
		case err != nil:
			return nil, err // 503: the database, not the token
		case !expires.Valid || !time.Now().Before(time.Unix(expires.Int64, 0)):
			return nil, &verify.Refusal{Reason: verify.ReasonExpired, Description: "The access token expired."}
		}
		p.ExpiresAt = time.Unix(expires.Int64, 0)
		if user.Valid {
			p.Kind, p.Grant, p.UserID = principal.KindUser, "", strconv.FormatInt(user.Int64, 10)
		}
		var err error
		if p.Scopes, err = scopes.Parse(granted); err != nil {
			return nil, fmt.Errorf("the token's scope: %w", err)
		}
		return p, nil
	}
}

func api(tokens verify.Verifier) http.Handler {
	guard, err := middleware.New(middleware.Config{Verifier: tokens, Observe: middleware.LogTo(slog.Default())})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /invoices", guard.Require(scopes.All("invoices.read")).Protect(http.HandlerFunc(invoices)))
	return mux
}

func invoices(w http.ResponseWriter, r *http.Request) {
	caller, _ := principal.FromContext(r.Context())
	fmt.Fprintf(w, "invoices for %s, who may write them: %t\n", caller.ClientID, caller.Can("invoices.write"))
}

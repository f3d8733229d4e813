package verify_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// An endpoint by RFC 7662, to which this API is known by id and secret.
func ExampleIntrospection() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != "invoices-api" || secret != "of-this-api" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.FormValue("token") == "2YotnFZFEjr1zCsicMWpAA" {
			fmt.Fprint(w, `{"active":true,"client_id":"billing","scope":"invoices.read"}`)
			return
		}
		fmt.Fprint(w, `{"active":false}`)
	}))
	defer server.Close()

	tokens, err := verify.Introspection(verify.IntrospectionConfig{
		Endpoint:     server.URL,
		ClientID:     "invoices-api",
		ClientSecret: "of-this-api",
		Audience:     []string{"https://api.example"},
		MaxAge:       30 * time.Second, // for so long a revoked token serves on
	})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()

	caller, err := tokens.Verify(context.Background(), "2YotnFZFEjr1zCsicMWpAA")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.ClientID, caller.Can("invoices.read"))
	_, err = tokens.Verify(context.Background(), "made-up")
	fmt.Println(err)
	// Output:
	// billing true
	// verify: invalid token: The access token is not active. (the introspection endpoint says so: it expired, was revoked, was never issued, or is not for this API)
}

// Sopheak JwtAuth's opaque tokens.
func ExampleSopheakOAuth() {
	tokens, err := verify.Introspection(verify.IntrospectionConfig{
		Endpoint: "https://auth.example/oauth/introspect",
		Auth:     verify.InsecureNoAuth{},
		Profile:  verify.SopheakOAuth(),
		Form:     verify.IsSopheakOAuth,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	_, err = tokens.Verify(context.Background(), "not-of-its-form")
	fmt.Println(err)
	// Output: verify: invalid token: The token is malformed. (IntrospectionConfig.Form says so)
}

// JWTs of one issuer are verified here, and everything else is asked about.
func ExampleHybrid() {
	ctx := context.Background()
	jwts, err := verify.Discover(ctx, "https://issuer.example", "https://api.example")
	if err != nil {
		log.Fatal(err)
	}
	defer jwts.Close()
	opaque, err := verify.Introspection(verify.IntrospectionConfig{
		Endpoint:     "https://issuer.example/introspect",
		ClientID:     "invoices-api",
		ClientSecret: "of-this-api",
		Audience:     []string{"https://api.example"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer opaque.Close()
	tokens, err := verify.Hybrid(jwts, opaque)
	if err != nil {
		log.Fatal(err)
	}
	_ = tokens // for middleware.Config.Verifier
}

// AccessTokens is the table of access tokens of a FOSOAuthServerBundle, which has no
// introspection endpoint: whatever reads the application's database.
type AccessTokens interface {
	// Find is the row of a token, or nil if there is none.
	Find(ctx context.Context, token string) (*AccessToken, error)
}

// AccessToken is a row: user_id is NULL for a client's own token, and expires_at is
// in Unix seconds, or NULL for never.
type AccessToken struct {
	ClientID, ClientRandomID string
	UserID                   *string
	Scope                    string
	ExpiresAt                *int64
}

// fosTokens verifies by the table. An error of the database is no verdict, and so
// 503: only what the table says condemns a token.
func fosTokens(table AccessTokens) verify.Func {
	return func(ctx context.Context, token string) (*principal.Principal, error) {
		row, err := table.Find(ctx, token)
		switch {
		case err != nil:
			return nil, &verify.UnavailableError{RetryAfter: 5 * time.Second, Err: err}
		case row == nil:
			return nil, verify.ErrInvalidToken
		case row.ExpiresAt != nil && time.Now().Unix() >= *row.ExpiresAt:
			return nil, &verify.Refusal{Reason: verify.ReasonExpired, Description: "The access token expired."}
		}
		granted, err := scopes.Parse(row.Scope)
		if err != nil {
			return nil, &verify.Refusal{Reason: verify.ReasonClaims, Description: "The token's scopes are malformed."}
		}
		caller := &principal.Principal{
			Kind: principal.KindClient,
			// As clients know themselves: by the id and the random id.
			ClientID: row.ClientID + "_" + row.ClientRandomID,
			Scopes:   granted,
		}
		if row.ExpiresAt != nil {
			caller.ExpiresAt = time.Unix(*row.ExpiresAt, 0)
		}
		if row.UserID != nil {
			caller.Kind, caller.UserID = principal.KindUser, *row.UserID
		}
		return caller, nil
	}
}

type inMemory map[string]*AccessToken

func (m inMemory) Find(_ context.Context, token string) (*AccessToken, error) { return m[token], nil }

// The opaque tokens of a FOSOAuthServerBundle, looked up where it stores them.
func ExampleFunc_fosOAuthServerBundle() {
	tokens := fosTokens(inMemory{
		"MGUxY2Y2": {ClientID: "1", ClientRandomID: "3bcbxd", Scope: "invoices.read"},
	})
	caller, err := tokens.Verify(context.Background(), "MGUxY2Y2")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Kind, caller.ClientID, caller.Can("invoices.read"))
	_, err = tokens.Verify(context.Background(), "made-up")
	fmt.Println(err)
	// Output:
	// client 1_3bcbxd true
	// invalid token
}

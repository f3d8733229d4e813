package verify_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

// The issuer's URL and the API's name are all that a standards-following issuer
// takes.
func ExampleDiscover() {
	tokens, err := verify.Discover(context.Background(), "https://issuer.example", "https://api.example")
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// Keycloak types its access tokens JWT.
func ExampleDiscoverWith() {
	tokens, err := verify.DiscoverWith(context.Background(), verify.JWTConfig{
		Issuer:   "https://sso.example/realms/shop",
		Audience: []string{"https://api.example"},
		Profile:  verify.Profile{Types: []string{"JWT"}},
	}, jwks.RemoteConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// Keys that are known beforehand. A token is judged as far as that goes without a
// key; this one has not even the form.
func ExampleJWT() {
	keys, err := jwks.PEM([]byte(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----`))
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := verify.JWT(verify.JWTConfig{
		Issuer:   "https://issuer.example",
		Audience: []string{"https://api.example"},
		Keys:     keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = tokens.Verify(context.Background(), "opaque")
	if refusal, ok := errors.AsType[*verify.Refusal](err); ok {
		fmt.Println(refusal.Reason)
		fmt.Println(refusal.Description)
	}
	// Output:
	// malformed
	// The token is malformed.
}

// Tokens that are no JWTs, looked up in a table of one's own.
func ExampleFunc() {
	table := map[string]string{"s3cr3t": "billing"}
	tokens := verify.Func(func(_ context.Context, token string) (*principal.Principal, error) {
		client, ok := table[token] // a database has it by a digest of the token, never in plain
		if !ok {
			return nil, verify.ErrInvalidToken
		}
		return &principal.Principal{Kind: principal.KindClient, ClientID: client, Scopes: scopes.Of("invoices.read")}, nil
	})
	caller, err := tokens.Verify(context.Background(), "s3cr3t")
	fmt.Println(caller.ClientID, err)
	// Output: billing <nil>
}

package ginauth_test

import (
	"context"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// demo stands for a verifier: the token is the client's name.
func demo(_ context.Context, token string) (*principal.Principal, error) {
	p := &principal.Principal{Kind: principal.KindClient, ClientID: token}
	if token == "reader" {
		p.Scopes = scopes.Of("invoices.read")
	}
	return p, nil
}

package oauthtest

import (
	"net/http"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// ActingAsClient is r as a handler behind a guard sees it when a client calls
// with a token that grants scope (names with spaces between them): for tests of
// the handler itself, with no token and no guard. A guard takes no notice of it;
// for tests through one, use an [Issuer] and its Token. It panics if scope is
// malformed.
func ActingAsClient(r *http.Request, clientID, scope string) *http.Request {
	granted, err := scopes.Parse(scope)
	if err != nil {
		panic(err)
	}
	return r.WithContext(principal.NewContext(r.Context(), &principal.Principal{
		Kind:     principal.KindClient,
		ClientID: clientID,
		Subject:  clientID,
		Grant:    principal.GrantClientCredentials,
		Scopes:   granted,
	}))
}

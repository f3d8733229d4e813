package conformance_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/verify"
)

// introspecting asks a server as the API that it knows by invoices-api.
func introspecting(t *testing.T, issuer, path string, maxAge time.Duration, change func(*verify.IntrospectionConfig)) verify.Verifier {
	t.Helper()
	config := verify.IntrospectionConfig{
		Endpoint:     issuer + path,
		ClientID:     "invoices-api",
		ClientSecret: secret,
		Issuer:       issuer,
		Audience:     []string{audience},
		MaxAge:       maxAge,
	}
	if change != nil {
		change(&config)
	}
	tokens, err := verify.Introspection(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	return tokens
}

// checkRevocation revokes a token of billing's: where it was seen before, it serves on
// for MaxAge, and no longer.
func checkRevocation(t *testing.T, token, endpoint string, remembering func(maxAge time.Duration) verify.Verifier) {
	t.Helper()
	long, briefly, never := newAPI(t, remembering(time.Hour)), newAPI(t, remembering(300*time.Millisecond)), newAPI(t, remembering(time.Hour))
	before := call(t, long, token)
	if got := call(t, briefly, token); got != before || before.caller.ClientID != "billing" || !before.caller.Read {
		t.Fatalf("before: got %+v and %+v", before, got)
	}
	post(t, endpoint, "billing", url.Values{"token": {token}, "token_type_hint": {"access_token"}})
	becomes(t, briefly, token, refused(inactive))
	if got := call(t, long, token); got != before {
		t.Errorf("while it is remembered: got %+v", got)
	}
	if got := call(t, never, token); got != refused(inactive) {
		t.Errorf("where it was never seen: got %+v", got)
	}
}

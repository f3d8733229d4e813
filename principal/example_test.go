package principal_test

import (
	"context"
	"fmt"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

// caller stands for the context of a request that a guard has let through.
func caller() context.Context {
	return principal.NewContext(context.Background(), &principal.Principal{
		Kind:      principal.KindClient,
		ClientID:  "billing",
		Scopes:    scopes.Of("invoices.read"),
		RawClaims: principal.RawClaimsOf(`{"client_id":"billing","company_id":"acme","COMPANY_ID":"evil"}`),
	})
}

func ExampleFromContext() {
	ctx := caller() // in a handler: r.Context()

	p, ok := principal.FromContext(ctx)
	if !ok {
		fmt.Println("no token was verified")
		return
	}
	fmt.Println(p.ClientID, p.IsClient())
	// Output: billing true
}

func ExamplePrincipal_Can() {
	p, _ := principal.FromContext(caller())

	fmt.Println(p.Can("invoices.read"))
	fmt.Println(p.Can("invoices.write"))
	// Output:
	// true
	// false
}

func ExampleClaims() {
	type Tenant struct {
		Company string `json:"company_id"`
	}
	p, _ := principal.FromContext(caller())

	tenant, err := principal.Claims[Tenant](p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tenant.Company)
	// Output: acme
}

// In the test of a handler, NewContext takes the place of the guard.
func ExampleNewContext() {
	handle := func(ctx context.Context) string {
		p, ok := principal.FromContext(ctx)
		if !ok || p.UserID == "" {
			return "who are you?"
		}
		return "hello, user " + p.UserID
	}
	p := &principal.Principal{Kind: principal.KindUser, UserID: "42"}

	fmt.Println(handle(principal.NewContext(context.Background(), p)))
	fmt.Println(handle(context.Background()))
	// Output:
	// hello, user 42
	// who are you?
}

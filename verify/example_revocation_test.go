package verify_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// A client's secret has leaked: all its tokens are void at once.
func ExampleRevocable() {
	// In an API, the result of verify.Discover or verify.JWT.
	tokens := verify.Func(func(context.Context, string) (*principal.Principal, error) {
		return &principal.Principal{Issuer: "https://issuer.example", ClientID: "billing", IssuedAt: time.Now().Add(-time.Minute)}, nil
	})
	list, err := verify.NewRevocationList(verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	guarded, err := verify.Revocable(tokens, list, verify.RefuseOnFailure)
	if err != nil {
		log.Fatal(err)
	}

	_, err = guarded.Verify(context.Background(), "eyJ…")
	fmt.Println(err)
	if err := list.RevokeClient("https://issuer.example", "billing"); err != nil {
		log.Fatal(err)
	}
	_, err = guarded.Verify(context.Background(), "eyJ…")
	if refusal, ok := errors.AsType[*verify.Refusal](err); ok {
		fmt.Println(refusal.Description)
	}
	// Output:
	// <nil>
	// The access token has been revoked.
}

// table is a store that several instances of an API share: SELECT, or Redis'
// EXISTS, by issuer and token id.
type table struct {
	exists func(ctx context.Context, issuer, tokenID string) (bool, error)
}

func (t table) Revoked(ctx context.Context, p *principal.Principal) (bool, error) {
	// Requests wait for it.
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	return t.exists(ctx, p.Issuer, p.TokenID)
}

// A store of one's own, which is out of reach: no verdict, and so 503.
func ExampleRevocations() {
	tokens := verify.Func(func(context.Context, string) (*principal.Principal, error) {
		return &principal.Principal{Issuer: "https://issuer.example", ClientID: "billing", TokenID: "b7c1"}, nil
	})
	store := table{func(context.Context, string, string) (bool, error) { return false, errors.New("connection refused") }}
	guarded, err := verify.Revocable(tokens, store, verify.RefuseOnFailure)
	if err != nil {
		log.Fatal(err)
	}
	_, err = guarded.Verify(context.Background(), "eyJ…")
	fmt.Println(err)
	fmt.Println("the token is condemned:", errors.Is(err, verify.ErrInvalidToken))
	// Output:
	// verify: no verdict: revocations: connection refused
	// the token is condemned: false
}

// Revocations of every breadth. A token's issuer is empty where it has no iss, as
// Laravel Passport's.
func ExampleRevocationList() {
	list, err := verify.NewRevocationList(verify.RevocationListConfig{MaxTokenLifetime: 365 * 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range []error{
		list.RevokeToken("", "b7c1", time.Now().Add(time.Hour)),              // one token
		list.RevokeSubject("", "1017"),                                       // a user's, at all clients
		list.RevokeClient("", "3"),                                           // a client's
		list.RevokeIssuedBefore("https://old.example", time.Now()),           // all of an issuer
		list.RevokeToken("", "expired long ago", time.Now().Add(-time.Hour)), // takes no place
	} {
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(list.Len())
	// Output: 4
}

package verify_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// benchmarkList is a list with 40,000 entries of all sorts, and whom to ask it
// about.
func benchmarkList(t testing.TB) (*verify.RevocationList, map[string]*principal.Principal) {
	t.Helper()
	const iss = "https://issuer.example"
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	for i := range 40_000 {
		var err error
		switch id := fmt.Sprintf("%026d", i); i % 4 {
		case 0, 1:
			err = list.RevokeToken(iss, id, time.Time{})
		case 2:
			err = list.RevokeClient(iss, id)
		case 3:
			err = list.RevokeSubject(iss, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := list.RevokeIssuedBefore(iss, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	good := principal.Principal{Issuer: iss, TokenID: "XB2V6QJ7M4Z5KHN3RDPLTWYCAE", ClientID: "billing", UserID: "1017", Subject: "1017", IssuedAt: time.Now().Add(time.Minute)}
	byToken, bySubject := good, good
	byToken.TokenID, bySubject.Subject = fmt.Sprintf("%026d", 0), fmt.Sprintf("%026d", 3)
	bySubject.IssuedAt = time.Time{}
	return list, map[string]*principal.Principal{"not revoked": &good, "revoked by token": &byToken, "revoked by subject": &bySubject}
}

func BenchmarkRevocationList(b *testing.B) {
	list, about := benchmarkList(b)
	for name, p := range about {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := list.Revoked(b.Context(), p); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	// What is allocated here is the writer's.
	b.Run("not revoked, while others are", func(b *testing.B) {
		var done atomic.Bool
		ended := make(chan int)
		go func() {
			n := 0
			for ; !done.Load(); n++ {
				_ = list.RevokeToken("https://issuer.example", fmt.Sprint(n%50_000), time.Time{})
			}
			ended <- n
		}()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if revoked, _ := list.Revoked(b.Context(), about["not revoked"]); revoked {
					b.Error("revoked")
				}
			}
		})
		done.Store(true)
		b.ReportMetric(float64(<-ended)/b.Elapsed().Seconds(), "revocations/s")
	})
}

func BenchmarkRevoke(b *testing.B) {
	list := revocationList(b, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	ids := make([]string, 100_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("%026d", i)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%len(ids) == 0 {
			b.StopTimer()
			list = revocationList(b, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
			b.StartTimer()
		}
		if err := list.RevokeToken("https://issuer.example", ids[n%len(ids)], time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What revocation adds to the verification of a token.
func BenchmarkRevocableVerify(b *testing.B) {
	issuer := oauthtest.NewIssuer(b)
	list, _ := benchmarkList(b)
	plain := issuer.Verifier()
	token := issuer.Token("billing", "invoices.read")
	for name, v := range map[string]verify.Verifier{"without": plain, "with": revocable(b, plain, list, verify.RefuseOnFailure)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

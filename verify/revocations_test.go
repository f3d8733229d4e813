package verify_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

func revocationList(t testing.TB, config verify.RevocationListConfig) *verify.RevocationList {
	t.Helper()
	list, err := verify.NewRevocationList(config)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// inABubble runs f where time is f's to make pass, with an issuer and a verifier
// of its tokens that allows for as much clock skew as there may be.
func inABubble(t *testing.T, f func(t *testing.T, issuer *oauthtest.Issuer, v *verify.Issuer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		v := verifier(t, issuer, func(c *verify.JWTConfig) { c.ClockSkew = 5 * time.Minute })
		f(t, issuer, v)
		v.Close()
		synctest.Wait()
	})
}

func issuedAt(at time.Time) oauthtest.Change {
	return oauthtest.Claim("iat", float64(at.UnixMilli())/1000)
}

func TestWhatARevocationConcerns(t *testing.T) {
	const iss = "https://issuer.example"
	token := func(issuer, id string) func(*verify.RevocationList, time.Time) error {
		return func(l *verify.RevocationList, _ time.Time) error { return l.RevokeToken(issuer, id, time.Time{}) }
	}
	client := func(issuer, id string) func(*verify.RevocationList, time.Time) error {
		return func(l *verify.RevocationList, _ time.Time) error { return l.RevokeClient(issuer, id) }
	}
	subject := func(issuer, id string) func(*verify.RevocationList, time.Time) error {
		return func(l *verify.RevocationList, _ time.Time) error { return l.RevokeSubject(issuer, id) }
	}
	before := func(issuer string, ago time.Duration) func(*verify.RevocationList, time.Time) error {
		return func(l *verify.RevocationList, now time.Time) error {
			return l.RevokeIssuedBefore(issuer, now.Add(-ago))
		}
	}
	iat := func(after time.Duration) func(time.Time) oauthtest.Change {
		return func(now time.Time) oauthtest.Change { return issuedAt(now.Add(after)) }
	}
	as := func(change oauthtest.Change) func(time.Time) oauthtest.Change {
		return func(time.Time) oauthtest.Change { return change }
	}
	second := func(d time.Duration) verify.RevocationListConfig {
		return verify.RevocationListConfig{MaxTokenLifetime: time.Hour, ClockSkew: d}
	}
	// The token of every row is t1 of client billing for user u1, issued a
	// minute ago, but for what the row changes; the revocation is made in the
	// middle of a second.
	for _, row := range []struct {
		name    string
		revoke  func(*verify.RevocationList, time.Time) error
		but     func(now time.Time) oauthtest.Change
		config  verify.RevocationListConfig
		revoked bool
	}{
		{"its token id", token(iss, "t1"), nil, second(0), true},
		{"another token's id", token(iss, "t2"), nil, second(0), false},
		{"its token id in capitals", token(iss, "T1"), nil, second(0), false},
		{"its token id at another issuer", token("https://other.example", "t1"), nil, second(0), false},
		{"its token id at an issuer but for a slash", token(iss+"/", "t1"), nil, second(0), false},
		{"its token id at no issuer", token("", "t1"), nil, second(0), false},
		{"its token id, issued after that", token(iss, "t1"), iat(2 * time.Second), second(0), true},
		{"a token id, and the token has none", token(iss, "t1"), as(oauthtest.Without("jti")), second(0), false},
		{"a token id, and the token's is empty", token(iss, "t1"), as(oauthtest.Claim("jti", "")), second(0), false},
		{"a token id that is its client's", token(iss, "billing"), nil, second(0), false},

		{"its client", client(iss, "billing"), nil, second(0), true},
		{"its client, which holds it in its own name", client(iss, "billing"), as(oauthtest.Claim("sub", "billing")), second(0), true},
		{"its client, and the token has no id", client(iss, "billing"), as(oauthtest.Without("jti")), second(0), true},
		{"another client", client(iss, "shop"), nil, second(0), false},
		{"its client at another issuer", client("https://other.example", "billing"), nil, second(0), false},
		{"a client that is its subject", client(iss, "u1"), nil, second(0), false},
		{"its client, and it was issued a second before", client(iss, "billing"), iat(-time.Second), second(0), true},
		{"its client, and it was issued earlier in the second", client(iss, "billing"), iat(-400 * time.Millisecond), second(0), true},
		{"its client, and it was issued at the start of the second", client(iss, "billing"), iat(-500 * time.Millisecond), second(0), true},
		{"its client, and it was issued later in the second", client(iss, "billing"), iat(400 * time.Millisecond), second(0), true},
		{"its client, and it was issued in the next second", client(iss, "billing"), iat(500 * time.Millisecond), second(0), false},
		{"its client, and it does not say when it was issued", client(iss, "billing"), as(oauthtest.Without("iat")), second(0), true},
		{"its client, and it was issued in 1970", client(iss, "billing"), as(oauthtest.Claim("iat", 0)), second(0), true},
		{"its client, and it was issued ahead within the skew", client(iss, "billing"), iat(2 * time.Second), second(2 * time.Second), true},
		{"its client, and it was issued ahead beyond the skew", client(iss, "billing"), iat(3 * time.Second), second(2 * time.Second), false},

		{"its subject", subject(iss, "u1"), nil, second(0), true},
		{"its subject, in another client's hands", subject(iss, "u1"), as(oauthtest.Claim("client_id", "shop")), second(0), true},
		{"another subject", subject(iss, "u2"), nil, second(0), false},
		{"a subject that is its client", subject(iss, "billing"), nil, second(0), false},
		{"its subject at another issuer", subject("https://other.example", "u1"), nil, second(0), false},
		{"its subject, and it has none", subject(iss, "u1"), as(oauthtest.Without("sub")), second(0), false},
		{"its subject, and it was issued in the next second", subject(iss, "u1"), iat(500 * time.Millisecond), second(0), false},
		{"its subject, and it does not say when it was issued", subject(iss, "u1"), as(oauthtest.Without("iat")), second(0), true},

		{"all of its issuer's until now", before(iss, 0), nil, second(0), true},
		{"all of another issuer's", before("https://other.example", 0), nil, second(0), false},
		{"all that name no issuer", before("", 0), nil, second(0), false},
		{"all until a minute ago, and it was issued in that second", before(iss, time.Minute), nil, second(0), true},
		{"all until it was issued but for a second", before(iss, 61*time.Second), nil, second(0), false},
		{"all until an hour ago, and it does not say when it was issued", before(iss, time.Hour), as(oauthtest.Without("iat")), second(0), true},
		{"all until five minutes ahead, and it was issued three ahead", before(iss, -5*time.Minute), iat(3 * time.Minute), second(0), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			inABubble(t, func(t *testing.T, issuer *oauthtest.Issuer, v *verify.Issuer) {
				list := revocationList(t, row.config)
				guarded := revocable(t, v, list, verify.RefuseOnFailure)
				time.Sleep(500 * time.Millisecond)
				now := time.Now()
				changes := []oauthtest.Change{oauthtest.Claim("jti", "t1"), oauthtest.ForUser("u1"), issuedAt(now.Add(-time.Minute))}
				if row.but != nil {
					changes = append(changes, row.but(now))
				}
				credential := issuer.Token("billing", "", changes...)
				if got := reason(guarded, credential); got != "" {
					t.Fatalf("before: %q", got)
				}
				if err := row.revoke(list, now); err != nil {
					t.Fatal(err)
				}
				want := ""
				if row.revoked {
					want = verify.ReasonRevoked
				}
				if got := reason(guarded, credential); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

func isRevoked(t testing.TB, list *verify.RevocationList, p principal.Principal) bool {
	t.Helper()
	got, err := list.Revoked(context.Background(), &p)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Two pairs that would be the same if they were put together.
func TestRevocationsDoNotMixUpPairsOfIssuerAndIdentifier(t *testing.T) {
	for _, row := range []struct{ issuer, id, otherIssuer, otherID string }{
		{"a", "bc", "ab", "c"},
		{"a", "b|c", "a|b", "c"},
		{"a", "b\x00c", "a\x00b", "c"},
		{"a", "b c", "a b", "c"},
		{"https://a.example", "/b", "https://a.example/", "b"},
		{"", "ab", "a", "b"},
	} {
		for by, revoke := range map[string]func(*verify.RevocationList) error{
			"token":   func(l *verify.RevocationList) error { return l.RevokeToken(row.issuer, row.id, time.Time{}) },
			"client":  func(l *verify.RevocationList) error { return l.RevokeClient(row.issuer, row.id) },
			"subject": func(l *verify.RevocationList) error { return l.RevokeSubject(row.issuer, row.id) },
		} {
			list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
			if err := revoke(list); err != nil {
				t.Fatal(err)
			}
			if !isRevoked(t, list, principal.Principal{Issuer: row.issuer, TokenID: row.id, ClientID: row.id, Subject: row.id}) {
				t.Errorf("%s %q of %q is not revoked", by, row.id, row.issuer)
			}
			if isRevoked(t, list, principal.Principal{Issuer: row.otherIssuer, TokenID: row.otherID, ClientID: row.otherID, Subject: row.otherID}) {
				t.Errorf("with %s %q of %q, %q of %q is revoked", by, row.id, row.issuer, row.otherID, row.otherIssuer)
			}
		}
	}
}

// Laravel Passport's tokens have no iss, and a token for no user has no subject.
func TestRevocationOfTokensWithoutAnIssuer(t *testing.T) {
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	p := principal.Principal{ClientID: "3"}
	for _, row := range []struct {
		name   string
		revoke func() error
		want   bool
	}{
		{"another client", func() error { return list.RevokeClient("", "4") }, false},
		{"its client at an issuer", func() error { return list.RevokeClient("https://issuer.example", "3") }, false},
		{"all of an issuer's", func() error { return list.RevokeIssuedBefore("https://issuer.example", time.Now()) }, false},
		{"its client", func() error { return list.RevokeClient("", "3") }, true},
	} {
		if err := row.revoke(); err != nil {
			t.Fatal(err)
		}
		if got := isRevoked(t, list, p); got != row.want {
			t.Errorf("%s: got %v", row.name, got)
		}
	}
	if err := list.RevokeIssuedBefore("", time.Now()); err != nil || !isRevoked(t, list, principal.Principal{ClientID: "5"}) {
		t.Errorf("all without an issuer: %v", err)
	}
}

// A revocation stays until the last token that it could concern has expired, by
// a verifier that allows for the most clock skew, and then leaves.
func TestRevocationsStayForAsLongAsTheirTokensMayLive(t *testing.T) {
	const iss = "https://issuer.example"
	for _, row := range []struct {
		name   string
		lives  time.Duration // the token, which is issued just before and does not say so
		revoke func(l *verify.RevocationList, expires time.Time) error
		stays  time.Duration // after the token's exp, at most
	}{
		{"a token whose exp is known", 10 * time.Minute, func(l *verify.RevocationList, expires time.Time) error { return l.RevokeToken(iss, "t1", expires) }, 0},
		{"a token whose exp has a fraction", 10*time.Minute + 900*time.Millisecond, func(l *verify.RevocationList, expires time.Time) error { return l.RevokeToken(iss, "t1", expires) }, 0},
		{"a token that has expired but for the skew", 0, func(l *verify.RevocationList, expires time.Time) error { return l.RevokeToken(iss, "t1", expires) }, 0},
		{"a token whose exp is not known", time.Hour, func(l *verify.RevocationList, _ time.Time) error { return l.RevokeToken(iss, "t1", time.Time{}) }, time.Second},
		{"a token whose exp is that of Unix", time.Hour, func(l *verify.RevocationList, _ time.Time) error { return l.RevokeToken(iss, "t1", time.Unix(0, 0)) }, time.Second},
		{"a client", time.Hour, func(l *verify.RevocationList, _ time.Time) error { return l.RevokeClient(iss, "billing") }, time.Second},
		{"a subject", time.Hour, func(l *verify.RevocationList, _ time.Time) error { return l.RevokeSubject(iss, "u1") }, time.Second},
		{"an instant", time.Hour, func(l *verify.RevocationList, _ time.Time) error { return l.RevokeIssuedBefore(iss, time.Now()) }, time.Second},
		{"an instant long ago", time.Hour, func(l *verify.RevocationList, _ time.Time) error {
			return l.RevokeIssuedBefore(iss, time.Now().Add(-24*time.Hour))
		}, time.Second},
		{"an instant ahead", time.Hour, func(l *verify.RevocationList, _ time.Time) error {
			return l.RevokeIssuedBefore(iss, time.Now().Add(5*time.Minute))
		}, 5*time.Minute + time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			inABubble(t, func(t *testing.T, issuer *oauthtest.Issuer, v *verify.Issuer) {
				list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
				guarded := revocable(t, v, list, verify.RefuseOnFailure)
				time.Sleep(700 * time.Millisecond)
				expires := time.Now().Add(row.lives)
				token := issuer.Token("billing", "", oauthtest.Claim("jti", "t1"), oauthtest.ForUser("u1"),
					oauthtest.Without("iat"), oauthtest.Claim("exp", float64(expires.UnixMilli())/1000))
				if err := row.revoke(list, expires); err != nil {
					t.Fatal(err)
				}
				if got := reason(guarded, token); got != verify.ReasonRevoked {
					t.Fatalf("at once: %q", got)
				}
				time.Sleep(row.lives + 5*time.Minute - 2*time.Second)
				for range 40 { // the verifier's last moment is in here
					if got := reason(guarded, token); got != verify.ReasonRevoked && got != verify.ReasonExpired {
						t.Fatalf("%v after its exp: %q", time.Since(expires), got)
					}
					if got := list.Len(); got == 0 && time.Since(expires) < 5*time.Minute {
						t.Fatalf("%v after its exp: gone", time.Since(expires))
					}
					time.Sleep(100 * time.Millisecond)
				}
				if got := reason(v, token); got != verify.ReasonExpired {
					t.Fatalf("without a list: %q", got)
				}
				time.Sleep(row.stays)
				if got := list.Len(); got != 0 {
					t.Errorf("%v after its exp: %d entries", time.Since(expires), got)
				}
			})
		})
	}
}

// An entry that nobody has swept says no more than one that is gone: a client's
// tokens that do not say when they were issued pass again when the old ones are
// dead.
func TestARevocationWhoseTimeIsOverSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
		if err := list.RevokeClient("", "3"); err != nil {
			t.Fatal(err)
		}
		p := principal.Principal{ClientID: "3"}
		time.Sleep(time.Hour + 5*time.Minute)
		if !isRevoked(t, list, p) {
			t.Error("gone too early")
		}
		time.Sleep(time.Second)
		if isRevoked(t, list, p) {
			t.Error("there for ever")
		}
	})
}

func TestRevokingAgainExtendsAndNeverShortens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
		began := time.Now()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(list.RevokeToken("", "a", began.Add(10*time.Minute)))
		must(list.RevokeToken("", "a", began.Add(20*time.Minute)))
		must(list.RevokeToken("", "a", began.Add(time.Minute)))
		must(list.RevokeToken("", "a", began.Add(-time.Hour)))
		must(list.RevokeToken("", "b", began.Add(20*time.Minute)))
		must(list.RevokeToken("", "b", time.Time{}))
		must(list.RevokeIssuedBefore("", began))
		must(list.RevokeIssuedBefore("", began.Add(-time.Hour)))
		if got := list.Len(); got != 3 {
			t.Errorf("%d entries", got)
		}
		issued := func(after time.Duration) principal.Principal {
			return principal.Principal{TokenID: "x", ClientID: "x", IssuedAt: began.Add(after)}
		}
		if !isRevoked(t, list, issued(0)) || isRevoked(t, list, issued(time.Second)) {
			t.Error("an earlier instant after a later one counts")
		}
		token := func(id string) principal.Principal {
			return principal.Principal{TokenID: id, IssuedAt: began.Add(time.Second)}
		}
		for _, row := range []struct {
			at   time.Duration
			a, b bool
		}{
			{16 * time.Minute, true, true},
			{25 * time.Minute, true, true},
			{25*time.Minute + time.Second, false, true},
			{65 * time.Minute, false, true},
			{65*time.Minute + time.Second, false, false},
		} {
			time.Sleep(time.Until(began.Add(row.at)))
			if a, b := isRevoked(t, list, token("a")), isRevoked(t, list, token("b")); a != row.a || b != row.b {
				t.Errorf("after %v: got %v, %v", row.at, a, b)
			}
		}

		// One that was to end first, and does not any more, keeps nothing else.
		must(list.RevokeToken("", "c", time.Now().Add(time.Minute)))
		must(list.RevokeToken("", "d", time.Now().Add(2*time.Minute)))
		must(list.RevokeToken("", "c", time.Now().Add(time.Hour)))
		time.Sleep(8 * time.Minute)
		if got := list.Len(); got != 1 {
			t.Errorf("%d entries, where d's time is over and c's is not", got)
		}

		// And by client: the later of two revocations counts for what was
		// issued between them.
		must(list.RevokeClient("", "3"))
		time.Sleep(time.Minute)
		between := principal.Principal{ClientID: "3", IssuedAt: time.Now()}
		if isRevoked(t, list, between) {
			t.Error("what is issued after a revocation is revoked")
		}
		must(list.RevokeClient("", "3"))
		if !isRevoked(t, list, between) {
			t.Error("what is issued between two revocations is not revoked")
		}
	})
}

func TestAFullRevocationListSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour, MaxEntries: 2})
		soon := time.Now().Add(time.Minute)
		for _, row := range []struct {
			name string
			call func() error
			full bool
			len  int
		}{
			{"the first", func() error { return list.RevokeToken("", "a", soon) }, false, 1},
			{"the second", func() error { return list.RevokeClient("", "b") }, false, 2},
			{"one too many", func() error { return list.RevokeSubject("", "c") }, true, 2},
			{"one too many, which has expired", func() error { return list.RevokeToken("", "c", time.Now().Add(-time.Hour)) }, false, 2},
			{"again one that is there", func() error { return list.RevokeToken("", "a", soon) }, false, 2},
			{"an instant too many", func() error { return list.RevokeIssuedBefore("", time.Now()) }, true, 2},
			{"when one has expired", func() error { time.Sleep(7 * time.Minute); return list.RevokeSubject("", "c") }, false, 2},
			{"and again one too many", func() error { return list.RevokeToken("", "a", time.Time{}) }, true, 2},
		} {
			err := row.call()
			if (err != nil) != row.full || row.full && !strings.Contains(err.Error(), "MaxEntries above 2") || list.Len() != row.len {
				t.Errorf("%s: got %v, %d entries", row.name, err, list.Len())
			}
		}
		if !isRevoked(t, list, principal.Principal{ClientID: "b"}) || !isRevoked(t, list, principal.Principal{Subject: "c"}) || isRevoked(t, list, principal.Principal{TokenID: "a"}) {
			t.Error("what is there is not what was revoked")
		}
	})
}

func TestTheDefaultBoundOfARevocationList(t *testing.T) {
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	for i := range 100_000 {
		if err := list.RevokeToken("https://issuer.example", fmt.Sprint(i), time.Time{}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if err := list.RevokeToken("https://issuer.example", "x", time.Time{}); err == nil {
		t.Error("no bound")
	}
}

func TestWhatCannotBeRevoked(t *testing.T) {
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	for name, row := range map[string]struct {
		err  error
		says string
	}{
		"a token without an id":          {list.RevokeToken("https://issuer.example", "", time.Time{}), "RevokeClient"},
		"a client without an id":         {list.RevokeClient("https://issuer.example", ""), "RevokeIssuedBefore"},
		"a subject without a name":       {list.RevokeSubject("https://issuer.example", ""), "RevokeClient"},
		"all until no instant":           {list.RevokeIssuedBefore("https://issuer.example", time.Time{}), "time.Now()"},
		"all until tomorrow":             {list.RevokeIssuedBefore("https://issuer.example", time.Now().Add(24*time.Hour)), "time.Now()"},
		"all until milliseconds as such": {list.RevokeIssuedBefore("https://issuer.example", time.Unix(time.Now().UnixMilli(), 0)), "time.Now()"},
	} {
		if row.err == nil || !strings.Contains(row.err.Error(), row.says) {
			t.Errorf("%s: %v", name, row.err)
		}
	}
	if list.Len() != 0 || isRevoked(t, list, principal.Principal{Issuer: "https://issuer.example"}) {
		t.Error("something is revoked")
	}
}

func TestATokenThatNeverExpiresStaysRevoked(t *testing.T) {
	for _, expires := range []time.Time{time.Unix(math.MaxInt64, 0), time.Unix(math.MaxInt64-300, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: math.MaxInt64})
		if err := list.RevokeToken("", "a", expires); err != nil || !isRevoked(t, list, principal.Principal{TokenID: "a"}) {
			t.Errorf("exp %d: %v, and not revoked", expires.Unix(), err)
		}
		if err := list.RevokeClient("", "3"); err != nil || !isRevoked(t, list, principal.Principal{ClientID: "3"}) {
			t.Errorf("the longest lifetime: %v, and not revoked", err)
		}
	}
}

func TestBadRevocationListConfigs(t *testing.T) {
	for name, row := range map[string]struct {
		config verify.RevocationListConfig
		says   string
	}{
		"no lifetime":           {verify.RevocationListConfig{}, "MaxTokenLifetime is 0s; write how long"},
		"a lifetime below zero": {verify.RevocationListConfig{MaxTokenLifetime: -time.Hour}, "MaxTokenLifetime is -1h"},
		"entries below zero":    {verify.RevocationListConfig{MaxTokenLifetime: time.Hour, MaxEntries: -1}, "0 for 100000"},
		"skew below zero":       {verify.RevocationListConfig{MaxTokenLifetime: time.Hour, ClockSkew: -1}, "ClockSkew"},
		"skew beyond 5 min":     {verify.RevocationListConfig{MaxTokenLifetime: time.Hour, ClockSkew: 6 * time.Minute}, "ClockSkew is 6m0s"},
	} {
		if list, err := verify.NewRevocationList(row.config); list != nil || err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %v, %v", name, list, err)
		}
	}
}

// heapAfter is how much more memory is in use after f than before, in bytes.
func heapAfter(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

func TestRevocationsOfExpiredTokensTakeNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour, MaxEntries: 2000})
		grown := heapAfter(func() {
			for i := range 500_000 { // expired already
				if err := list.RevokeToken("https://issuer.example", fmt.Sprint(i), time.Now().Add(-6*time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			if got := list.Len(); got != 0 {
				t.Errorf("%d entries", got)
			}
			for i := range 500_000 { // expired a moment later
				if err := list.RevokeToken("https://issuer.example", fmt.Sprint(i), time.Now().Add(-5*time.Minute)); err != nil {
					t.Fatalf("%d: %v", i, err)
				}
				if i%1000 == 999 {
					time.Sleep(time.Second)
				}
			}
		})
		if grown > 4<<20 {
			t.Errorf("%d bytes more after it than before", grown)
		}
		time.Sleep(time.Second)
		if got := list.Len(); got != 0 {
			t.Errorf("%d entries", got)
		}
	})
}

// What a caller passes may be a part of something large, such as the token.
func TestARevocationKeepsNoMoreThanItsIdentifier(t *testing.T) {
	list := revocationList(t, verify.RevocationListConfig{MaxTokenLifetime: time.Hour})
	grown := heapAfter(func() {
		for i := range 1000 {
			token := strings.Repeat("x", 64<<10) + fmt.Sprintf("issuer-%04dtoken-%04d", i, i)
			issuer, id := token[64<<10:64<<10+11], token[64<<10+11:]
			if err := list.RevokeToken(issuer, id, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if grown > 8<<20 || list.Len() != 1000 {
		t.Errorf("%d bytes for %d entries", grown, list.Len())
	}
}

func TestAskingARevocationListAllocatesNothing(t *testing.T) {
	list, about := benchmarkList(t)
	for name, p := range about {
		if n := testing.AllocsPerRun(1000, func() { _, _ = list.Revoked(t.Context(), p) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		v := revocable(t, verify.Func(func(context.Context, string) (*principal.Principal, error) { return p, nil }), list, verify.RefuseOnFailure)
		if n := testing.AllocsPerRun(1000, func() { _, _ = v.Verify(t.Context(), "x") }); n > 0 {
			t.Errorf("%s, through Verify: %v allocations", name, n)
		}
	}
}

package verify

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// fickle is a key set whose keys are gone as soon as it was asked for them.
type fickle struct {
	edition uint64
	keys    []*jwks.Key
	asked   int
}

func (f *fickle) Find(context.Context, string, string) ([]*jwks.Key, error) {
	keys := f.keys
	if f.asked++; f.edition != 0 {
		f.keys, f.edition = nil, f.edition+1
	}
	return keys, nil
}

func (f *fickle) FindAgain(context.Context, string, string, []*jwks.Key) ([]*jwks.Key, error) {
	return nil, nil
}

func (f *fickle) Edition(time.Time) uint64 { return f.edition }

// acceptedBy is a token that was accepted by a key of the set.
func acceptedBy(t *testing.T, set *fickle, key *jwks.Key, p principal.Principal) *accepted {
	v := &JWTVerifier{config: JWTConfig{Keys: set}, remote: set, claims: &reader{}}
	a := v.accept(&alike{grounds: grounds{v, headerOf(t, `{"alg":"RS256"}`), key}}, &p)
	return &a
}

func expectAgain(t *testing.T, when string, a *accepted, now time.Time, good bool, want error) {
	t.Helper()
	known, err := a.again(t.Context(), now)
	if (known != nil) != good || err != want {
		t.Errorf("%s: %v, %v", when, known, err)
	}
}

func TestAKeyThatIsWithdrawnWhileItIsLookedFor(t *testing.T) {
	key, now := &jwks.Key{}, time.Unix(1000, 0)
	a := acceptedBy(t, &fickle{edition: 1, keys: []*jwks.Key{key}}, key, principal.Principal{})
	expectAgain(t, "found a moment ago", a, now, true, nil)
	expectAgain(t, "withdrawn since", a, now, false, nil)
}

func TestNoKeysAreNoEdition(t *testing.T) {
	expectAgain(t, "without keys", acceptedBy(t, &fickle{}, &jwks.Key{}, principal.Principal{}), time.Unix(1000, 0), false, nil)
}

// While the edition is the same, nobody asks for keys.
func TestAnEditionIsLookedIntoOnce(t *testing.T) {
	key, now := &jwks.Key{}, time.Unix(1000, 0)
	set := &fickle{keys: []*jwks.Key{key}}
	a := acceptedBy(t, set, key, principal.Principal{})
	for range 3 {
		expectAgain(t, "without an edition", a, now, true, nil)
	}
	if set.asked != 3 {
		t.Errorf("without an edition, keys were asked for %d times of 3", set.asked)
	}
	set.edition = 1
	expectAgain(t, "with an edition", a, now, true, nil)
	set.edition = 1
	for range 3 {
		expectAgain(t, "with the edition of before", a, now, true, nil)
	}
	if set.asked != 4 {
		t.Errorf("with an edition, keys were asked for %d times", set.asked-3)
	}
}

// The keys that discovery has found have an edition once there are any.
func TestTheEditionOfDiscoveredKeys(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	}))
	defer server.Close()
	set, err := jwks.Remote(t.Context(), jwks.RemoteConfig{URL: server.URL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	found := &discoveredKeys{}
	if edition := found.Edition(time.Now()); edition != 0 {
		t.Errorf("before there are keys: %d", edition)
	}
	found.current.Store(set)
	if edition := found.Edition(time.Now()); edition == 0 || edition != set.Edition(time.Now()) {
		t.Errorf("with keys: %d", edition)
	}
}

// The clock may be set back.
func TestDatesOfATokenThatComesAgain(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	key := &jwks.Key{}
	a := acceptedBy(t, &fickle{keys: []*jwks.Key{key}}, key, principal.Principal{IssuedAt: at(900), NotBefore: at(1000), ExpiresAt: at(2000)})
	expectAgain(t, "before nbf", a, at(999), false, notYetValid)
	expectAgain(t, "at nbf", a, at(1000), true, nil)
	expectAgain(t, "before exp", a, at(1999), true, nil)
	expectAgain(t, "at exp", a, at(2000), false, expired)
	expectAgain(t, "before nbf once more", a, at(999), false, notYetValid)
}

// The verifiers that parse JWTs leave it to others to make a principal; others cannot.
func TestWhoRecalls(t *testing.T) {
	jwt, err := JWT(JWTConfig{Issuer: "https://issuer.example", Audience: []string{"https://api.example"}, Keys: jwks.Static()})
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := ByIssuer(jwt)
	if err != nil {
		t.Fatal(err)
	}
	own := Func(func(context.Context, string) (*principal.Principal, error) { return nil, malformed })
	hybrid, err := Hybrid(jwt, own)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		v    Verifier
		want bool
	}{
		{jwt, true}, {&Issuer{verifier: jwt}, true}, {issuers, true},
		{hybrid, false}, {own, false}, {&IntrospectionVerifier{}, false}, {&RevocableVerifier{}, false},
	} {
		if got := recall.Of(row.v) != nil; got != row.want {
			t.Errorf("%T: %t", row.v, got)
		}
	}
}

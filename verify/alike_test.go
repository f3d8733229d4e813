package verify

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
)

func completed(t *testing.T, p Profile) Profile {
	t.Helper()
	p, err := p.complete()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tokenOf is the principal that a reader reads, and the claims.
func tokenOf(t *testing.T, r *reader, text string) (*principal.Principal, strictjson.Members) {
	t.Helper()
	claims, err := strictjson.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := new(principal.Principal)
	if refusal := r.read(p, claims, time.Unix(1000, 0)); refusal != nil {
		t.Fatal(refusal)
	}
	return p, claims
}

func headerOf(t *testing.T, text string) *jose.Header {
	t.Helper()
	c, err := jose.Parse(base64.RawURLEncoding.EncodeToString([]byte(text)) + ".e30.AA")
	if err != nil {
		t.Fatal(err)
	}
	return c.Header
}

// What thousands of tokens have in common is kept once, and nothing is taken for common
// that is not.
func TestTokensShareWhatTheyHaveInCommon(t *testing.T) {
	profile := completed(t, Profile{Grant: "gty"})
	const header, claims = `{"alg":"RS256","kid":"a"}`, `{"iss":"https://issuer.example","aud":"https://api.example","client_id":"a","sub":"a","exp":4000000000,"jti":"1","scope":"invoices.read"}`
	key := &jwks.Key{}
	for _, row := range []struct {
		name    string
		header  string
		key     *jwks.Key
		claims  string
		changes []string
		shared  bool
	}{
		{"the same token", header, key, claims, nil, true},
		{"of another client", header, key, claims, []string{`"client_id":"a","sub":"a"`, `"client_id":"b","sub":"b"`}, true},
		{"with other dates", header, key, claims, []string{`4000000000`, `4000000001,"iat":7`}, true},
		{"with another id", header, key, claims, []string{`"jti":"1"`, `"jti":"2"`}, true},
		{"of a user", header, key, claims, []string{`"sub":"a"`, `"sub":"7"`}, false},
		{"of a user, of the same grant", header, key, claims, []string{`"sub":"a"`, `"sub":"7","gty":"client_credentials"`}, false},
		{"of another grant", header, key, claims, []string{`"jti"`, `"gty":"password","jti"`}, false},
		{"for another of our audiences", header, key, claims, []string{`api.example`, `other.example`}, false},
		{"for two audiences", header, key, claims, []string{`"https://api.example"`, `["https://api.example","https://stranger.example"]`}, false},
		{"with other scopes", header, key, claims, []string{`invoices.read`, `orders.read`}, false},
		{"with the same scopes in an array", header, key, claims, []string{`"invoices.read"`, `["invoices.read"]`}, false},
		{"without scopes", header, key, claims, []string{`,"scope":"invoices.read"`, ``}, false},
		{"by another key", header, &jwks.Key{}, claims, nil, false},
		{"by the key under another kid", `{"alg":"RS256","kid":"b"}`, key, claims, nil, false},
		{"by the key with another algorithm", `{"alg":"PS256","kid":"a"}`, key, claims, nil, false},
		{"of another type", `{"alg":"RS256","kid":"a","typ":"at+jwt"}`, key, claims, nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newReader(profile, "https://issuer.example", []string{"https://api.example", "https://other.example"}, 0, false)
			p, read := tokenOf(t, r, claims)
			first := r.alike(grounds{nil, headerOf(t, header), key}, read, p)
			p, read = tokenOf(t, r, strings.NewReplacer(row.changes...).Replace(row.claims))
			second := r.alike(grounds{nil, headerOf(t, row.header), row.key}, read, p)
			if (first == second) != row.shared {
				t.Errorf("shared: %t", first == second)
			}
			if second.key != row.key || *second.header != *headerOf(t, row.header) {
				t.Error("it has other grounds")
			}
			if c := second.common; c.Kind != p.Kind || c.Issuer != p.Issuer || c.Grant != p.Grant || c.Scopes.String() != p.Scopes.String() || !slices.Equal(c.Audience, p.Audience) {
				t.Errorf("it says %+v, the token %+v", c, *p)
			}
		})
	}
}

// Where the issuer may be anyone, the tokens of two are not alike.
func TestTokensOfIssuersThatSayWhoTheyAre(t *testing.T) {
	r := newReader(completed(t, Profile{InsecureNoIssuer: true}), "", []string{"https://api.example"}, 0, false)
	for _, issuer := range []string{"https://a.example", "https://b.example"} {
		p, read := tokenOf(t, r, `{"iss":"`+issuer+`","aud":"https://api.example","client_id":"a","sub":"a","exp":4000000000}`)
		if a := r.alike(grounds{}, read, p); a.common.Issuer != issuer {
			t.Errorf("of %s, it says %s", issuer, a.common.Issuer)
		}
	}
}

// A part of a token would keep all of it in memory.
func TestWhatIsAlikeIsNoPartOfAToken(t *testing.T) {
	r := newReader(completed(t, Profile{InsecureNoIssuer: true, InsecureNoAudience: true, Grant: "gty"}), "", nil, 0, false)
	for _, list := range []string{`"a.read b.read"`, `["a.read","b.read"]`} {
		text := strings.Clone(`{"iss":"https://issuer.example","aud":["https://api.example"],"client_id":"a","sub":"7","exp":4000000000,"gty":"password","scope":` + list + `}`)
		p, read := tokenOf(t, r, text)
		a := r.alike(grounds{}, read, p)
		begin := uintptr(unsafe.Pointer(unsafe.StringData(text)))
		for _, s := range slices.AppendSeq([]string{a.scopes, a.common.Issuer, a.common.Grant, a.common.Audience[0]}, a.common.Scopes.All()) {
			if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); at >= begin && at < begin+uintptr(len(text)) {
				t.Errorf("%q is a part of the token", s)
			}
		}
	}
}

// Scopes are in memory once, whoever has them, and whoever says so.
func TestScopesAreInMemoryOnce(t *testing.T) {
	same := func(a, b scopes.Set) bool {
		memory := func(s scopes.Set) *byte {
			for name := range s.All() {
				return unsafe.StringData(name)
			}
			return nil
		}
		return memory(a) == memory(b)
	}
	const ours = `{"iss":"https://issuer.example","aud":"https://api.example","client_id":"a","exp":4000000000,"scope":"invoices.read"`
	r := newReader(completed(t, Profile{}), "https://issuer.example", []string{"https://api.example"}, 0, false)
	client, read := tokenOf(t, r, ours+`,"sub":"a"}`)
	first := r.alike(grounds{}, read, client)
	user, read := tokenOf(t, r, ours+`,"sub":"7"}`)
	if second := r.alike(grounds{}, read, user); second == first || !same(second.common.Scopes, first.common.Scopes) {
		t.Error("those of a client and of a user are two")
	}

	v := &IntrospectionVerifier{claims: newReader(completed(t, Profile{}), "https://issuer.example", []string{"https://api.example"}, 0, true)}
	judged := func() *principal.Principal {
		text := strings.Clone(ours + `,"sub":"a","active":true}`)
		members, err := strictjson.Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		given := v.judge(members, text, time.Now())
		if given.principal == nil {
			t.Fatal(given.refusal)
		}
		return given.principal
	}
	if !same(judged().Scopes, judged().Scopes) {
		t.Error("those of two responses are two")
	}
}

// Who appends to an audience writes into no other request's.
func TestAudiencesHaveNoRoom(t *testing.T) {
	for _, aud := range []string{`"https://api.example"`, `["https://api.example","b","c"]`, `["https://api.example"` + strings.Repeat(`,"b"`, 16) + `]`} {
		r := newReader(completed(t, Profile{}), "https://issuer.example", []string{"https://api.example"}, 0, false)
		p, read := tokenOf(t, r, `{"iss":"https://issuer.example","aud":`+aud+`,"client_id":"a","sub":"a","exp":4000000000}`)
		if got := r.alike(grounds{}, read, p).common.Audience; !slices.Equal(got, p.Audience) || cap(got) != len(got) {
			t.Errorf("%s: %q with room for %d", aud, got, cap(got))
		}
	}
}

func TestScopesAreThoseOfTheClaim(t *testing.T) {
	r := newReader(completed(t, Profile{}), "", nil, 0, true)
	claim := func(n int) string { return fmt.Sprintf(`"invoices.read number.%d"`, n) }
	for round := range 2 {
		for n := range 1000 { // many more than there is room for
			if known := r.alikes.find(claim(n)); round == 0 && known != nil {
				t.Errorf("%s is there before it is kept", claim(n))
			}
			p, read := tokenOf(t, r, `{"client_id":"a","scope":`+claim(n)+`}`)
			r.alike(grounds{}, read, p)
			if got, kept := p.Scopes.String(), r.alikes.find(claim(n)); strconv.Quote(got) != claim(n) || kept == nil || kept.common.Scopes.String() != got {
				t.Errorf("%s is %q, and kept as %+v", claim(n), got, kept)
			}
		}
	}
}

// What takes much memory is kept by the tokens alone that have it.
func TestALongClaimOfScopesIsNotKept(t *testing.T) {
	for length, want := range map[int]bool{maxAlike: true, maxAlike + 1: false} {
		r := newReader(completed(t, Profile{}), "", nil, 0, true)
		claim := `"` + strings.Repeat("a", length-2) + `"`
		p, read := tokenOf(t, r, `{"client_id":"a","scope":`+claim+`}`)
		if a := r.alike(grounds{}, read, p); a.common.Scopes.String() != p.Scopes.String() {
			t.Errorf("%d octets: the scopes are others", length)
		}
		if kept := r.alikes.find(claim) != nil; kept != want {
			t.Errorf("%d octets: kept: %t", length, kept)
		}
	}
}

// Who breaks the rule and changes an audience that principals share changes what they
// say, and nothing about who passes.
func TestAudiencesAreShared(t *testing.T) {
	r := newReader(Profile{}, "https://issuer.example", []string{"https://api.example", "https://other.example"}, 0, false)
	for range 2 {
		claims, err := strictjson.Parse(`{"aud":"https://api.example"}`, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := r.readAudience(claims.Get("aud"))
		if !ok || len(got) != 1 || cap(got) != 1 {
			t.Fatalf("%q, %t", got, ok)
		}
		got[0] = "https://stranger.example"
	}
	if !slices.Equal(r.audience, []string{"https://api.example", "https://other.example"}) {
		t.Errorf("the audience is now %q", r.audience)
	}
}

// What nobody has vouched for is not kept.
func TestScopesOfARefusedToken(t *testing.T) {
	v, err := JWT(JWTConfig{Issuer: "https://issuer.example", Audience: []string{"https://api.example"}, Keys: jwks.Static()})
	if err != nil {
		t.Fatal(err)
	}
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	token := part(`{"alg":"RS256","typ":"at+jwt"}`) + "." +
		part(`{"iss":"https://issuer.example","aud":"https://api.example","client_id":"a","sub":"a","exp":4000000000,"scope":"invoices.read"}`) + ".AA"
	if _, err := v.Verify(t.Context(), token); err != unknownKey {
		t.Fatalf("got %v", err)
	}
	if there := v.claims.alikes.find(`"invoices.read"`); there != nil {
		t.Error("its scopes are kept")
	}
}

package verify

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/jwks"
)

func TestScopeListsAreWhatWasKept(t *testing.T) {
	var lists scopeLists
	for n := range 1000 { // many more than there is room for
		text := fmt.Sprintf("invoices.read number.%d", n)
		if _, there := lists.find(text); there {
			t.Errorf("%q is there before it is kept", text)
		}
		lists.keep(text)
		set, there := lists.find(text)
		if !there || set.String() != text {
			t.Errorf("%q is %q, %t", text, set, there)
		}
	}
	kept := 0
	for n := range 1000 {
		text := fmt.Sprintf("invoices.read number.%d", n)
		if set, there := lists.find(text); there {
			if kept++; set.String() != text {
				t.Errorf("%q is %q", text, set)
			}
		}
	}
	if kept == 0 || kept > len(lists) {
		t.Errorf("%d are kept", kept)
	}
}

func TestScopeListsThatAreNotKept(t *testing.T) {
	for _, text := range []string{"a  b", " a", `"a"`, strings.Repeat("a", maxScopeList+1)} {
		var lists scopeLists
		lists.keep(text)
		if _, there := lists.find(text); there {
			t.Errorf("%.20q is kept", text)
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
	if _, there := v.claims.scopes.find("invoices.read"); there {
		t.Error("its scopes are kept")
	}
}

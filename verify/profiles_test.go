package verify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/scopes"
	"github.com/bearerguard/bearerguard/verify"
)

var profiles = map[string]func() verify.Profile{
	"Passport": verify.Passport, "League": verify.League, "Sopheak": verify.Sopheak,
	"Auth0": verify.Auth0, "Okta": verify.Okta, "Entra": verify.Entra, "Cognito": verify.Cognito,
	"Keycloak": verify.Keycloak, "Hydra": verify.Hydra, "Zitadel": verify.Zitadel, "Duende": verify.Duende,
	"Google": verify.Google, "Ping": verify.Ping,
	"an issuer of one's own": func() verify.Profile {
		return verify.Profile{
			Types: []string{"JWT"}, Audience: "audience", ClientID: []string{"app"}, UserID: "who", Grant: "how", TokenID: "id",
			Expiry: "until", TextDates: true, NullAbsent: true, Scopes: []string{"may"}, Matcher: scopes.Wildcard("."),
			Client: func(_ string, claims verify.Claims) bool { return !claims.Has("who") },
		}
	},
	"Passport with inherited scopes": func() verify.Profile {
		profile := verify.Passport()
		profile.Matcher = scopes.Superscope("*").Or(scopes.Hierarchy(":"))
		return profile
	},
}

// sample is a token of a server, and what must come of it.
type sample struct {
	Profile        string
	Header, Claims map[string]any
	Want           struct {
		Kind        principal.Kind
		ClientID    string `json:"client_id"`
		UserID      string `json:"user_id"`
		Scopes      []string
		Can, Cannot []string
		Refused     string
	}
}

// tokens of the first-party servers whose keys are a file have neither kid nor iss.
var withoutIssuer = []string{"Passport", "League"}

func TestProfiles(t *testing.T) {
	files, err := filepath.Glob("testdata/profiles/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	issuer := oauthtest.NewIssuer(t)
	issuer.Rotate("RS256")
	used := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			document, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s sample
			if err := json.Unmarshal(document, &s); err != nil {
				t.Fatal(err)
			}
			used[s.Profile] = true
			v := verifier(t, issuer, func(c *verify.JWTConfig) {
				c.Profile = profiles[s.Profile]()
				if slices.Contains(withoutIssuer, strings.Fields(s.Profile)[0]) {
					c.Audience = nil
				}
			})
			s.check(t, v, s.token(issuer))
		})
	}
	for name := range profiles {
		if !used[name] {
			t.Errorf("no sample of %s", name)
		}
	}
}

// token is the sample as the issuer would sign it now.
func (s sample) token(issuer *oauthtest.Issuer) string {
	changes := []oauthtest.Change{oauthtest.WithoutHeader("typ")}
	if s.Header["kid"] == nil {
		changes = append(changes, oauthtest.WithoutHeader("kid"))
	}
	for _, name := range []string{"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"} {
		changes = append(changes, oauthtest.Without(name))
	}
	if typ := s.Header["typ"]; typ != nil {
		changes = append(changes, oauthtest.Header("typ", typ))
	}
	for name, value := range s.Claims {
		changes = append(changes, oauthtest.Claim(name, filled(value, issuer)))
	}
	return issuer.Token("x", "", changes...)
}

var date = regexp.MustCompile(`^@(int|float|text)\((-?\d+)\)$`)

func filled(value any, issuer *oauthtest.Issuer) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = filled(value[i], issuer)
		}
		return value
	case string:
		if match := date.FindStringSubmatch(value); match != nil {
			in, _ := strconv.Atoi(match[2])
			when := time.Now().Unix() + int64(in)
			return map[string]any{"int": when, "float": float64(when) + 0.795617, "text": strconv.FormatInt(when, 10) + ".152245"}[match[1]]
		}
		return strings.NewReplacer("@iss", issuer.URL, "@aud", oauthtest.Audience).Replace(value)
	}
	return value
}

func (s sample) check(t *testing.T, v verify.Verifier, token string) {
	t.Helper()
	p, err := v.Verify(t.Context(), token)
	if s.Want.Refused != "" {
		if got := reason(v, token); got != s.Want.Refused {
			t.Errorf("got %q, want it refused: %q", got, s.Want.Refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(s.Want.ClientID, "@aud", oauthtest.Audience); p.Kind != s.Want.Kind || p.ClientID != want || p.UserID != s.Want.UserID {
		t.Errorf("got %s, client %q, user %q", p.Kind, p.ClientID, p.UserID)
	}
	if got := slices.Collect(p.Scopes.All()); !slices.Equal(got, s.Want.Scopes) {
		t.Errorf("scopes %q", got)
	}
	for _, scope := range s.Want.Can {
		if !p.Can(scope) {
			t.Errorf("cannot %s", scope)
		}
	}
	for _, scope := range s.Want.Cannot {
		if p.Can(scope) {
			t.Errorf("can %s", scope)
		}
	}
}

// A Passport application's key is a file, and its tokens say nothing of the API.
func TestPassportInThreeLines(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	issuer.Rotate("RS256")
	keys, err := jwks.File(t.Context(), jwks.FileConfig{Path: issuer.PublicKeyFile()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	tokens, err := verify.JWT(verify.JWTConfig{Keys: keys, Profile: verify.Passport()})
	if err != nil {
		t.Fatal(err)
	}
	passport := func(changes ...oauthtest.Change) string {
		return issuer.Token("3", "", append([]oauthtest.Change{
			oauthtest.Header("typ", "JWT"), oauthtest.WithoutHeader("kid"), oauthtest.Without("iss"), oauthtest.Without("client_id"),
			oauthtest.Claim("aud", "3"), oauthtest.Claim("sub", ""), oauthtest.Claim("scopes", []string{"*"}),
		}, changes...)...)
	}
	p, err := tokens.Verify(t.Context(), passport())
	if err != nil || !p.IsClient() || p.ClientID != "3" || p.UserID != "" || !p.Can("invoices.read") {
		t.Errorf("got %+v, %v", p, err)
	}
	if got := reason(tokens, passport(oauthtest.Forged())); got != verify.ReasonSignature {
		t.Errorf("forged: %q", got)
	}
	issuer.Rotate("PS256") // the PEM does not say that it is for RS256 alone; the profile does
	if got := reason(tokens, passport()); got != verify.ReasonAlgorithm {
		t.Errorf("another algorithm: %q", got)
	}
	issuer.Rotate("RS256")
	if got := reason(tokens, passport(oauthtest.Claim("sub", 42))); got != verify.ReasonClaims {
		t.Errorf("sub a number: %q", got)
	}
	// Whose clients may call can be said all the same.
	some, err := verify.JWT(verify.JWTConfig{Keys: keys, Profile: verify.Passport(), Audience: []string{"4"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := reason(some, passport()); got != verify.ReasonAudience {
		t.Errorf("another client: %q", got)
	}
}

// What a profile does not loosen stays tight.
func TestWithoutIssuerOrAudienceNobodyPassesUnasked(t *testing.T) {
	for name, profile := range profiles {
		for _, config := range []verify.JWTConfig{
			{Keys: jwks.Static(), Profile: profile(), Audience: []string{"a"}},
			{Keys: jwks.Static(), Profile: profile(), Issuer: "https://issuer.example"},
		} {
			_, err := verify.JWT(config)
			if aloud := profile().InsecureNoIssuer && config.Issuer == "" || profile().InsecureNoAudience && config.Audience == nil; (err == nil) != aloud {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

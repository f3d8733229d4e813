package verify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

// verifier is the default verifier of issuer's tokens, changed.
func verifier(t *testing.T, issuer *oauthtest.Issuer, change func(*verify.JWTConfig)) *verify.Issuer {
	t.Helper()
	config := verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}}
	if change != nil {
		change(&config)
	}
	v, err := verify.DiscoverWith(t.Context(), config, jwks.RemoteConfig{HTTPClient: issuer.HTTPClient(), Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// reason is why the token was refused: "" if it was not, and the error itself if
// it is not a refusal.
func reason(v verify.Verifier, token string) string {
	_, err := v.Verify(context.Background(), token)
	refusal, ok := errors.AsType[*verify.Refusal](err)
	switch {
	case err == nil:
		return ""
	case !ok || !errors.Is(err, verify.ErrInvalidToken):
		return err.Error()
	case strings.Contains(refusal.Error(), token):
		return "the refusal repeats the token"
	}
	return refusal.Reason
}

func TestATokenByRFC9068IsAccepted(t *testing.T) { // C16, C19, C24, C27, C29
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	for name, changes := range map[string][]oauthtest.Change{
		"as it is":                                  nil,
		"typ in other case":                         {oauthtest.Header("typ", "AT+JWT")},
		"typ with application/":                     {oauthtest.Header("typ", "application/at+jwt")},
		"typ with application/, in other case":      {oauthtest.Header("typ", "Application/AT+jwt")},
		"aud is an array that names us":             {oauthtest.Claim("aud", []string{"https://other.example", oauthtest.Audience})},
		"exp has a fraction":                        {oauthtest.Claim("exp", float64(time.Now().Unix())+100.25)},
		"exp is written with an exponent":           {oauthtest.Claim("exp", exponent("2e9"))},
		"exp passed within the skew":                {oauthtest.Claim("exp", time.Now().Add(-20*time.Second).Unix())},
		"nbf lies ahead within the skew":            {oauthtest.Claim("nbf", time.Now().Add(20*time.Second).Unix())},
		"iat lies ahead within the skew":            {oauthtest.Claim("iat", time.Now().Add(20*time.Second).Unix())},
		"no iat":                                    {oauthtest.Without("iat")},
		"no jti":                                    {oauthtest.Without("jti")},
		"unknown header parameters":                 {oauthtest.Header("x", map[string]any{"y": 1})},
		"unknown claims":                            {oauthtest.Claim("x", map[string]any{"y": []int{1}})},
		"no kid: every key that fits is tried":      {oauthtest.WithoutHeader("kid")},
		"a key in the header is not looked at":      {oauthtest.Header("jku", "https://evil.example/keys")},
		"claims in other case are other claims":     {oauthtest.Claim("EXP", 1), oauthtest.Claim("Sub", 7), oauthtest.Claim("ISS", "https://evil.example")},
		"names that fold to a claim are not it":     {oauthtest.Claim("ſcope", "everything")},
		"an empty scope grants nothing":             {oauthtest.Claim("scope", "")},
		"client_id beside another azp":              {oauthtest.Claim("azp", "other")},
		"azp alone names the client, by default":    {oauthtest.Without("client_id"), oauthtest.Claim("azp", "billing")},
		"names with NUL in them are not the prefix": {oauthtest.Claim("exp\x00", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := reason(v, issuer.Token("billing", "invoices.read", changes...)); got != "" {
				t.Errorf("refused: %s", got)
			}
		})
	}
}

// exponent is a JSON number as it is written.
type exponent string

func (e exponent) MarshalJSON() ([]byte, error) { return []byte(e), nil }

func TestATokenIsRefused(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	stranger := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	change := func(c oauthtest.Change) string { return issuer.Token("billing", "invoices.read", c) }
	claim := func(name string, value any) string { return change(oauthtest.Claim(name, value)) }
	header := func(name string, value any) string { return change(oauthtest.Header(name, value)) }
	good := issuer.Token("billing", "invoices.read")
	parts := strings.Split(good, ".")

	for _, row := range []struct {
		name, token, want string
	}{
		// The form (C9, C10, C26)
		{"no JWT at all", "opaque", verify.ReasonMalformed},
		{"two parts", parts[0] + "." + parts[1], verify.ReasonMalformed},
		{"four parts", good + ".x", verify.ReasonMalformed},
		{"five parts, as JWE (C18)", good + "..x", verify.ReasonMalformed},
		{"100,000 dots", strings.Repeat(".", 100_000), verify.ReasonMalformed},
		{"padding", parts[0] + "=." + parts[1] + "." + parts[2], verify.ReasonMalformed},
		{"one bit too many at the end", good[:len(good)-1] + strayBit(good), verify.ReasonMalformed},
		{"a line break within a part", parts[0] + "." + parts[1][:10] + "\n" + parts[1][10:] + "." + parts[2], verify.ReasonMalformed},
		{"17 KiB", claim("x", strings.Repeat("x", 17<<10)), verify.ReasonMalformed},
		{"crit (C11)", header("crit", []string{"exp"}), verify.ReasonCritical},
		{"empty crit", header("crit", []string{}), verify.ReasonCritical},
		{"b64 false (C18)", header("b64", false), verify.ReasonCritical},
		{"kid a number", header("kid", 1), verify.ReasonMalformed},
		{"alg absent", change(oauthtest.WithoutHeader("alg")), verify.ReasonMalformed},

		// The type (C24, C25, C27)
		{"typ JWT, as ID tokens have", header("typ", "JWT"), verify.ReasonType},
		{"no typ", change(oauthtest.WithoutHeader("typ")), verify.ReasonType},
		{"a DPoP proof", header("typ", "dpop+jwt"), verify.ReasonType},
		{"an introspection response (C35)", header("typ", "token-introspection+jwt"), verify.ReasonType},
		{"a logout token", header("typ", "logout+jwt"), verify.ReasonType},
		{"typ of another tree", header("typ", "text/at+jwt"), verify.ReasonType},

		// The algorithm (C14, C19)
		{"unsigned", change(oauthtest.Unsigned()), verify.ReasonAlgorithm},
		{"alg noNE", header("alg", "noNE"), verify.ReasonAlgorithm},
		{"alg HS256", header("alg", "HS256"), verify.ReasonAlgorithm},
		{"alg in other case", header("alg", "es256"), verify.ReasonAlgorithm},
		{"alg of another curve", header("alg", "ES384"), verify.ReasonUnknownKey},
		{"alg of another key type", header("alg", "RS256"), verify.ReasonUnknownKey},

		// The issuer (C21, C29)
		{"another issuer's token", stranger.Token("billing", "invoices.read"), verify.ReasonIssuer},
		{"another issuer's key under our iss", stranger.Token("billing", "", oauthtest.Claim("iss", issuer.URL)), verify.ReasonUnknownKey},
		{"iss with a slash more", claim("iss", issuer.URL+"/"), verify.ReasonIssuer},
		{"iss in capitals", claim("iss", strings.ToUpper(issuer.URL)), verify.ReasonIssuer},
		{"iss an array", claim("iss", []string{issuer.URL}), verify.ReasonIssuer},
		{"no iss", change(oauthtest.Without("iss")), verify.ReasonIssuer},

		// The audience (C16, C22, C46)
		{"for another API", change(oauthtest.ForAudience("https://other.example")), verify.ReasonAudience},
		{"aud with a slash more", change(oauthtest.ForAudience(oauthtest.Audience + "/")), verify.ReasonAudience},
		{"aud empty", claim("aud", []string{}), verify.ReasonAudience},
		{"aud an object", claim("aud", map[string]any{oauthtest.Audience: true}), verify.ReasonAudience},
		{"aud nested", claim("aud", []any{[]string{oauthtest.Audience}}), verify.ReasonAudience},
		{"aud of mixed types", claim("aud", []any{oauthtest.Audience, 1}), verify.ReasonAudience},
		{"no aud", change(oauthtest.Without("aud")), verify.ReasonAudience},

		// Times (C16, C17)
		{"expired", change(oauthtest.Expired()), verify.ReasonExpired},
		{"exp zero", claim("exp", 0), verify.ReasonExpired},
		{"no exp", change(oauthtest.Without("exp")), verify.ReasonClaims},
		{"exp a string", claim("exp", "9999999999"), verify.ReasonClaims},
		{"exp null", claim("exp", nil), verify.ReasonClaims},
		{"exp a bool", claim("exp", true), verify.ReasonClaims},
		{"exp an array", claim("exp", []int64{9999999999}), verify.ReasonClaims},
		{"exp negative", claim("exp", -1), verify.ReasonClaims},
		{"exp 1e400", claim("exp", exponent("1e400")), verify.ReasonClaims},
		{"exp beyond the year 9999", claim("exp", 1e15), verify.ReasonClaims},
		{"not yet valid", change(oauthtest.NotYetValid()), verify.ReasonNotYetValid},
		{"nbf a string", claim("nbf", "0"), verify.ReasonClaims},
		{"issued in the future", claim("iat", time.Now().Add(time.Hour).Unix()), verify.ReasonNotYetValid},
		{"iat a string", claim("iat", "0"), verify.ReasonClaims},

		// Other claims
		{"sub a number", claim("sub", 7), verify.ReasonClaims},
		{"sub null", claim("sub", nil), verify.ReasonClaims},
		{"jti a number", claim("jti", 7), verify.ReasonClaims},
		{"bound to a DPoP key (C41)", claim("cnf", map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), verify.ReasonBound},
		{"bound to a certificate (C44)", claim("cnf", map[string]string{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}), verify.ReasonBound},
		{"no client", change(oauthtest.Without("client_id")), verify.ReasonClaims},
		{"client_id a number", claim("client_id", 7), verify.ReasonClaims},
		{"client_id empty", claim("client_id", ""), verify.ReasonClaims},
		{"scope a number", claim("scope", 7), verify.ReasonClaims},
		{"scope with two spaces", claim("scope", "a  b"), verify.ReasonClaims},
		{"scope with a line break", claim("scope", "a\nb"), verify.ReasonClaims},
		{"scope an array with a space in a name", claim("scope", []string{"a b"}), verify.ReasonClaims},
		{"scope an array of numbers", claim("scope", []int{1}), verify.ReasonClaims},

		// The key (C12, C19, C23)
		{"unknown kid", header("kid", "other"), verify.ReasonUnknownKey},
		{"kid a path", header("kid", "../../../../dev/null"), verify.ReasonUnknownKey},
		{"forged under a known kid", change(oauthtest.Forged()), verify.ReasonSignature},
		{"no signature", parts[0] + "." + parts[1] + ".", verify.ReasonSignature},
		{"another token's signature", good[:strings.LastIndexByte(good, '.')] + issuer.Token("x", "")[strings.LastIndexByte(issuer.Token("x", ""), '.'):], verify.ReasonSignature},
		{"a scope added", parts[0] + "." + otherPayload(issuer) + "." + parts[2], verify.ReasonSignature},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := reason(v, row.token); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	if got := reason(v, good); got != "" {
		t.Fatalf("the token that the rows are made of was refused: %s", got)
	}
}

// strayBit is the last character of token with a bit set that encodes nothing.
func strayBit(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, token[len(token)-1])+1:][:1] // 64 octets leave 4 bits unused
}

func otherPayload(issuer *oauthtest.Issuer) string {
	return strings.Split(issuer.Token("billing", "invoices.read invoices.write"), ".")[1]
}

func TestEveryAlgorithmOfTheDefault(t *testing.T) { // C14, C15, C19
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, func(c *verify.JWTConfig) { c.Algorithms = nil })
	var tokens []string
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"} {
		issuer.Rotate(alg)
		tokens = append(tokens, issuer.Token("billing", "", oauthtest.Claim("jti", alg)))
	}
	for _, token := range tokens {
		if p, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("refused: %v", err)
		} else if p.TokenID == "" {
			t.Error("no token id")
		}
	}
	narrow := verifier(t, issuer, func(c *verify.JWTConfig) { c.Algorithms = []string{"RS256"} })
	for i, token := range tokens {
		want := verify.ReasonAlgorithm
		if i == 0 {
			want = ""
		}
		if got := reason(narrow, token); got != want {
			t.Errorf("with RS256 alone allowed: got %q, want %q", got, want)
		}
	}
}

func TestThePrincipal(t *testing.T) { // C30
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	for _, row := range []struct {
		name         string
		changes      []oauthtest.Change
		kind         principal.Kind
		userID, sub  string
		scopes       string
		grant, token string
	}{
		{name: "sub equal to the client id means the client", kind: "client", sub: "billing", scopes: "a b", grant: "client_credentials"},
		{name: "sub empty means the client", changes: []oauthtest.Change{oauthtest.Claim("sub", "")}, kind: "client", scopes: "a b", grant: "client_credentials"},
		{name: "sub absent means the client", changes: []oauthtest.Change{oauthtest.Without("sub")}, kind: "client", scopes: "a b", grant: "client_credentials"},
		{name: "any other sub is a user", changes: []oauthtest.Change{oauthtest.ForUser("42")}, kind: "user", sub: "42", userID: "42", scopes: "a b"},
		{name: "scope as an array", changes: []oauthtest.Change{oauthtest.Claim("scope", []string{"x", "y"})}, kind: "client", sub: "billing", scopes: "x y", grant: "client_credentials"},
		{name: "scp as a string", changes: []oauthtest.Change{oauthtest.Without("scope"), oauthtest.Claim("scp", "x y")}, kind: "client", sub: "billing", scopes: "x y", grant: "client_credentials"},
		{name: "scp as an array", changes: []oauthtest.Change{oauthtest.Without("scope"), oauthtest.Claim("scp", []string{"x", "y"})}, kind: "client", sub: "billing", scopes: "x y", grant: "client_credentials"},
		{name: "scopes as an array", changes: []oauthtest.Change{oauthtest.Without("scope"), oauthtest.Claim("scopes", []string{"x", "y"})}, kind: "client", sub: "billing", scopes: "x y", grant: "client_credentials"},
		{name: "scope before scp before scopes", changes: []oauthtest.Change{oauthtest.Claim("scp", "x"), oauthtest.Claim("scopes", "y")}, kind: "client", sub: "billing", scopes: "a b", grant: "client_credentials"},
		{name: "no scope grants nothing", changes: []oauthtest.Change{oauthtest.Without("scope")}, kind: "client", sub: "billing", grant: "client_credentials"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := v.Verify(t.Context(), issuer.Token("billing", "a b", row.changes...))
			if err != nil {
				t.Fatal(err)
			}
			if p.Kind != row.kind || p.UserID != row.userID || p.Subject != row.sub || p.Scopes.String() != row.scopes || p.Grant != row.grant {
				t.Errorf("got %+v", p)
			}
			if p.ClientID != "billing" || p.Issuer != issuer.URL || !slices.Equal(p.Audience, []string{oauthtest.Audience}) || p.TokenID == "" {
				t.Errorf("got %+v", p)
			}
			if life := p.ExpiresAt.Sub(p.IssuedAt); life != time.Hour {
				t.Errorf("valid for %v", life)
			}
		})
	}
}

func TestClaimsReachTheCaller(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	p, err := v.Verify(t.Context(), issuer.Token("billing", "", oauthtest.Claim("company_id", 7)))
	if err != nil {
		t.Fatal(err)
	}
	type tenant struct {
		Company int `json:"company_id"`
	}
	if got, err := principal.Claims[tenant](p); err != nil || got.Company != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAProfileLoosensOneThing(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	typJWT := issuer.Token("billing", "a", oauthtest.Header("typ", "JWT"))
	noTyp := issuer.Token("billing", "a", oauthtest.WithoutHeader("typ"))
	for _, row := range []struct {
		name    string
		types   []string
		jwt, no string
	}{
		{"at+jwt alone", nil, verify.ReasonType, verify.ReasonType},
		{"JWT too", []string{"at+jwt", "JWT"}, "", verify.ReasonType},
		{"none too", []string{"at+jwt", ""}, verify.ReasonType, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := verifier(t, issuer, func(c *verify.JWTConfig) { c.Profile.Types = row.types })
			if got := reason(v, typJWT); got != row.jwt {
				t.Errorf("typ JWT: %q, want %q", got, row.jwt)
			}
			if got := reason(v, noTyp); got != row.no {
				t.Errorf("no typ: %q, want %q", got, row.no)
			}
		})
	}
	v := verifier(t, issuer, func(c *verify.JWTConfig) {
		c.Profile.ClientID, c.Profile.Scopes = []string{"sub"}, []string{"permissions"}
	})
	p, err := v.Verify(t.Context(), issuer.Token("billing", "a", oauthtest.Without("client_id"), oauthtest.Claim("permissions", []string{"b"})))
	if err != nil || p.ClientID != "billing" || p.Scopes.String() != "b" || !p.IsClient() {
		t.Errorf("own claim names: got %+v, %v", p, err)
	}
}

// The hint is what keeps a newcomer's afternoon: it names the field to change.
func TestRefusalsNameTheFieldThatChangesThem(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, nil)
	for field, token := range map[string]string{
		`add "JWT" to Profile.Types`: issuer.Token("a", "", oauthtest.Header("typ", "JWT")),
		`add "" to Profile.Types`:    issuer.Token("a", "", oauthtest.WithoutHeader("typ")),
		"(Issuer)":                   issuer.Token("a", "", oauthtest.Claim("iss", "x")),
		"(Audience)":                 issuer.Token("a", "", oauthtest.ForAudience("x")),
		"JWTConfig.Algorithms":       issuer.Token("a", "", oauthtest.Header("alg", "HS256")),
		"ClockSkew":                  issuer.Token("a", "", oauthtest.NotYetValid()),
		"JWTConfig.MaxTokenBytes":    strings.Repeat("x", 16<<10+1),
		"Profile.ClientID":           issuer.Token("a", "", oauthtest.Without("client_id")),
		"Profile.Scopes":             issuer.Token("a", "", oauthtest.Claim("scope", 1)),
	} {
		_, err := v.Verify(t.Context(), token)
		if refusal, ok := errors.AsType[*verify.Refusal](err); !ok || !strings.Contains(refusal.Hint, field) {
			t.Errorf("want a hint with %q, got %v", field, err)
		}
	}
}

func TestSkew(t *testing.T) { // C16
	synctest.Test(t, func(t *testing.T) {
		issuer := oauthtest.NewMemoryIssuer(t)
		for _, row := range []struct{ configured, actual time.Duration }{
			{0, 30 * time.Second}, {time.Nanosecond, 0}, {5 * time.Minute, 5 * time.Minute},
		} {
			v := verifier(t, issuer, func(c *verify.JWTConfig) { c.ClockSkew = row.configured })
			end := time.Now().Add(time.Hour)
			token := issuer.Token("billing", "")
			time.Sleep(time.Until(end.Add(row.actual - time.Second)))
			if row.actual > 0 && reason(v, token) != "" {
				t.Errorf("skew %v: refused a second before its end", row.configured)
			}
			time.Sleep(time.Second + time.Nanosecond)
			if got := reason(v, token); got != verify.ReasonExpired {
				t.Errorf("skew %v: got %q right after its end", row.configured, got)
			}
			v.Close()
		}
	})
}

func TestBadConfigurationFailsInTheConstructor(t *testing.T) {
	keys := jwks.Static()
	good := verify.JWTConfig{Issuer: "https://issuer.example", Audience: []string{"a"}, Keys: keys}
	for want, change := range map[string]func(*verify.JWTConfig){
		"Issuer is empty":                 func(c *verify.JWTConfig) { c.Issuer = "" },
		"Audience is empty":               func(c *verify.JWTConfig) { c.Audience = nil },
		"Audience is empty; write":        func(c *verify.JWTConfig) { c.Audience = []string{""} },
		"Keys is nil":                     func(c *verify.JWTConfig) { c.Keys = nil },
		"ClockSkew is 6m0s":               func(c *verify.JWTConfig) { c.ClockSkew = 6 * time.Minute },
		"ClockSkew is -1s":                func(c *verify.JWTConfig) { c.ClockSkew = -time.Second },
		"MaxTokenBytes is 70000":          func(c *verify.JWTConfig) { c.MaxTokenBytes = 70000 },
		`Algorithms has "HS256"`:          func(c *verify.JWTConfig) { c.Algorithms = []string{"RS256", "HS256"} },
		`Algorithms has "none"`:           func(c *verify.JWTConfig) { c.Algorithms = []string{"none"} },
		"Algorithms is empty":             func(c *verify.JWTConfig) { c.Algorithms = []string{} },
		"Types is empty":                  func(c *verify.JWTConfig) { c.Profile.Types = []string{} },
		"ClientID names no claim":         func(c *verify.JWTConfig) { c.Profile.ClientID = []string{""} },
		"Profile.Scopes names no claim":   func(c *verify.JWTConfig) { c.Profile.Scopes = []string{""} },
		"Profile.ClientID names no claim": func(c *verify.JWTConfig) { c.Profile.ClientID = []string{} },
	} {
		config := good
		change(&config)
		if _, err := verify.JWT(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if _, err := verify.JWT(good); err != nil {
		t.Error(err)
	}
}

func TestAConfigurationIsTheVerifiersOwn(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	audience := []string{oauthtest.Audience}
	v := verifier(t, issuer, func(c *verify.JWTConfig) { c.Audience = audience })
	audience[0] = "https://other.example"
	if got := reason(v, issuer.Token("billing", "")); got != "" {
		t.Errorf("refused: %s", got)
	}
}

func TestNoKeysIsNoVerdict(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	token := issuer.Token("billing", "")
	broken := fmt.Errorf("down: %w", &jwks.UnavailableError{RetryAfter: 7 * time.Second})
	v, err := verify.JWT(verify.JWTConfig{Issuer: issuer.URL, Audience: []string{oauthtest.Audience}, Keys: failing{broken}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), token)
	unavailable, ok := errors.AsType[*verify.UnavailableError](err)
	if !ok || unavailable.RetryAfter != 7*time.Second || errors.Is(err, verify.ErrInvalidToken) {
		t.Errorf("got %v", err)
	}
	// What is wrong without any key stays wrong.
	if got := reason(v, issuer.Token("billing", "", oauthtest.Expired())); got != verify.ReasonExpired {
		t.Errorf("expired, and no keys: got %q", got)
	}
}

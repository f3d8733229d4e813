package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/verify"
)

// fuzzedEndpoint is an introspection endpoint that gives one answer to everything.
type fuzzedEndpoint struct {
	status int
	body   []byte
}

func (e *fuzzedEndpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Location": {"https://evil.example/"}}
	return &http.Response{StatusCode: e.status, Header: header, Body: io.NopCloser(bytes.NewReader(e.body)), Request: r}, nil
}

// asking is a verifier that remembers nothing and asks the endpoint.
func asking(f *testing.F, endpoint *fuzzedEndpoint, change func(*verify.IntrospectionConfig)) *verify.IntrospectionVerifier {
	f.Helper()
	config := verify.IntrospectionConfig{
		Endpoint: fuzzIssuer + "/introspect", ClientID: "api", ClientSecret: "secret", Audience: []string{api},
		HTTPClient: &http.Client{Transport: endpoint}, MaxAge: time.Nanosecond, MaxNegativeAge: time.Nanosecond,
	}
	change(&config)
	v, err := verify.Introspection(config)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(v.Close)
	return v
}

// byRFC7662 is what Introspection expects by default.
func byRFC7662(issuer string) expectation {
	e := byRFC9068(issuer, api)
	e.mayLackOrigin, e.mayLackExpiry = true, true
	e.ofClient = func(clientID string, claims map[string]any) bool {
		sub, _ := claims["sub"].(string)
		_, person := claims["username"]
		return subjectIsClient(clientID, claims) && !(person && sub == "")
	}
	return e
}

// bySopheak is what Sopheak's endpoint answers.
func bySopheak() expectation {
	return expectation{
		mayLackOrigin: true, mayLackExpiry: true, textDates: true, nullAbsent: true,
		clientID: []string{"clientId"}, scopes: []string{"scopes"}, user: "userId", id: "tokenId", expiry: "expiresAt", grant: "grantType",
		ofClient: func(_ string, claims map[string]any) bool { _, user := claims["userId"]; return !user },
	}
}

// answer is what an endpoint's answer says of a token.
type answer int

const (
	saysNothing answer = iota // that can be understood
	saysNo
	saysYes
)

var ofAnotherKind = regexp.MustCompile(`\A(?i:refresh|refresh_token|offline|id|id_token)\z`)

// understand reads a response (RFC 7662 §2.2) a second time.
func (e expectation) understand(response []byte, now time.Time) (answer, reading, judged) {
	members, ok := readStrictly(response)
	isActive, isBool := members["active"].(bool)
	switch {
	case !ok || !isBool:
		return saysNothing, reading{}, must
	case !isActive:
		return saysNo, reading{}, must
	}
	for _, name := range []string{"token_use", "token_type", "typ"} {
		if kind, _ := members[name].(string); ofAnotherKind.MatchString(kind) {
			return saysNo, reading{}, must
		}
	}
	want, verdict := e.read(members, now)
	if verdict == mustNot {
		return saysNo, reading{}, must
	}
	return saysYes, want, verdict
}

// asks holds what v finds to what the answer says. said is the response, or the part
// of it that speaks of the token.
func (e expectation) asks(t *testing.T, v *verify.IntrospectionVerifier, said []byte, want answer, whom reading, certain judged) {
	t.Helper()
	const token = "2YotnFZFEjr1zCsicMWpAA"
	p, err := v.Verify(context.Background(), token)
	unavailable, ok := errors.AsType[*verify.UnavailableError](err)
	got := saysYes
	switch {
	case (p == nil) != (err != nil):
		t.Fatalf("%v and %v", p, err)
	case ok && unavailable.RetryAfter > 0 && !errors.Is(err, verify.ErrInvalidToken):
		got = saysNothing
	case err != nil:
		condemned(t, err, token)
		got = saysNo
	}
	if got != want && (certain == must || got == saysNothing || want == saysNothing) {
		t.Fatalf("%q: %v, which is answer %d, want %d", said, err, got, want)
	}
	if got == saysYes {
		if other := whom.agrees(p, e); other != "" || p.RawClaims.String() != string(said) {
			t.Fatalf("%q: %s, of %+v", said, other, p)
		}
	}
}

// A token passes if and only if the endpoint answers 200 with an object whose active
// is true, and a second reading of the rest finds nothing wrong; an answer that is not
// understood is no verdict.
func FuzzIntrospection(f *testing.F) { // C32, C34
	f.Add(uint16(0), []byte(`{"active":true,"client_id":"billing","scope":"a b","exp":4102444800}`))
	f.Add(uint16(0), []byte(`{"active":true,"clientId":"billing","userId":null,"scopes":["a"],"grantType":"client_credentials","tokenId":"1","expiresAt":"2100-01-02T03:04:05+00:00","claims":null}`))
	f.Add(uint16(0), []byte(`{"active":false}`))
	f.Add(uint16(0), []byte(`{"active":"true","client_id":"billing"}`))
	f.Add(uint16(0), []byte(`{"active":true,"client_id":"app","sub":"7","username":"ann","token_type":"Bearer","iss":"https://issuer.example","aud":["https://api.example"]}`))
	f.Add(uint16(102), []byte(`{"active":true,"client_id":"billing"}`))
	f.Add(uint16(201), []byte(`{"error":"invalid_client"}`))
	endpoint := &fuzzedEndpoint{}
	verifiers := []struct {
		*verify.IntrospectionVerifier
		expectation
	}{
		{asking(f, endpoint, func(*verify.IntrospectionConfig) {}), byRFC7662("")},
		{asking(f, endpoint, func(c *verify.IntrospectionConfig) { c.Issuer = fuzzIssuer }), byRFC7662(fuzzIssuer)},
		{asking(f, endpoint, func(c *verify.IntrospectionConfig) {
			c.Audience, c.Profile, c.Auth = nil, verify.SopheakOAuth(), verify.InsecureNoAuth{}
			c.ClientID, c.ClientSecret = "", ""
		}), bySopheak()},
	}
	f.Fuzz(func(t *testing.T, beyond200 uint16, body []byte) {
		*endpoint = fuzzedEndpoint{200 + int(beyond200%400), body}
		for _, v := range verifiers {
			want, whom, certain := v.understand(body, time.Now())
			if endpoint.status != 200 || len(body) > 64<<10 {
				want, certain = saysNothing, must
			}
			v.asks(t, v.IntrospectionVerifier, body, want, whom, certain)
		}
	})
}

var signedType = regexp.MustCompile(`\A(?i:(application/)?token-introspection\+jwt)\z`)

// understandSigned reads the claims of a signed response (RFC 9701 §5), and what it
// says of the token.
func (e expectation) understandSigned(header, claims []byte, now time.Time) (said []byte, want answer, whom reading, certain judged) {
	parameters, ok := readStrictly(header)
	typ, _ := parameters["typ"].(string)
	kid, named := parameters["kid"]
	_, crit := parameters["crit"]
	_, b64 := parameters["b64"]
	members, isObject := readStrictly(claims)
	audience, _ := oneOrMore(members["aud"])
	if !ok || !isObject || crit || b64 || !signedType.MatchString(typ) || named && kid != "k1" ||
		parameters["alg"] != "EdDSA" && parameters["alg"] != "Ed25519" || members["iss"] != fuzzIssuer || !slices.Contains(audience, "api") {
		return nil, saysNothing, reading{}, must
	}
	issued := readDate(members["iat"], false)
	if issued.judged == mustNot || issued.from(now.Add(30*time.Second)) == must || issued.from(now.Add(-30*time.Second)) == mustNot {
		return nil, saysNothing, reading{}, must
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(claims, &parts) != nil || len(parts["token_introspection"]) == 0 || parts["token_introspection"][0] != '{' {
		return nil, saysNothing, reading{}, must
	}
	said = parts["token_introspection"]
	want, whom, certain = e.understand(said, now)
	if issued.from(now.Add(20*time.Second)) != mustNot || issued.from(now.Add(-20*time.Second)) != must {
		certain = either
	}
	return said, want, whom, certain
}

// Of a signed response, the token's part counts if and only if a second reading finds
// the rest to be the server's, for this API and of now.
func FuzzSignedIntrospection(f *testing.F) { // C35
	const header = `{"alg":"EdDSA","kid":"k1","typ":"token-introspection+jwt"}`
	f.Add([]byte(header), []byte(`{"iss":"https://issuer.example","aud":"api","iat":$now,"token_introspection":{"active":true,"client_id":"billing"}}`))
	f.Add([]byte(header), []byte(`{"iss":"https://issuer.example","aud":["x","api"],"iat":$now,"token_introspection":{"active":false}}`))
	f.Add([]byte(header), []byte(`{"iss":"https://issuer.example","aud":"api","iat":1,"token_introspection":{"active":true,"client_id":"billing"}}`))
	f.Add([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`), []byte(`{"iss":"https://issuer.example","aud":"api","iat":$now,"token_introspection":{"active":true,"client_id":"billing"}}`))
	f.Add([]byte(header), []byte(`{"iss":"https://issuer.example","aud":"api","iat":$now,"active":true,"client_id":"billing"}`))
	endpoint := &fuzzedEndpoint{status: 200}
	expected := byRFC7662(fuzzIssuer)
	verifier := asking(f, endpoint, func(c *verify.IntrospectionConfig) {
		c.Issuer, c.Signed = fuzzIssuer, &verify.SignedIntrospection{Keys: fuzzKeys(f)}
	})
	f.Fuzz(func(t *testing.T, header, claims []byte) {
		now := time.Now()
		claims = bytes.ReplaceAll(claims, []byte("$now"), strconv.AppendInt(nil, now.Unix(), 10))
		endpoint.body = []byte(signedBy(fuzzKey, header, claims))
		said, want, whom, certain := expected.understandSigned(header, claims, now)
		if len(endpoint.body) > 64<<10 {
			want, certain = saysNothing, must
		}
		if certain == either {
			return // an iat at the very edge of the allowance
		}
		expected.asks(t, verifier, said, want, whom, certain)
	})
}

package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/principal"
	"github.com/bearerguard/bearerguard/verify"
)

const api = "https://api.example"

// endpoint is an introspection endpoint for tests: what it answers for a token, and
// what it was asked.
type endpoint struct {
	mu     sync.Mutex
	tokens map[string]string // token → body of a 200
	asked  []url.Values
	header []http.Header
}

func newEndpoint(tokens map[string]string) *endpoint { return &endpoint{tokens: tokens} }

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	e.mu.Lock()
	e.asked, e.header = append(e.asked, form), append(e.header, r.Header.Clone())
	answer, known := e.tokens[form.Get("token")]
	e.mu.Unlock()
	if !known {
		answer = `{"active":false}`
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, answer)
}

func (e *endpoint) set(token, answer string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens[token] = answer
}

func (e *endpoint) calls() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

// RoundTrip makes it a transport without a network, for synctest.
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// introspecting is the default verifier for an endpoint, changed.
func introspecting(t *testing.T, at string, change func(*verify.IntrospectionConfig)) *verify.IntrospectionVerifier {
	t.Helper()
	config := verify.IntrospectionConfig{Endpoint: at, ClientID: "api", ClientSecret: "secret", Audience: []string{api}}
	if change != nil {
		change(&config)
	}
	v, err := verify.Introspection(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// outcome is "" for a good token, a reason for a refused one, and "unavailable".
// What is neither, or repeats a secret, is a failure.
func outcome(t *testing.T, v verify.Verifier, token string) string {
	t.Helper()
	p, err := v.Verify(context.Background(), token)
	if err == nil {
		if p == nil {
			t.Error("neither a principal nor an error")
		}
		return ""
	}
	if p != nil {
		t.Error("a principal and an error")
	}
	for _, secret := range []string{token, "s3cr3t", "from the server"} {
		if secret != "" && len(secret) > 3 && strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("the error repeats %q: %v", secret, err)
		}
	}
	unavailable, ok := errors.AsType[*verify.UnavailableError](err)
	refusal, refused := errors.AsType[*verify.Refusal](err)
	switch {
	case ok && !errors.Is(err, verify.ErrInvalidToken):
		if unavailable.RetryAfter <= 0 {
			t.Errorf("no RetryAfter: %v", err)
		}
		return "unavailable"
	case refused && errors.Is(err, verify.ErrInvalidToken):
		return refusal.Reason
	}
	t.Errorf("an error of no known kind: %v", err)
	return "?"
}

func TestIntrospectionOfAnswersOfEveryShape(t *testing.T) { // C32, C34
	write := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	ok := func(body string) http.HandlerFunc { return write(200, "application/json", body) }
	const good = `{"active":true,"client_id":"billing"}`
	elsewhere := serve(t, ok(good))

	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"active", ok(good), ""},
		{"active, with white space around", ok(" \n" + good + "\n"), ""},
		{"active, of another media type", write(200, "text/plain", good), ""},
		{"not active", ok(`{"active":false}`), verify.ReasonInactive},
		{"not active, whatever else it says", ok(`{"active":false,"client_id":"billing","exp":"from the server"}`), verify.ReasonInactive},

		{"active a string", ok(`{"active":"true","client_id":"billing"}`), "unavailable"},
		{"active a number", ok(`{"active":1,"client_id":"billing"}`), "unavailable"},
		{"active null", ok(`{"active":null,"client_id":"billing"}`), "unavailable"},
		{"active an array", ok(`{"active":[true],"client_id":"billing"}`), "unavailable"},
		{"active missing", ok(`{"client_id":"billing"}`), "unavailable"},
		{"active in other case", ok(`{"Active":true,"client_id":"billing"}`), "unavailable"},
		{"active within", ok(`{"data":{"active":true,"client_id":"billing"}}`), "unavailable"},
		{"active twice", ok(`{"active":false,"active":true,"client_id":"billing"}`), "unavailable"},
		{"active twice, escaped", ok(`{"active":true,"activ\u0065":false,"client_id":"billing"}`), "unavailable"},
		{"another name twice", ok(`{"active":true,"client_id":"billing","client_id":"admin"}`), "unavailable"},
		{"an array of objects", ok(`[` + good + `]`), "unavailable"},
		{"two objects", ok(good + good), "unavailable"},
		{"cut off", ok(good[:len(good)-1]), "unavailable"},
		{"just true", ok(`true`), "unavailable"},
		{"empty", ok(``), "unavailable"},
		{"a page", write(200, "text/html", `<html>from the server</html>`), "unavailable"},
		{"no UTF-8", ok("{\"active\":true,\"client_id\":\"\xff\"}"), "unavailable"},
		{"a signed response nobody asked for", ok(`eyJhbGciOiJub25lIn0.e30.`), "unavailable"},
		{"too long", ok(`{"active":true,"client_id":"billing","x":"` + strings.Repeat("x", 65<<10) + `"}`), "unavailable"},
		{"201", write(201, "application/json", good), "unavailable"},
		{"204", write(204, "application/json", ""), "unavailable"},
		{"400", write(400, "application/json", good), "unavailable"},
		{"401", write(401, "application/json", `{"error":"invalid_client","error_description":"from the server"}`), "unavailable"},
		{"401 that says not active", write(401, "application/json", `{"active":false}`), "unavailable"},
		{"403", write(403, "application/json", `{"active":false}`), "unavailable"},
		{"404", write(404, "application/json", `{"active":false}`), "unavailable"},
		{"429", write(429, "application/json", ""), "unavailable"},
		{"500", write(500, "application/json", `{"active":true,"client_id":"billing"}`), "unavailable"},
		{"503", write(503, "text/html", "from the server"), "unavailable"},
		{"302 to what would be good", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) }, "unavailable"},
		{"307 to what would be good", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		}, "unavailable"},
		{"302 to what is no URL, with the token in it", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://%zz/"+r.FormValue("token"))
			w.WriteHeader(302)
		}, "unavailable"},
		{"the token as status line", func(w http.ResponseWriter, r *http.Request) {
			token := r.FormValue("token")
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+token+" "+token+"\r\n\r\n")
				_ = conn.Close()
			}
		}, "unavailable"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unavailable"},
		{"hangs up halfway", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, good)
		}, "unavailable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := introspecting(t, serve(t, row.answer), nil)
			for range 2 { // the second time perhaps from memory
				if got := outcome(t, v, "an-opaque-token-s3cr3t"); got != row.want {
					t.Errorf("got %q, want %q", got, row.want)
				}
			}
		})
	}
}

func TestIntrospectionIsAskedByTheBook(t *testing.T) { // C31
	e := newEndpoint(map[string]string{"a&active=true #": `{"active":true,"client_id":"billing"}`})
	v := introspecting(t, serve(t, e)+"/introspect?tenant=1", nil)
	if got := outcome(t, v, "a&active=true #"); got != "" {
		t.Fatal(got)
	}
	if want := (url.Values{"token": {"a&active=true #"}, "token_type_hint": {"access_token"}}); !reflect.DeepEqual(e.asked[0], want) {
		t.Errorf("asked %v", e.asked[0])
	}
	for name, want := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
		"Authorization": "Basic YXBpOnNlY3JldA==", "Idempotency-Key": "",
	} {
		if got := e.header[0].Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestIntrospectionReadsAndChecksWhatTheServerSays(t *testing.T) { // C32
	now := time.Now().Unix()
	for _, row := range []struct {
		name, members, want string
	}{
		{"everything fits", fmt.Sprintf(`"client_id":"billing","iss":"https://issuer.example","aud":["x","%s"],"exp":%d,"nbf":%d,"iat":%d,"scope":"a b"`, api, now+60, now-60, now-60), ""},
		{"nothing but the client", `"client_id":"billing"`, ""},
		{"a Bearer token", `"client_id":"billing","token_type":"Bearer"`, ""},
		{"expired", fmt.Sprintf(`"client_id":"billing","exp":%d`, now-60), verify.ReasonExpired},
		{"not yet valid", fmt.Sprintf(`"client_id":"billing","nbf":%d`, now+60), verify.ReasonNotYetValid},
		{"issued in the future", fmt.Sprintf(`"client_id":"billing","iat":%d`, now+60), verify.ReasonNotYetValid},
		{"exp a string", `"client_id":"billing","exp":"4000000000"`, verify.ReasonClaims},
		{"exp null", `"client_id":"billing","exp":null`, verify.ReasonClaims},
		{"another issuer", `"client_id":"billing","iss":"https://issuer.example/"`, verify.ReasonIssuer},
		{"iss a number", `"client_id":"billing","iss":1`, verify.ReasonIssuer},
		{"another audience", `"client_id":"billing","aud":"https://other.example"`, verify.ReasonAudience},
		{"no audience at all", `"client_id":"billing","aud":[]`, verify.ReasonAudience},
		{"bound to a key", `"client_id":"billing","cnf":{"jkt":"x"}`, verify.ReasonBound},
		{"no client", `"sub":"7"`, verify.ReasonClaims},
		{"scope a number", `"client_id":"billing","scope":7`, verify.ReasonClaims},
		{"a user without sub", `"client_id":"billing","username":"jo"`, verify.ReasonClaims},
		{"a refresh token, as Hydra says it", `"client_id":"billing","token_use":"refresh_token"`, verify.ReasonType},
		{"a refresh token, as Keycloak says it", `"client_id":"billing","typ":"Refresh"`, verify.ReasonType},
		{"an ID token", `"client_id":"billing","typ":"ID"`, verify.ReasonType},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEndpoint(map[string]string{"opaque": `{"active":true,` + row.members + `}`})
			v := introspecting(t, serve(t, e), func(c *verify.IntrospectionConfig) { c.Issuer = "https://issuer.example" })
			if got := outcome(t, v, "opaque"); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestIntrospectionPrincipal(t *testing.T) {
	e := newEndpoint(map[string]string{
		"client": `{"active":true,"client_id":"billing","sub":"billing","scope":"a b","jti":"1","exp":4000000000,"company_id":"c"}`,
		"user":   `{"active":true,"client_id":"shop","sub":"7","username":"jo","iss":"https://issuer.example"}`,
	})
	v := introspecting(t, serve(t, e), func(c *verify.IntrospectionConfig) { c.Issuer = "https://issuer.example" })
	p, err := v.Verify(t.Context(), "client")
	if err != nil {
		t.Fatal(err)
	}
	if !p.IsClient() || p.ClientID != "billing" || p.UserID != "" || p.TokenID != "1" || p.Issuer != "https://issuer.example" ||
		!p.Can("b") || p.Can("c") || p.ExpiresAt.Unix() != 4000000000 || p.Grant != principal.GrantClientCredentials {
		t.Errorf("client: %+v", p)
	}
	if claims, err := principal.Claims[struct {
		Company string `json:"company_id"`
		Active  bool   `json:"active"`
	}](p); err != nil || claims.Company != "c" || !claims.Active {
		t.Errorf("claims: %+v, %v", claims, err)
	}
	p, err = v.Verify(t.Context(), "user")
	if err != nil || p.IsClient() || p.UserID != "7" || p.ClientID != "shop" {
		t.Errorf("user: %+v, %v", p, err)
	}
}

func TestSopheakOAuth(t *testing.T) {
	const client = "spoat_0123456789abcdefghijklmn.00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	answer := func(change map[string]any) string {
		members := map[string]any{
			"active": true, "clientId": "9c2f", "userType": nil, "userId": nil, "grantType": "client_credentials",
			"scopes": []string{"invoices.read", "*"}, "claims": []string{}, "tokenId": "0b1e",
			"expiresAt": expires.UTC().Format("2006-01-02T15:04:05+00:00"),
		}
		for name, value := range change {
			members[name] = value
		}
		text, _ := json.Marshal(members)
		return string(text)
	}
	e := newEndpoint(map[string]string{
		client:      answer(nil),
		"spoat_u.1": answer(map[string]any{"userType": "App\\User", "userId": "7", "grantType": "authorization_code"}),
		"spoat_n.1": answer(map[string]any{"userId": 7}),
		"spoat_0.1": answer(map[string]any{"userId": ""}),
		"spoat_x.1": answer(map[string]any{"expiresAt": "2020-01-01T00:00:00+00:00"}),
		"spoat_z.1": answer(map[string]any{"expiresAt": "tomorrow"}),
		"spoat_r.1": answer(map[string]any{"active": false}),
	})
	v := introspecting(t, serve(t, e), func(c *verify.IntrospectionConfig) {
		*c = verify.IntrospectionConfig{Endpoint: c.Endpoint, Auth: verify.InsecureNoAuth{}, Profile: verify.SopheakOAuth(), Form: verify.IsSopheakOAuth}
	})
	p, err := v.Verify(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if !p.IsClient() || p.ClientID != "9c2f" || p.UserID != "" || p.TokenID != "0b1e" || p.Grant != "client_credentials" || !p.ExpiresAt.Equal(expires) {
		t.Errorf("client: %+v", p)
	}
	if !p.Can("invoices.read") || p.Can("invoices.write") || !p.Can("*") {
		t.Errorf("scopes: %v", p.Scopes)
	}
	p, err = v.Verify(t.Context(), "spoat_u.1")
	if err != nil || p.IsClient() || p.UserID != "7" || p.ClientID != "9c2f" || p.Grant != "authorization_code" {
		t.Errorf("user: %+v, %v", p, err)
	}
	before := e.calls()
	for token, want := range map[string]string{
		"spoat_n.1": verify.ReasonClaims, "spoat_0.1": verify.ReasonClaims,
		"spoat_x.1": verify.ReasonExpired, "spoat_z.1": verify.ReasonClaims, "spoat_r.1": verify.ReasonInactive,
	} {
		if got := outcome(t, v, token); got != want {
			t.Errorf("%s: got %q, want %q", token, got, want)
		}
	}
	if e.header[0].Get("Authorization") != "" || e.asked[0].Has("client_id") {
		t.Errorf("credentials for nobody: %v %v", e.header[0], e.asked[0])
	}
	asked := e.calls()
	for _, token := range []string{"opaque", "spoat_nodot", "spoat_.", "spoat_a.b.c", "sport_a.b", "eyJ.eyJ.x", "."} {
		if got := outcome(t, v, token); got != verify.ReasonMalformed {
			t.Errorf("%s: got %q", token, got)
		}
	}
	if e.calls() != asked || asked-before != 5 {
		t.Errorf("%d calls before those of another form, %d after", asked-before, e.calls()-before)
	}
}

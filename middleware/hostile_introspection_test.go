package middleware_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// introspected is an API whose tokens an endpoint is asked about.
func introspected(t *testing.T, endpoint http.Handler, change func(*verify.IntrospectionConfig)) (*target, *verify.IntrospectionVerifier) {
	t.Helper()
	server := httptest.NewServer(endpoint)
	t.Cleanup(server.Close)
	x := &target{trap: newTrap(t), fetches: func() int { return 0 }}
	tokens := x.introspection(t, server.URL+"/introspect", change)
	x.serve(t, tokens)
	return x, tokens
}

func (x *target) introspection(t *testing.T, at string, change func(*verify.IntrospectionConfig)) *verify.IntrospectionVerifier {
	t.Helper()
	config := verify.IntrospectionConfig{Endpoint: at, ClientID: "api", ClientSecret: marker, Audience: []string{oauthtest.Audience}}
	if change != nil {
		change(&config)
	}
	tokens, err := verify.Introspection(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	return tokens
}

const (
	opaque    = "0paque-t0ken-0123456789"
	activeNow = `{"active":true,"client_id":"billing","scope":"invoices.read"}`
)

var inactive = invalid("The access token is not active.", verify.ReasonInactive)

func bearerLine(token string) string { return "Authorization: Bearer " + token + "\r\n" }

// What an endpoint says in another way than RFC 7662 §2.2 is no verdict, and 503: it
// condemns no token, and opens no door. What it says is not passed on.
func TestHostileIntrospectionAnswers(t *testing.T) { // C32, C34
	write := func(status int, contentType, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	ok := func(text string) http.HandlerFunc { return write(200, "application/json", text) }
	member := func(active string) http.HandlerFunc {
		return ok(`{"active":` + active + `,"client_id":"billing","scope":"invoices.read","x":"` + marker + `"}`)
	}
	page := "<html>" + marker + "</html>"
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   verdict
	}{
		{"active is the string true", member(`"true"`), noVerdict},
		{"active is 1", member(`1`), noVerdict},
		{"active is null", member(`null`), noVerdict},
		{"active is an object", member(`{"true":true}`), noVerdict},
		{"active is absent", ok(`{"client_id":"billing","scope":"invoices.read"}`), noVerdict},
		{"active twice", member(`false,"active":true`), noVerdict},
		{"active twice, once with an escape", member(`true,"\u0061ctive":false`), noVerdict},
		{"ACTIVE", ok(`{"ACTIVE":true,"client_id":"billing","scope":"invoices.read"}`), noVerdict},
		{"no JSON", ok(marker), noVerdict},
		{"nothing", ok(""), noVerdict},
		{"an error of HTML that calls itself 200", write(200, "text/html", page), noVerdict},
		{"204", write(204, "application/json", ""), noVerdict},
		{"206", write(206, "application/json", activeNow), noVerdict},
		{"400", write(400, "application/json", `{"error":"`+marker+`"}`), noVerdict},
		{"401: our credentials are not accepted", write(401, "application/json", `{"error":"invalid_client"}`), noVerdict},
		{"403", write(403, "application/json", `{"active":false}`), noVerdict},
		{"404", write(404, "text/html", page), noVerdict},
		{"429", write(429, "text/plain", marker), noVerdict},
		{"500", write(500, "text/html", page), noVerdict},
		{"500 that says active", write(500, "application/json", activeNow), noVerdict},
		{"10 MB", ok(`{"active":true,"client_id":"billing","scope":"invoices.read","x":"` + strings.Repeat("x", 10<<20) + `"}`), noVerdict},
		{"10 MB that are small on the way", compressed(t, `{"active":true,"client_id":"billing","scope":"invoices.read","x":"`+strings.Repeat("x", 10<<20)+`"}`), noVerdict},
		{"compressed, and is not", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			ok(activeNow)(w, r)
		}, noVerdict},
		{"bytes that trickle", trickle, noVerdict},
		{"headers that trickle", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not hear that the caller has hung up
			<-r.Context().Done()
		}, noVerdict},
		{"a connection that is cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, noVerdict},
		{"no HTTP", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "SSH-2.0-"+marker+"\r\n")
				_ = conn.Close()
			}
		}, noVerdict},

		{"not active", ok(`{"active":false}`), inactive},
		{"not active, and everything that would be good", ok(`{"active":false,"client_id":"billing","scope":"invoices.read"}`), inactive},
		{"active, and expired", member(`true,"exp":1`), expired},
		{"active, and exp a string", member(`true,"exp":"9999999999"`), claimType},
		{"active, and not valid yet", member(`true,"nbf":9999999999`), notYet},
		{"active, and for another API", member(`true,"aud":"https://` + marker + `.example"`), wrongAudience},
		{"active, and aud null", member(`true,"aud":null`), wrongAudience},
		{"active, and bound to its sender", member(`true,"cnf":{"jkt":"` + marker + `"}`), invalid("The token is bound to its sender, which is not supported here.", verify.ReasonBound)},
		{"active, and a refresh token", member(`true,"token_type":"refresh_token"`), invalid("The token is not an access token.", verify.ReasonType)},
		{"active, and no client", ok(`{"active":true,"scope":"invoices.read"}`), noClient},
		{"active, and a scope of no form", ok(`{"active":true,"client_id":"billing","scope":["` + marker + ` x"]}`), badScopes},
		{"active, and a scope in capitals", ok(`{"active":true,"client_id":"billing","scope":"INVOICES.READ"}`), underScoped},

		{"and active passes", ok(activeNow), accepted},
		{"and active of another media type", write(200, "text/html", activeNow), accepted}, // RFC 7662 asks for one, and its absence proves nothing
		{"and compressed", compressed(t, activeNow), accepted},
	} {
		t.Run(row.name, func(t *testing.T) {
			x, _ := introspected(t, row.answer, func(c *verify.IntrospectionConfig) {
				if strings.Contains(row.name, "trickle") {
					c.Timeout = 200 * time.Millisecond
				}
			})
			x.check(t, "GET /invoices", bearerLine(opaque), "", opaque, row.want)
		})
	}
}

func compressed(t *testing.T, text string) http.HandlerFunc {
	t.Helper()
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(small.Bytes())
	}
}

// trickle is an answer whose end nobody lives to see.
func trickle(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	flush := http.NewResponseController(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(10 * time.Millisecond):
			_, _ = io.WriteString(w, " ")
			_ = flush.Flush()
		}
	}
}

// An endpoint that sends elsewhere would have the token, and this API's credentials,
// sent there.
func TestHostileIntrospectionRedirects(t *testing.T) { // C34
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			var at string
			x, _ := introspected(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", at)
				w.WriteHeader(status)
			}), nil)
			at = x.trap.url
			x.check(t, "GET /invoices", bearerLine(opaque), "", opaque, noVerdict)
		})
	}
}

// Tokens that cannot be any are not passed on, and what is passed on is one parameter.
func TestHostileTokensToIntrospect(t *testing.T) { // C26, C31
	var asked []string
	x, tokens := introspected(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || len(r.PostForm) != 2 || len(r.PostForm["token"]) != 1 || r.PostForm.Get("token_type_hint") != "access_token" || r.URL.RawQuery != "" {
			t.Errorf("asked %v with query %q: %v", r.PostForm, r.URL.RawQuery, err)
		}
		asked = append(asked, r.PostForm.Get("token"))
		_, _ = io.WriteString(w, `{"active":false}`)
	}), nil)
	for name, row := range map[string]struct {
		token string
		asked bool
		want  verdict
	}{
		"as long as may be":              {strings.Repeat("t", 4<<10), true, inactive},
		"longer":                         {strings.Repeat("t", 4<<10+1), false, tooLong},
		"all that the grammar allows":    {"a-._~+/9==", true, inactive},
		"a parameter more":               {"x&token_type_hint=" + marker, false, badForm},
		"a parameter more, in an escape": {"x%26active%3Dtrue", false, badForm},
	} {
		t.Run(name, func(t *testing.T) {
			asked = nil
			x.check(t, "GET /invoices", bearerLine(row.token), "", row.token, row.want)
			if (len(asked) == 1) != row.asked || len(asked) > 1 { // the second time it is remembered
				t.Errorf("asked for %q", asked)
			}
		})
	}
	tokens.Close()
	x.check(t, "GET /invoices", bearerLine(opaque), "", opaque, noVerdict)
}

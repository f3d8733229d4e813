package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// step is one request of the demo, and what must come of it.
type step struct {
	title         string
	method, path  string
	authorization string
	accept        string
	form          url.Values // or
	json          string
	status        int
	challenge     string // must begin the challenge
	body          string // must be in the body
}

// demo sends the requests of the greeting, and then the whole life of a client and
// its tokens, and prints each with its answer. It fails unless every answer is the
// expected one.
func (d *deployment) demo(ctx context.Context, out io.Writer) error {
	r := &recital{deployment: d, ctx: ctx, out: out}
	r.protectedAPI()
	r.lifeOfAClient()
	switch {
	case r.err != nil:
		return r.err
	case r.wrong > 0:
		return fmt.Errorf("%d of %d answers were not the expected ones", r.wrong, r.steps)
	}
	_, err := fmt.Fprintf(out, "All %d answers were the expected ones.\n", r.steps)
	return err
}

// recital is a run of the demo. After an error nothing more is sent.
type recital struct {
	*deployment
	ctx          context.Context
	out          io.Writer
	steps, wrong int
	err          error
}

// protectedAPI is what the README promises.
func (r *recital) protectedAPI() {
	reader := r.token(r.clientID, r.clientSecret, "invoices.read")
	writer := r.token(r.clientID, r.clientSecret, "invoices.read invoices.write")
	reporter := r.token(r.clientID, r.clientSecret, "reports.generate")
	expired, err := r.expiredToken()
	if err != nil {
		r.err = err
		return
	}
	head, tail, _ := strings.Cut(reader, ".")
	for _, s := range []step{
		{title: "a public route", method: "GET", path: "/healthz", status: 200, body: `"ok"`},
		{title: "no token", method: "GET", path: "/whoami", status: 401, challenge: bare, body: `"missing_token"`},
		{title: "no token, from a browser: still JSON, no redirect", method: "GET", path: "/whoami", accept: "text/html", status: 401, challenge: bare, body: `"missing_token"`},
		{title: "any good token tells who calls", method: "GET", path: "/whoami", authorization: "Bearer " + reader, status: 200, body: `"client_id":"demo"`},
		{title: "invoices.read reads invoices", method: "GET", path: invoices, authorization: "Bearer " + reader, status: 200, body: `"2026-001"`},
		{title: "invoices.read alone does not write them", method: "POST", path: invoices, authorization: "Bearer " + reader, status: 403, challenge: tooLow, body: `"scope":"invoices.read invoices.write"`},
		{title: "with invoices.write it does", method: "POST", path: invoices, authorization: "Bearer " + writer, status: 201, body: `"created_by":"demo"`},
		{title: "one of two scopes will do for reports", method: "GET", path: "/partner/reports", authorization: "Bearer " + reporter, status: 200, body: `"report"`},
		{title: "neither of the two", method: "GET", path: "/partner/reports", authorization: "Bearer " + reader, status: 403, challenge: tooLow, body: `"scope":"reports.generate"`},
		{title: "an expired token", method: "GET", path: invoices, authorization: "Bearer " + expired, status: 401, challenge: invalid, body: `The access token expired.`},
		{title: "a token with another's header", method: "GET", path: invoices, authorization: "Bearer " + strings.ToLower(head) + "." + tail, status: 401, challenge: invalid, body: `"invalid_token"`},
		{title: "another scheme", method: "GET", path: invoices, authorization: "Basic ZGVtbzpkZW1v", status: 401, challenge: bare, body: `"missing_token"`},
		{title: "a header that is not by the grammar", method: "GET", path: invoices, authorization: "Bearer one, two", status: 400, challenge: badly, body: `"invalid_request"`},
		{title: "a token in the URL is not read", method: "GET", path: invoices + "?access_token=" + reader, status: 401, challenge: bare, body: `"missing_token"`},
	} {
		r.send(s)
	}
}

// The challenges of the API, and the route that most steps ask for.
const (
	bare     = `Bearer realm="partner api"`
	invalid  = bare + `, error="invalid_token"`
	tooLow   = bare + `, error="insufficient_scope"`
	badly    = bare + `, error="invalid_request"`
	invoices = "/partner/invoices"
)

// lifeOfAClient is created, rotated, introspected and revoked.
func (r *recital) lifeOfAClient() {
	admin := "Bearer " + r.adminKey
	r.send(step{title: "nobody manages clients without the admin key", method: "POST", path: "/admin/clients", json: `{}`,
		status: 401, challenge: `Bearer realm="administration"`, body: `admin key`})
	made := r.send(step{title: "a client for a tenant, with its secret, shown this once", method: "POST", path: "/admin/clients", authorization: admin,
		json: `{"owner":"acme","scope":"invoices.read"}`, status: 201, body: `"client_secret"`})
	id, old := made["client_id"], made["client_secret"]
	first := r.token(id, old, "")
	r.send(step{title: "its tokens carry the owner to the API", method: "GET", path: "/whoami", authorization: "Bearer " + first, status: 200, body: `"owner":"acme"`})
	r.send(step{title: "it may not ask for more than it was given", method: "POST", path: "/oauth/token", authorization: basic(id, old),
		form: url.Values{"grant_type": {"client_credentials"}, "scope": {"invoices.write"}}, status: 400, body: `"invalid_scope"`})

	secret := r.send(step{title: "a new secret", method: "POST", path: "/admin/clients/" + id + "/secret", authorization: admin, status: 200, body: `"client_secret"`})["client_secret"]
	r.send(step{title: "the old one is dead at once", method: "POST", path: "/oauth/token", authorization: basic(id, old),
		form: url.Values{"grant_type": {"client_credentials"}}, status: 401, challenge: "Basic", body: `"invalid_client"`})
	second := r.token(id, secret, "")

	introspect := func(title, token, body string) {
		r.send(step{title: title, method: "POST", path: "/oauth/introspect", authorization: basic(r.clientID, r.clientSecret),
			form: url.Values{"token": {token}}, status: 200, body: body})
	}
	introspect("the server tells that a token is active (RFC 7662)", first, `"active":true`)
	r.send(step{title: "the client revokes one token (RFC 7009)", method: "POST", path: "/oauth/revoke", authorization: basic(id, secret),
		form: url.Values{"token": {first}}, status: 200})
	r.send(step{title: "the API refuses it on the very next request", method: "GET", path: invoices, authorization: "Bearer " + first, status: 401, challenge: invalid, body: "revoked"})
	introspect("and the server tells nothing of it any more", first, `{"active":false}`)
	r.send(step{title: "the client's other token lives on", method: "GET", path: invoices, authorization: "Bearer " + second, status: 200, body: `"2026-001"`})

	r.send(step{title: "the client is revoked", method: "DELETE", path: "/admin/clients/" + id, authorization: admin, status: 200, body: `"revoked":true`})
	r.send(step{title: "every token of it is refused", method: "GET", path: invoices, authorization: "Bearer " + second, status: 401, challenge: invalid, body: "revoked"})
	r.send(step{title: "and it gets no more", method: "POST", path: "/oauth/token", authorization: basic(id, secret),
		form: url.Values{"grant_type": {"client_credentials"}}, status: 401, challenge: "Basic", body: `"invalid_client"`})
}

func basic(id, secret string) string {
	request := &http.Request{Header: http.Header{}}
	request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return request.Header.Get("Authorization")
}

// token asks the authorization server for one, as any client does.
func (r *recital) token(id, secret, scope string) string {
	var answer map[string]string
	_, body := r.try(step{method: "POST", path: "/oauth/token", authorization: basic(id, secret), status: 200,
		form: url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}, body: "access_token"}, io.Discard)
	_ = json.Unmarshal(body, &answer) // which has a number in it, too
	if answer["access_token"] == "" && r.err == nil {
		r.err = fmt.Errorf("no token: %s", body)
	}
	return answer["access_token"]
}

// send sends a step's request, prints it with its answer, and returns the strings in
// that.
func (r *recital) send(s step) map[string]string {
	if r.err != nil {
		return nil
	}
	r.steps++
	fmt.Fprintf(r.out, "%d. %s\n", r.steps, s.title)
	complaint, body := r.try(s, r.out)
	if complaint != "" {
		r.wrong++
		fmt.Fprintf(r.out, "   UNEXPECTED: %s\n", complaint)
	}
	fmt.Fprintln(r.out)
	var answer map[string]string
	_ = json.Unmarshal(body, &answer) // what is no string is not asked for
	return answer
}

// client follows no redirect, so that one would be seen.
var client = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// try sends the step's request and says what is not as expected.
func (r *recital) try(s step, out io.Writer) (complaint string, body []byte) {
	if r.err != nil {
		return "", nil
	}
	request, err := http.NewRequestWithContext(r.ctx, s.method, r.url+s.path, strings.NewReader(s.json+s.form.Encode()))
	if err != nil {
		r.err = err
		return "", nil
	}
	fmt.Fprintf(out, "   %s %s\n", s.method, abbreviate(s.path))
	headers := map[string]string{"Accept": s.accept, "Authorization": s.authorization}
	if s.form != nil {
		headers["Content-Type"] = "application/x-www-form-urlencoded"
	}
	for _, name := range []string{"Accept", "Authorization", "Content-Type"} {
		if value := headers[name]; value != "" {
			request.Header.Set(name, value)
			fmt.Fprintf(out, "   %s: %s\n", name, abbreviate(value))
		}
	}
	if sent := s.json + s.form.Encode(); sent != "" {
		fmt.Fprintf(out, "   %s\n", abbreviate(sent))
	}
	response, err := client.Do(request)
	if err != nil {
		r.err = err
		return "", nil
	}
	defer response.Body.Close()
	if body, r.err = io.ReadAll(response.Body); r.err != nil {
		return "", nil
	}
	challenge := response.Header.Get("WWW-Authenticate")
	fmt.Fprintf(out, "   -> %s\n", response.Status)
	if challenge != "" {
		fmt.Fprintf(out, "   WWW-Authenticate: %s\n", challenge)
	}
	if len(body) > 0 {
		fmt.Fprintf(out, "   %s", body)
	}
	switch {
	case response.StatusCode != s.status:
		return fmt.Sprintf("status %d was expected", s.status), body
	case s.challenge == "" && challenge != "" || !strings.HasPrefix(challenge, s.challenge):
		return "a challenge that begins with " + s.challenge + " was expected", body
	case !strings.Contains(string(body), s.body):
		return "a body with " + s.body + " was expected", body
	case len(body) > 0 && response.Header.Get("Content-Type") != "application/json":
		return "application/json was expected", body
	}
	return "", body
}

// abbreviate cuts tokens short: nobody wants to read them.
func abbreviate(s string) string {
	if len(s) > 70 {
		return s[:67] + "..."
	}
	return s
}

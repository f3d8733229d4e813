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
	status        int
	challenge     string // must begin the challenge
	body          string // must be in the body
}

// demo sends the requests of the greeting, and some more, and prints each with
// its answer. It fails unless every answer is the expected one.
func (d *deployment) demo(ctx context.Context, out io.Writer) error {
	steps, err := d.steps(ctx)
	if err != nil {
		return err
	}
	wrong := 0
	for i, step := range steps {
		fmt.Fprintf(out, "%d. %s\n", i+1, step.title)
		complaint, err := d.try(ctx, step, out)
		if err != nil {
			return err
		}
		if complaint != "" {
			wrong++
			fmt.Fprintf(out, "   UNEXPECTED: %s\n", complaint)
		}
		fmt.Fprintln(out)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d answers were not the expected ones", wrong, len(steps))
	}
	fmt.Fprintf(out, "All %d answers were the expected ones.\n", len(steps))
	return nil
}

func (d *deployment) steps(ctx context.Context) ([]step, error) {
	reader, err := d.token(ctx, "invoices.read")
	if err != nil {
		return nil, err
	}
	writer, err := d.token(ctx, "invoices.read invoices.write")
	if err != nil {
		return nil, err
	}
	reporter, err := d.token(ctx, "reports.generate")
	if err != nil {
		return nil, err
	}
	expired, err := d.expiredToken()
	if err != nil {
		return nil, err
	}
	const (
		bare     = `Bearer realm="partner api"`
		invalid  = bare + `, error="invalid_token"`
		tooLow   = bare + `, error="insufficient_scope"`
		badly    = bare + `, error="invalid_request"`
		invoices = "/partner/invoices"
	)
	head, tail, _ := strings.Cut(reader, ".")
	return []step{
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
	}, nil
}

// token asks the authorization server for one, as any client does.
func (d *deployment) token(ctx context.Context, scope string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(d.clientID, d.clientSecret)
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.AccessToken == "" {
		return "", fmt.Errorf("no token, but %s", response.Status)
	}
	return answer.AccessToken, nil
}

// client follows no redirect, so that one would be seen.
var client = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// try sends the step's request and says what is not as expected.
func (d *deployment) try(ctx context.Context, s step, out io.Writer) (complaint string, err error) {
	request, err := http.NewRequestWithContext(ctx, s.method, d.url+s.path, nil)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(out, "   %s %s\n", s.method, abbreviate(s.path))
	for name, value := range map[string]string{"Accept": s.accept, "Authorization": s.authorization} {
		if value != "" {
			request.Header.Set(name, value)
			fmt.Fprintf(out, "   %s: %s\n", name, abbreviate(value))
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	challenge := response.Header.Get("WWW-Authenticate")
	fmt.Fprintf(out, "   -> %s\n", response.Status)
	if challenge != "" {
		fmt.Fprintf(out, "   WWW-Authenticate: %s\n", challenge)
	}
	fmt.Fprintf(out, "   %s", body)
	switch {
	case response.StatusCode != s.status:
		return fmt.Sprintf("status %d was expected", s.status), nil
	case s.challenge == "" && challenge != "" || !strings.HasPrefix(challenge, s.challenge):
		return "a challenge that begins with " + s.challenge + " was expected", nil
	case !strings.Contains(string(body), s.body):
		return "a body with " + s.body + " was expected", nil
	case response.Header.Get("Content-Type") != "application/json":
		return "application/json was expected", nil
	}
	return "", nil
}

// abbreviate cuts tokens short: nobody wants to read them.
func abbreviate(s string) string {
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// NewPoster is a [NewClient] for [Client.Post]. No redirect is followed: a form
// with a secret in it goes to the address that was configured, or nowhere. conns
// bounds the connections at one time, where base does not bring a transport of its
// own.
func NewPoster(base *http.Client, insecureHTTP bool, timeout time.Duration, maxBytes int64, conns int) *Client {
	c := NewClient(base, insecureHTTP, timeout, maxBytes)
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if t := c.ownTransport; t != nil {
		t.DisableKeepAlives = false // questions come by the second, documents do not
		t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = conns, conns, conns
	}
	return c
}

// CheckEndpoint tells what is wrong with a configured URL that secrets are posted
// to, and what to write instead.
func (c *Client) CheckEndpoint(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err == nil && u.Scheme == "http" && u.User == nil && u.Hostname() != "" && !c.insecureHTTP && !isLoopback(u.Hostname()) {
		return fmt.Errorf("plain http to %s, where anyone on the way can read the tokens and forge the answers; use https, or set InsecureHTTP where the network itself is trusted", u.Host)
	}
	if err == nil && u.Fragment != "" {
		return errors.New("a URL with a fragment, which is never sent; leave it out")
	}
	return c.CheckURL(rawURL)
}

// CallError is a call that had no answer. Unlike the errors of net/http, its text
// repeats neither the URL nor anything that the server sent: a server may well send
// back what was in the form.
type CallError struct {
	// Text is fit for strangers; see [Describe].
	Text string
	// Err is the failure of the network or of a certificate, or nil.
	Err error
}

func (e *CallError) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap is Err.
func (e *CallError) Unwrap() error { return e.Err }

func callError(err error) *CallError {
	call := &CallError{Text: Describe(err)}
	if cause, ok := errors.AsType[*net.OpError](err); ok {
		call.Err = cause
	} else if cause, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		call.Err = cause
	} else if errors.Is(err, context.Canceled) {
		call.Err = context.Canceled
	}
	return call
}

// Post asks a question by a form that changes nothing at the server, so that a
// request whose connection broke before an answer began may be sent again. The
// answer is the body of a 200; any other status is a *StatusError.
func (c *Client) Post(ctx context.Context, rawURL string, header http.Header, form url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, &CallError{Text: "the request could not be made"}
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "bearerguard")
	// To net/http, a key without a value is a promise that is not sent: a
	// connection that the server closed while it was idle is no failure then.
	request.Header["Idempotency-Key"] = nil
	response, err := c.http.Do(request)
	if err != nil {
		return nil, callError(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &StatusError{response.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxBytes+1))
	if err != nil {
		return nil, callError(err)
	}
	if int64(len(body)) > c.maxBytes {
		return nil, &policyError{fmt.Sprintf("the answer is longer than %d bytes", c.maxBytes)}
	}
	return body, nil
}

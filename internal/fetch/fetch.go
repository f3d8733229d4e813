// Package fetch makes the module's outgoing HTTP requests and decides how: to
// which URLs, for how long, how many bytes, over which redirects. It alone
// imports httprc, which decides when.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxRedirects is far beyond what a well-known document needs.
const maxRedirects = 3

// Client fetches documents. The zero value is not usable; see [NewClient].
type Client struct {
	http         http.Client
	insecureHTTP bool
	timeout      time.Duration
	maxBytes     int64
	ownTransport *http.Transport
}

// NewClient copies base, if there is one, and holds it to the policy of this
// package. With insecureHTTP, plain http is allowed to every host, else to
// loopback only. timeout bounds a whole fetch, maxBytes the body.
func NewClient(base *http.Client, insecureHTTP bool, timeout time.Duration, maxBytes int64) *Client {
	c := &Client{insecureHTTP: insecureHTTP, timeout: timeout, maxBytes: maxBytes}
	if base != nil {
		c.http = *base
	}
	if c.http.Transport == nil {
		c.ownTransport = ownTransport()
		c.http.Transport = c.ownTransport
	}
	c.http.CheckRedirect = c.checkRedirect
	return c
}

func ownTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t.MaxIdleConns, t.MaxConnsPerHost = 2, 2
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// Close lets go of idle connections.
func (c *Client) Close() {
	if c.ownTransport != nil {
		c.ownTransport.CloseIdleConnections()
	}
}

// StatusError is an answer with a status other than 200.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
}

// Get fetches a document and its header.
func (c *Client) Get(ctx context.Context, rawURL string) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json;q=0.9, */*;q=0.1")
	request.Header.Set("User-Agent", "bearerguard")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, &StatusError{response.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(body)) > c.maxBytes {
		return nil, nil, fmt.Errorf("the answer is longer than %d bytes", c.maxBytes)
	}
	return body, response.Header, nil
}

// checkRedirect follows a few redirects, none of them from https to http nor
// from elsewhere to loopback.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	previous := via[len(via)-1].URL
	switch {
	case len(via) > maxRedirects:
		return errors.New("too many redirects")
	case previous.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("redirect from https to http")
	case loopback(next.URL.Hostname()) && !loopback(previous.Hostname()):
		return errors.New("redirect to a loopback address")
	}
	return c.check(next.URL)
}

// CheckURL tells what is wrong with a configured URL, and what to write instead.
func (c *Client) CheckURL(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("%q is not an absolute URL without user information; write one such as https://issuer.example", rawURL)
	}
	return c.check(u)
}

func (c *Client) check(u *url.URL) error {
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("scheme %q; use https", u.Scheme)
	case c.insecureHTTP || loopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("plain http to %s, where anyone on the way can replace the keys; use https, or set InsecureHTTP where the network itself is trusted", u.Host)
	}
}

// loopback tells whether host is this machine by its very name: a DNS answer is
// not trusted to say so.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

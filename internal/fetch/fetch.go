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
	"unicode/utf8"
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
	// A document is fetched every few minutes. A connection kept for that long may
	// be dead without saying so, and would be tried again and again while the
	// server is up.
	t.DisableKeepAlives = true
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

// policyError is an answer that this package's policy does not take.
type policyError struct{ text string }

func (e *policyError) Error() string { return e.text }

// Lasting tells whether a failure is likely to be a mistake that trying again
// does not mend: a document that is not there, or an answer against the policy.
func Lasting(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status < http.StatusInternalServerError &&
			status.Status != http.StatusRequestTimeout && status.Status != http.StatusTooManyRequests
	}
	_, policy := errors.AsType[*policyError](err)
	return policy
}

// Describe is a failure in words that may be shown to strangers: no address, no
// name of this network, nothing of an answer.
func Describe(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrClosed):
		return "closed"
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Error()
	}
	if _, ok := errors.AsType[*policyError](err); ok {
		return "the answer was too long, or a redirect that is not followed"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "the server did not answer in time"
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return "the server could not be reached"
	}
	return "the answer could not be used"
}

// ErrNotModified is that a document is as it was.
var ErrNotModified = errors.New("not modified")

// maxValidator is as long as an ETag may be that is sent back: longer ones make
// requests that servers refuse.
const maxValidator = 1 << 10

// Get fetches a document and its header.
func (c *Client) Get(ctx context.Context, rawURL string) ([]byte, http.Header, error) {
	return c.GetUnless(ctx, rawURL, nil)
}

// GetUnless is Get, or ErrNotModified with the new header if the document is still
// the one that came with the header known, by its ETag (RFC 9110 §13.1.2). Its
// Last-Modified is not gone by: a server that goes back to an older file would
// answer for ever that nothing is newer.
func (c *Client) GetUnless(ctx context.Context, rawURL string, known http.Header) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json;q=0.9, */*;q=0.1")
	request.Header.Set("Cache-Control", "no-cache") // a cache on the way may hold last week's keys
	request.Header.Set("User-Agent", "bearerguard")
	conditional := false
	if etag := known.Get("ETag"); etag != "" && len(etag) <= maxValidator {
		request.Header.Set("If-None-Match", etag)
		conditional = true
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if conditional && response.StatusCode == http.StatusNotModified {
		return nil, response.Header, ErrNotModified
	}
	if response.StatusCode != http.StatusOK {
		return nil, nil, &StatusError{response.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(body)) > c.maxBytes {
		return nil, nil, &policyError{fmt.Sprintf("the answer is longer than %d bytes", c.maxBytes)}
	}
	return body, response.Header, nil
}

// checkRedirect follows a few redirects, each of which must be a good hop.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &policyError{"too many redirects"}
	}
	if err := c.checkHop(via[len(via)-1].URL, next.URL); err != nil {
		return &policyError{"redirect " + err.Error()}
	}
	return nil
}

// CheckHop tells what is wrong with a document at one URL that leads to another:
// none may lead from https to http, nor from elsewhere to this machine, whose
// services trust their neighbours.
func (c *Client) CheckHop(from, to string) error {
	fromURL, err := url.Parse(from)
	if err != nil {
		return errors.New("from what is not a URL")
	}
	toURL, err := url.Parse(to)
	if err != nil || toURL.Host == "" {
		return errors.New("to what is not an absolute URL")
	}
	return c.checkHop(fromURL, toURL)
}

func (c *Client) checkHop(from, to *url.URL) error {
	switch {
	case from.Scheme == "https" && to.Scheme != "https":
		return errors.New("from https to " + to.Scheme)
	case !isASCII(to.Hostname()) && to.Hostname() != from.Hostname():
		return errors.New("to a host name beyond ASCII, which may be another name once it is looked up")
	case mayBeLoopback(to.Hostname()) && !isLoopback(from.Hostname()):
		return errors.New("to a loopback address")
	}
	return c.check(to)
}

// CheckURL tells what is wrong with a configured URL, and what to write instead.
func (c *Client) CheckURL(rawURL string) error {
	u, err := url.Parse(rawURL)
	switch {
	case err == nil && u.User != nil:
		return errors.New("a URL with user information, which would end up in logs; leave it out")
	case err != nil || u.Hostname() == "":
		return fmt.Errorf("%q is not an absolute URL; write one such as https://issuer.example", rawURL)
	}
	return c.check(u)
}

func (c *Client) check(u *url.URL) error {
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("scheme %q; use https", u.Scheme)
	case c.insecureHTTP || isLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("plain http to %s, where anyone on the way can replace the keys; use https, or set InsecureHTTP where the network itself is trusted", u.Host)
	}
}

// isLoopback tells whether host is this machine by its very name, for the
// permission to use http: a DNS answer is not trusted to say so.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || isASCII(host) && strings.EqualFold(host, "localhost")
}

// isASCII tells whether host is dialled as it is written. net/http makes ASCII of
// other names before (IDNA), and localhoſt or 127。0。0。1 this machine.
func isASCII(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf })
}

// mayBeLoopback tells whether host could be this machine by its name, in any of
// the ways that resolvers know, for a refusal. What a name elsewhere resolves to
// is not looked at.
func mayBeLoopback(host string) bool {
	host, _, _ = strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), "%")
	ip := net.ParseIP(host)
	switch {
	case host == "":
		return true // :443 is dialled here
	case ip != nil:
		return ip.IsLoopback() || ip.IsUnspecified()
	case endsInNumber(host):
		return true // 127.1, 0x7f000001, 2130706433: whatever they mean, no server is published so
	default:
		return host == "localhost" || strings.HasSuffix(host, ".localhost")
	}
}

// endsInNumber tells whether the last part of host is a number, as the WHATWG's URL
// standard has it, or nothing.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, found := strings.CutPrefix(last, "0x"); found {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

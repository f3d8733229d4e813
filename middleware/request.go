package middleware

import (
	"net/http"
	"net/url"
)

// Request is what a [Guard] looks at.
type Request struct {
	Method string
	URL    *url.URL
	Header http.Header
	// Route is the pattern that the request was routed by, for events; empty
	// where the guard stands before the router.
	Route string
}

// RequestOf is r as a guard sees it.
func RequestOf(r *http.Request) Request {
	return Request{Method: r.Method, URL: r.URL, Header: r.Header, Route: r.Pattern}
}

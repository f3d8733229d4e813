package fetch_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

const (
	yesterday = "Fri, 31 Dec 1999 12:00:00 GMT"
	document  = `{"keys":[]}`
)

// RFC 9110 §13.1.2: the ETag of the answer that is known is the condition of the next
// request, to the letter.
func TestGetUnless(t *testing.T) {
	const unchanged = http.StatusNotModified
	for _, row := range []struct {
		name                string
		known               http.Header
		noneMatch, modified string // the conditions that are sent
		answer              int
		want                error // or a document, if nil
	}{
		{"nothing is known: nothing is asked", nil, "", "", 200, nil},
		{"a header without validators: nothing is asked", header("Date", yesterday, "Expires", yesterday, "Cache-Control", "max-age=300")(), "", "", 200, nil},
		{"ETag", header("ETag", `"v1"`)(), `"v1"`, "", unchanged, fetch.ErrNotModified},
		{"a weak ETag", header("ETag", `W/"v1"`)(), `W/"v1"`, "", unchanged, fetch.ErrNotModified},
		{"Last-Modified is not gone by", header("Last-Modified", yesterday)(), "", "", 200, nil},
		{"an ETag beside it is", header("ETag", `"v1"`, "Last-Modified", yesterday)(), `"v1"`, "", unchanged, fetch.ErrNotModified},
		{"an ETag that is too long to be sent back", header("ETag", `"`+strings.Repeat("v", 2000)+`"`)(), "", "", 200, nil},
		{"a document that has changed is taken", header("ETag", `"v1"`)(), `"v1"`, "", 200, nil},

		{"304 to who knows nothing", nil, "", "", unchanged, &fetch.StatusError{Status: 304}},
		{"304 to who knows no validator", header("Date", yesterday)(), "", "", unchanged, &fetch.StatusError{Status: 304}},
		{"412 is no answer to If-None-Match of a GET", header("ETag", `"v1"`)(), `"v1"`, "", 412, &fetch.StatusError{Status: 412}},
		{"503 does not mean unchanged", header("ETag", `"v1"`)(), `"v1"`, "", 503, &fetch.StatusError{Status: 503}},
		{"204 does not mean unchanged", header("ETag", `"v1"`)(), `"v1"`, "", 204, &fetch.StatusError{Status: 204}},
	} {
		t.Run(row.name, func(t *testing.T) {
			open := 0
			client := fetch.NewClient(&http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
				if got := r.Header.Get("If-None-Match"); got != row.noneMatch {
					t.Errorf("If-None-Match: %s", got)
				}
				if got := r.Header.Get("If-Modified-Since"); got != row.modified {
					t.Errorf("If-Modified-Since: %s", got)
				}
				open++
				return &http.Response{
					StatusCode: row.answer,
					Header:     header("ETag", `"now"`, "Cache-Control", "max-age=60")(),
					Body:       counted{strings.NewReader(document), &open},
				}, nil
			})}, false, timeout, maxBytes)
			body, header, err := client.GetUnless(t.Context(), "https://issuer.example/jwks", row.known)

			var status, wanted *fetch.StatusError
			switch {
			case row.want == nil && (err != nil || string(body) != document):
				t.Errorf("%q, %v", body, err)
			case errors.As(row.want, &wanted) && (!errors.As(err, &status) || status.Status != wanted.Status):
				t.Errorf("%v, not %v", err, wanted)
			case wanted == nil && !errors.Is(err, row.want):
				t.Errorf("%v, not %v", err, row.want)
			case err != nil && body != nil:
				t.Errorf("a document beside the error: %q", body)
			}
			// Also a 304 says for how long the document is fresh.
			if wanted == nil && (header.Get("ETag") != `"now"` || header.Get("Cache-Control") != "max-age=60") {
				t.Errorf("the header of the answer is %v", header)
			}
			if open != 0 {
				t.Error("the body was left open")
			}
		})
	}
}

// versioned is a server whose document has an ETag, compressed for who takes it so.
func versioned(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1-gzip"`)
		w.Header().Set("Vary", "Accept-Encoding")
		if r.Header.Get("If-None-Match") == `"v1-gzip"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		squeezed := gzip.NewWriter(w)
		_, _ = io.WriteString(squeezed, document)
		_ = squeezed.Close()
	})
	mux.Handle("/moved", http.RedirectHandler("/jwks", http.StatusFound))
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	return server
}

// A real transport decompresses the document and drops headers as it does; the
// ETag of the compressed form has to come through.
func TestAnUnchangedDocumentOfARealServer(t *testing.T) {
	for _, row := range []struct{ name, path string }{
		{"compressed", "/jwks"},
		{"behind a redirect, which the conditions follow", "/moved"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := versioned(t)
			client := fetch.NewClient(server.Client(), false, timeout, maxBytes)
			body, known, err := client.GetUnless(t.Context(), server.URL+row.path, nil)
			if err != nil || string(body) != document || known.Get("ETag") != `"v1-gzip"` {
				t.Fatalf("%q, %v, %v", body, known, err)
			}
			body, _, err = client.GetUnless(t.Context(), server.URL+row.path, known)
			if body != nil || !errors.Is(err, fetch.ErrNotModified) {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
}

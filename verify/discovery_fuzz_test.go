package verify_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/verify"
)

// fuzzedServer answers what is fuzzed at the well-known places, the same document
// wherever a redirect leads, and a key set everywhere else.
type fuzzedServer struct {
	places   []string
	status   int
	location string
	document []byte

	mu               sync.Mutex
	keys, redirected []*url.URL // what it was asked for
}

func (s *fuzzedServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	response := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r}
	body := s.document
	switch {
	case r.Response != nil: // a redirect has led here
		s.redirected = append(s.redirected, r.URL)
	case slices.Contains(s.places, r.URL.String()):
		response.StatusCode = s.status
		if s.location != "" {
			response.Header.Set("Location", s.location)
		}
	default:
		s.keys = append(s.keys, r.URL)
		body = []byte(keySet)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

func (s *fuzzedServer) asked() (keys, redirected []*url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), slices.Clone(s.redirected)
}

var (
	asciiHost = regexp.MustCompile(`\A[ -~]+\z`)
	localName = regexp.MustCompile(`(?i)\A(.*\.)?localhost\.?\z`)
	asNumber  = regexp.MustCompile(`(?i)(\A|\.)(0x[0-9a-f]+|[0-9]+)\.?\z`)
	plainName = regexp.MustCompile(`\A[A-Za-z0-9_~-]+(\.[A-Za-z0-9_~-]+)*\.?\z`)
)

// hop judges whether a document of the issuer may lead to a URL: over https alone, or
// http on this machine, and to this machine only from it (C23, RFC 8414 §6).
func hop(issuer, to *url.URL) judged {
	host, _, _ := strings.Cut(to.Hostname(), "%")
	address, err := netip.ParseAddr(strings.TrimSuffix(host, "."))
	isAddress := err == nil
	address = address.Unmap()
	here := address.IsLoopback() || localName.MatchString(host)
	fromHere := issuer.Hostname() == "127.0.0.1"
	switch {
	case to.Scheme != "https" && (to.Scheme != "http" || issuer.Scheme == "https" || !here):
		return mustNot
	case host == "" && fromHere:
		return either // no transport asks a host without a name
	case !asciiHost.MatchString(host):
		return mustNot
	case !fromHere && (here || isAddress && address.IsUnspecified() || !isAddress && asNumber.MatchString(host)):
		return mustNot
	case to.Scheme == "http", host != to.Hostname(), !isAddress && !plainName.MatchString(host):
		return either // http on this machine has one name and any address; the others are nobody's
	default:
		return must
	}
}

// leadsTo is where metadata lead to, and whether they may.
func leadsTo(issuer *url.URL, document []byte) (*url.URL, judged) {
	metadata, ok := readStrictly(document)
	uri, isText := metadata["jwks_uri"].(string)
	if !ok || !isText || metadata["issuer"] != issuer.String() || len(document) > 256<<10 {
		return nil, mustNot
	}
	to, err := url.Parse(uri)
	if err != nil || to.User != nil || to.Hostname() == "" {
		return nil, mustNot
	}
	return to, hop(issuer, to)
}

// sameURL compares what was asked with what was to be asked; a colon without a port
// is no part of it.
func sameURL(asked, want *url.URL) bool {
	other := *want
	other.Host = strings.TrimSuffix(other.Host, ":")
	return asked.String() == other.String()
}

// Whatever is found at the well-known places, keys are fetched from the jwks_uri of a
// document that names the issuer to the letter, and from nowhere else; nothing leads
// from https to http, or from elsewhere to this machine.
func FuzzDiscovery(f *testing.F) { // C23, C36
	const remote, local = "https://issuer.example/tenant", "http://127.0.0.1:8080/tenant"
	f.Add(false, uint16(0), "", []byte(`{"issuer":"`+remote+`","jwks_uri":"https://keys.example/jwks"}`))
	f.Add(true, uint16(0), "", []byte(`{"issuer":"`+local+`","jwks_uri":"http://localhost:9090/jwks"}`))
	f.Add(false, uint16(0), "", []byte(`{"issuer":"`+remote+`/","jwks_uri":"https://keys.example/jwks"}`))
	f.Add(false, uint16(102), "https://elsewhere.example/", []byte(`{"issuer":"`+remote+`","jwks_uri":"https://keys.example/jwks"}`))
	f.Add(false, uint16(107), "http://127.0.0.1/", []byte(`{}`))
	f.Add(false, uint16(303), "", []byte(``))
	f.Add(false, uint16(204), "", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, here bool, beyond200 uint16, location string, document []byte) {
		issuer, _ := url.Parse(remote)
		if here {
			issuer, _ = url.Parse(local)
		}
		origin := issuer.Scheme + "://" + issuer.Host
		server := &fuzzedServer{status: 200 + int(beyond200%400), location: location, document: document, places: []string{
			origin + "/.well-known/oauth-authorization-server/tenant", origin + "/tenant/.well-known/openid-configuration",
		}}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		v, err := verify.DiscoverWith(ctx, verify.JWTConfig{Issuer: issuer.String(), Audience: []string{api}},
			jwks.RemoteConfig{HTTPClient: &http.Client{Transport: server}, Logger: silent})
		if (v == nil) != (err != nil) {
			t.Fatalf("%v and %v", v, err)
		}
		if err == nil {
			defer v.Close()
		}
		want, verdict := leadsTo(issuer, document)
		keys, redirected := server.asked()
		for _, asked := range redirected {
			if hop(issuer, asked) == mustNot {
				t.Fatalf("redirected to %s", asked)
			}
		}
		for _, asked := range keys {
			if verdict == mustNot || !sameURL(asked, want) || server.status != 200 && len(redirected) == 0 {
				t.Fatalf("%d %s: asked %s for keys", server.status, document, asked)
			}
		}
		switch {
		case server.status == 200 && verdict == must && (err != nil || len(keys) == 0):
			t.Fatalf("%s: %v, asked %s", document, err, keys)
		case server.status == 200 && verdict == mustNot && err == nil:
			t.Fatalf("%s: accepted", document)
		case server.status/100 == 4 && server.status != 408 && server.status != 429 && err == nil:
			t.Fatalf("%d is taken for an outage", server.status)
		case server.status/100 == 5 && err != nil:
			t.Fatalf("%d is taken for a mistake: %v", server.status, err)
		}
		if len(keys) > 0 && err == nil {
			within, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if err := v.Ready(within); err != nil {
				t.Fatalf("%s: no keys: %v", document, err)
			}
		}
	})
}

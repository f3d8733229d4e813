package fetch_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

func TestThreeRedirectsAreFollowed(t *testing.T) {
	// /3 leads to /2, and so on; /0 is the document.
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || left == 0 {
			_, _ = io.WriteString(w, "document")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
	}))
	defer server.Close()
	client := fetch.NewClient(server.Client(), false, timeout, maxBytes)
	for redirects := range 6 {
		body, _, err := client.Get(t.Context(), fmt.Sprintf("%s/%d", server.URL, redirects))
		if redirects <= 3 && (err != nil || string(body) != "document") {
			t.Errorf("%d redirects: %q, %v", redirects, body, err)
		}
		if redirects > 3 && (err == nil || !strings.Contains(err.Error(), "too many redirects")) {
			t.Errorf("%d redirects: %q, %v", redirects, body, err)
		}
	}
}

// Redirects, and URLs within documents, are where a server says which URL is
// fetched, so it may not lead to what a configuration could not (C23).
func TestHopPolicy(t *testing.T) {
	const anyHost, followed = true, ""
	for _, row := range []struct {
		name, from, to string
		insecureHTTP   bool
		refused        string // what the error says
	}{
		{"https to https", "https://issuer.example", "https://cdn.example/jwks", !anyHost, followed},
		{"https to a path of its own", "https://issuer.example", "/jwks", !anyHost, followed},
		{"loopback to https", "http://127.0.0.1:8080", "https://issuer.example", !anyHost, followed},
		{"loopback to loopback", "http://127.0.0.1:8080", "http://localhost:9090", !anyHost, followed},
		{"https loopback to https loopback", "https://127.0.0.1:8443", "https://[::1]:9443", !anyHost, followed},

		{"https to http", "https://issuer.example", "http://issuer.example", !anyHost, "from https to http"},
		{"https to http on loopback", "https://127.0.0.1:8443", "http://127.0.0.1:8080", !anyHost, "from https to http"},
		{"https to https on 127.0.0.1", "https://issuer.example", "https://127.0.0.1:8443", !anyHost, "to a loopback address"},
		{"https to https on ::1", "https://issuer.example", "https://[::1]", !anyHost, "to a loopback address"},
		{"https to https on localhost", "https://issuer.example", "https://LOCALHOST:8443", !anyHost, "to a loopback address"},
		{"https to no host, which is dialled here", "https://issuer.example", "https://:8443/", !anyHost, "to a loopback address"},
		{"https to a host of dots", "https://issuer.example", "https://./", !anyHost, "to a loopback address"},
		{"https to a zone without a host", "https://issuer.example", "https://%251/", !anyHost, "to a loopback address"},
		{"https to a number", "https://issuer.example", "https://2130706433/", !anyHost, "to a loopback address"},
		{"https to a hexadecimal number", "https://issuer.example", "https://0x7f000001/", !anyHost, "to a loopback address"},
		{"https to a name of hexadecimal digits", "https://issuer.example", "https://4cb.de", !anyHost, followed},
		{"https to 127.0.0.1 mapped to IPv6", "https://issuer.example", "https://[::ffff:127.0.0.1]", !anyHost, "to a loopback address"},
		{"https to ::1 of an interface", "https://issuer.example", "https://[::1%25lo]", !anyHost, "to a loopback address"},
		{"https to localhost with its dot", "https://issuer.example", "https://localhost.", !anyHost, "to a loopback address"},
		{"https to a name below localhost", "https://issuer.example", "https://admin.localhost", !anyHost, "to a loopback address"},
		{"https to 127.0.0.1 cut short", "https://issuer.example", "https://127.1", !anyHost, "to a loopback address"},
		{"https to 127.0.0.1 as one number", "https://issuer.example", "https://2130706433", !anyHost, "to a loopback address"},
		{"https to a number that is octal to nobody", "https://issuer.example", "https://0008", !anyHost, "to a loopback address"},
		{"https to a number beyond all numbers", "https://issuer.example", "https://1.99999999999999999999", !anyHost, "to a loopback address"},
		{"https to an empty name behind a name", "https://issuer.example", "https://localhost../", !anyHost, "to a loopback address"},
		{"https to a name that begins like a number", "https://issuer.example", "https://0x7f.example", !anyHost, followed},
		{"https to 127.0.0.1 in hexadecimal", "https://issuer.example", "https://0X7F000001", !anyHost, "to a loopback address"},
		{"https to the unspecified address, which is this machine too", "https://issuer.example", "https://0.0.0.0:8443", !anyHost, "to a loopback address"},
		{"https to the unspecified address of IPv6", "https://issuer.example", "https://[::]:8443", !anyHost, "to a loopback address"},
		{"https to a name that begins like localhost", "https://issuer.example", "https://localhost.cdn.example", !anyHost, followed},
		{"https to a name that ends like localhost", "https://issuer.example", "https://notlocalhost", !anyHost, followed},
		{"https to what IDNA makes localhost", "https://issuer.example", "https://localhoſt/", !anyHost, "beyond ASCII"},
		{"https to what IDNA makes localhost, escaped", "https://issuer.example", "https://localho%C5%BFt/", !anyHost, "beyond ASCII"},
		{"https to what IDNA makes 127.0.0.1", "https://issuer.example", "https://127。0。0。1/", !anyHost, "beyond ASCII"},
		{"https to 127 in wide digits", "https://issuer.example", "https://１２７.0.0.1/", !anyHost, "beyond ASCII"},
		{"https to the same host beyond ASCII", "https://bücher.example", "https://bücher.example/jwks", !anyHost, followed},
		{"https to the same host in ASCII", "https://bücher.example", "https://xn--bcher-kva.example/jwks", !anyHost, followed},
		{"loopback to http on what IDNA makes localhost", "http://127.0.0.1:8080", "http://localhoſt/", !anyHost, "beyond ASCII"},
		{"https to an address elsewhere", "https://issuer.example", "https://192.0.2.1/jwks", !anyHost, followed},
		{"loopback to http elsewhere", "http://127.0.0.1:8080", "http://issuer.example", !anyHost, "plain http to issuer.example"},
		{"https to another scheme", "https://issuer.example", "ftp://issuer.example", !anyHost, "from https to ftp"},
		{"http to another scheme", "http://127.0.0.1:8080", "ftp://127.0.0.1", !anyHost, `scheme "ftp"`},

		{"http to http, allowed by InsecureHTTP", "http://issuer.example", "http://cdn.example", anyHost, followed},
		{"https to http, which InsecureHTTP does not allow", "https://issuer.example", "http://issuer.example", anyHost, "from https to http"},
		{"http to loopback, which InsecureHTTP does not allow", "http://issuer.example", "http://127.0.0.1:8080", anyHost, "to a loopback address"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var asked []string
			transport := answers(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.URL.String())
				response := httptest.NewRecorder()
				if len(asked) == 1 {
					response.Header().Set("Location", row.to)
					response.WriteHeader(http.StatusFound)
				}
				return response.Result(), nil
			})
			client := fetch.NewClient(&http.Client{Transport: transport}, row.insecureHTTP, timeout, maxBytes)
			_, _, err := client.Get(t.Context(), row.from)
			switch {
			case row.refused == followed && (err != nil || len(asked) != 2):
				t.Errorf("refused: %v; asked for %q", err, asked)
			case row.refused != followed && err == nil:
				t.Error("followed")
			case row.refused != followed && !strings.Contains(err.Error(), row.refused):
				t.Errorf("%v; it should say: %s", err, row.refused)
			case row.refused != followed && slices.Contains(asked, row.to):
				t.Errorf("refused only after asking for %q", asked)
			case row.refused != followed && !fetch.Lasting(err):
				t.Errorf("%v is taken for a failure that passes", err)
			}

			if row.to == "/jwks" {
				return // which is a redirect but no hop
			}
			hop := client.CheckHop(row.from, row.to)
			if (hop != nil) != (row.refused != followed) || hop != nil && !strings.Contains(hop.Error(), row.refused) {
				t.Errorf("CheckHop: %v; it should say: %s", hop, row.refused)
			}
		})
	}
}

func TestAHopLeadsToAnAbsoluteURL(t *testing.T) {
	client := fetch.NewClient(nil, false, timeout, maxBytes)
	for _, to := range []string{"", "/jwks", "issuer.example/jwks", "https:issuer.example", "https:///jwks", "https://issuer.example/\njwks"} {
		if err := client.CheckHop("https://issuer.example", to); err == nil {
			t.Errorf("%q is taken for a URL", to)
		}
	}
}

func TestARealServerCannotSendUsToLoopback(t *testing.T) { // C23
	secret := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a service on loopback was asked")
	}))
	defer secret.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secret.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	// The server's own client takes example.com for the server.
	_, _, err := fetch.NewClient(server.Client(), false, timeout, maxBytes).Get(t.Context(), "https://example.com/jwks")
	if err == nil || !strings.Contains(err.Error(), "redirect to a loopback address") {
		t.Error(err)
	}
}

func TestTheRedirectPolicyOfTheGivenClientIsReplacedInACopy(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://issuer.example", http.StatusFound)
	}))
	defer server.Close()
	given := server.Client()
	asked := false
	given.CheckRedirect = func(*http.Request, []*http.Request) error {
		asked = true
		return http.ErrUseLastResponse
	}
	_, _, err := fetch.NewClient(given, false, timeout, maxBytes).Get(t.Context(), server.URL)
	if err == nil || !strings.Contains(err.Error(), "from https to http") || asked {
		t.Errorf("%v; the given policy was asked: %t", err, asked)
	}
	response, err := given.Get(server.URL)
	if err != nil || !asked {
		t.Fatalf("%v; the given client's own policy was asked: %t", err, asked)
	}
	_ = response.Body.Close()
}

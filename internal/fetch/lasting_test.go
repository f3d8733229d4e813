package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerguard/bearerguard/internal/fetch"
)

func TestLasting(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want bool
	}{
		{"a document that is not there", &fetch.StatusError{Status: 404}, true},
		{"a document that is not for us", &fetch.StatusError{Status: 403}, true},
		{"a redirect that leads nowhere", &fetch.StatusError{Status: 301}, true},
		{"the same within another error", fmt.Errorf("metadata: %w", &fetch.StatusError{Status: 404}), true},
		{"a server that has trouble", &fetch.StatusError{Status: 500}, false},
		{"a server that is down for a while", &fetch.StatusError{Status: 503}, false},
		{"a server that has waited for us", &fetch.StatusError{Status: 408}, false},
		{"a server that is asked too often", &fetch.StatusError{Status: 429}, false},
		{"a timeout", context.DeadlineExceeded, false},
		{"a connection cut", io.ErrUnexpectedEOF, false},
		{"anything else", errors.New("?"), false},
		{"success", nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := fetch.Lasting(row.err); got != row.want {
				t.Error(got)
			}
		})
	}
}

func TestAnAnswerThatIsTooLongIsLasting(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, maxBytes+1))
	}))
	defer server.Close()
	_, _, err := fetch.NewClient(server.Client(), false, timeout, maxBytes).Get(t.Context(), server.URL)
	if !fetch.Lasting(err) {
		t.Error(err)
	}
}

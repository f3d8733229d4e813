package main

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/verify"
)

// tables are as Doctrine creates them for the bundle's models; how they are named is the
// application's to say.
const tables = `
CREATE TABLE oauth_client (id INTEGER PRIMARY KEY, random_id VARCHAR(255) NOT NULL, redirect_uris CLOB NOT NULL, secret VARCHAR(255) NOT NULL, allowed_grant_types CLOB NOT NULL);
CREATE TABLE oauth_access_token (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES oauth_client(id), user_id INTEGER, token VARCHAR(255) NOT NULL UNIQUE, expires_at INTEGER, scope VARCHAR(255));
INSERT INTO oauth_client VALUES (3, '4w3k', 'a:0:{}', 'secret', 'a:1:{i:0;s:18:"client_credentials";}');
INSERT INTO oauth_access_token VALUES
	(1, 3, NULL, 'ODk5ZmU4', unixepoch() + 3600, 'invoices.read'),
	(2, 3, 42, 'VXNlcnM', unixepoch() + 3600, 'invoices.read invoices.write'),
	(3, 3, NULL, 'RXhwaXJlZA', unixepoch() - 1, 'invoices.read'),
	(4, 3, NULL, 'Tm9TY29wZQ', unixepoch() + 3600, NULL),
	(5, 3, NULL, 'Rm9yZXZlcg', NULL, 'invoices.read'),
	(6, 3, NULL, 'QmFkU2NvcGU', unixepoch() + 3600, 'a  b');`

func TestTokensInADatabase(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "tokens.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(tables); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api(verify.Func(lookUp(db))))
	defer server.Close()
	ask := func(token string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, server.URL+"/invoices", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	for _, row := range []struct {
		name, token string
		status      int
		body        string
	}{
		{"a client's token", "ODk5ZmU4", 200, "invoices for 3_4w3k, who may write them: false"},
		{"a user's token", "VXNlcnM", 200, "who may write them: true"},
		{"an expired token", "RXhwaXJlZA", 401, "The access token expired."},
		{"a token without scope", "Tm9TY29wZQ", 403, `"scope":"invoices.read"`},
		{"a token that never expires is not taken", "Rm9yZXZlcg", 401, "The access token expired."},
		{"no token of ours", "ODk5ZmU", 401, `"invalid_token"`},
		{"no token, but SQL", "a'--", 400, `"invalid_request"`},
		{"a scope that cannot be read is our trouble", "QmFkU2NvcGU", 503, `"temporarily_unavailable"`},
	} {
		if status, body := ask(row.token); status != row.status || !strings.Contains(body, row.body) {
			t.Errorf("%s: %d %s", row.name, status, body)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if status, body := ask("ODk5ZmU4"); status != http.StatusServiceUnavailable {
		t.Errorf("the database is gone: %d %s", status, body)
	}
}

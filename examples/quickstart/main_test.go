package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), "127.0.0.1:0", true, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"-> 200 OK", "-> 201 Created", "-> 400 Bad Request", "-> 401 Unauthorized", "-> 403 Forbidden", "All 28 answers were the expected ones."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestTheDemoFailsOnAnUnexpectedAnswer(t *testing.T) {
	r := &recital{deployment: &deployment{url: start(t).url}, ctx: t.Context()}
	for _, wrong := range []step{
		{method: "GET", path: "/healthz", status: 401},
		{method: "GET", path: "/healthz", status: 200, challenge: "Bearer"},
		{method: "GET", path: "/healthz", status: 200, body: "not there"},
		{method: "GET", path: "/whoami", status: 401},
		{method: "GET", path: "/nowhere", status: 404},
	} {
		if complaint, _ := r.try(wrong, io.Discard); r.err != nil || complaint == "" {
			t.Errorf("%+v: no complaint, %v", wrong, r.err)
		}
	}
}

func TestAnAddressBeyondThisMachineIsRefused(t *testing.T) {
	if err := run(t.Context(), "0.0.0.0:0", true, io.Discard); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
	}
}

// running is a quickstart that somebody started in a terminal.
type running struct{ url, greeting string }

func start(t *testing.T) running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", false, write) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	buffer := make([]byte, 16<<10)
	n, err := read.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	greeting := string(buffer[:n])
	return running{regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(greeting), greeting}
}

// The lines that it prints are for pasting into a shell; so this does.
func TestTheCurlLines(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("NOT TESTED: the printed curl lines, for there is no curl on this machine")
	}
	script := regexp.MustCompile(`(?m)^(client .*|admin .*|A development .*)$`).ReplaceAllString(start(t).greeting, "")
	command := exec.Command("sh", "-c", script)
	command.Env = append(os.Environ(), "no_proxy=127.0.0.1")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	statuses := regexp.MustCompile(`HTTP/1\.1 (\d+)`).FindAllStringSubmatch(string(out), -1)
	var got []string
	for _, status := range statuses {
		got = append(got, status[1])
	}
	if strings.Join(got, " ") != "200 200 401 403 401 200 401" {
		t.Errorf("got %s from\n%s", got, out)
	}
	for _, want := range []string{`"client_id":"demo"`, `scope="invoices.read invoices.write"`, "The access token expired.", "The access token has been revoked."} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestMetadata(t *testing.T) { // C36
	url := start(t).url
	response, err := http.Get(url + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.NewDecoder(response.Body).Decode(&metadata); err != nil || metadata.Issuer != url || metadata.JWKSURI != url+"/.well-known/jwks.json" {
		t.Errorf("got %+v, %v", metadata, err)
	}
}

// The administration from the command line, against a quickstart that runs.
func TestManagingClients(t *testing.T) {
	q := start(t)
	key := strings.Fields(q.greeting[strings.Index(q.greeting, "admin key:"):])[2]
	order := func(arguments ...string) (map[string]any, error) {
		var out bytes.Buffer
		if err := manage(q.url, key, arguments, &out); err != nil {
			return nil, err
		}
		var answer map[string]any
		return answer, json.Unmarshal(out.Bytes(), &answer)
	}
	made, err := order("create", "-owner", "acme", "-scope", "invoices.read")
	if err != nil || made["client_secret"] == "" || made["owner"] != "acme" {
		t.Fatalf("got %v, %v", made, err)
	}
	id := made["client_id"].(string)
	if rotated, err := order("rotate", id); err != nil || rotated["client_secret"] == made["client_secret"] {
		t.Errorf("got %v, %v", rotated, err)
	}
	if revoked, err := order("revoke", id); err != nil || revoked["revoked"] != true {
		t.Errorf("got %v, %v", revoked, err)
	}
	for _, wrong := range [][]string{{"rotate", id}, {"revoke", id}, {"create", "-scope", "a  b"}, {"create", "-id", id}, {"rotate"}, {"drop"}, {}} {
		if answer, err := order(wrong...); err == nil {
			t.Errorf("%q: %v", wrong, answer)
		}
	}
	if err := manage(q.url, "", []string{"create"}, io.Discard); err == nil || !strings.Contains(err.Error(), "QUICKSTART_ADMIN_KEY") {
		t.Errorf("without a key: %v", err)
	}
	if err := manage(q.url, "wrong", []string{"create"}, io.Discard); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong key: %v", err)
	}
}

package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// oidcProvider is the npm package of that name, in a process of its own.
type oidcProvider struct {
	issuer string
	stop   func()
}

// startOIDCProvider ends the process with the test, if nobody has before.
func startOIDCProvider(t *testing.T) *oidcProvider {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("NOT TESTED: oidc-provider: there is no node on this machine; install Node.js 22 or newer, with npm")
	}
	cmd := exec.Command(node, "server.mjs", secret)
	cmd.Dir = installOIDCProvider(t)
	complaints := new(bytes.Buffer)
	cmd.Stderr = complaints
	cmd.WaitDelay = patience
	input, err := cmd.StdinPipe() // the process ends when this closes
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(output)
		lines.Scan()
		said <- lines.Text()
		for lines.Scan() { // so that it is never kept from writing
		}
	}()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		_ = input.Close()
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		<-read // Wait must not come before, or it closes what is being read
		if err := cmd.Wait(); err != nil {
			t.Errorf("oidc-provider: %v", err)
		}
		if t.Failed() {
			t.Logf("oidc-provider has written:\n%s", complaints)
		}
	}
	t.Cleanup(stop)
	select {
	case issuer := <-said:
		if !strings.HasPrefix(issuer, "http://127.0.0.1:") {
			t.Fatalf("oidc-provider did not start: %q", issuer)
		}
		return &oidcProvider{issuer, stop}
	case <-time.After(patience):
		t.Fatal("oidc-provider did not start in time")
		return nil
	}
}

// outOfReach are npm's errors of a registry that cannot be reached, which says
// nothing about anything here.
var outOfReach = regexp.MustCompile(`\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET_TIMEOUT|E403|E503)\b`)

// installOIDCProvider is a folder with the server and the packages that it needs: the
// one in the tree if they are there, else a copy.
func installOIDCProvider(t *testing.T) string {
	t.Helper()
	const source = "oidc-provider"
	if _, err := os.Stat(filepath.Join(source, "node_modules", "oidc-provider")); err == nil {
		return source
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("NOT TESTED: oidc-provider: there is no npm on this machine, and oidc-provider/node_modules is missing")
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
	install.Dir = folder
	install.WaitDelay = time.Second
	if out, err := install.CombinedOutput(); err != nil {
		if outOfReach.Match(out) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Skipf("NOT TESTED: oidc-provider: npm cannot reach its registry: %v\n%s", err, out)
		}
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return folder
}

// token is a new one for billing. Its form is what server.mjs makes of the resource:
// an algorithm, or opaque.
func (p *oidcProvider) token(t *testing.T, resource, scope string) string {
	t.Helper()
	form := url.Values{"resource": {resource}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return obtain(t, p.issuer+"/token", "billing", form)
}

package jwks_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/bearerguard/bearerguard/jwks"
)

// The key and the token of RFC 8037, appendix A.
const (
	publicKeyPEM = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----`
	publicKeyX = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	token      = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

// A public key file, such as Laravel Passport's oauth-public.key, is read once at
// the start.
func ExamplePEM() {
	set, err := jwks.PEM([]byte(publicKeyPEM))
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := set.Find(context.Background(), "", "EdDSA")
	fmt.Println(len(keys), err)

	// Package verify does this, and all else that a token needs.
	dot := strings.LastIndexByte(token, '.')
	signature, _ := base64.RawURLEncoding.DecodeString(token[dot+1:])
	fmt.Println(keys[0].Verify("EdDSA", []byte(token[:dot]), signature))
	// Output:
	// 1 <nil>
	// <nil>
}

// A public key file that is replaced while the program runs, as by a mounted
// secret, is read again.
func ExampleFile() {
	directory, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "oauth-public.key")
	if err := os.WriteFile(path, []byte(publicKeyPEM), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	set, err := jwks.File(context.Background(), jwks.FileConfig{Path: path})
	if err != nil {
		fmt.Println(err) // at the start, a file that is not there is an error
		return
	}
	defer set.Close()
	keys, err := set.Find(context.Background(), "", "EdDSA")
	fmt.Println(len(keys), err)
	fmt.Println("ready:", set.Health().Ready)
	// Output:
	// 1 <nil>
	// ready: true
}

// A private key is not for resource servers, and the error says what is.
func ExamplePEM_privateKey() {
	_, err := jwks.PEM([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"))
	fmt.Println(err)
	// Output:
	// jwks: PEM block 1: a private key, which belongs to the authorization server alone; pass its public key: openssl pkey -in private.pem -pubout
}

// Keys that the program has by other means, each tied to its kid and to one
// algorithm.
func ExampleStatic() {
	x, _ := base64.RawURLEncoding.DecodeString(publicKeyX)
	key, err := jwks.NewKey("2026-11", "EdDSA", ed25519.PublicKey(x))
	if err != nil {
		fmt.Println(err)
		return
	}
	set := jwks.Static(key)

	keys, _ := set.Find(context.Background(), "2026-11", "EdDSA")
	fmt.Println("this kid:", len(keys), keys[0].ID())
	keys, _ = set.Find(context.Background(), "2025-11", "EdDSA")
	fmt.Println("another: ", len(keys))
	// Output:
	// this kid: 1 2026-11
	// another:  0
}

// Whether a key is fit for use is known before the first request.
func ExampleNewKey() {
	x, _ := base64.RawURLEncoding.DecodeString(publicKeyX)
	_, err := jwks.NewKey("2026-11", "RS256", ed25519.PublicKey(x))
	fmt.Println(err)
	// Output:
	// jwks: Ed25519 key with an alg that is not a signature algorithm for it
}

// A set behind a URL is kept fresh until Close, or the end of the context.
func ExampleRemote() {
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":%q}]}`, publicKeyX)
	}))
	defer issuer.Close()

	set, err := jwks.Remote(context.Background(), jwks.RemoteConfig{URL: issuer.URL + "/jwks.json"})
	if err != nil {
		fmt.Println(err) // the configuration is wrong; an outage is no error here
		return
	}
	defer set.Close()
	keys, err := set.Find(context.Background(), "2026-11", "EdDSA")
	fmt.Println(len(keys), err)
	// Output:
	// 1 <nil>
}

package benchmarks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// Audience is the aud of good tokens, and Scope what their routes ask for.
const (
	Audience = "https://api.example"
	Scope    = "invoices.read"
)

// Algorithms are those that are measured.
var Algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// Issuer is an authorization server as far as an API sees it: its metadata and its
// JWK Set on loopback, and tokens that it has signed. It signs with the standard
// library, so no implementation verifies its own work.
type Issuer struct {
	URL     string
	server  *httptest.Server
	fetches atomic.Int64

	mu        sync.Mutex
	keys      map[string]key // by algorithm
	published []map[string]any
}

type key struct {
	id     string
	signer crypto.Signer
}

// NewIssuer is an issuer with a key for each algorithm.
func NewIssuer(algorithms ...string) (*Issuer, error) {
	i := &Issuer{keys: map[string]key{}}
	for _, alg := range algorithms {
		if err := i.Rotate(alg); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jwks.json", i.serveKeys)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", i.serveMetadata)
	mux.HandleFunc("GET /.well-known/openid-configuration", i.serveMetadata)
	i.server = httptest.NewServer(mux)
	i.URL = i.server.URL
	return i, nil
}

// Close ends the server.
func (i *Issuer) Close() { i.server.Close() }

// Fetches is how often the key set has been asked for.
func (i *Issuer) Fetches() int64 { return i.fetches.Load() }

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	i.fetches.Add(1)
	i.mu.Lock()
	document, err := json.Marshal(map[string]any{"keys": i.published})
	i.mu.Unlock()
	answer(w, document, err)
}

func (i *Issuer) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	document, err := json.Marshal(map[string]any{
		"issuer":                                i.URL,
		"jwks_uri":                              i.URL + "/jwks.json",
		"authorization_endpoint":                i.URL + "/authorize",
		"token_endpoint":                        i.URL + "/token",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": Algorithms,
	})
	answer(w, document, err)
}

func answer(w http.ResponseWriter, document []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(document)
}

// Rotate publishes one more key for alg, and signs with it from now on.
func (i *Issuer) Rotate(alg string) error {
	signer, err := newSigner(alg)
	if err != nil {
		return err
	}
	added := key{rand.Text(), signer}
	jwk := map[string]any{"kid": added.id, "alg": alg, "use": "sig"}
	switch public := signer.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x, y
		if err != nil {
			return err
		}
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys[alg] = added
	i.published = append(i.published, jwk)
	return nil
}

func newSigner(alg string) (crypto.Signer, error) {
	switch alg {
	case "RS256", "PS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, signer, err := ed25519.GenerateKey(rand.Reader)
		return signer, err
	}
	return nil, fmt.Errorf("benchmarks: no keys for %q", alg)
}

// Public is the key that signs tokens of alg now.
func (i *Issuer) Public(alg string) (id string, public crypto.PublicKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[alg].id, i.keys[alg].signer.Public()
}

// Draft is a token before it is signed.
type Draft struct {
	Header, Claims map[string]any
	// Payload stands in for Claims, if it is there.
	Payload []byte
	// Padded encodes with base64's padding, which JWS forbids.
	Padded bool
	Signer crypto.Signer
}

// Token is an access token by RFC 9068, as an API of some size gets it: 600 to 900
// bytes, valid for a day, another one each time. Changes make it something else.
func (i *Issuer) Token(alg string, changes ...func(*Draft)) (string, error) {
	i.mu.Lock()
	signing := i.keys[alg]
	i.mu.Unlock()
	now := time.Now()
	draft := &Draft{
		Header: map[string]any{"alg": alg, "typ": "at+jwt", "kid": signing.id},
		Claims: map[string]any{
			"iss": i.URL, "aud": Audience,
			"sub": "5f0c1d52-9f0e-4f43-8f0b-2f6a1c1e7a10", "client_id": "5f0c1d52-9f0e-4f43-8f0b-2f6a1c1e7a10",
			"tenant": "c2b7e1a4-6a53-4e0e-9d5b-0b8f3a9d7c11",
			"iat":    now.Unix(), "exp": now.Add(24 * time.Hour).Unix(), "jti": rand.Text(),
			"scope": Scope + " invoices.write customers.read reports.read",
		},
		Signer: signing.signer,
	}
	for _, change := range changes {
		change(draft)
	}
	return draft.sign()
}

func (d *Draft) sign() (string, error) {
	header, err := json.Marshal(d.Header)
	if err != nil {
		return "", err
	}
	if d.Payload == nil {
		if d.Payload, err = json.Marshal(d.Claims); err != nil {
			return "", err
		}
	}
	encoding := base64.RawURLEncoding
	if d.Padded {
		encoding = base64.URLEncoding
	}
	input := encode(header) + "." + encoding.EncodeToString(d.Payload)
	signature, err := sign(d.Header["alg"].(string), d.Signer, input)
	return input + "." + encode(signature), err
}

func sign(alg string, signer crypto.Signer, input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	switch signer := signer.(type) {
	case *rsa.PrivateKey:
		if alg == "PS256" {
			return rsa.SignPSS(rand.Reader, signer, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, signer, crypto.SHA256, digest[:])
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, signer, digest[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature, nil
	case ed25519.PrivateKey:
		return ed25519.Sign(signer, []byte(input)), nil
	}
	return nil, fmt.Errorf("benchmarks: no signatures by %T", signer)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

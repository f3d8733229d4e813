package benchmarks

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"

	"github.com/bearerguard/bearerguard/principal"
)

// bareCrypto is the least that verifying a token's bytes can cost: nothing of what
// they say is looked at. It is no protection.
func bareCrypto(ctx context.Context, api API) (Middleware, error) {
	public, err := fetchKey(ctx, api)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok || !signed(public, api.Algorithm, token) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// lookup is the least that remembering tokens can cost: a look into a map, and a
// principal handed on. It keeps the tokens themselves, all of them and for ever, and
// takes everybody's word. It is no protection.
func lookup(context.Context, API) (Middleware, error) {
	var mu sync.RWMutex
	known := map[string]*principal.Principal{}
	find := func(token string) *principal.Principal {
		mu.RLock()
		defer mu.RUnlock()
		return known[token]
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			p := find(token)
			if p == nil {
				p = &principal.Principal{}
				mu.Lock()
				known[token] = p
				mu.Unlock()
			}
			next.ServeHTTP(w, r.WithContext(principal.NewContext(r.Context(), p)))
		})
	}, nil
}

// signed decodes all three parts, as everybody must who reads them.
func signed(public crypto.PublicKey, alg, token string) bool {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok {
		return false
	}
	if _, err := base64.RawURLEncoding.DecodeString(header); err != nil {
		return false
	}
	if _, err := base64.RawURLEncoding.DecodeString(payload); err != nil {
		return false
	}
	s, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	input := []byte(token[:len(header)+1+len(payload)])
	switch public := public.(type) {
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		if alg == "PS256" {
			return rsa.VerifyPSS(public, crypto.SHA256, digest[:], s, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], s) == nil
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(input)
		return len(s) == 64 && ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:]))
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, s)
	}
	return false
}

// fetchKey is the key for the API's algorithm.
func fetchKey(ctx context.Context, api API) (crypto.PublicKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api.KeysURL, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct{ Alg, N, E, X, Y string }
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, err
	}
	decode := func(s string) []byte {
		b, decodeErr := base64.RawURLEncoding.DecodeString(s)
		if decodeErr != nil {
			err = decodeErr
		}
		return b
	}
	for _, jwk := range set.Keys {
		if jwk.Alg != api.Algorithm {
			continue
		}
		switch jwk.Alg {
		case "RS256", "PS256":
			return &rsa.PublicKey{N: new(big.Int).SetBytes(decode(jwk.N)), E: int(new(big.Int).SetBytes(decode(jwk.E)).Int64())}, err
		case "ES256":
			point := append(append([]byte{4}, decode(jwk.X)...), decode(jwk.Y)...)
			if err != nil {
				return nil, err
			}
			return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		case "EdDSA":
			return ed25519.PublicKey(decode(jwk.X)), err
		}
	}
	return nil, fmt.Errorf("benchmarks: no key for %s at %s", api.Algorithm, api.KeysURL)
}

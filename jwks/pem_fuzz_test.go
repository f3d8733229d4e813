package jwks

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	pemBlock  = regexp.MustCompile(`(?s)-----BEGIN ([^\n]*?)-----(.*?)-----END ([^\n]*?)-----`)
	pemHeader = regexp.MustCompile(`(?m)^[^\n]*:[^\n]*$`)
)

// readPEM is the keys of a document as an expression, encoding/base64 and crypto/x509
// find them, and the same blocks as encoding/pem writes them; false if one is
// something else.
func readPEM(document []byte) (keys []*Key, written []byte, ok bool) {
	for _, match := range pemBlock.FindAllSubmatch(document, -1) {
		label, body := string(match[1]), pemHeader.ReplaceAllString(string(match[2]), "")
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil || label != string(match[3]) {
			return nil, nil, false
		}
		var public crypto.PublicKey
		switch label {
		case "PUBLIC KEY":
			public, err = x509.ParsePKIXPublicKey(der)
		case "RSA PUBLIC KEY":
			public, err = x509.ParsePKCS1PublicKey(der)
		case "CERTIFICATE":
			var certificate *x509.Certificate
			if certificate, err = x509.ParseCertificate(der); err == nil {
				public = certificate.PublicKey
			}
		default:
			return nil, nil, false
		}
		if err != nil {
			return nil, nil, false
		}
		key, err := NewKey("", "", public)
		if err != nil {
			return nil, nil, false
		}
		keys = append(keys, key)
		written = append(written, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})...)
	}
	return keys, written, len(keys) > 0
}

// rsaModulus is of 2048 bits and nobody's.
func rsaModulus() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	return n.Add(n, big.NewInt(12345677))
}

// A document is read as the public keys of all its blocks, in their order, or not at
// all; and one that is written as encoding/pem writes it, of keys that are fit, is
// read.
func FuzzPEM(f *testing.F) {
	generator := elliptic.P256().Params()
	point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, generator.Gx.Bytes(), generator.Gy.Bytes()))
	if err != nil {
		f.Fatal(err)
	}
	for _, public := range []crypto.PublicKey{
		&rsa.PublicKey{N: rsaModulus(), E: 65537},
		point,
		ed25519.PublicKey(bytes.Repeat([]byte{1}, ed25519.PublicKeySize)),
	} {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			f.Fatal(err)
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		f.Add(block)
		f.Add(append([]byte("a comment\n"), block...))
		f.Add(append(block, block...))
		f.Add(block[:len(block)-8])
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}}))
		f.Add(bytes.ReplaceAll(block, []byte("\n"), []byte("\r\n")))
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: rsaModulus(), E: 3})}))
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := parsePEM(document)
		want, written, readable := readPEM(document)
		set, setErr := PEM(document)
		if (err == nil) != (setErr == nil) || (err == nil) != (set != nil) {
			t.Fatalf("%v, but PEM says %v", err, setErr)
		}
		if err != nil {
			if readable && bytes.Equal(document, written) {
				t.Fatalf("%q is refused: %v", document, err)
			}
			if line, _, _ := bytes.Cut(document, []byte("\n")); len(line) > 40 && strings.Contains(err.Error(), string(line[:40])) {
				t.Fatalf("the error repeats the document: %v", err)
			}
			return
		}
		if !readable || len(got) != len(want) || len(got) != bytes.Count(document, []byte("-----BEGIN ")) {
			t.Fatalf("%q: %d keys, a second reading finds %d", document, len(got), len(want))
		}
		for i := range got {
			if !got[i].equal(want[i]) {
				t.Fatalf("%q: key %d is another one", document, i)
			}
		}
	})
}

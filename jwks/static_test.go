package jwks_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/jwks"
)

// Keys that take a moment to make, made once.
var (
	rsa2048 = must(rsa.GenerateKey(rand.Reader, 2048))
	rsa1024 = weakRSA()
	p256    = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p224    = must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// weakRSA is a public key that crypto/rsa would refuse to generate.
func weakRSA() *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), 1023)
	return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func spki(public crypto.PublicKey) []byte {
	return block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(public)))
}

func certificate(signer crypto.Signer) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "issuer.example"},
		NotBefore:    time.Now().Add(-2 * time.Hour),
		NotAfter:     time.Now().Add(-time.Hour), // expired: the key alone counts
	}
	return block("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)))
}

func together(documents ...[]byte) (all []byte) {
	for _, document := range documents {
		all = append(all, document...)
	}
	return all
}

func TestPEM(t *testing.T) {
	passport := spki(&rsa2048.PublicKey)
	ed := private("a").Public()
	for _, row := range []struct {
		name     string
		document []byte
		keys     map[string]int // by alg
	}{
		{"an RSA PUBLIC KEY as X.509 has it, as Passport's oauth-public.key", passport,
			map[string]int{"RS256": 1, "RS512": 1, "PS256": 1, "ES256": 0, "EdDSA": 0, "HS256": 0, "none": 0}},
		{"an RSA PUBLIC KEY as PKCS #1 has it", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsa2048.PublicKey)),
			map[string]int{"RS256": 1}},
		{"a P-256 key", spki(&p256.PublicKey), map[string]int{"ES256": 1, "ES384": 0, "RS256": 0}},
		{"an Ed25519 key", spki(ed), map[string]int{"EdDSA": 1, "Ed25519": 1, "ES256": 0}},
		{"an expired CERTIFICATE", certificate(p256), map[string]int{"ES256": 1}},
		{"one of each, with text around", together([]byte("the keys of 2026:\n"), passport, []byte("\n"), certificate(p256), spki(ed), []byte("end")),
			map[string]int{"RS256": 1, "ES256": 1, "EdDSA": 1}},
		{"an old key and a new one", together(spki(ed), spki(private("b").Public())), map[string]int{"EdDSA": 2}},
		{"lines that end as on Windows", []byte(strings.ReplaceAll(string(passport), "\n", "\r\n")), map[string]int{"RS256": 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := jwks.PEM(row.document)
			if err != nil {
				t.Fatal(err)
			}
			for alg, want := range row.keys {
				// A PEM document names no key, so it has no opinion on kid.
				for _, kid := range []string{"", "any-kid"} {
					if keys, err := set.Find(t.Context(), kid, alg); len(keys) != want || err != nil {
						t.Errorf("kid %q, alg %q: %d keys, %v", kid, alg, len(keys), err)
					}
				}
			}
		})
	}
}

func TestPEMThatIsRefused(t *testing.T) {
	good := spki(&p256.PublicKey)
	for _, row := range []struct {
		name     string
		document []byte
		says     []string
	}{
		{"nothing", nil, []string{"no PEM block", "-----BEGIN PUBLIC KEY-----"}},
		{"the name of a file", []byte("/etc/keys/oauth-public.key"), []string{"no PEM block", "contents"}},
		{"a JWK Set", []byte(setOf(jwk("a"))), []string{"no PEM block"}},
		{"line breaks lost on the way through the environment", []byte(strings.ReplaceAll(string(good), "\n", `\n`)), []string{"no PEM block"}},
		{"a private RSA key", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa2048)),
			[]string{"a private key", "authorization server alone", "openssl pkey -in private.pem -pubout"}},
		{"a private key", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p256))), []string{"a private key"}},
		{"a private EC key", block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256))), []string{"a private key"}},
		{"an encrypted private key", block("ENCRYPTED PRIVATE KEY", []byte("secret")), []string{"a private key"}},
		{"a private key behind a public one", together(good, block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p256)))),
			[]string{"block 2", "a private key"}},
		{"a certificate request", block("CERTIFICATE REQUEST", []byte("?")), []string{`"CERTIFICATE REQUEST"`, "PUBLIC KEY is wanted"}},
		{"garbage in a block", block("PUBLIC KEY", []byte("garbage")), []string{"block 1"}},
		{"garbage in an RSA block", block("RSA PUBLIC KEY", []byte("garbage")), []string{"block 1"}},
		{"garbage in a certificate", block("CERTIFICATE", []byte("garbage")), []string{"block 1"}},
		{"garbage behind a good key", together(good, block("PUBLIC KEY", []byte("garbage"))), []string{"block 2"}},
		{"a second block cut off", together(good, good[:len(good)-30]), []string{"2 PEM blocks begin and 1 could be read", "damaged or cut off"}},
		{"a second block with a letter that base64 does not have", together(good, []byte(strings.Replace(string(good), "M", "*", 1))),
			[]string{"2 PEM blocks begin and 1 could be read"}},
		{"a first block without its end", together(good[:len(good)-30], []byte("\n"), good), []string{"damaged or cut off"}},
		{"a second block that ends as another kind", together(good, []byte(strings.Replace(string(good), "END PUBLIC", "END RSA PUBLIC", 1))),
			[]string{"damaged or cut off"}},
		{"an RSA key of 1024 bits (C14)", spki(rsa1024), []string{"1024 bits", "2048 to 8192", "block 1"}},
		{"a curve that no algorithm uses", together(good, spki(&p224.PublicKey)), []string{"curve not supported", "block 2"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := jwks.PEM(row.document)
			if err == nil || set != nil {
				t.Fatalf("accepted: %v, %v", set, err)
			}
			for _, says := range row.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%v; it should say: %s", err, says)
				}
			}
		})
	}
}

func TestNewKey(t *testing.T) {
	const accepted = ""
	ed := private("a").Public()
	//lint:ignore SA1019 there is no other way to a point that is not on the curve
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}
	for _, row := range []struct {
		name    string
		alg     string
		public  crypto.PublicKey
		refused string // what the error says
	}{
		{"an RSA key for any RSA algorithm", "", &rsa2048.PublicKey, accepted},
		{"an RSA key for PS256", "PS256", &rsa2048.PublicKey, accepted},
		{"an EC key", "", &p256.PublicKey, accepted},
		{"an Ed25519 key by the old name (C15)", "EdDSA", ed, accepted},
		{"an Ed25519 key by the new name (C15)", "Ed25519", ed, accepted},

		{"alg of another family (C19)", "ES256", &rsa2048.PublicKey, "not a signature algorithm for it"},
		{"alg of another curve (C14)", "ES384", &p256.PublicKey, "not a signature algorithm for it"},
		{"a symmetric alg", "HS256", &rsa2048.PublicKey, "not a signature algorithm for it"},
		{"an encryption alg", "RSA-OAEP", &rsa2048.PublicKey, "not a signature algorithm for it"},
		{"no signature at all (C14)", "none", &p256.PublicKey, "not a signature algorithm for it"},
		{"alg in other letters (C19)", "rs256", &rsa2048.PublicKey, "not a signature algorithm for it"},
		{"an RSA key of 1024 bits (C14)", "", rsa1024, "1024 bits"},
		{"a curve that no algorithm uses", "", &p224.PublicKey, "curve not supported"},
		{"a point that is not on its curve (C14)", "", off, "not on the curve"},
		{"an Ed25519 key cut short", "", ed.(ed25519.PublicKey)[:31], "wrong size"},
		{"a private RSA key", "", rsa2048, "key type not supported"},
		{"a private Ed25519 key", "", private("a"), "key type not supported"},
		{"a shared secret", "", []byte("secret"), "key type not supported"},
		{"nothing", "", nil, "key type not supported"},
	} {
		t.Run(row.name, func(t *testing.T) {
			key, err := jwks.NewKey("kid", row.alg, row.public)
			switch {
			case row.refused == accepted && (err != nil || key.ID() != "kid"):
				t.Errorf("refused: %v", err)
			case row.refused != accepted && err == nil:
				t.Error("accepted")
			case row.refused != accepted && !strings.Contains(err.Error(), row.refused):
				t.Errorf("%v; it should say: %s", err, row.refused)
			}
		})
	}
}

func TestStatic(t *testing.T) {
	key := func(kid, alg string, public crypto.PublicKey) *jwks.Key { return must(jwks.NewKey(kid, alg, public)) }
	a, b := private("a").Public(), private("b").Public()
	var six []*jwks.Key
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		six = append(six, key("", "", private(name).Public()))
	}
	named := jwks.Static(key("a", "", a), key("rsa", "PS256", &rsa2048.PublicKey))
	for _, row := range []struct {
		name     string
		set      *jwks.StaticSet
		kid, alg string
		keys     int
	}{
		{"a kid that there is", named, "a", "EdDSA", 1},
		{"a kid that there is, for an alg that is not the key's (C19)", named, "a", "RS256", 0},
		{"a key tied to one alg, for it (C13)", named, "rsa", "PS256", 1},
		{"a key tied to one alg, for another (C13)", named, "rsa", "RS256", 0},
		{"a kid that there is not", named, "b", "EdDSA", 0},
		{"a kid that is a query (C23)", named, "a' OR '1'='1", "EdDSA", 0},
		{"no kid: whichever key alg fits", named, "", "EdDSA", 1},
		{"alg in other letters (C19)", named, "a", "eddsa", 0},
		{"no alg", named, "a", "", 0},

		{"unnamed keys have no opinion on kid", jwks.Static(key("", "", a), key("", "", b)), "any", "EdDSA", 2},
		{"an unnamed key among named ones does not answer to a kid", jwks.Static(key("", "", a), key("b", "", b)), "any", "EdDSA", 0},
		{"two keys of one kid are both tried", jwks.Static(key("a", "", a), key("a", "", b)), "a", "EdDSA", 2},
		{"six keys that nothing tells apart are all tried", jwks.Static(six...), "any", "EdDSA", 6},
		{"no key at all", jwks.Static(), "", "EdDSA", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			if keys, err := row.set.Find(t.Context(), row.kid, row.alg); len(keys) != row.keys || err != nil {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		})
	}
}

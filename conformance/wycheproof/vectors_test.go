// Package wycheproof_test sends the vectors of Project Wycheproof through
// internal/jose: signatures, keys and tokens of other people's making, most of them
// bad in a way that some library has once taken for good.
package wycheproof_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"
)

// Each file is one of these: tokens and keys, bare signatures by keys that are taken
// here, and what no token is signed with.
var (
	tokenFiles     = []string{"json_web_*"}
	signatureFiles = []string{"ecdsa_secp256r1_*", "ecdsa_secp384r1_*", "ecdsa_secp521r1_*", "ed25519_*", "rsa_signature_*", "rsa_pss_*[^s]_test.json"}
	otherFiles     = []string{
		"a128cbc_*", "a192cbc_*", "a256cbc_*", "aead_*", "aegis*", "aes_*", "aria_*", "ascon*", "bls_*", "c2sp_*", "camellia_*",
		"chacha20_*", "dsa_*", "ec_*", "ecdh_*", "ecdsa_brainpool*", "ecdsa_secp1*", "ecdsa_secp224*", "ecdsa_secp256k1_*", "ed448_*",
		"hkdf_*", "hmac_*", "kmac*", "mldsa_*", "mlkem_*", "morus*", "pbes2_*", "pbkdf2_*", "primality_*", "rsa_oaep_*", "rsa_pkcs1_*",
		"rsa_pss_*_params_test.json", "rsa_three_primes_*", "seed_*", "siphash*", "sm4_*", "vmac_*", "x25519_*", "x448_*", "xchacha20_*",
	}
)

func TestNoFileIsUnknown(t *testing.T) {
	names, err := fs.Glob(wycheproof.TestVectors, "*")
	if err != nil || len(names) == 0 {
		t.Fatal("no files: ", err)
	}
	for _, name := range names {
		kinds := 0
		for _, patterns := range [][]string{tokenFiles, signatureFiles, otherFiles} {
			if slices.ContainsFunc(patterns, func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }) {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%s belongs to %d of the three lists", name, kinds)
		}
	}
}

// deviations are the vectors of a file of which we say otherwise than Wycheproof.
type deviations struct {
	file   string
	ids    []int
	reason string
}

// read calls judge with each group of the files, and logs what became of their vectors.
func read[G any](t *testing.T, what string, patterns []string, known []deviations, judge func(*tally, G)) {
	t.Helper()
	total := tally{T: t}
	for _, pattern := range patterns {
		names, err := fs.Glob(wycheproof.TestVectors, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no file %s: %v", pattern, err)
		}
		for _, name := range names {
			var file struct {
				NumberOfTests int
				TestGroups    []G
			}
			content, err := fs.ReadFile(wycheproof.TestVectors, name)
			if err == nil {
				err = json.Unmarshal(content, &file)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			c := &tally{T: t, file: name, unseen: map[int]string{}}
			for _, d := range known {
				for _, id := range d.ids {
					if d.file == name {
						c.unseen[id] = d.reason
					}
				}
			}
			for _, group := range file.TestGroups {
				judge(c, group)
			}
			for id, reason := range c.unseen {
				t.Errorf("%s has no vector %d: %s", name, id, reason)
			}
			if n := c.passed + c.failed + c.named + c.left; n != file.NumberOfTests || n == 0 {
				t.Errorf("%s: came by %d of %d vectors", name, n, file.NumberOfTests)
			}
			t.Logf("%s: %v", name, c)
			total.passed, total.failed, total.named, total.left = total.passed+c.passed, total.failed+c.failed, total.named+c.named, total.left+c.left
		}
	}
	t.Logf("wycheproof: %s: %v", what, &total) // which .ci/run shows
}

// vector is what all vectors have.
type vector struct {
	TcID    int
	Comment string
	Result  string
}

// valid is whether a vector is good. Those that one may take or not ("acceptable")
// are not good here.
func (v vector) valid(t *testing.T) bool {
	if !slices.Contains([]string{"valid", "acceptable", "invalid"}, v.Result) {
		t.Errorf("vector %d has the unknown result %q", v.TcID, v.Result)
	}
	return v.Result == "valid"
}

// tally is what became of the vectors of one file, and which of its deviations have
// not been met yet.
type tally struct {
	*testing.T
	file                        string
	unseen                      map[int]string
	passed, failed, named, left int
}

// count takes down a vector. Where our verdict is not Wycheproof's, it must be among
// the deviations, and nowhere else.
func (c *tally) count(v vector, accepted, want bool) {
	reason, deviates := c.unseen[v.TcID]
	delete(c.unseen, v.TcID)
	switch {
	case deviates == (accepted != want) && deviates:
		c.named++
	case deviates == (accepted != want):
		c.passed++
	case deviates:
		c.failed++
		c.Errorf("%s %d (%s): accepted is %v, as Wycheproof has it, so this is no deviation any more: %s", c.file, v.TcID, v.Comment, accepted, reason)
	default:
		c.failed++
		c.Errorf("%s %d (%s): accepted is %v, want %v", c.file, v.TcID, v.Comment, accepted, want)
	}
}

// leave takes down vectors that are not judged.
func (c *tally) leave(n int) { c.left += n }

func (c *tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d named deviations, %d left out", c.passed, c.failed, c.named, c.left)
}

package jose_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/bearerguard/bearerguard/internal/jose"
)

// Keys that sign. One of each is enough, and RSA keys are slow to make.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { _, key, err := ed25519.GenerateKey(rand.Reader); return must(key, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signing is an algorithm as the standard library does it.
type signing struct {
	public crypto.PublicKey
	sign   func(input []byte) []byte
}

// signers are the algorithms of RFC 7518 §3.1 and RFC 8037 §3.1, written down
// without the package that is tested.
var signers = sync.OnceValue(func() map[string]signing {
	return map[string]signing{
		"RS256":   pkcs1(crypto.SHA256),
		"RS384":   pkcs1(crypto.SHA384),
		"RS512":   pkcs1(crypto.SHA512),
		"PS256":   pss(crypto.SHA256, rsa.PSSSaltLengthEqualsHash),
		"PS384":   pss(crypto.SHA384, rsa.PSSSaltLengthEqualsHash),
		"PS512":   pss(crypto.SHA512, rsa.PSSSaltLengthEqualsHash),
		"ES256":   fixed(p256(), crypto.SHA256, 32),
		"ES384":   fixed(p384(), crypto.SHA384, 48),
		"ES512":   fixed(p521(), crypto.SHA512, 66),
		"EdDSA":   {edKey().Public(), func(input []byte) []byte { return ed25519.Sign(edKey(), input) }},
		"Ed25519": {edKey().Public(), func(input []byte) []byte { return ed25519.Sign(edKey(), input) }},
	}
})

func digest(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(nil)
}

func pkcs1(hash crypto.Hash) signing {
	return signing{rsaKey().Public(), func(input []byte) []byte {
		return must(rsa.SignPKCS1v15(rand.Reader, rsaKey(), hash, digest(hash, input)))
	}}
}

func pss(hash crypto.Hash, salt int) signing {
	return signing{rsaKey().Public(), func(input []byte) []byte {
		return must(rsa.SignPSS(rand.Reader, rsaKey(), hash, digest(hash, input), &rsa.PSSOptions{SaltLength: salt}))
	}}
}

// fixed is ECDSA with r and s as two numbers of size octets (RFC 7518 §3.4).
func fixed(key *ecdsa.PrivateKey, hash crypto.Hash, size int) signing {
	return signing{key.Public(), func(input []byte) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest(hash, input))
		return pair(must(r, err), s, size)
	}}
}

func pair(r, s *big.Int, size int) []byte {
	return slices.Concat(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size)))
}

var input = []byte("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UifQ")

func TestTheAlgorithms(t *testing.T) { // C14, C15, C50
	var want []string
	for name := range signers() {
		want = append(want, name)
	}
	got := jose.Algorithms()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEveryAlgorithmVerifiesWhatItsKeySigned(t *testing.T) { // C14, C15
	for name, algorithm := range signers() {
		t.Run(name, func(t *testing.T) {
			key := must(jose.NewKey("k1", name, algorithm.public))
			if key.ID != "k1" || !key.Supports(name) {
				t.Errorf("id %q, supports %s: %v", key.ID, name, key.Supports(name))
			}
			signature := algorithm.sign(input)
			if err := key.Verify(name, input, signature); err != nil {
				t.Fatal(err)
			}
			for what, spoiled := range map[string][2][]byte{
				"other input":                {[]byte("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJldmUifQ"), signature},
				"input that goes on":         {append(slices.Clip(input), 'A'), signature},
				"no input":                   {nil, signature},
				"a bit of the first octet":   {input, flip(signature, 0)},
				"a bit of the last octet":    {input, flip(signature, len(signature)-1)},
				"an octet less":              {input, signature[:len(signature)-1]},
				"an octet less in front":     {input, signature[1:]},
				"an octet more":              {input, append(slices.Clip(signature), 0)},
				"an octet more in front":     {input, append([]byte{0}, signature...)},
				"the signature twice":        {input, append(slices.Clip(signature), signature...)},
				"no signature":               {input, nil},
				"nothing but zeros":          {input, make([]byte, len(signature))},
				"nothing but ones":           {input, slices.Repeat([]byte{0xff}, len(signature))},
				"the input as the signature": {input, input},
			} {
				if err := key.Verify(name, spoiled[0], spoiled[1]); !errors.Is(err, jose.ErrSignature) {
					t.Errorf("%s: got %v, want ErrSignature", what, err)
				}
			}
		})
	}
}

func flip(signature []byte, i int) []byte {
	flipped := slices.Clone(signature)
	flipped[i] ^= 1
	return flipped
}

// The signature is good; only the name that the token gives for its algorithm is
// not the key's.
func TestTheAlgorithmMustBeTheKeys(t *testing.T) { // C13, C14, C19
	twoNames := []string{"EdDSA", "Ed25519"} // of one algorithm (C15)
	alike := func(a, b string) bool {
		return a == b || slices.Contains(twoNames, a) && slices.Contains(twoNames, b)
	}
	never := []string{"", "none", "None", "NONE", "noNE", "HS256", "HS384", "HS512", "ES256K", "RSA-OAEP", "Ed448", "ed25519", "rs256", "RS256 ", " RS256"}
	for name, algorithm := range signers() {
		t.Run(name, func(t *testing.T) {
			signature := algorithm.sign(input)
			tied := must(jose.NewKey("", name, algorithm.public))
			free := must(jose.NewKey("", "", algorithm.public))
			for _, other := range append(jose.Algorithms(), never...) {
				want := alike(name, other)
				if got := tied.Supports(other); got != want {
					t.Errorf("a key with alg %s supports %q: %v", name, other, got)
				}
				if got := tied.Verify(other, input, signature) == nil; got != want {
					t.Errorf("a key with alg %s verifies %q: %v", name, other, got)
				}
				if got := free.Verify(other, input, signature) == nil; got != want {
					t.Errorf("a key without alg verifies its %s signature as %q: %v", name, other, got)
				}
			}
		})
	}
}

func TestAKeyWithoutAlgServesItsTypeAndCurve(t *testing.T) { // C14, C15
	for name, test := range map[string]struct {
		public crypto.PublicKey
		want   []string
	}{
		"RSA":     {rsaKey().Public(), []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		"P-256":   {p256().Public(), []string{"ES256"}},
		"P-384":   {p384().Public(), []string{"ES384"}},
		"P-521":   {p521().Public(), []string{"ES512"}},
		"Ed25519": {edKey().Public(), []string{"EdDSA", "Ed25519"}},
	} {
		t.Run(name, func(t *testing.T) {
			key := must(jose.NewKey("", "", test.public))
			for _, alg := range jose.Algorithms() {
				if got := key.Supports(alg); got != slices.Contains(test.want, alg) {
					t.Errorf("supports %s: %v", alg, got)
				}
			}
		})
	}
}

func TestASignatureByAnotherKeyIsRefused(t *testing.T) {
	for name, other := range map[string]crypto.PublicKey{
		"RS256":   &rsa.PublicKey{N: modulus(2048), E: 65537},
		"PS256":   &rsa.PublicKey{N: modulus(2048), E: 65537},
		"ES256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).Public(),
		"ES384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).Public(),
		"ES512":   must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)).Public(),
		"Ed25519": ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public(),
	} {
		t.Run(name, func(t *testing.T) {
			signature := signers()[name].sign(input)
			if err := must(jose.NewKey("", name, other)).Verify(name, input, signature); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("got %v, want ErrSignature", err)
			}
		})
	}
}

// modulus is a number that could be an RSA modulus: nobody knows its factors,
// nor does anything here need them.
func modulus(bits int) *big.Int {
	n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1))))
	return n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
}

// rocaModulus has the form of Infineon's faulty moduli (CVE-2017-15361): a multiple of
// the product of the first 39 primes, and a power of 65537.
func rocaModulus(bits int) *big.Int {
	n, product := modulus(bits), primorial()
	power := new(big.Int).Exp(big.NewInt(65537), modulus(64), product)
	return n.Add(n.Sub(n, new(big.Int).Mod(n, product)), power)
}

// nearlyROCA is such a modulus, except that modulo 157 it is no power of 65537, for it
// is 0.
func nearlyROCA(bits int) *big.Int {
	n, prime := rocaModulus(bits), big.NewInt(157)
	step := new(big.Int).Div(primorial(), prime)
	for new(big.Int).Mod(n, prime).Sign() != 0 {
		n.Add(n, step)
	}
	return n
}

func primorial() *big.Int {
	product := big.NewInt(1)
	for i := int64(2); i <= 167; i++ {
		if p := big.NewInt(i); p.ProbablyPrime(0) {
			product.Mul(product, p)
		}
	}
	return product
}

// point is a key that nothing has checked, which is what jwx makes of a JWK.
func point(curve elliptic.Curve, x, y *big.Int) *ecdsa.PublicKey {
	//lint:ignore SA1019 the constructors that took its place refuse such points
	return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
}

// coordinates are the key's x and y.
func coordinates(key *ecdsa.PrivateKey) (x, y *big.Int) {
	octets := must(key.PublicKey.Bytes())[1:] // after the 4 that says uncompressed
	half := len(octets) / 2
	return new(big.Int).SetBytes(octets[:half]), new(big.Int).SetBytes(octets[half:])
}

func TestKeysThatAreNotFitToVerify(t *testing.T) { // C13, C14
	x, y := coordinates(p256())
	zero, one, p := new(big.Int), big.NewInt(1), elliptic.P256().Params().P
	beyond31Bits := int64(1)<<31 + 1
	for name, test := range map[string]struct {
		alg    string
		public crypto.PublicKey
	}{
		"nothing":                         {"", nil},
		"RSA, a nil pointer":              {"", (*rsa.PublicKey)(nil)},
		"RSA without a modulus":           {"", &rsa.PublicKey{E: 65537}},
		"EC, a nil pointer":               {"", (*ecdsa.PublicKey)(nil)},
		"EC without a curve":              {"", point(nil, x, y)},
		"P-256 without a point":           {"", point(elliptic.P256(), nil, nil)},
		"P-256 with half a point":         {"", point(elliptic.P256(), x, nil)},
		"RSA of 1024 bits":                {"", &rsa.PublicKey{N: modulus(1024), E: 65537}},
		"RSA of 2047 bits":                {"", &rsa.PublicKey{N: modulus(2047), E: 65537}},
		"RSA of 8193 bits":                {"", &rsa.PublicKey{N: modulus(8193), E: 65537}},
		"RSA of 16384 bits":               {"", &rsa.PublicKey{N: modulus(16384), E: 65537}},
		"RSA, exponent 1":                 {"", &rsa.PublicKey{N: modulus(2048), E: 1}},
		"RSA, exponent 0":                 {"", &rsa.PublicKey{N: modulus(2048), E: 0}},
		"RSA, a negative exponent":        {"", &rsa.PublicKey{N: modulus(2048), E: -3}},
		"RSA, an even exponent":           {"", &rsa.PublicKey{N: modulus(2048), E: 65536}},
		"RSA, an exponent of 32 bits":     {"", &rsa.PublicKey{N: modulus(2048), E: int(beyond31Bits)}},
		"RSA, an even modulus":            {"", &rsa.PublicKey{N: new(big.Int).Lsh(modulus(2047), 1), E: 65537}},
		"RSA, a modulus of a faulty chip": {"", &rsa.PublicKey{N: rocaModulus(2048), E: 65537}},
		"RSA, one of 4096 bits":           {"", &rsa.PublicKey{N: rocaModulus(4096), E: 65537}},
		"RSA, the private key":            {"", rsaKey()},
		"RSA, not by pointer":             {"", rsaKey().PublicKey},
		"P-224":                           {"", must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).Public()},
		"P-256, the private key":          {"", p256()},
		"P-256, a point off the curve":    {"", point(elliptic.P256(), x, new(big.Int).Xor(y, one))},
		"P-256, the point at infinity":    {"", point(elliptic.P256(), zero, zero)},
		"P-256, a point beyond p":         {"", point(elliptic.P256(), new(big.Int).Add(x, p), y)},
		"P-384, a point of P-256":         {"", point(elliptic.P384(), x, y)},
		"Ed25519, the private key":        {"", edKey()},
		"Ed25519 of 31 octets":            {"", ed25519.PublicKey(make([]byte, 31))},
		"Ed25519 of 33 octets":            {"", ed25519.PublicKey(make([]byte, 33))},
		"Ed25519 of none":                 {"", ed25519.PublicKey(nil)},
		"X25519":                          {"", must(ecdh.X25519().GenerateKey(rand.Reader)).Public()},
		"a secret":                        {"HS256", []byte("secret")},
		"RSA with an EC algorithm":        {"ES256", rsaKey().Public()},
		"RSA with Ed25519":                {"Ed25519", rsaKey().Public()},
		"RSA with an HMAC algorithm":      {"HS256", rsaKey().Public()},
		"RSA with none":                   {"none", rsaKey().Public()},
		"RSA with an encryption":          {"RSA-OAEP", rsaKey().Public()},
		"RSA with RS256 in other case":    {"rs256", rsaKey().Public()},
		"P-256 with ES384":                {"ES384", p256().Public()},
		"P-256 with ES256K":               {"ES256K", p256().Public()},
		"P-521 with ES384":                {"ES384", p521().Public()},
		"Ed25519 with ES256":              {"ES256", edKey().Public()},
		"Ed25519 with Ed448":              {"Ed448", edKey().Public()},
		"Ed25519 with a post-quantum one": {"ML-DSA-44", edKey().Public()},
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := jose.NewKey("k1", test.alg, test.public); err == nil || key != nil {
				t.Errorf("got %v, %v", key, err)
			}
		})
	}
}

func TestKeysAtTheBounds(t *testing.T) { // C14
	for name, public := range map[string]crypto.PublicKey{
		"RSA of 2048 bits":             &rsa.PublicKey{N: modulus(2048), E: 65537},
		"RSA of 8192 bits":             &rsa.PublicKey{N: modulus(8192), E: 65537},
		"RSA, exponent 3":              &rsa.PublicKey{N: modulus(2048), E: 3},
		"RSA, an exponent of 31 bits":  &rsa.PublicKey{N: modulus(2048), E: 1<<31 - 1},
		"RSA, nearly of a faulty chip": &rsa.PublicKey{N: nearlyROCA(2048), E: 65537},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := jose.NewKey("", "", public); err != nil {
				t.Error(err)
			}
		})
	}
}

// Two keys are the same if they have the same kid, and verify the same.
func TestEqualKeys(t *testing.T) {
	key := must(jose.NewKey("a", "RS256", rsaKey().Public()))
	other := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, row := range map[string]struct {
		other *jose.Key
		want  bool
	}{
		"the same":              {must(jose.NewKey("a", "RS256", rsaKey().Public())), true},
		"another kid":           {must(jose.NewKey("b", "RS256", rsaKey().Public())), false},
		"another algorithm":     {must(jose.NewKey("a", "PS256", rsaKey().Public())), false},
		"any algorithm":         {must(jose.NewKey("a", "", rsaKey().Public())), false},
		"another key":           {must(jose.NewKey("a", "RS256", other.Public())), false},
		"a key of another type": {must(jose.NewKey("a", "", p256().Public())), false},
	} {
		if key.Equal(row.other) != row.want || row.other.Equal(key) != row.want {
			t.Errorf("%s: equal is %v", name, !row.want)
		}
	}
}

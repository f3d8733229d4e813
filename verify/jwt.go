package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// JWTConfig configures [JWT] and [DiscoverWith]. Issuer, Audience and, for JWT,
// Keys must be set.
type JWTConfig struct {
	// Issuer is what the tokens' iss must be, to the letter. It may be empty
	// only with a Profile whose tokens do not say (InsecureNoIssuer).
	Issuer string
	// Audience is the identifiers of this API, as the issuer writes them into
	// aud; a token must name one of them. It may be empty only with a Profile
	// whose tokens do not say (InsecureNoAudience).
	Audience []string
	// Keys is the issuer's keys. They vouch for this issuer's tokens alone.
	Keys jwks.Set
	// Profile is how the issuer writes its tokens. The zero value is RFC 9068.
	Profile Profile
	// Algorithms are the accepted values of alg. Default: those of the Profile,
	// else all there is: RS256, RS384, RS512, PS256, PS384, PS512, ES256,
	// ES384, ES512, EdDSA, Ed25519. In any case the key found has the last
	// word.
	Algorithms []string
	// ClockSkew is how far this clock and the issuer's may differ: an allowance
	// on exp, nbf and iat. Default 30 s, at most 5 min; for none, write
	// time.Nanosecond.
	ClockSkew time.Duration
	// MaxTokenBytes bounds the token, before anything is done about it.
	// Default 16 KiB, at most 64 KiB.
	MaxTokenBytes int
}

const (
	defaultSkew       = 30 * time.Second
	maxSkew           = 5 * time.Minute
	defaultTokenBytes = 16 << 10
	maxTokenBytes     = 64 << 10
)

func (c JWTConfig) complete() (JWTConfig, error) {
	switch {
	case c.Issuer == "" && !c.Profile.InsecureNoIssuer:
		return c, errors.New("verify: JWTConfig.Issuer is empty; write the iss of the tokens to expect, such as https://issuer.example")
	case len(c.Audience) == 0 && !c.Profile.InsecureNoAudience || slices.Contains(c.Audience, ""):
		return c, errors.New("verify: JWTConfig.Audience is empty; write the identifier of this API that the issuer puts into aud, such as https://api.example")
	case c.ClockSkew < 0 || c.ClockSkew > maxSkew:
		return c, fmt.Errorf("verify: JWTConfig.ClockSkew is %v; it may be up to %v, or 0 for %v", c.ClockSkew, maxSkew, defaultSkew)
	case c.MaxTokenBytes < 0 || c.MaxTokenBytes > maxTokenBytes:
		return c, fmt.Errorf("verify: JWTConfig.MaxTokenBytes is %d; it may be up to %d, or 0 for %d", c.MaxTokenBytes, maxTokenBytes, defaultTokenBytes)
	}
	if c.Algorithms == nil {
		c.Algorithms = c.Profile.Algorithms
	}
	for _, alg := range c.Algorithms {
		if !slices.Contains(jose.Algorithms(), alg) {
			return c, fmt.Errorf("verify: JWTConfig.Algorithms has %q; the asymmetric ones are possible: %q", alg, jose.Algorithms())
		}
	}
	if c.Algorithms == nil {
		c.Algorithms = jose.Algorithms()
	}
	if len(c.Algorithms) == 0 {
		return c, errors.New("verify: JWTConfig.Algorithms is empty, so no token could pass; leave it nil for all asymmetric ones")
	}
	if c.ClockSkew == 0 {
		c.ClockSkew = defaultSkew
	}
	if c.MaxTokenBytes == 0 {
		c.MaxTokenBytes = defaultTokenBytes
	}
	// What the caller does to its slices later is not our configuration.
	c.Audience, c.Algorithms = slices.Clone(c.Audience), slices.Clone(c.Algorithms)
	var err error
	c.Profile, err = c.Profile.complete()
	return c, err
}

// JWTVerifier verifies the JWT access tokens of one issuer.
type JWTVerifier struct {
	config JWTConfig
	claims *reader
	// Refusals whose hint is made of the configuration.
	types     typeRefusals
	algorithm *Refusal
}

// JWT is the verifier of one issuer's JWT access tokens, with given keys. It
// fails if the configuration is not complete, with a message that says what to
// write.
func JWT(config JWTConfig) (*JWTVerifier, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if config.Keys == nil {
		return nil, errors.New("verify: JWTConfig.Keys is nil; use jwks.Remote or jwks.PEM, or Discover, which finds the keys itself")
	}
	return &JWTVerifier{
		config: config,
		claims: newReader(config.Profile, config.Issuer, config.Audience, config.ClockSkew, false),
		types:  config.Profile.typeRefusals(),
		algorithm: &Refusal{ReasonAlgorithm, "The token's signature algorithm is not accepted.",
			fmt.Sprintf("alg is not one of %q (JWTConfig.Algorithms)", config.Algorithms)},
	}, nil
}

// Issuer is the issuer whose tokens v verifies.
func (v *JWTVerifier) Issuer() string { return v.config.Issuer }

// Verify implements [Verifier]. Everything that can be judged without a key is
// judged first, from cheap to dear; what it learns of an unverified token leads
// to a refusal or to the signature, and nowhere else.
func (v *JWTVerifier) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	if len(token) > v.config.MaxTokenBytes {
		return nil, tooLong
	}
	compact, err := jose.Parse(token)
	if err != nil {
		return nil, malformedOr(err)
	}
	if refusal := v.judgeHeader(compact); refusal != nil {
		return nil, refusal
	}
	var room [32]strictjson.Member
	claims, err := compact.Claims(room[:])
	if err != nil {
		return nil, malformed
	}
	return v.verifyClaims(ctx, compact, claims)
}

// verifyParsed is Verify for a token that [Issuers] has parsed to find v.
func (v *JWTVerifier) verifyParsed(ctx context.Context, size int, compact *jose.Compact, claims strictjson.Members) (*principal.Principal, error) {
	if size > v.config.MaxTokenBytes {
		return nil, tooLong
	}
	if refusal := v.judgeHeader(compact); refusal != nil {
		return nil, refusal
	}
	return v.verifyClaims(ctx, compact, claims)
}

func (v *JWTVerifier) judgeHeader(compact *jose.Compact) *Refusal {
	if !v.config.Profile.acceptsType(compact.Type) {
		return v.types.of(compact.Type)
	}
	if !slices.Contains(v.config.Algorithms, compact.Algorithm) {
		return v.algorithm
	}
	return nil
}

func (v *JWTVerifier) verifyClaims(ctx context.Context, compact *jose.Compact, claims strictjson.Members) (*principal.Principal, error) {
	p, refusal := v.claims.read(claims, time.Now())
	if refusal != nil {
		return nil, refusal
	}
	if err := v.checkSignature(ctx, compact); err != nil {
		return nil, err
	}
	p.RawClaims = compact.Payload()
	return p, nil
}

func (v *JWTVerifier) checkSignature(ctx context.Context, compact *jose.Compact) error {
	keys, err := v.config.Keys.Find(ctx, compact.KeyID, compact.Algorithm)
	if err != nil {
		return noKeys(err)
	}
	if signedByOneOf(keys, compact) {
		return nil
	}
	if set, ok := v.config.Keys.(changingKeys); ok {
		others, err := set.FindAgain(ctx, compact.KeyID, compact.Algorithm, keys)
		if err != nil {
			return noKeys(err)
		}
		if signedByOneOf(others, compact) {
			return nil
		}
	}
	if len(keys) == 0 {
		return unknownKey
	}
	return badSignature
}

// changingKeys is a key set that can tell, where no kid does, whether a signature
// may be that of a key it did not have a moment ago.
type changingKeys interface {
	FindAgain(ctx context.Context, kid, alg string, tried []*jwks.Key) ([]*jwks.Key, error)
}

func noKeys(err error) *UnavailableError {
	unavailable := &UnavailableError{RetryAfter: time.Second, Err: err}
	if cause, ok := errors.AsType[*jwks.UnavailableError](err); ok {
		unavailable.RetryAfter = cause.RetryAfter
	}
	return unavailable
}

func signedByOneOf(keys []*jwks.Key, compact *jose.Compact) bool {
	return slices.ContainsFunc(keys, func(key *jwks.Key) bool {
		return key.Verify(compact.Algorithm, compact.Input(), compact.Signature()) == nil
	})
}

var (
	malformed = &Refusal{ReasonMalformed, "The token is malformed.",
		"not three parts of base64url whose first two are strict JSON objects"}
	tooLong = &Refusal{ReasonMalformed, "The token is too long.",
		"longer than JWTConfig.MaxTokenBytes"}
	critical = &Refusal{ReasonCritical, "The token's header demands an extension that is not supported.",
		"the header has crit or b64"}
	unknownKey = &Refusal{ReasonUnknownKey, "The token was signed by an unknown key.",
		"the issuer's keys hold none with this kid for this alg"}
	badSignature = &Refusal{ReasonSignature, "The token's signature is invalid.", ""}
)

func malformedOr(err error) *Refusal {
	if errors.Is(err, jose.ErrCritical) {
		return critical
	}
	return malformed
}

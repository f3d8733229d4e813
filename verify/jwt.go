package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/recall"
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
	// Keys is the issuer's keys. They vouch for this issuer's tokens alone. Of a set of
	// your own, around a RemoteSet maybe, Find alone is asked.
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
	// MaxEntries bounds how many good tokens are remembered, by a digest each: the
	// signature of one that comes again is not verified again. Its dates are looked
	// at each time, and so is whether the issuer's key is still there. Default
	// 10,000, at most 10,000,000, in steps of 8; for none, write -1. One takes about
	// 200 bytes, the length of its client id, user, sub and jti, and what its scopes take if
	// few others have the same; its other claims stay in the token. The least used goes
	// first.
	MaxEntries int
}

const (
	defaultSkew       = 30 * time.Second
	maxSkew           = 5 * time.Minute
	defaultTokenBytes = 16 << 10
	maxTokenBytes     = 64 << 10
	defaultEntries    = 10_000
	maxEntries        = 10_000_000
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
	case c.MaxEntries < -1 || c.MaxEntries > maxEntries:
		return c, fmt.Errorf("verify: JWTConfig.MaxEntries is %d; it may be up to %d, 0 for %d, or -1 to remember no token", c.MaxEntries, maxEntries, defaultEntries)
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
	if c.MaxEntries == 0 {
		c.MaxEntries = defaultEntries
	}
	// What the caller does to its slices later is not our configuration.
	c.Audience, c.Algorithms = slices.Clone(c.Audience), slices.Clone(c.Algorithms)
	var err error
	c.Profile, err = c.Profile.complete()
	return c, err
}

// JWTVerifier verifies the JWT access tokens of one issuer. What it has found good it
// remembers, see JWTConfig.MaxEntries; that makes no difference but in time.
type JWTVerifier struct {
	config JWTConfig
	claims *reader
	remote remoteKeys // config.Keys, if they are that
	cache  *cache.Cache[accepted]
	last   atomic.Pointer[jose.Header] // of the token accepted last
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
		remote: asRemote(config.Keys),
		cache:  cache.New[accepted](config.MaxEntries),
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
// to a refusal or to the signature, and nowhere else. The principals that it returns
// for one token may share memory with each other, and share that of the token.
func (v *JWTVerifier) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	known, err := v.recall(ctx, token, time.Now())
	return principalOf(token, known, err)
}

func (v *JWTVerifier) recall(ctx context.Context, token string, now time.Time) (recall.Token, error) {
	if len(token) > v.config.MaxTokenBytes {
		return nil, tooLong
	}
	d, known := look(v.cache, token)
	if again, err := known.again(ctx, now); again != nil || err != nil {
		return again, err
	}
	last := v.last.Load()
	compact, err := jose.ParseAfter(last, token)
	if err != nil {
		return nil, malformedOr(err)
	}
	if compact.Header != last {
		if refusal := v.judgeHeader(compact.Header); refusal != nil {
			return nil, refusal
		}
	}
	var room [32]strictjson.Member
	claims, err := compact.Claims(room[:])
	if err != nil {
		return nil, malformed
	}
	return v.recallNew(ctx, token, compact, claims, now, v.cache, d)
}

// recallParsed is recall for a token that has been parsed to find v, and is to be
// remembered elsewhere.
func (v *JWTVerifier) recallParsed(ctx context.Context, token string, compact *jose.Compact, claims strictjson.Members, now time.Time, where *cache.Cache[accepted], d cache.Digest) (recall.Token, error) {
	if len(token) > v.config.MaxTokenBytes {
		return nil, tooLong
	}
	if refusal := v.judgeHeader(compact.Header); refusal != nil {
		return nil, refusal
	}
	if v.cache == nil {
		where = nil
	}
	return v.recallNew(ctx, token, compact, claims, now, where, d)
}

func (v *JWTVerifier) judgeHeader(header *jose.Header) *Refusal {
	if !v.config.Profile.acceptsType(header.Type) {
		return v.types.of(header.Type)
	}
	if !slices.Contains(v.config.Algorithms, header.Algorithm) {
		return v.algorithm
	}
	return nil
}

// recallNew has a good token remembered.
func (v *JWTVerifier) recallNew(ctx context.Context, token string, compact *jose.Compact, claims strictjson.Members, now time.Time, where *cache.Cache[accepted], d cache.Digest) (recall.Token, error) {
	var p principal.Principal
	if refusal := v.claims.read(&p, claims, now); refusal != nil {
		return nil, refusal
	}
	key, err := findSigner(ctx, v.config.Keys, compact)
	if err != nil {
		return nil, err
	}
	header := compact.Header
	if last := v.last.Load(); last != nil && *last == *header {
		header = last // so that there is one in memory
	} else {
		v.last.Store(header)
	}
	common := v.claims.alike(grounds{v, header, key}, claims, &p) // also for the scopes of the next token
	if where == nil {
		unkept := p // a copy, so that the p of tokens that are kept is never allocated
		unkept.RawClaims = principal.RawClaimsOf(jose.EncodedPayload(token))
		return recall.Given(&unkept), nil
	}
	return where.Put(&d, v.accept(common, &p), p.ExpiresAt.Add(v.config.ClockSkew), now), nil
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

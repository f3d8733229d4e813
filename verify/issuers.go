package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/internal/jose"
	"github.com/bearerguard/bearerguard/internal/recall"
	"github.com/bearerguard/bearerguard/internal/strictjson"
	"github.com/bearerguard/bearerguard/principal"
)

// IssuerVerifier is a verifier of one issuer's JWT access tokens: an *[Issuer], a
// *[JWTVerifier], or your own around one.
type IssuerVerifier interface {
	Verifier
	// Issuer is what the iss of its tokens is, to the letter.
	Issuer() string
}

// Issuers verifies the JWT access tokens of several issuers, each trusted for
// itself: the token's iss, compared to the letter, picks the verifier, and that
// verifier's keys, audiences, algorithms, token types and scopes alone count.
// The iss is read before the token is trusted, and picking is all it does; an iss
// that is not listed is refused without any fetch.
//
// Good tokens are remembered here, for all issuers together as many as the one with the
// largest JWTConfig.MaxEntries remembers by itself.
//
// It is safe for concurrent use; requests read it without a lock.
type Issuers struct {
	mu      sync.Mutex // of those who change it
	current atomic.Pointer[map[string]IssuerVerifier]
	cache   atomic.Pointer[cache.Cache[accepted]]
}

// maxIssuers bounds an Issuers. Each issuer keeps keys, and fetches.
const maxIssuers = 10_000

// ByIssuer verifies the tokens of the given issuers; more may be added and some
// removed while it serves. It fails if two are for one issuer.
func ByIssuer(verifiers ...IssuerVerifier) (*Issuers, error) {
	s := &Issuers{}
	s.current.Store(&map[string]IssuerVerifier{})
	if err := s.add(verifiers); err != nil {
		return nil, err
	}
	return s, nil
}

// Add trusts one more issuer from now on, of at most 10,000. It fails if there is
// a verifier for that issuer already.
func (s *Issuers) Add(v IssuerVerifier) error { return s.add([]IssuerVerifier{v}) }

func (s *Issuers) add(verifiers []IssuerVerifier) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(*s.current.Load())
	for _, v := range verifiers {
		if v == nil || v.Issuer() == "" {
			return errors.New("verify: an issuer without a name; pass the result of Discover, DiscoverWith or JWT")
		}
		if _, there := next[v.Issuer()]; there {
			return fmt.Errorf("verify: two verifiers for issuer %s; for several audiences of one issuer, list them in one JWTConfig.Audience", v.Issuer())
		}
		if len(next) == maxIssuers {
			return fmt.Errorf("verify: more than %d issuers", maxIssuers)
		}
		next[v.Issuer()] = v
	}
	s.current.Store(&next)
	for _, v := range verifiers {
		if own := jwtVerifier(v); own != nil && own.cache.Size() > s.cache.Load().Size() {
			s.cache.Store(cache.New[accepted](own.cache.Size()))
		}
	}
	return nil
}

// Remove trusts the issuer no more, for requests that begin from now on, and
// returns its verifier, which is the caller's to close; nil if there is none.
func (s *Issuers) Remove(issuer string) IssuerVerifier {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := *s.current.Load()
	v, there := current[issuer]
	if !there {
		return nil
	}
	next := maps.Clone(current)
	delete(next, issuer)
	s.current.Store(&next)
	return v
}

// jwtVerifier is what verifies the tokens of v, which then need not be parsed again,
// or nil if v is not of this package.
func jwtVerifier(v Verifier) *JWTVerifier {
	switch v := v.(type) {
	case *JWTVerifier:
		return v
	case *Issuer:
		return v.verifier
	default:
		return nil
	}
}

// Verify implements [Verifier].
func (s *Issuers) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	known, err := s.recall(ctx, token, time.Now())
	return principalOf(token, known, err)
}

func (s *Issuers) recall(ctx context.Context, token string, now time.Time) (recall.Token, error) {
	if len(token) > maxTokenBytes {
		return nil, tooLong
	}
	return s.recallOr(ctx, token, now, nil)
}

// recallOr has others judge, if there is somebody, what is no JWT by its form or not of
// a listed issuer.
func (s *Issuers) recallOr(ctx context.Context, token string, now time.Time, others Verifier) (recall.Token, error) {
	where := s.cache.Load()
	d, known := look(where, token)
	if known != nil && jwtVerifier(s.of(known.by.Issuer())) == known.by { // else it is trusted no more, or in another way
		if again, err := known.again(ctx, now); again != nil || err != nil {
			return again, err
		}
	}
	var room [32]strictjson.Member
	compact, claims, refusal := parse(token, room[:])
	var v Verifier
	if refusal == nil {
		issuer, _ := claims.Get("iss").String()
		if v = s.of(issuer); v == nil {
			refusal = unlistedIssuer
		}
	}
	own := jwtVerifier(v)
	switch {
	case refusal != nil && others == nil:
		return nil, refusal
	case refusal != nil:
		v = others
	case own != nil:
		return own.recallParsed(ctx, token, compact, claims, now, where, d)
	}
	p, err := v.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return recall.Given(p), nil
}

func parse(token string, room strictjson.Members) (*jose.Compact, strictjson.Members, *Refusal) {
	compact, err := jose.Parse(token)
	if err != nil {
		return nil, nil, malformedOr(err)
	}
	claims, err := compact.Claims(room)
	if err != nil {
		return nil, nil, malformed
	}
	return compact, claims, nil
}

// of is the verifier for an issuer, or nil.
func (s *Issuers) of(issuer string) Verifier {
	if v, listed := (*s.current.Load())[issuer]; listed {
		return v
	}
	return nil
}

var unlistedIssuer = &Refusal{ReasonIssuer, "The token was issued by another issuer.", "iss is not to the letter one of the issuers given to ByIssuer or Add"}

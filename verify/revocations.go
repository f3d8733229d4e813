package verify

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerguard/bearerguard/principal"
)

// RevocationListConfig configures [NewRevocationList]. MaxTokenLifetime must be
// set.
type RevocationListConfig struct {
	// MaxTokenLifetime is how long the longest-lived token of these issuers
	// lives. A revocation is forgotten when the last token that it could
	// concern has expired: if the value is too small, revoked tokens come back
	// to life. Laravel Passport's tokens live a year unless it is told
	// otherwise.
	MaxTokenLifetime time.Duration
	// MaxEntries bounds the list, of all issuers together. Default 100,000. An
	// entry takes some 300 bytes, with identifiers of the usual length.
	MaxEntries int
	// ClockSkew is how far the issuers' clocks may be ahead of this one: a
	// token whose iat is up to that much later than a revocation counts as
	// issued before it. At most 5 min. Default none, for it is also how long a
	// client waits for a token that passes after it has been revoked.
	ClockSkew time.Duration
}

const defaultRevocations = 100_000

func (c RevocationListConfig) complete() (RevocationListConfig, error) {
	switch {
	case c.MaxTokenLifetime <= 0:
		return c, fmt.Errorf("verify: RevocationListConfig.MaxTokenLifetime is %v; write how long the longest-lived token of these issuers lives, such as time.Hour", c.MaxTokenLifetime)
	case c.MaxEntries < 0:
		return c, fmt.Errorf("verify: RevocationListConfig.MaxEntries is %d; it may be 1 or more, or 0 for %d", c.MaxEntries, defaultRevocations)
	case c.ClockSkew < 0 || c.ClockSkew > maxSkew:
		return c, fmt.Errorf("verify: RevocationListConfig.ClockSkew is %v; it may be up to %v, or 0 for none", c.ClockSkew, maxSkew)
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = defaultRevocations
	}
	return c, nil
}

// RevocationList is [Revocations] in memory. When one of its Revoke methods has
// returned nil, every call of Revoked that begins later knows; when it has returned
// an error, nothing has been revoked. It belongs to one process, and is empty when
// that starts: behind several instances of an API, tell each, or give [Revocable] a
// store that they share.
//
// Issuers and identifiers are compared to the letter. The issuer is the token's
// iss, and "" for tokens without one, such as Laravel Passport's; an identifier
// is never empty.
//
// Tokens say to the second when they were issued (iat), as a rule. So by client,
// subject or instant, a token that was issued in the same second as the revocation
// counts as issued before it, and so does one that does not say when: a client that
// is revoked and asks for a new token at once may have to ask again a second later.
//
// It is safe for concurrent use. Requests read it without a lock and without
// allocation.
type RevocationList struct {
	config  RevocationListConfig
	entries sync.Map   // revocationKey → *revocation
	mu      sync.Mutex // of those who change it
	queue   revocationQueue
}

// NewRevocationList is an empty list. It fails if the configuration is not
// complete, with a message that says what to write.
func NewRevocationList(config RevocationListConfig) (*RevocationList, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	return &RevocationList{config: config}, nil
}

// revocationKey says which tokens a revocation concerns. It is a struct, for of
// names put together into one, two pairs may make the same.
type revocationKey struct {
	by         revokedBy
	issuer, id string
}

type revokedBy uint8

const (
	byToken revokedBy = iota
	byClient
	bySubject
	byInstant // id is empty
)

// revocation concerns tokens whose iat is not after issued, at times before until;
// both are Unix seconds, and only grow.
type revocation struct {
	key           revocationKey
	issued, until atomic.Int64
	index         int // in the queue
}

// whenever is the issued of a revocation that concerns a token whatever its iat.
const whenever = math.MaxInt64

// Revoked implements [Revocations]. It never fails, and needs no ctx.
func (l *RevocationList) Revoked(_ context.Context, p *principal.Principal) (bool, error) {
	issued := int64(math.MinInt64)
	if !p.IssuedAt.IsZero() {
		issued = p.IssuedAt.Unix()
	}
	return l.has(byToken, p.Issuer, p.TokenID, issued) ||
		l.has(byClient, p.Issuer, p.ClientID, issued) ||
		l.has(bySubject, p.Issuer, p.Subject, issued) ||
		l.has(byInstant, p.Issuer, "", issued), nil
}

func (l *RevocationList) has(by revokedBy, issuer, id string, issued int64) bool {
	found, ok := l.entries.Load(revocationKey{by, issuer, id})
	if !ok {
		return false
	}
	entry := found.(*revocation)
	// An entry may be there still whose time is over: what it says must not
	// depend on when it is swept.
	return issued <= entry.issued.Load() && time.Now().Unix() < entry.until.Load()
}

// RevokeToken revokes one token by its jti, until it has expired. expires is its
// exp; if it is not known, the zero time or that of Unix, then MaxTokenLifetime from
// now is taken for it. What has expired already is not kept. A token without jti
// cannot be revoked so; revoke its client or its subject.
//
// Revoking again extends what there is, and never shortens it. It fails if tokenID
// is empty, or if the list is full.
func (l *RevocationList) RevokeToken(issuer, tokenID string, expires time.Time) error {
	if tokenID == "" {
		return errors.New("verify: RevokeToken without a token id; a token without jti can be revoked by RevokeClient or RevokeSubject")
	}
	if expires.Unix() <= 0 {
		expires = time.Now().Add(l.config.MaxTokenLifetime)
	}
	return l.revoke(revocationKey{byToken, issuer, tokenID}, whenever, expires)
}

// RevokeClient revokes every token that was issued to a client up to now, its own
// and those that it holds for users. Tokens that it gets later pass; to keep it
// out, take its credentials away at the issuer first.
//
// It fails if clientID is empty, or if the list is full.
func (l *RevocationList) RevokeClient(issuer, clientID string) error {
	if clientID == "" {
		return errors.New("verify: RevokeClient without a client id; to revoke every token of an issuer, write RevokeIssuedBefore")
	}
	return l.revokeIssued(revocationKey{byClient, issuer, clientID}, time.Now())
}

// RevokeSubject revokes every token that was issued up to now with this sub: those
// of a user, whichever client holds them.
//
// It fails if subject is empty, or if the list is full.
func (l *RevocationList) RevokeSubject(issuer, subject string) error {
	if subject == "" {
		return errors.New("verify: RevokeSubject without a subject; tokens without sub are a client's own, see RevokeClient")
	}
	return l.revokeIssued(revocationKey{bySubject, issuer, subject}, time.Now())
}

// RevokeIssuedBefore revokes every token of an issuer that was issued up to
// instant, as after the theft of a key or of a database. instant may be up to 5 min
// ahead, for an issuer whose clock is; then tokens that it issues until then are
// revoked as well.
//
// It fails if instant is zero or further ahead, or if the list is full.
func (l *RevocationList) RevokeIssuedBefore(issuer string, instant time.Time) error {
	if instant.IsZero() || instant.After(time.Now().Add(maxSkew)) {
		return fmt.Errorf("verify: RevokeIssuedBefore with the instant %v; it may be up to %v ahead: write time.Now() to revoke all that has been issued", instant, maxSkew)
	}
	return l.revokeIssued(revocationKey{byInstant, issuer, ""}, instant)
}

// revokeIssued revokes what was issued up to instant. Of tokens that do not say
// when they were issued, it may concern those of this moment, however long ago
// instant is.
func (l *RevocationList) revokeIssued(key revocationKey, instant time.Time) error {
	last := time.Now()
	if instant.After(last) {
		last = instant
	}
	skew := l.config.ClockSkew
	return l.revoke(key, instant.Add(skew).Unix(), last.Add(skew).Add(l.config.MaxTokenLifetime))
}

// revoke enters a revocation that concerns tokens which expire by expires.
func (l *RevocationList) revoke(key revocationKey, issued int64, expires time.Time) error {
	// A verifier may accept a token for maxSkew longer. The second that has
	// begun counts; the minimum keeps the sum from overflowing.
	until := min(expires.Unix(), math.MaxInt64/2) + 1 + int64(maxSkew/time.Second)

	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().Unix()
	l.sweep(now)
	if until <= now {
		return nil
	}
	if found, ok := l.entries.Load(key); ok {
		entry := found.(*revocation)
		if until > entry.until.Load() {
			entry.until.Store(until)
			heap.Fix(&l.queue, entry.index)
		}
		entry.issued.Store(max(issued, entry.issued.Load()))
		return nil
	}
	if len(l.queue) >= l.config.MaxEntries {
		return fmt.Errorf("verify: the revocation list is full, nothing has been revoked; raise RevocationListConfig.MaxEntries above %d, or revoke by client or instant instead of token by token", l.config.MaxEntries)
	}
	// Identifiers read from a token may be parts of it, and would keep all of
	// it in memory.
	key.issuer, key.id = strings.Clone(key.issuer), strings.Clone(key.id)
	entry := &revocation{key: key}
	entry.issued.Store(issued)
	entry.until.Store(until)
	heap.Push(&l.queue, entry)
	l.entries.Store(key, entry)
	return nil
}

// sweep drops the entries whose time is over. Each entry is dropped once, so what
// it costs is paid for by the call that made the entry. The caller holds mu.
func (l *RevocationList) sweep(now int64) {
	for len(l.queue) > 0 && l.queue[0].until.Load() <= now {
		entry := heap.Pop(&l.queue).(*revocation)
		l.entries.Delete(entry.key)
	}
}

// Len is how many revocations there are whose time is not over.
func (l *RevocationList) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(time.Now().Unix())
	return len(l.queue)
}

// revocationQueue is a heap: what ends first is at its head.
type revocationQueue []*revocation

func (q revocationQueue) Len() int           { return len(q) }
func (q revocationQueue) Less(i, j int) bool { return q[i].until.Load() < q[j].until.Load() }
func (q revocationQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push implements [heap.Interface].
func (q *revocationQueue) Push(entry any) {
	e := entry.(*revocation)
	e.index = len(*q)
	*q = append(*q, e)
}

// Pop implements [heap.Interface].
func (q *revocationQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil // or it would stay in memory
	*q = (*q)[:last]
	return e
}

package verify

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/jwks"
)

// unreadyFor is for how long a failed call makes for ill health. Without requests
// there are no calls, and a service from which they are kept away for its ill health
// would never learn that the server is back.
const unreadyFor = 10 * time.Second

// callState is how the latest calls went.
type callState struct {
	mu                    sync.Mutex
	succeededAt, failedAt time.Time
	failure               string // of the latest call; empty if it succeeded
}

func (s *callState) landed(err error) {
	// Some servers answer 400 to a token that is not of a form that they know, and
	// anybody can send one: that must not take this service out of rotation.
	if status, ok := errors.AsType[*fetch.StatusError](err); ok && status.Status == http.StatusBadRequest {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.succeededAt, s.failure = time.Now(), ""
		return
	}
	s.failedAt, s.failure = time.Now(), fetch.Describe(err)
	if call, ok := errors.AsType[*fetch.CallError](err); ok {
		s.failure = call.Text
	}
}

// Health is one entry: how the latest call went. It is not ready when closed, and for
// 10 s after a call that failed if none has succeeded since; it makes no call itself.
// A server that answers 400 is up.
// Issuer is that of the configuration, which may be empty.
func (v *IntrospectionVerifier) Health() []Health {
	v.state.mu.Lock()
	defer v.state.mu.Unlock()
	failing := v.state.failure != "" && time.Since(v.state.failedAt) < unreadyFor
	return []Health{{v.config.Issuer, jwks.Health{
		Ready:       !failing && v.ctx.Err() == nil,
		LastSuccess: v.state.succeededAt,
		LastError:   v.state.failure,
	}}}
}

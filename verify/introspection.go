package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bearerguard/bearerguard/internal/cache"
	"github.com/bearerguard/bearerguard/internal/fetch"
	"github.com/bearerguard/bearerguard/jwks"
	"github.com/bearerguard/bearerguard/principal"
)

// IntrospectionConfig configures [Introspection]. Endpoint must be set, Audience as
// well unless the Profile says that there is none, and ClientID and ClientSecret,
// or another Auth.
type IntrospectionConfig struct {
	// Endpoint is the introspection endpoint's URL: https, or http on a loopback
	// host.
	Endpoint string
	// InsecureHTTP allows plain http to any host. Whoever sits on the way can
	// then read every token, and call any token good.
	InsecureHTTP bool
	// ClientID and ClientSecret are what the server knows this API by.
	ClientID, ClientSecret string
	// Auth is how this API says who it is. Default ClientSecretBasic{}.
	Auth ClientAuth
	// Signed demands signed responses (RFC 9701). Default none: then TLS alone
	// vouches for what the server says.
	Signed *SignedIntrospection
	// Issuer is what iss must be to the letter, where the response has one, and
	// the principal's Issuer, where it has none. Default: whatever the server
	// says.
	Issuer string
	// Audience is the identifiers of this API. A response that has aud must name
	// one of them; for one that has none, the server answers. It may be empty
	// only with a Profile that has InsecureNoAudience.
	Audience []string
	// Profile is which members of the response say what. The zero value is
	// RFC 7662 §2.2: client_id must be there, and a token speaks for the client
	// if sub is the client id, or if neither sub nor username is there. Types
	// and InsecureNoIssuer are of no meaning here.
	Profile Profile
	// HTTPClient makes the requests; nil is a client of the verifier's own, with
	// the proxy settings of the environment and up to MaxCalls connections. It
	// is copied, and its redirect policy replaced: none is followed.
	HTTPClient *http.Client
	// Timeout bounds one call, from connecting to the last byte. It is no
	// request's: one that gives up waiting ends no call that others wait for.
	// Default 5 s, at most 1 min.
	Timeout time.Duration
	// MaxAge is for how long a token that was found good is taken for good
	// without asking again, and so the revocation delay: for how long a token
	// serves on after the server has revoked it. It counts from when the call
	// began, and never reaches beyond exp. Default 1 min, at most 1 h; to ask
	// for every request, write time.Nanosecond.
	MaxAge time.Duration
	// MaxNegativeAge is for how long a token that was refused is refused without
	// asking again. Default 10 s, at most 1 min; for none, write
	// time.Nanosecond.
	MaxNegativeAge time.Duration
	// MaxEntries bounds how many good tokens are remembered, and how many
	// refused ones. Default 10,000, at most 1,000,000, in steps of 8. A good one
	// takes about 350 bytes and its response, which is some 300 bytes as a rule,
	// and at most 64 KiB; a refused one takes about 100 bytes. The least used goes
	// first.
	MaxEntries int
	// MaxCalls bounds the calls at one time. Beyond, there is no verdict
	// (an *UnavailableError). Default 100, at most 10,000.
	MaxCalls int
	// MaxTokenBytes bounds the token, before anything is done about it.
	// Default 4 KiB, at most 64 KiB.
	MaxTokenBytes int
	// Form, if set, tells whether a token has the form of this server's. One
	// that has not is refused without asking the server. It is called by many
	// goroutines at once.
	Form func(token string) bool
	// ClockSkew is how far this clock and the server's may differ: an allowance
	// on exp, nbf and iat. Default 30 s, at most 5 min; for none, write
	// time.Nanosecond.
	ClockSkew time.Duration
}

// SignedIntrospection is what a signed response must be (RFC 9701 §5).
type SignedIntrospection struct {
	// Keys are the server's, such as jwks.Remote finds.
	Keys jwks.Set
	// Issuer is the iss of the response. Default IntrospectionConfig.Issuer.
	Issuer string
	// Audience is this API's own identifier, as the server writes it into the
	// response's aud. Default IntrospectionConfig.ClientID.
	Audience string
}

// maxResponseBytes bounds an introspection response.
const maxResponseBytes = 64 << 10

func (c IntrospectionConfig) complete() (IntrospectionConfig, error) {
	if c.Auth == nil {
		c.Auth = ClientSecretBasic{}
	}
	switch {
	case c.Endpoint == "":
		return c, errors.New("verify: IntrospectionConfig.Endpoint is empty; write the introspection_endpoint of the server's metadata, such as https://issuer.example/introspect")
	case len(c.Audience) == 0 && !c.Profile.InsecureNoAudience || slices.Contains(c.Audience, ""):
		return c, errors.New("verify: IntrospectionConfig.Audience is empty; write the identifier of this API that the server puts into aud, such as https://api.example, or set Profile.InsecureNoAudience to accept what is meant for other APIs")
	}
	if err := c.Auth.check(c.ClientID, c.ClientSecret); err != nil {
		return c, err
	}
	if err := c.completeBounds(); err != nil {
		return c, err
	}
	if c.Signed != nil {
		signed := *c.Signed
		if signed.Issuer == "" {
			signed.Issuer = c.Issuer
		}
		if signed.Audience == "" {
			signed.Audience = c.ClientID
		}
		if signed.Keys == nil || signed.Issuer == "" || signed.Audience == "" {
			return c, errors.New("verify: SignedIntrospection needs Keys, such as of jwks.Remote, Issuer, the server's iss, and Audience, what the server calls this API")
		}
		c.Signed = &signed
	}
	c.Audience = slices.Clone(c.Audience)
	if c.Profile.Client == nil {
		c.Profile.Client = introspectedClient
	}
	var err error
	c.Profile, err = c.Profile.complete()
	return c, err
}

func (c *IntrospectionConfig) completeBounds() error {
	var err error
	duration := func(name string, field *time.Duration, otherwise, atMost time.Duration) {
		if err == nil && (*field < 0 || *field > atMost) {
			err = fmt.Errorf("verify: IntrospectionConfig.%s is %v; it may be up to %v, or 0 for %v", name, *field, atMost, otherwise)
		}
		if *field == 0 {
			*field = otherwise
		}
	}
	number := func(name string, field *int, otherwise, atMost int) {
		if err == nil && (*field < 0 || *field > atMost) {
			err = fmt.Errorf("verify: IntrospectionConfig.%s is %d; it may be up to %d, or 0 for %d", name, *field, atMost, otherwise)
		}
		if *field == 0 {
			*field = otherwise
		}
	}
	duration("Timeout", &c.Timeout, 5*time.Second, time.Minute)
	duration("MaxAge", &c.MaxAge, time.Minute, time.Hour)
	duration("MaxNegativeAge", &c.MaxNegativeAge, 10*time.Second, time.Minute)
	duration("ClockSkew", &c.ClockSkew, defaultSkew, maxSkew)
	number("MaxEntries", &c.MaxEntries, 10_000, 1_000_000)
	number("MaxCalls", &c.MaxCalls, 100, 10_000)
	number("MaxTokenBytes", &c.MaxTokenBytes, 4<<10, maxTokenBytes)
	return err
}

// introspectedClient takes a token for the client's own by [SubjectIsClient], but
// for one that has a username: that was authorized by somebody (RFC 7662 §2.2), and
// without sub it is not known by whom.
func introspectedClient(clientID string, claims Claims) bool {
	return SubjectIsClient(clientID, claims) && (claims.Text("sub") != "" || !claims.Has("username"))
}

// IntrospectionVerifier verifies access tokens of any form by asking the server
// that issued them (RFC 7662). It remembers verdicts, and shares calls: for one
// token there is one at a time.
type IntrospectionVerifier struct {
	config   IntrospectionConfig
	client   *fetch.Client
	claims   *reader
	verdicts *verdicts
	calls    *calls
	state    callState
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	// Refusals whose hint is made of the configuration.
	tooLong *Refusal
}

// Introspection is the verifier of tokens that an introspection endpoint knows. It
// asks nothing before the first token comes. It fails if the configuration is not
// complete, with a message that says what to write.
//
// A token is good if the endpoint answers 200 with a JSON object whose active is
// true, and if what else the object says fits the configuration. It is refused if
// active is false, or if something does not fit; a member that is missing or not of
// its type counts as that, and the refusal's Hint says what was expected. Any other
// answer, one that this API's credentials are not accepted among them, and no
// answer at all, is no verdict: an *UnavailableError, which is not remembered.
//
// Close it when it is no longer needed.
func Introspection(config IntrospectionConfig) (*IntrospectionVerifier, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	client := fetch.NewPoster(config.HTTPClient, config.InsecureHTTP, config.Timeout, maxResponseBytes, config.MaxCalls)
	if err := client.CheckEndpoint(config.Endpoint); err != nil {
		return nil, fmt.Errorf("verify: IntrospectionConfig.Endpoint: %w", err)
	}
	v := &IntrospectionVerifier{
		config:   config,
		client:   client,
		claims:   newReader(config.Profile, config.Issuer, config.Audience, config.ClockSkew, true),
		verdicts: newVerdicts(config.MaxEntries, config.ClockSkew),
		tooLong: &Refusal{ReasonMalformed, "The token is too long.",
			fmt.Sprintf("longer than %d bytes (IntrospectionConfig.MaxTokenBytes)", config.MaxTokenBytes)},
	}
	v.ctx, v.stop = context.WithCancel(context.Background())
	v.calls = newCalls(config.MaxCalls)
	return v, nil
}

// Verify implements [Verifier]. Of the principals that it returns, those for one
// token may be the same.
func (v *IntrospectionVerifier) Verify(ctx context.Context, token string) (*principal.Principal, error) {
	switch {
	case len(token) > v.config.MaxTokenBytes:
		return nil, v.tooLong
	case !isVisible(token):
		return nil, notVisible
	case v.config.Form != nil && !v.config.Form(token):
		return nil, wrongForm
	case v.ctx.Err() != nil:
		return nil, closed
	}
	d := cache.DigestOf(token)
	if found, ok := v.verdicts.find(&d, time.Now()); ok {
		return found.principal, found.err()
	}
	return v.wait(ctx, d, token)
}

// err is the refusal, if there is one.
func (v verdict) err() error {
	if v.refusal == nil {
		return nil // and not a nil *Refusal, which were an error
	}
	return v.refusal
}

// Close ends all calls and forgets all verdicts. From then on there is no verdict on
// any token: an *UnavailableError.
func (v *IntrospectionVerifier) Close() {
	v.stop()
	v.verdicts.clear()
	v.client.Close()
}

var (
	notVisible = &Refusal{ReasonMalformed, "The token is malformed.", "it is empty, or has characters that no token has (RFC 6749 appendix A.12)"}
	wrongForm  = &Refusal{ReasonMalformed, "The token is malformed.", "IntrospectionConfig.Form says so"}
	inactive   = &Refusal{ReasonInactive, "The access token is not active.", "the introspection endpoint says so: it expired, was revoked, was never issued, or is not for this API"}
	notAccess  = &Refusal{ReasonType, "The token is not an access token.", "token_use, token_type or typ in the introspection response says so"}

	closed = &UnavailableError{RetryAfter: time.Minute, Err: fmt.Errorf("introspection: %w", fetch.ErrClosed)}
)

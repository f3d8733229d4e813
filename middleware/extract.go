package middleware

import (
	"net/url"
	"strings"
)

// maxCredential bounds what is looked at of an Authorization header: the longest
// token that a verifier may take, and its scheme.
const maxCredential = 64<<10 + len("Bearer ")

// credential is what a request offers to be judged by.
type credential int

const (
	credentialNone      credential = iota // none, or of another scheme
	credentialInQuery                     // none but in the query, where it is not read
	credentialMalformed                   // Authorization is not by the grammar
	credentialTwice                       // more than one
	credentialTooLong
	credentialBearer
)

// extract finds the bearer token (RFC 6750 §2.1). It is read from the
// Authorization header alone: tokens in URLs end up in logs (§5.3), and reading
// one from the body would take the body from the handler.
func extract(r Request) (token string, found credential) {
	lines := r.Header["Authorization"]
	inQuery := tokenInQuery(r.URL)
	switch {
	case len(lines) == 0 && inQuery:
		return "", credentialInQuery
	case len(lines) == 0:
		return "", credentialNone
	case len(lines) > 1:
		return "", credentialTwice
	case len(lines[0]) > maxCredential:
		return "", credentialTooLong
	}
	// credentials = auth-scheme [ 1*SP ( token68 / … ) ] (RFC 9110 §11.4)
	scheme, rest, _ := strings.Cut(lines[0], " ")
	switch {
	case !isToken(scheme):
		return "", credentialMalformed
	case !strings.EqualFold(scheme, "Bearer"):
		return "", credentialNone
	case inQuery:
		return "", credentialTwice
	}
	token = strings.TrimLeft(rest, " ")
	if !isB64Token(token) {
		return "", credentialMalformed
	}
	return token, credentialBearer
}

// tokenInQuery tells whether the query has the parameter access_token of RFC 6750
// §2.3.
func tokenInQuery(u *url.URL) bool {
	if u == nil || u.RawQuery == "" {
		return false
	}
	for parameter := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		if name, err := url.QueryUnescape(name); err == nil && name == "access_token" {
			return true
		}
	}
	return false
}

// isB64Token is RFC 6750 §2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" /
// "/" ) *"=".
func isB64Token(s string) bool { return b64token.has(strings.TrimRight(s, "=")) }

// isToken is the token of RFC 9110 §5.6.2.
func isToken(s string) bool { return tchar.has(s) }

// charset is a set of octets.
type charset [256]bool

var (
	b64token = alphanumericAnd("-._~+/")
	tchar    = alphanumericAnd("!#$%&'*+-.^_`|~")
)

func alphanumericAnd(others string) *charset {
	var set charset
	for c := range set {
		set[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte(others, byte(c)) >= 0
	}
	return &set
}

// has tells whether s is one or more octets of the set.
func (set *charset) has(s string) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return s != ""
}

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

// extract finds the bearer token (RFC 6750 §2.1), whose octets [isB64Token] is to
// judge. It is read from the Authorization header alone: tokens in URLs end up in logs
// (§5.3), and reading one from the body would take the body from the handler.
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
	return strings.TrimLeft(rest, " "), credentialBearer
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
func isB64Token(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && (areCommon(s) || b64token.has(s))
}

// areCommon tells whether s is of the characters that nearly all tokens are made of:
// letters, "_", and the run from "-" over "." and "/" to "9"; it may be false for
// short ones. It looks at 8 octets at once: the sum of an octet below 0x80 and a
// suitable number has its highest bit set if and only if the octet is large enough.
func areCommon(s string) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	last := len(s) - 8
	if last < 0 {
		return false
	}
	odd := uint64(0)
	for i := 0; ; i = min(i+8, last) { // the last 8 may be looked at twice in part
		s := s[i : i+8]
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		lower := x | 0x20*ones
		letters := (lower + (0x80-'a')*ones) &^ (lower + (0x80-'z'-1)*ones)
		run := (x + (0x80-'-')*ones) &^ (x + (0x80-'9'-1)*ones)
		notUnderscore := (x ^ '_'*ones) + 0x7f*ones
		odd |= notUnderscore&^letters&^run | x
		if i == last {
			return odd&highs == 0
		}
	}
}

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

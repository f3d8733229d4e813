package verify_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bearerguard/bearerguard/principal"
)

// What the fuzz targets of this package compare with: a second reading of JSON, of
// dates and of claims, by encoding/json, math/big and regular expressions.

// readStrictly is the one JSON object that document holds, its numbers as they are
// written; false if a name comes twice in one object, if a surrogate stands alone, or
// if it nests more than 32 deep (RFC 8259, RFC 7515 §4).
func readStrictly(document []byte) (map[string]any, bool) {
	if !utf8.Valid(document) || !json.Valid(document) || loneSurrogate(string(document)) {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	value, ok := readValue(decoder, 0)
	object, isObject := value.(map[string]any)
	return object, ok && isObject
}

func readValue(decoder *json.Decoder, depth int) (any, bool) {
	token, err := decoder.Token()
	if _, nested := token.(json.Delim); err != nil || nested && depth == 32 {
		return nil, false
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for decoder.More() {
			name, _ := decoder.Token()
			value, ok := readValue(decoder, depth+1)
			if _, twice := object[name.(string)]; twice || !ok {
				return nil, false
			}
			object[name.(string)] = value
		}
		_, err = decoder.Token()
		return object, err == nil
	case json.Delim('['):
		array := []any{}
		for decoder.More() {
			value, ok := readValue(decoder, depth+1)
			if !ok {
				return nil, false
			}
			array = append(array, value)
		}
		_, err = decoder.Token()
		return array, err == nil
	default:
		return token, true
	}
}

var escapes = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.`)

// loneSurrogate looks at the escapes of valid JSON (RFC 8259 §8.2).
func loneSurrogate(document string) bool {
	return slices.ContainsFunc(escapes.FindAllString(document, -1), func(escape string) bool {
		if len(escape) != len(`\uD800`) {
			return false
		}
		code, err := strconv.ParseUint(escape[2:], 16, 16)
		return err == nil && code >= 0xD800 && code <= 0xDFFF
	})
}

// judged is what a second reading says: whether a token must pass, must not, or is
// so near an edge that either will do.
type judged int

const (
	mustNot judged = iota
	either
	must
)

// instant is a date as exactly as it was written.
type instant struct {
	seconds *big.Float
	judged
}

const yearTenThousand = 253402300800

var (
	jsonNumber = regexp.MustCompile(`\A-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z`)
	dateTime   = regexp.MustCompile(`\A[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z`)
)

// readDate reads a NumericDate (RFC 7519 §2), in a string as well if that may be, and
// then also an RFC 3339 date-time.
func readDate(value any, textDates bool) instant {
	refused := instant{judged: mustNot}
	number, isNumber := value.(json.Number)
	written, most := string(number), 64
	if text, ok := value.(string); ok && textDates {
		if dateTime.MatchString(text) {
			return readDateTime(text)
		}
		written, most, isNumber = text, 20, jsonNumber.MatchString(text)
	}
	if !isNumber || len(written) > most {
		return refused
	}
	seconds, _, err := big.ParseFloat(written, 10, 512, big.ToNearestEven)
	if err != nil || seconds.IsInf() {
		return refused
	}
	// A float64 tells no date before the year 10000 from one 2^-16 s later.
	margin := big.NewFloat(1.0 / (1 << 15))
	switch low, high := new(big.Float).Add(seconds, margin), new(big.Float).Sub(seconds, margin); {
	case low.Sign() < 0 || high.Cmp(big.NewFloat(yearTenThousand-1)) > 0:
		return refused
	case seconds.Sign() < 0 || seconds.Cmp(big.NewFloat(yearTenThousand-1)) > 0:
		return instant{seconds: seconds, judged: either}
	default:
		return instant{seconds: seconds, judged: must}
	}
}

func readDateTime(text string) instant {
	// The calendar is Go's; what fits its layout is narrowed by the expression above.
	when, err := time.Parse("2006-01-02T15:04:05.999999999Z07:00", text)
	if err != nil || when.Unix() < 0 || when.Unix() >= yearTenThousand {
		return instant{judged: mustNot}
	}
	seconds := new(big.Float).SetPrec(512).SetInt64(when.Unix())
	nanoseconds := new(big.Float).SetPrec(512).Quo(big.NewFloat(float64(when.Nanosecond())), big.NewFloat(1e9))
	return instant{seconds: seconds.Add(seconds, nanoseconds), judged: must}
}

// is tells whether got is the instant, as nearly as a float64 can say.
func (i instant) is(got time.Time) bool {
	exact := new(big.Float).SetPrec(512).SetInt64(got.Unix())
	exact.Add(exact, new(big.Float).SetPrec(512).Quo(big.NewFloat(float64(got.Nanosecond())), big.NewFloat(1e9)))
	distance := exact.Sub(exact, i.seconds)
	return distance.Abs(distance).Cmp(big.NewFloat(1.0/(1<<14))) < 0
}

// from tells whether the instant is at or after when; either within ten seconds,
// which no test should hang on.
func (i instant) from(when time.Time) judged {
	distance, _ := new(big.Float).Sub(i.seconds, new(big.Float).SetPrec(512).SetInt64(when.Unix())).Float64()
	switch {
	case distance > 10:
		return must
	case distance < -10:
		return mustNot
	default:
		return either
	}
}

// expectation is what a verifier is configured to expect, said again.
type expectation struct {
	issuer, audience        string // audience empty: any
	mayLackOrigin           bool   // iss and aud may be missing
	mayLackExpiry           bool
	textDates, nullAbsent   bool
	clientID, scopes        []string
	user, id, expiry, grant string
	ofClient                func(clientID string, claims map[string]any) bool
}

// byRFC9068 is what the zero Profile expects.
func byRFC9068(issuer, audience string) expectation {
	return expectation{
		issuer: issuer, audience: audience,
		clientID: []string{"client_id", "azp"}, scopes: []string{"scope", "scp", "scopes"},
		user: "sub", id: "jti", expiry: "exp", ofClient: subjectIsClient,
	}
}

// byLeague is what League and Passport expect.
func byLeague() expectation {
	return expectation{
		mayLackOrigin: true, textDates: true, clientID: []string{"aud"}, scopes: []string{"scopes"},
		user: "sub", id: "jti", expiry: "exp", ofClient: subjectIsClient,
	}
}

func subjectIsClient(clientID string, claims map[string]any) bool {
	return claims["sub"] == nil || claims["sub"] == "" || claims["sub"] == clientID
}

// reading is whom the claims speak for.
type reading struct {
	issuer, subject, client, user, id, grant string
	audience, scopes                         []string
	dates                                    map[string]instant
}

var scopeGrammar = regexp.MustCompile(`\A[!#-\[\]-~]+( [!#-\[\]-~]+)*\z`)

// read judges the claims at a time.
func (e expectation) read(claims map[string]any, now time.Time) (reading, judged) {
	r := reading{issuer: e.issuer, dates: map[string]instant{}}
	refused := func() (reading, judged) { return reading{}, mustNot }
	if e.nullAbsent {
		for name, value := range claims {
			if value == nil {
				delete(claims, name)
			}
		}
	}
	if _, bound := claims["cnf"]; bound {
		return refused()
	}
	for name, into := range map[string]*string{"sub": &r.subject, e.id: &r.id, e.grant: &r.grant} {
		if value, there := claims[name]; there && name != "" {
			var isText bool
			if *into, isText = value.(string); !isText {
				return refused()
			}
		}
	}

	if iss, there := claims["iss"]; there {
		text, isText := iss.(string)
		if !isText || e.issuer != "" && text != e.issuer {
			return refused()
		}
		r.issuer = text
	} else if !e.mayLackOrigin {
		return refused()
	}
	if aud, there := claims["aud"]; there {
		var ok bool
		if r.audience, ok = oneOrMore(aud); !ok || e.audience != "" && !slices.Contains(r.audience, e.audience) {
			return refused()
		}
	} else if !e.mayLackOrigin {
		return refused()
	}

	verdict := must
	for _, name := range []string{e.expiry, "nbf", "iat"} {
		value, there := claims[name]
		if !there {
			if name == e.expiry && !e.mayLackExpiry {
				return refused()
			}
			continue
		}
		date := readDate(value, e.textDates)
		if verdict = min(verdict, date.judged); verdict == mustNot {
			return refused()
		}
		if name == e.expiry {
			verdict = min(verdict, date.from(now.Add(-30*time.Second)))
		} else {
			verdict = min(verdict, must-date.from(now.Add(30*time.Second)))
		}
		r.dates[name] = date
	}

	var ok bool
	if r.client, ok = firstText(claims, e.clientID); !ok {
		return refused()
	}
	if !e.ofClient(r.client, claims) {
		if r.user, ok = claims[e.user].(string); !ok || r.user == "" {
			return refused()
		}
	} else if r.grant == "" {
		r.grant = principal.GrantClientCredentials
	}
	if r.scopes, ok = granted(claims, e.scopes); !ok {
		return refused()
	}
	return r, verdict
}

// oneOrMore is the texts of a string or an array of strings.
func oneOrMore(value any) ([]string, bool) {
	if text, ok := value.(string); ok {
		return []string{text}, true
	}
	elements, ok := value.([]any)
	texts := make([]string, len(elements))
	for i := range elements {
		text, isText := elements[i].(string)
		texts[i], ok = text, ok && isText
	}
	return texts, ok
}

// firstText is the first text of the first of the claims that is there.
func firstText(claims map[string]any, names []string) (string, bool) {
	for _, name := range names {
		if value, there := claims[name]; there {
			texts, ok := oneOrMore(value)
			if !ok || len(texts) == 0 || texts[0] == "" {
				return "", false
			}
			return texts[0], true
		}
	}
	return "", false
}

// granted is the scopes of the first of the claims that is there (RFC 6749 §3.3).
func granted(claims map[string]any, names []string) ([]string, bool) {
	for _, name := range names {
		value, there := claims[name]
		if !there {
			continue
		}
		list, isList := value.(string)
		if isList && list == "" {
			return nil, true
		}
		names, ok := oneOrMore(value)
		if isList {
			names = strings.Split(list, " ")
		}
		for _, name := range names {
			ok = ok && scopeGrammar.MatchString(name) && !strings.Contains(name, " ")
		}
		return names, ok
	}
	return nil, true
}

// agrees tells what p says other than r, or "".
func (r reading) agrees(p *principal.Principal, e expectation) string {
	kind := principal.KindClient
	if r.user != "" {
		kind = principal.KindUser
	}
	dates := map[string]time.Time{e.expiry: p.ExpiresAt, "nbf": p.NotBefore, "iat": p.IssuedAt}
	for name, got := range dates {
		if date, there := r.dates[name]; there && !date.is(got) || !there && !got.IsZero() {
			return name + " is " + got.String()
		}
	}
	scopes := slices.Compact(slices.Sorted(slices.Values(r.scopes)))
	switch {
	case p.Kind != kind:
		return "kind " + string(p.Kind)
	case p.Issuer != r.issuer || p.Subject != r.subject || p.TokenID != r.id || p.Grant != r.grant:
		return "issuer, subject, id or grant"
	case p.ClientID != r.client || p.UserID != r.user:
		return "client " + p.ClientID + ", user " + p.UserID
	case !slices.Equal(p.Audience, r.audience):
		return "audience"
	case !slices.Equal(slices.Sorted(p.Scopes.All()), scopes):
		return "scopes " + p.Scopes.String()
	}
	return ""
}

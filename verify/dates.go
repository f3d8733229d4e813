package verify

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/bearerguard/bearerguard/internal/strictjson"
)

// endOfTime is the last second of the year 9999, beyond which dates cannot be
// written down.
const endOfTime = 253402300799

// date reads a NumericDate (RFC 7519 §2), which may have a fraction, in the range
// of years that have four digits.
func (r *reader) date(claims strictjson.Members, name string, into *time.Time) bool {
	claim := claims.Get(name)
	if claim.Kind == strictjson.Absent {
		return true
	}
	seconds, ok := claim.Float()
	if text, isText := claim.String(); isText && r.profile.TextDates {
		if when, ok := dateTimeIn(text); ok {
			*into = when.UTC()
			return when.Unix() >= 0 && when.Unix() <= endOfTime
		}
		seconds, ok = numberIn(text)
	}
	if !ok || !(seconds >= 0 && seconds <= endOfTime) { // which NaN is not
		return false
	}
	whole, fraction := math.Modf(seconds)
	*into = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	return true
}

// dateTimeIn is the date-time of RFC 3339 §5.6 that a text is. time.Parse alone takes
// an hour of one digit, a comma for the point, and offsets of a day as well.
func dateTimeIn(text string) (time.Time, bool) {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil || len(text) < len("2006-01-02T15:04:05Z") || text[len("2006-01-02T15")] != ':' || text[len("2006-01-02T15:04:05")] == ',' {
		return time.Time{}, false
	}
	end := len(text)
	return when, text[end-1] == 'Z' || text[end-5:end-3] <= "23" && text[end-2:] <= "59"
}

// numberIn is the number that a text is, written as JSON writes it: ParseFloat alone
// takes 0x1p31, 1_0 and Inf as well.
func numberIn(text string) (float64, bool) {
	if len(text) > 20 || !json.Valid([]byte(text)) {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(text, 64)
	return seconds, err == nil
}

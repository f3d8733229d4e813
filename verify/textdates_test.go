package verify_test

import (
	"testing"
	"time"

	"github.com/bearerguard/bearerguard/oauthtest"
	"github.com/bearerguard/bearerguard/verify"
)

// Dates in strings are numbers as JSON has them, or date-times to the letter of
// RFC 3339; what Go's own parsers take beside these is not a date.
func TestDatesInStrings(t *testing.T) { // C16
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, func(c *verify.JWTConfig) { c.Profile.TextDates = true })
	for _, row := range []struct{ name, exp, want string }{
		{"seconds", "4102444800", ""},
		{"seconds with a fraction, as lcobucci/jwt 4.0 has them", "4102444800.152245", ""},
		{"an exponent", "4.1024448e9", ""},
		{"a date-time", "2100-01-02T03:04:05Z", ""},
		{"a date-time with a fraction and an offset", "2100-01-02T03:04:05.678901-23:59", ""},
		{"the last second of the year 9999", "9999-12-31T23:59:59Z", ""},
		{"the same in seconds", "253402300799", ""},
		{"20 characters", "4102444800.000000000", ""},
		{"the first second of 1970", "1970-01-01T00:00:00Z", verify.ReasonExpired},
		{"seconds that have passed", "1", verify.ReasonExpired},
		{"a date-time that has passed", "2001-01-02T03:04:05Z", verify.ReasonExpired},

		{"nothing", "", verify.ReasonClaims},
		{"a space behind", "4102444800 ", verify.ReasonClaims},
		{"hexadecimal", "0x7fffffffp1", verify.ReasonClaims},
		{"underscores", "0x_ffff_ffffp0", verify.ReasonClaims},
		{"a plus sign", "+4102444800", verify.ReasonClaims},
		{"a bare point", "4102444800.", verify.ReasonClaims},
		{"infinity", "Inf", verify.ReasonClaims},
		{"21 characters", "4102444800.0000000000", verify.ReasonClaims},
		{"a minus sign", "-1", verify.ReasonClaims},
		{"null in quotes", "null", verify.ReasonClaims},
		{"an hour of one digit", "2100-01-02T3:04:05Z", verify.ReasonClaims},
		{"an hour of one digit, with a fraction", "2100-01-02T3:04:05.5Z", verify.ReasonClaims},
		{"a comma for the point", "2100-01-02T03:04:05,5Z", verify.ReasonClaims},
		{"an offset of 24 hours", "2100-01-02T03:04:05+24:00", verify.ReasonClaims},
		{"an offset of 60 minutes", "2100-01-02T03:04:05+01:60", verify.ReasonClaims},
		{"no offset", "2100-01-02T03:04:05", verify.ReasonClaims},
		{"a day that is not", "2100-02-29T03:04:05Z", verify.ReasonClaims},
		{"the year 10000 begins in another place", "9999-12-31T23:59:59-01:00", verify.ReasonClaims},
		{"a word of JSON", "true", verify.ReasonClaims},
		{"before 1970", "1969-12-31T23:59:59Z", verify.ReasonClaims},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := reason(v, issuer.Token("billing", "", oauthtest.Claim("exp", row.exp))); got != row.want {
				t.Errorf("%q: got %q, want %q", row.exp, got, row.want)
			}
		})
	}
}

// Where the API runs is no part of what a token says.
func TestDatesAreInUTC(t *testing.T) {
	issuer := oauthtest.NewIssuer(t)
	v := verifier(t, issuer, func(c *verify.JWTConfig) { c.Profile.TextDates = true })
	for _, exp := range []any{int64(4102444800), "4102444800.5", "2100-01-02T03:04:05+01:00"} {
		p, err := v.Verify(t.Context(), issuer.Token("billing", "", oauthtest.Claim("exp", exp)))
		if err != nil {
			t.Fatal(err)
		}
		for _, date := range []time.Time{p.ExpiresAt, p.IssuedAt} {
			if date.Location() != time.UTC {
				t.Errorf("exp %v: %v", exp, date)
			}
		}
	}
}

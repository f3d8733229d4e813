package verify

import "strings"

// SopheakOAuth reads what the introspection endpoint of Sopheak JwtAuth's OAuth
// server says of its opaque access tokens. It asks nobody who he is, and answers 500
// to tokens that are not of its form, which is no verdict; so tell them apart first:
//
//	tokens, err := verify.Introspection(verify.IntrospectionConfig{
//		Endpoint: "https://auth.example/oauth/introspect",
//		Auth:     verify.InsecureNoAuth{},
//		Profile:  verify.SopheakOAuth(),
//		Form:     verify.IsSopheakOAuth,
//	})
//
// The client is in clientId, and the user, of a token that speaks for one, in userId,
// which is unique for one userType only; principal.Claims reads that. Scopes are the
// array in scopes, matched to the letter: unlike in Sopheak's first-party tokens, "*"
// is a scope like any other. The tokens say neither who issued them nor for which
// API, so each API that trusts the server accepts all of them; set
// IntrospectionConfig.Issuer to have the principal name one.
//
// The server looks at its database for each call: a token that it revokes, or whose
// client it revokes, serves on for IntrospectionConfig.MaxAge at most.
func SopheakOAuth() Profile {
	return Profile{
		ClientID:           []string{"clientId"},
		UserID:             "userId",
		Client:             func(_ string, claims Claims) bool { return !claims.Has("userId") },
		Scopes:             []string{"scopes"},
		Grant:              "grantType",
		TokenID:            "tokenId",
		Expiry:             "expiresAt",
		TextDates:          true,
		NullAbsent:         true,
		InsecureNoIssuer:   true,
		InsecureNoAudience: true,
	}
}

// IsSopheakOAuth tells whether a token has the form of Sopheak JwtAuth's opaque
// access tokens: a public part that begins with spo, not with the sport_ of its
// refresh tokens, one dot, and a secret part. It is for IntrospectionConfig.Form.
func IsSopheakOAuth(token string) bool {
	public, secret, found := strings.Cut(token, ".")
	return found && strings.HasPrefix(public, "spo") && !strings.HasPrefix(public, "sport_") &&
		secret != "" && !strings.Contains(secret, ".")
}

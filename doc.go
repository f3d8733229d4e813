// Package bearerguard is the map of a module that protects HTTP APIs with OAuth
// 2.0 bearer access tokens. It has no code; begin with the packages, or with the
// README and its ten lines.
//
//   - [github.com/bearerguard/bearerguard/verify] decides whether a token is good
//     and whom it speaks for: Discover, JWT, or a function of your own.
//   - [github.com/bearerguard/bearerguard/middleware] guards net/http handlers and
//     answers requests that do not pass: JSON, the right status, the right
//     challenge.
//   - [github.com/bearerguard/bearerguard/scopes] is what a route asks for and what
//     a token grants.
//   - [github.com/bearerguard/bearerguard/principal] is who calls: all that a
//     handler imports.
//   - [github.com/bearerguard/bearerguard/jwks] holds the issuer's public keys.
//   - [github.com/bearerguard/bearerguard/adapters/ginauth] and
//     [github.com/bearerguard/bearerguard/adapters/chiauth] put a guard before gin
//     and chi handlers.
//   - [github.com/bearerguard/bearerguard/oauthtest] is an issuer for your own
//     tests.
package bearerguard

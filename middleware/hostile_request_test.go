package middleware_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bearerguard/bearerguard/oauthtest"
)

// queryToken is noToken, for a request that has one where it is not read.
func queryToken() verdict {
	v := noToken
	v.description = "An access token in the query is not read; send it in the Authorization header."
	return v
}

// RFC 6750 §2.1 and RFC 9110 §11.4, in bytes that clients' libraries do not send. The
// token is good: its place is wrong.
func TestHostileAuthorizationHeader(t *testing.T) { // C1, C3, C7
	x := newTarget(t, nil)
	good := x.issuer.Token("billing", "invoices.read")
	for _, row := range []struct {
		name, header string
		want         verdict
	}{
		{"Bearer with nothing", "Authorization: Bearer\r\n", badForm},
		{"Bearer and spaces, which the server takes for none", "Authorization: Bearer   \r\n", badForm},
		{"nothing", "Authorization:\r\n", badForm},
		{"a space", "Authorization:  \r\n", badForm},
		{"the token without a scheme", "Authorization: " + good + "\r\n", noToken}, // by the grammar, a scheme
		{"a tab for the space", "Authorization: Bearer\t" + good + "\r\n", badForm},
		{"a space and a tab", "Authorization: Bearer \t" + good + "\r\n", badForm},
		{"a colon for the space", "Authorization: Bearer:" + good + "\r\n", badForm},
		{"a colon and a space", "Authorization: Bearer: " + good + "\r\n", badForm},
		{"an equals sign", "Authorization: Bearer=" + good + "\r\n", badForm},
		{"an underscore", "Authorization: Bearer_" + good + "\r\n", noToken},
		{"a comma behind", "Authorization: Bearer " + good + ",\r\n", badForm},
		{"a comma in front", "Authorization: ,Bearer " + good + "\r\n", badForm},
		{"a semicolon behind", "Authorization: Bearer " + good + ";\r\n", badForm},
		{"two tokens, a comma between", "Authorization: Bearer " + good + ", Bearer " + good + "\r\n", badForm},
		{"two tokens, a comma alone between", "Authorization: Bearer " + good + "," + good + "\r\n", badForm},
		{"two tokens, a space between", "Authorization: Bearer " + good + " " + good + "\r\n", badForm},
		{"a parameter behind", "Authorization: Bearer " + good + " realm=" + marker + "\r\n", badForm},
		{"a parameter instead", "Authorization: Bearer token=\"" + good + "\"\r\n", badForm},
		{"in quotes", "Authorization: Bearer \"" + good + "\"\r\n", badForm},
		{"in brackets", "Authorization: Bearer <" + good + ">\r\n", badForm},
		{"Bearer twice", "Authorization: Bearer Bearer " + good + "\r\n", badForm},
		{"Basic in front, with a comma", "Authorization: Basic ZGVtbzpkZW1v, Bearer " + good + "\r\n", noToken},
		{"Basic, with the token as password", "Authorization: Basic " + good + "\r\n", noToken},
		{"DPoP", "Authorization: DPoP " + good + "\r\n", noToken},
		{"MAC", "Authorization: MAC " + good + "\r\n", noToken},
		{"a scheme that begins alike", "Authorization: BearerX " + good + "\r\n", noToken},
		{"a scheme that ends alike", "Authorization: XBearer " + good + "\r\n", noToken},
		{"a scheme with a Cyrillic letter", "Authorization: Beаrer " + good + "\r\n", badForm},
		{"a scheme with a letter of Latin-1", "Authorization: B\xe9arer " + good + "\r\n", badForm},
		{"a byte beyond ASCII in the token", "Authorization: Bearer " + good + "\xff\r\n", badForm},
		{"an em space", "Authorization: Bearer\u2003" + good + "\r\n", badForm},
		{"a no-break space", "Authorization: Bearer\u00a0" + good + "\r\n", badForm},
		{"two header lines, alike", "Authorization: Bearer " + good + "\r\nAuthorization: Bearer " + good + "\r\n", twice},
		{"two header lines, the first empty", "Authorization:\r\nAuthorization: Bearer " + good + "\r\n", twice},
		{"two header lines, the last empty", "Authorization: Bearer " + good + "\r\nauthorization:\r\n", twice},
		{"two header lines, one Basic", "Authorization: Basic ZGVtbzpkZW1v\r\nAuthorization: Bearer " + good + "\r\n", twice},
		{"two header lines, neither Bearer", "Authorization: Basic ZGVtbzpkZW1v\r\nAuthorization: Digest x\r\n", twice},
		{"a hundred header lines", strings.Repeat("Authorization: Bearer "+good+"\r\n", 100), twice},
		{"64 KiB", "Authorization: Bearer " + strings.Repeat("a", 64<<10+1) + "\r\n", tooLong},
		{"64 KiB of a scheme", "Authorization: " + strings.Repeat("a", 64<<10+8) + "\r\n", tooLong},
		{"2 MB of spaces", "Authorization: Bearer" + strings.Repeat(" ", 2<<20) + good + "\r\n", tooLong},

		{"a line break in the middle begins a new line, that is no header", "Authorization: Bearer " + good[:20] + "\r\n" + good[20:] + "\r\n", byServer},
		{"a line break and a header: the header is the request's own", "Authorization: Bearer " + good + "\r\nX-Forwarded-User: " + marker + "\r\n", accepted},
		{"a line feed alone ends a line too", "Authorization: Bearer " + good[:20] + "\nX: " + marker + "\r\n", malformed},
		{"a carriage return alone", "Authorization: Bearer " + good + "\rX: " + marker + "\r\n", byServer},
		{"NUL", "Authorization: Bearer " + good + "\x00\r\n", byServer},
		{"a control character", "Authorization: Bearer \x01" + good + "\r\n", byServer},
		{"DEL", "Authorization: Bearer " + good + "\x7f\r\n", byServer},
		{"a space before the colon", "Authorization : Bearer " + good + "\r\n", byServer},
		{"a line that is folded within the token, which is a space (RFC 9112 section 5.2)", "Authorization: Bearer " + good[:20] + "\r\n " + good[20:] + "\r\n", badForm},
		{"a line that begins folded, and so belongs to the header before it", " Authorization: Bearer " + good + "\r\n", noToken},

		{"Proxy-Authorization", "Proxy-Authorization: Bearer " + good + "\r\n", noToken},
		{"X-Authorization", "X-Authorization: Bearer " + good + "\r\n", noToken},
		{"X-Forwarded-Authorization", "X-Forwarded-Authorization: Bearer " + good + "\r\n", noToken},
		{"X-Access-Token", "X-Access-Token: " + good + "\r\n", noToken},
		{"Authorisation", "Authorisation: Bearer " + good + "\r\n", noToken},
		{"an underscore in the name", "HTTP_AUTHORIZATION: Bearer " + good + "\r\n", noToken},
		{"a cookie", "Cookie: access_token=" + good + "; Authorization=Bearer " + good + "\r\n", noToken},
		{"a subprotocol", "Sec-WebSocket-Protocol: bearer, " + good + "\r\n", noToken},

		{"and two spaces pass", "Authorization: Bearer  " + good + "\r\n", accepted},
		{"and spaces behind, which are not of the value (RFC 9112 section 5.1)", "Authorization: Bearer " + good + "  \t\r\n", accepted},
		{"and a line that is folded between scheme and token", "Authorization: Bearer\r\n " + good + "\r\n", accepted},
		{"and the name in odd case", "aUTHORIZATION: Bearer " + good + "\r\n", accepted},
		{"and the scheme in odd case", "Authorization: bEARER " + good + "\r\n", accepted},
		{"and no space behind the colon", "Authorization:Bearer " + good + "\r\n", accepted},
		{"and a Proxy-Authorization beside it", "Authorization: Bearer " + good + "\r\nProxy-Authorization: Basic x\r\n", accepted},
	} {
		t.Run(row.name, func(t *testing.T) {
			x.check(t, "GET /invoices", row.header, "", good, row.want)
		})
	}
}

// A token in a place where it is not read is none (OAuth 2.1, and RFC 6750 §2.2 and
// §2.3 as options that this API has not taken). In the query it would be in logs, so
// there it is told, and refused beside another.
func TestHostileTokenInAnotherPlace(t *testing.T) { // C2, C3, C46
	x := newTarget(t, nil)
	good := x.issuer.Token("billing", "invoices.read")
	authorization := "Authorization: Bearer " + good + "\r\n"
	body := func(contentType, text string) (header, body string) {
		return fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", contentType, len(text)), text
	}
	form, formBody := body("application/x-www-form-urlencoded", "access_token="+good)
	multipart, multipartBody := body("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\n"+good+"\r\n--b--\r\n")
	object, objectBody := body("application/json", `{"access_token":"`+good+`"}`)
	for _, row := range []struct {
		name, line, header, body string
		want                     verdict
	}{
		{"in the query", "GET /invoices?access_token=" + good, "", "", queryToken()},
		{"in the query, by another name", "GET /invoices?token=" + good + "&bearer_token=" + good, "", "", noToken},
		{"in the query, spelled otherwise", "GET /invoices?%61ccess_token=" + good, "", "", queryToken()},
		{"in the query, beside others", "GET /invoices?a=1&access_token=" + good + "&b=2", "", "", queryToken()},
		{"in the query, beside another scheme", "GET /invoices?access_token=" + good, "Authorization: Basic x\r\n", "", noToken},
		{"in the query and in the header", "GET /invoices?access_token=" + good, authorization, "", twice},
		{"in the query without a value, and in the header", "GET /invoices?access_token", authorization, "", twice},
		{"in the query of a POST and in the header", "POST /invoices?access_token=" + good, authorization + "Content-Length: 0\r\n", "", twice},
		{"in an absolute request target", "GET http://api.example/invoices?access_token=" + good, "", "", queryToken()},
		{"as userinfo of the request target", "GET http://billing:" + good + "@api.example/invoices", "", "", noToken},
		{"in a form", "POST /invoices", form, formBody, noToken},
		{"in a form by PUT", "PUT /invoices", form, formBody, noToken},
		{"in a form by PATCH", "PATCH /invoices", form, formBody, noToken},
		{"in a form by GET", "GET /invoices", form, formBody, noToken},
		{"in a form by DELETE", "DELETE /invoices", form, formBody, noToken},
		{"in a form of several parts", "POST /invoices", multipart, multipartBody, noToken},
		{"in JSON", "POST /invoices", object, objectBody, noToken},
		{"in a form and in the query", "POST /invoices?access_token=" + good, form, formBody, queryToken()},
		{"in a header behind the body", "POST /invoices", "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n", "1\r\nx\r\n0\r\n" + authorization + "\r\n", noToken},
		{"behind an Expect", "POST /invoices", "Expect: 100-continue\r\nContent-Length: 1\r\n", "", noToken},
		{"a request within the body", "POST /invoices", "Content-Length: 60\r\n", "GET /invoices HTTP/1.1\r\nHost: a\r\n" + authorization[:27], noToken},
		{"a method that overrides", "POST /invoices", "X-HTTP-Method-Override: OPTIONS\r\nContent-Length: 0\r\n", "", noToken},
		{"a path that overrides", "GET /invoices", "X-Original-URL: /public\r\nX-Rewrite-URL: /public\r\n", "", noToken},
		{"HEAD", "HEAD /invoices", "", "", noToken},
		{"HEAD with the token in the query", "HEAD /invoices?access_token=" + good, "", "", queryToken()},
		{"OPTIONS", "OPTIONS /invoices", "", "", noToken},
		{"a preflight", "OPTIONS /invoices", "Origin: https://" + marker + ".example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n", "", noToken},
		{"a method that nobody has heard of", "BREW /invoices", "", "", noToken},
		{"TRACE, which would show the request", "TRACE /invoices", "X-Secret: " + marker + "\r\n", "", noToken},

		// The form is the handler's, and is not read to look for a token in it.
		{"and in the header, whatever is in the form", "POST /invoices", authorization + form, formBody, accepted},
		{"and in the header of a HEAD", "HEAD /invoices", authorization, "", accepted},
	} {
		t.Run(row.name, func(t *testing.T) {
			x.check(t, row.line, row.header, row.body, good, row.want)
		})
	}
}

// A bad token is as bad by every method and beside every other header.
func TestHostileMethods(t *testing.T) { // C6, C47
	x := newTarget(t, nil)
	for name, row := range map[string]struct {
		token string
		want  verdict
	}{
		"expired":      {x.issuer.Token("billing", "invoices.read", oauthtest.Expired()), expired},
		"forged":       {x.issuer.Token("billing", "invoices.read", oauthtest.Forged()), badSignature},
		"under-scoped": {x.issuer.Token("billing", marker), underScoped},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			t.Run(name+" by "+method, func(t *testing.T) {
				x.check(t, method+" /invoices", "Authorization: Bearer "+row.token+"\r\nContent-Length: 0\r\nIf-None-Match: *\r\nRange: bytes=0-1\r\nUpgrade-Insecure-Requests: 1\r\nX-Requested-With: XMLHttpRequest\r\n", "", row.token, row.want)
			})
		}
	}
}

package middleware

import "net/http"

// Body makes the body of a refusal: its media type and a value to be marshalled
// as JSON. Status, challenge and the other headers stay as they are.
type Body func(*Denial) (contentType string, value any)

// OAuthError is the default body, in the words of RFC 6749 §5.2 and RFC 6750 §3:
//
//	{"error":"invalid_token","error_description":"The access token expired."}
func OAuthError(d *Denial) (contentType string, value any) {
	return "application/json", struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Scope       string `json:"scope,omitempty"`
	}{d.Code, d.Description, d.Scope}
}

// ProblemDetails is a body by RFC 9457, application/problem+json, with error and
// scope as extension members.
func ProblemDetails(d *Denial) (contentType string, value any) {
	return "application/problem+json", struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Error  string `json:"error"`
		Scope  string `json:"scope,omitempty"`
	}{"about:blank", http.StatusText(d.Status), d.Status, d.Description, d.Code, d.Scope}
}

// LaravelMessage is the body that clients of a Laravel Passport API know:
//
//	{"message":"Unauthenticated."}
func LaravelMessage(d *Denial) (contentType string, value any) {
	message := d.Description
	switch {
	case d.Code == CodeMissingToken, d.Code == CodeInvalidToken:
		message = "Unauthenticated."
	case d.Reason == ReasonInsufficientScope:
		message = "Invalid scope(s) provided."
	}
	return "application/json", struct {
		Message string `json:"message"`
	}{message}
}

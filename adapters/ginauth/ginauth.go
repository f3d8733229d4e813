// Package ginauth puts a middleware.Guard before gin handlers. It only
// translates: what is decided, and every answer, is the guard's.
//
//	router.GET("/invoices", ginauth.Protect(guard.Require(scopes.All("invoices.read"))), list)
package ginauth

import (
	"github.com/gin-gonic/gin"

	"github.com/bearerguard/bearerguard/middleware"
	"github.com/bearerguard/bearerguard/principal"
)

// Protect is the guard as a gin handler, for a route, a group or an engine. A
// request that does not pass is answered and its chain aborted.
func Protect(guard *middleware.Guard) gin.HandlerFunc {
	return func(c *gin.Context) {
		request := middleware.RequestOf(c.Request)
		request.Route = c.FullPath()
		ctx, denial := guard.Check(c.Request.Context(), request)
		if denial != nil {
			guard.Deny(c.Writer, c.Request, denial)
			c.Abort()
			return
		}
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

// Principal is the caller of the request, as principal.FromContext finds it. It
// is false without a guard, and behind an optional one when the request carried
// no credential.
func Principal(c *gin.Context) (*principal.Principal, bool) {
	return principal.FromContext(c.Request.Context())
}

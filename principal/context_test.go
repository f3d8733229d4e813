package principal_test

import (
	"context"
	"testing"

	"github.com/bearerguard/bearerguard/internal/contextkey"
	"github.com/bearerguard/bearerguard/principal"
)

type maker struct{ p *principal.Principal }

func (m maker) Principal() *principal.Principal { return m.p }

func TestThePrincipalOfAContext(t *testing.T) {
	type key struct{}
	app, user := &principal.Principal{ClientID: "app"}, &principal.Principal{UserID: "42"}
	background := context.Background()
	cancelled, cancel := context.WithCancel(principal.NewContext(background, app))
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		want *principal.Principal
	}{
		"none was put there":                {background, nil},
		"the one that was put there":        {principal.NewContext(background, app), app},
		"the one that was put there last":   {principal.NewContext(principal.NewContext(background, app), user), user},
		"other values beside it":            {context.WithValue(principal.NewContext(background, app), key{}, user), app},
		"a derived context":                 {cancelled, app},
		"nobody is not a principal":         {principal.NewContext(background, nil), nil},
		"nobody hides the one that was":     {principal.NewContext(principal.NewContext(background, app), nil), nil},
		"one that is made when asked for":   {context.WithValue(background, contextkey.Principal{}, maker{app}), app},
		"nobody, when asked for":            {context.WithValue(background, contextkey.Principal{}, maker{}), nil},
		"a value under a key of the caller": {context.WithValue(background, key{}, app), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := principal.FromContext(test.ctx)
			if got != test.want || ok != (test.want != nil) {
				t.Errorf("got %v, %v, want %v", got, ok, test.want)
			}
		})
	}
}

package verify

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/bearerguard/bearerguard/scopes"
)

// scopeLists are some of the lists of scopes that tokens have granted. Few lists are
// in all the tokens of an issuer, so what many principals hold is kept once. Which is
// a matter of memory alone: a list that is not found is read.
type scopeLists [64]atomic.Pointer[scopeList]

type scopeList struct {
	text   string
	scopes scopes.Set
}

// maxScopeList bounds the text of one, in octets; the list takes 16 bytes a name beside.
const maxScopeList = 512

var scopeListSeed = maphash.MakeSeed()

func (l *scopeLists) of(text string) *atomic.Pointer[scopeList] {
	return &l[maphash.String(scopeListSeed, text)%uint64(len(l))]
}

func (l *scopeLists) find(text string) (scopes.Set, bool) {
	if kept := l.of(text).Load(); kept != nil && kept.text == text {
		return kept.scopes, true
	}
	return scopes.Set{}, false
}

func (l *scopeLists) keep(text string) {
	if _, there := l.find(text); there || len(text) > maxScopeList {
		return
	}
	text = strings.Clone(text) // from the claims that it is a part of
	if set, err := scopes.Parse(text); err == nil {
		l.of(text).Store(&scopeList{text, set})
	}
}

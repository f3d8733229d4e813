package strictjson

import "unicode/utf16"

type scanner struct {
	data  string
	at    int
	depth int
}

func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0 // no token begins with it
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) value() (Value, error) {
	start, kind, escaped := s.at, Absent, false
	var err error
	switch c := s.peek(); {
	case c == '"':
		kind = String
		escaped, err = s.str()
	case c == '{':
		kind = Object
		_, err = s.object(nil, false)
	case c == '[':
		kind, err = Array, s.array()
	case c == 't':
		kind, err = Bool, s.literal("true")
	case c == 'f':
		kind, err = Bool, s.literal("false")
	case c == 'n':
		kind, err = Null, s.literal("null")
	case c == '-' || digit(c):
		kind, err = Number, s.number()
	default:
		err = errSyntax
	}
	return Value{kind, escaped, s.data[start:s.at]}, err
}

// object reads an object and, if the caller wants them, collects its members.
func (s *scanner) object(into Members, wanted bool) (Members, error) {
	if s.peek() != '{' {
		return nil, errSyntax
	}
	if s.depth++; s.depth > MaxDepth {
		return nil, errDepth
	}
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		s.depth--
		return into, nil
	}
	var names nameSet
	for {
		start := s.at
		if s.peek() != '"' {
			return nil, errSyntax
		}
		escaped, err := s.str()
		if err != nil {
			return nil, err
		}
		name := Value{String, escaped, s.data[start:s.at]}.unquote()
		if !names.add(name) {
			return nil, errDuplicate
		}
		if s.space(); s.peek() != ':' {
			return nil, errSyntax
		}
		s.at++
		s.space()
		value, err := s.value()
		if err != nil {
			return nil, err
		}
		if wanted {
			into = append(into, Member{name, value})
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
			s.space()
		case '}':
			s.at++
			s.depth--
			return into, nil
		default:
			return nil, errSyntax
		}
	}
}

func (s *scanner) array() error {
	if s.depth++; s.depth > MaxDepth {
		return errDepth
	}
	s.at++
	s.space()
	if s.peek() == ']' {
		s.at++
		s.depth--
		return nil
	}
	for {
		if _, err := s.value(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
			s.space()
		case ']':
			s.at++
			s.depth--
			return nil
		default:
			return errSyntax
		}
	}
}

// str reads a string, and tells whether there is an escape in it.
func (s *scanner) str() (escaped bool, err error) {
	s.at++
	for {
		for s.at < len(s.data) && plain[s.data[s.at]] {
			s.at++
		}
		switch s.peek() {
		case '"':
			s.at++
			return escaped, nil
		case '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return escaped, err
			}
		default:
			return escaped, errSyntax
		}
	}
}

func (s *scanner) escape() error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		first, ok := s.hex4()
		if !ok {
			return errSyntax
		}
		if !utf16.IsSurrogate(first) {
			return nil
		}
		if s.peek() != '\\' {
			return errUTF8
		}
		s.at++
		if s.peek() != 'u' {
			return errUTF8
		}
		second, ok := s.hex4()
		if !ok {
			return errSyntax
		}
		if first >= 0xdc00 || second < 0xdc00 || second > 0xdfff {
			return errUTF8
		}
		return nil
	default:
		return errSyntax
	}
}

// hex4 reads u and four hexadecimal digits.
func (s *scanner) hex4() (r rune, ok bool) {
	if len(s.data)-s.at < 5 {
		return 0, false
	}
	for _, c := range []byte(s.data[s.at+1 : s.at+5]) {
		switch {
		case digit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.at += 5
	return r, true
}

func (s *scanner) literal(word string) error {
	if len(s.data)-s.at < len(word) || s.data[s.at:s.at+len(word)] != word {
		return errSyntax
	}
	s.at += len(word)
	return nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return errSyntax
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return errSyntax
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return errSyntax
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.at
	for digit(s.peek()) {
		s.at++
	}
	return s.at > start
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// plain are the octets that stand for themselves within a string (RFC 8259 §7);
// that those beyond ASCII are UTF-8 has been seen to before.
var plain = func() (set [256]bool) {
	for c := range set {
		set[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return set
}()

// nameSet finds duplicates. Objects have a handful of names, which are compared
// one by one; an object of thousands is an attack, and must not buy quadratic
// time.
type nameSet struct {
	few  [16]string
	n    int
	many map[string]struct{}
}

func (s *nameSet) add(name string) bool {
	if s.many == nil {
		for i := range s.n {
			if same(s.few[i], name) {
				return false
			}
		}
		if s.n < len(s.few) {
			s.few[s.n] = name
			s.n++
			return true
		}
		s.many = make(map[string]struct{}, 4*len(s.few))
		for _, held := range s.few {
			s.many[held] = struct{}{}
		}
	}
	before := len(s.many)
	s.many[name] = struct{}{}
	return len(s.many) > before
}

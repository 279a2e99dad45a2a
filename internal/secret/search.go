package secret

import (
	"bytes"
	"hash/maphash"
)

// depth is how often a character may be escaped: JSON in a URL in HTML, in a JSON text.
const depth = 4

// search is one search of a text through views of it.
type search struct {
	r       *Redactor
	cut     bool
	matters alphabet
	choices []escapes
	views   [depth + 1]view // the text, and a view at each level
	seed    maphash.Seed
	seen    []visit
	found   []span // in one view
	spans   []span
}

// visit is a view that was searched, with some levels to go. There are several ways to one.
type visit struct {
	sum    uint64
	levels int
}

// mayEscape tells whether a text has a byte with which an escape begins.
func (r *Redactor) mayEscape(text []byte) bool {
	if bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, '%') >= 0 || bytes.IndexByte(text, '&') >= 0 {
		return true
	}
	return r.hasSpaces() && bytes.IndexByte(text, '+') >= 0
}

// hasSpaces tells whether a known secret has a space, which may be written as +.
func (r *Redactor) hasSpaces() bool {
	for ; r != nil; r = r.base {
		if r.spaced.Load() {
			return true
		}
	}
	return false
}

// findEscaped appends where known secrets are in the views of a text.
func (r *Redactor) findEscaped(text []byte, cut bool, spans []span) []span {
	s, _ := r.searches.Get().(*search)
	if s == nil {
		s = &search{r: r, seed: maphash.MakeSeed()}
	}
	s.cut, s.matters, s.spans, s.seen = cut, r.matters(), spans, s.seen[:0]
	s.choices = choices(s.matters.has(' '))
	s.views[0].text = text
	s.within(0)
	spans = s.spans
	s.views[0].text, s.spans = nil, nil
	r.searches.Put(s)
	return spans
}

// within searches the views that the view of a level decodes to, and the views of these.
func (s *search) within(level int) {
	if level == depth {
		return
	}
	from, v := &s.views[level], &s.views[level+1]
	for _, kinds := range s.choices {
		if v.decode(from, kinds, &s.matters, s.cut) && s.isNew(v, depth-level) {
			s.in(v)
			s.within(level + 1)
		}
	}
}

// isNew tells whether a view was not searched yet with as many levels to go.
func (s *search) isNew(v *view, levels int) bool {
	sum := maphash.Bytes(s.seed, v.text)
	for i := range s.seen {
		if s.seen[i].sum == sum {
			is := s.seen[i].levels < levels
			s.seen[i].levels = max(levels, s.seen[i].levels)
			return is
		}
	}
	s.seen = append(s.seen, visit{sum, levels})
	return true
}

// in searches a view, and maps what it finds to the text itself.
func (s *search) in(v *view) {
	s.found = s.r.look(v.text, s.cut, s.found[:0])
	for _, found := range s.found {
		at := v.origin(found)
		if s.cut && found.end == len(v.text) {
			at.end = len(s.views[0].text) // with the half of an escape that may stand there
		}
		s.spans = append(s.spans, at)
	}
}

package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/go-json-experiment/json/jsontext"
)

// maxKept bounds the values that are kept of an answer besides its records.
const maxKept = 64 << 10

var (
	errNothing  = errors.New("it is empty")
	errTrailing = errors.New("something follows its JSON value: declare `format: jsonl` if each line is a record")
)

// lenient takes what real systems send: the same name twice in one object, and text that is no valid UTF-8.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// decoder reads the records of one answer after the other.
type decoder interface {
	// next returns a record as it was written, valid until the next call, and io.EOF after the last.
	next() (jsontext.Value, error)
	// value returns what stood at a place, nil if nothing did. It is complete once next returned io.EOF.
	value(place int) jsontext.Value
	// found tells whether there were records, or the list that would hold them, or null in their place.
	found() presence
}

// presence says whether an answer has the place where records stand.
type presence int

const (
	absent presence = iota
	null            // there is null, or an empty value, where the records or their list would be
	present
)

// stream decodes an answer token by token. It holds one record at a time, whatever the size of the answer.
type stream struct {
	shape  *shape
	json   *jsontext.Decoder
	open   []frame // the objects and lists that lead to the current value
	begun  bool
	seen   presence
	beside beside
	values [places]jsontext.Value
	names  [][]byte // of the members that the wildcards of the path to the records met, outermost first
}

// frame is an object or list whose members may be, or hold, what is looked for.
type frame struct {
	object   bool
	within   set
	elements hits // what each element of a list is
}

func (s *stream) reset(shape *shape, from io.Reader) {
	*s = stream{shape: shape, json: s.json, open: s.open[:0], names: s.names[:0]}
	if s.json == nil {
		s.json = jsontext.NewDecoder(from, lenient...)
	} else {
		s.json.Reset(from, lenient...)
	}
}

func (s *stream) found() presence                { return s.seen }
func (s *stream) value(place int) jsontext.Value { return s.values[place] }

func (s *stream) next() (jsontext.Value, error) {
	for {
		h, err := s.advance()
		if err != nil {
			return nil, err
		}
		record, err := s.take(h)
		if err == io.EOF {
			err = errNothing // there was no value at all
		}
		if record != nil || err != nil {
			return record, err
		}
	}
}

// advance goes to the next value, leaving objects and lists that end, and says what it is. It returns io.EOF after the whole answer.
func (s *stream) advance() (hits, error) {
	for {
		if len(s.open) == 0 {
			if s.begun {
				return hits{}, s.end()
			}
			s.begun = true
			return s.shape.root(), nil
		}
		top := &s.open[len(s.open)-1]
		if kind := s.json.PeekKind(); kind == '}' || kind == ']' {
			if _, err := s.json.ReadToken(); err != nil {
				return hits{}, err
			}
			s.open = s.open[:len(s.open)-1]
			continue
		}
		if !top.object {
			s.meet(top, nil)
			return top.elements, nil
		}
		name, err := s.json.ReadValue()
		if err != nil {
			return hits{}, err
		}
		s.meet(top, name)
		h := s.shape.match(top.within, len(s.open)-1, name)
		if h != (hits{}) || !s.isBeside(top) {
			return h, nil
		}
		if err := s.note(name); err != nil {
			return hits{}, err
		}
	}
}

// meet keeps the name of a member that a wildcard of the path to the records meets; an element of a list has none.
func (s *stream) meet(top *frame, name []byte) {
	depth := len(s.open) - 1
	if !s.shape.named || !top.within.has(atRecords) || !s.shape.steps[atRecords][depth].any {
		return
	}
	wildcard := 0
	for _, step := range s.shape.steps[atRecords][:depth] {
		if step.any {
			wildcard++
		}
	}
	for len(s.names) <= wildcard {
		s.names = append(s.names, nil)
	}
	s.names[wildcard] = append(s.names[wildcard][:0], name...)
}

// end makes sure that nothing follows.
func (s *stream) end() error {
	_, err := s.json.ReadToken()
	if err == nil {
		return errTrailing
	}
	return err
}

// inObject tells whether the last value is a member of an object.
func (s *stream) inObject() bool { return len(s.open) > 0 && s.open[len(s.open)-1].object }

// take consumes the value that lies ahead, or enters it. It returns a record if the value is one.
func (s *stream) take(h hits) (jsontext.Value, error) {
	kind := s.json.PeekKind()
	switch {
	case h.done.has(atRecords):
		return s.record(h, kind)
	case (kind == '{' || kind == '[') && h.deeper != 0 && (h.done == 0 || h.deeper.has(atRecords)):
		return nil, s.enter(h.deeper, kind)
	case kind == 'n' && s.holdsRecords(h.deeper):
		s.seen = max(s.seen, null)
	}
	if h.done != 0 {
		return nil, s.keep(h)
	}
	return nil, s.json.SkipValue()
}

// holdsRecords tells whether the records are the members of the value that lies ahead.
func (s *stream) holdsRecords(deeper set) bool {
	return deeper.has(atRecords) && s.shape.steps[atRecords][len(s.open)].any
}

func (s *stream) record(h hits, kind jsontext.Kind) (jsontext.Value, error) {
	if !s.shape.many() {
		switch kind {
		case '[':
			return nil, s.shape.aList()
		case 'n':
			s.seen = max(s.seen, null)
			return nil, s.json.SkipValue()
		}
	}
	record, err := s.json.ReadValue()
	if err != nil {
		return nil, err
	}
	s.seen = present
	h.done &^= 1 << atRecords
	if err := s.assign(h, record); err != nil {
		return nil, err
	}
	return record, nil
}

// enter goes into the object or list that lies ahead.
func (s *stream) enter(within set, kind jsontext.Kind) error {
	_, err := s.json.ReadToken()
	if s.holdsRecords(within) && (kind == '[' || s.shape.named || s.json.PeekKind() != '}') { // {} may stand for anything that is not there
		s.seen = present
	}
	s.open = append(s.open, frame{object: kind == '{', within: within, elements: s.shape.match(within, len(s.open), nil)})
	return err
}

// keep keeps the value that lies ahead for the places that it stands at, or that stand within it.
func (s *stream) keep(h hits) error {
	value, err := s.json.ReadValue()
	if err != nil {
		return err
	}
	return s.assign(h, value)
}

// assign keeps a value for the places that it stands at, and what stands at places within it.
func (s *stream) assign(h hits, value jsontext.Value) error {
	for left := h.done; left != 0; left = left.rest() {
		if err := s.set(left.first(), value); err != nil {
			return err
		}
	}
	for left := h.deeper; left != 0; left = left.rest() {
		if err := s.set(left.first(), lookup(value, s.shape.steps[left.first()][len(s.open):])); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) set(place int, value jsontext.Value) error {
	if len(value) > maxKept {
		return fmt.Errorf("the value at %s is larger than %s", s.shape.text[place], humanize.IBytes(maxKept))
	}
	s.values[place] = value.Clone()
	return nil
}

// lookup returns the value that steps of names lead to in a JSON text, or nil. The text may be broken behind it.
func lookup(text []byte, steps []step) jsontext.Value {
	json := jsontext.NewDecoder(bytes.NewBuffer(text), lenient...)
	for _, step := range steps {
		if json.PeekKind() != '{' {
			return nil
		}
		json.ReadToken() // PeekKind has seen it
		for {
			if json.PeekKind() != '"' {
				return nil
			}
			name, err := json.ReadValue()
			if err != nil {
				return nil
			}
			if named(name, step.name) {
				break
			}
			if json.SkipValue() != nil {
				return nil
			}
		}
	}
	value, err := json.ReadValue()
	if err != nil {
		return nil
	}
	return value
}

// isAlone tells whether an object has one member only.
func isAlone(object jsontext.Value) bool {
	json := jsontext.NewDecoder(bytes.NewBuffer(object), lenient...)
	if token, err := json.ReadToken(); err != nil || token.Kind() != '{' {
		return false
	}
	for range 2 { // its name and its value
		if json.SkipValue() != nil {
			return false
		}
	}
	return json.PeekKind() == '}'
}

// named tells whether a name, as it is written in JSON, is the wanted one.
func named(written []byte, want string) bool {
	if bytes.IndexByte(written, '\\') < 0 {
		return string(written[1:len(written)-1]) == want
	}
	name, _ := jsontext.AppendUnquote(nil, written) // invalid UTF-8 is replaced
	return string(name) == want
}

package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/theory/jsonpath/spec"

	"github.com/sallyport-io/sallyport"
)

// maxTree bounds the answers that are read as a whole, because the path to their records cannot be streamed.
const maxTree = 64 << 20

// tree decodes an answer as a whole and selects its records with any JSONPath. Numbers keep their digits.
type tree struct {
	shape    *shape
	root     any
	nodes    []any
	sent     *filtered // what the system sent, where a filter chooses from it; nil: all of it is selected
	seen     presence
	elements bool // what is selected are elements of lists, or members that the path names
	halves   int  // of characters, in the whole answer
	text     bytes.Buffer
}

// newTree reads a whole answer.
func newTree(ctx context.Context, shape *shape, from io.Reader) (*tree, error) {
	t := &tree{shape: shape, seen: null}
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&t.root); err != nil {
		if err == io.EOF {
			err = errNothing
		}
		return nil, err
	}
	if _, err := numbers.Token(); err != io.EOF {
		return nil, errTrailing
	}
	if bytes.Contains(text, []byte(`\u`)) {
		_, t.halves = plain(nil, text) // decoding has replaced them
	}
	w, err := shape.selectFrom(ctx, t.root)
	if err != nil {
		return nil, err
	}
	t.nodes, t.sent, t.elements = w.nodes, w.sent, w.elements
	if _, list := single(t.nodes).([]any); list && shape.query.Query().Singular() != nil {
		return nil, shape.aList()
	}
	switch {
	case len(t.nodes) > 0:
		t.seen = present
	case !shape.leads(t.root):
		t.seen = absent
	}
	return t, nil
}

// selectFrom selects the records. The library panics on some expressions, for example on a match with an invalid regular expression.
func (s *shape) selectFrom(ctx context.Context, root any) (w *walk, err error) {
	defer func() {
		if recover() != nil {
			err = sallyport.FieldErrorf(fields[atRecords], "%q cannot be evaluated: check the functions in it", s.text[atRecords])
		}
	}()
	w = &walk{ctx: ctx, root: root, left: maxSteps}
	if err = w.along(s.query.Query().Segments()); errors.Is(err, errSteps) {
		err = sallyport.FieldErrorf(fields[atRecords], "%q takes more than %d steps on this response: use a path with fewer `..`, `*` and filters",
			s.text[atRecords], maxSteps)
	}
	return w, err
}

// leads tells whether a response has what the names lead to that the path to the records begins with.
func (s *shape) leads(value any) bool {
	for _, segment := range s.query.Query().Segments() {
		selectors := segment.Selectors()
		name, ok := selectors[0].(spec.Name)
		if !ok || len(selectors) > 1 || segment.IsDescendant() {
			break
		}
		object, _ := value.(map[string]any)
		if value, ok = object[string(name)]; !ok {
			return false
		}
	}
	object, ok := value.(map[string]any)
	return !ok || len(object) > 0
}

func single(nodes []any) any {
	if len(nodes) != 1 {
		return nil
	}
	return nodes[0]
}

func (t *tree) next() (jsontext.Value, error) {
	if len(t.nodes) == 0 {
		return nil, io.EOF
	}
	node := t.nodes[0]
	t.nodes = t.nodes[1:]
	t.text.Reset()
	return encoded(&t.text, node)
}

func (t *tree) value(place int) jsontext.Value {
	value, there := t.root, t.shape.text[place] != ""
	for _, step := range t.shape.steps[place] {
		object, _ := value.(map[string]any)
		value, there = object[step.name]
	}
	if !there {
		return nil
	}
	text, _ := encoded(new(bytes.Buffer), value) // what was decoded can be encoded
	return text
}

// found tells no list from an empty one only where the path to the records begins with names.
func (t *tree) found() presence { return t.seen }

func encoded(to *bytes.Buffer, value any) (jsontext.Value, error) {
	plain := json.NewEncoder(to)
	plain.SetEscapeHTML(false)
	if err := plain.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(to.Bytes(), []byte("\n")), nil
}

package rest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/theory/jsonpath/spec"
)

const (
	maxBeside      = 64      // values beside the records that are kept of a response
	maxBesideBytes = 4 << 10 // of one of them; of a larger one only its name is kept
)

// beside are the values that stand beside the records, by their paths: the members of the objects that the path to the records leads through.
// A value is nil if it is a list, or an object whose name is not one for what is said about a list.
type beside map[string]jsontext.Value

// about are the names of objects that say something about a list.
var about = []string{
	"paging", "pagination", "meta", "_meta", "metadata", "links", "_links", "page", "pages", "page_info", "pageInfo", "info", "result_info", "cursor",
	"cursors", "response_metadata", "next", "total", "count", "header", "summary", "response", "stats", "query",
}

// isBeside tells whether the members of an object stand beside the records unless they lead to them.
func (s *stream) isBeside(of *frame) bool {
	return of.within.has(atRecords) && len(s.open)-1 < s.shape.literal
}

// note keeps the value that lies ahead, which stands beside the records under a name.
func (s *stream) note(quoted []byte) error {
	name, _ := jsontext.AppendUnquote(nil, quoted) // invalid UTF-8 is replaced
	if len(s.beside) >= maxBeside {
		return s.json.SkipValue()
	}
	path := pathOf(s.shape.steps[atRecords][:len(s.open)-1], string(name))
	if s.beside == nil {
		s.beside = beside{}
	}
	s.beside[path] = nil
	if kind := s.json.PeekKind(); kind == '[' || kind == '{' && !slices.Contains(about, string(name)) {
		return s.json.SkipValue()
	}
	value, err := s.json.ReadValue()
	if len(value) <= maxBesideBytes {
		s.beside[path] = value.Clone()
	}
	return err
}

// beside are the values beside the records of a response that was read as a whole.
func (t *tree) beside() beside {
	all, node := beside{}, t.root
	var steps []step
	for _, segment := range t.shape.query.Query().Segments() {
		object, is := node.(map[string]any)
		leads, named := segment.Selectors()[0].(spec.Name)
		if !is || !named || len(segment.Selectors()) > 1 || segment.IsDescendant() {
			break
		}
		for name, value := range object {
			if name != string(leads) && len(all) < maxBeside {
				all[pathOf(steps, name)] = smallJSON(name, value)
			}
		}
		steps, node = append(steps, step{name: string(leads)}), object[string(leads)]
	}
	return all
}

// smallJSON is a value as [stream.note] keeps it.
func smallJSON(name string, value any) jsontext.Value {
	_, list := value.([]any)
	_, object := value.(map[string]any)
	if list || object && !slices.Contains(about, name) {
		return nil
	}
	text, err := encoded(new(bytes.Buffer), value)
	if err != nil || len(text) > maxBesideBytes {
		return nil
	}
	return text
}

// pathOf writes the path to a member of the value that steps of names lead to.
func pathOf(steps []step, name string) string {
	var path strings.Builder
	path.WriteByte('$')
	for _, step := range steps {
		path.WriteString(memberPath(step.name))
	}
	return path.String() + memberPath(name)
}

// memberPath writes one step of a path.
func memberPath(name string) string {
	for i, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "']"
		}
	}
	return "." + name
}

// mayLack tells whether a response without the place of the records is a page without records: one behind another page of which it has nothing
// but members that were there, too. Any other member may be the reason why the list is not there.
func (a *answer) mayLack() bool {
	if a.before == nil {
		return false
	}
	for path := range a.beside() {
		if _, known := a.before[path]; !known {
			return false
		}
	}
	return true
}

// beside are the values beside the records. They are complete once next returned io.EOF.
func (a *answer) beside() beside {
	switch d := a.decoder.(type) {
	case *stream:
		return d.beside
	case *tree:
		return d.beside()
	}
	return nil
}

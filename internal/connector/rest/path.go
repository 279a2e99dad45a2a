package rest

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/table"
)

// The places in an answer that matter.
const (
	atRecords  = iota // where the records stand
	atNext            // the value that paging goes on with
	atSentence        // what the system says about a failure
	atMore            // whether there are more pages, where that is said apart
	atTotal           // how many records the whole list has
	atPages           // how many pages it has
	atUntil           // the value that ends it
	atTicket          // what a request that only begins something gives for asking
	atStatus          // how far that is
	atFail            // what the first rule about failures looks at, and behind it what the system says then; the other rules follow
	places     = atFail + 2*connector.MaxFail
)

// fields are the fields of a request or definition that hold their paths.
var fields = func() [places]string {
	all := [places]string{"records", "paging.value", "sentence", "paging.more", "paging.total", "paging.pages", "paging.until.path", "poll.ticket", "poll.status"}
	for i := range connector.MaxFail {
		all[atFail+2*i], all[atFail+2*i+1] = fmt.Sprintf("fail.%d.path", i), fmt.Sprintf("fail.%d.message", i)
	}
	return all
}()

// set is a set of places, one bit each.
type set uint32

func (s set) has(place int) bool { return s&(1<<place) != 0 }

// first is the first place of a set that is not empty, and rest are the others.
func (s set) first() int { return bits.TrailingZeros32(uint32(s)) }
func (s set) rest() set  { return s & (s - 1) }

// hits says which places a value of an answer is, and which ones lie deeper within it.
type hits struct{ done, deeper set }

// step leads from a value to a member of it: the one with a name, or every one of an object or list.
type step struct {
	name string
	any  bool
}

// shape says where the places stand in an answer.
type shape struct {
	text     paths // the paths as they were written; "" for a place that is not looked for
	steps    [places][]step
	literal  int            // how many of the first steps to the records are names
	named    bool           // the names that the wildcards of the path to the records meet are of interest
	query    *jsonpath.Path // the path to the records, if it is none that streaming can follow
	rows     bool           // the answer is CSV, and has none of the places but the sentence of a failure
	table    table.Settings // how that is written
	lines    string         // the format of an answer whose lines are the records; "" if it is another
	schema   bool           // the records have a declared schema, so that a value is not one
	optional bool           // the list may be left out when it is empty
	taxii    bool           // the answer is in the media type of TAXII, and may have nothing where the records would be

	fail []sallyport.FailRule // about failures under a good status
}

// kind is what an answer should be.
func (s *shape) kind() string {
	switch {
	case s.rows:
		return "CSV"
	case s.lines != "":
		return "lines"
	}
	return "JSON"
}

// paths are those to all places, by place; "" where there is none.
type paths [places]string

// newShape compiles paths. The one to the records may be any JSONPath, the others consist of names and may be empty.
func newShape(of paths) (*shape, error) {
	s, recordsPath := &shape{text: of}, of[atRecords]
	query, err := jsonpath.Parse(recordsPath)
	if err != nil {
		return nil, sallyport.FieldErrorf(fields[atRecords], "%q is not a JSONPath such as $.results[*]: %w", recordsPath, err)
	}
	if part := unbounded(query); part != "" {
		return nil, sallyport.FieldErrorf(fields[atRecords], "%q has %s within a filter, which could take for ever: name the members instead", recordsPath, part)
	}
	var plain bool
	if s.steps[atRecords], plain = plainSteps(query); !plain {
		s.query = query
	}
	for _, step := range s.steps[atRecords] {
		if step.any {
			break
		}
		s.literal++
	}
	for place := atNext; place < places; place++ {
		if s.steps[place], err = dotted(fields[place], s.text[place]); err != nil {
			return nil, err
		}
		if place < atFail && s.leadsToRecords(place) {
			return nil, sallyport.FieldErrorf(fields[place], "%s leads to the records at %s", s.text[place], recordsPath)
		}
	}
	return s, nil
}

// unbounded says which part of a filter could take for ever, "" if none could: a filter is evaluated as a whole, for each value it is
// asked about. Without these parts, each of its queries looks at every value within that value, or within the response, at most once.
func unbounded(path *jsonpath.Path) string {
	for _, segment := range path.Query().Segments() {
		for _, selector := range segment.Selectors() {
			filter, ok := selector.(*spec.FilterSelector)
			if !ok {
				continue
			}
			switch text := withoutLiterals(filter); {
			case strings.Contains(text, ".."):
				return "`..`"
			case severalSelectors.MatchString(text):
				return "several selectors in one pair of brackets"
			case strings.Count(text, "?") > 1 && strings.Contains(text, "$"):
				return "another filter that begins at `$`"
			}
		}
	}
	return ""
}

var (
	literal          = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`) // a string within a path, as the library writes it
	severalSelectors = regexp.MustCompile(`\[[^\[\]()?]*,`)
)

// withoutLiterals is the text of a filter without the strings in it, among which are the names of members.
func withoutLiterals(filter *spec.FilterSelector) string {
	return literal.ReplaceAllString(filter.String(), "")
}

// plainSteps returns the steps of a path of names and [*] only.
func plainSteps(path *jsonpath.Path) ([]step, bool) {
	var steps []step
	for _, segment := range path.Query().Segments() {
		selectors := segment.Selectors()
		if segment.IsDescendant() || len(selectors) != 1 {
			return nil, false
		}
		switch selector := selectors[0].(type) {
		case spec.Name:
			steps = append(steps, step{name: string(selector)})
		case spec.WildcardSelector:
			steps = append(steps, step{any: true})
		default:
			return nil, false
		}
	}
	return steps, true
}

// dotted returns the steps of a path of names only.
func dotted(field, text string) ([]step, error) {
	if text == "" {
		return nil, nil
	}
	path, err := jsonpath.Parse(text)
	if err != nil {
		return nil, sallyport.FieldErrorf(field, "%q is not a path such as $.next: %w", text, err)
	}
	steps, plain := plainSteps(path)
	if !plain || len(steps) == 0 || slices.ContainsFunc(steps, func(s step) bool { return s.any }) {
		return nil, sallyport.FieldErrorf(field, "%q must be a path of names, such as $.paging.next", text)
	}
	return steps, nil
}

// leadsToRecords tells whether the records stand inside the value at a place.
func (s *shape) leadsToRecords(place int) bool {
	n := len(s.steps[place])
	return s.query == nil && n > 0 && n <= len(s.steps[atRecords]) && slices.Equal(s.steps[place], s.steps[atRecords][:n])
}

// root says what a whole answer is.
func (s *shape) root() hits {
	var h hits
	for place := range places {
		switch {
		case s.text[place] == "":
		case len(s.steps[place]) == 0:
			h.done |= 1 << place
		default:
			h.deeper |= 1 << place
		}
	}
	return h
}

// match says what a member is of a value that depth steps led to, for those places that lie within. An element of a list has no name.
func (s *shape) match(within set, depth int, name []byte) hits {
	var h hits
	for left := within; left != 0; left = left.rest() {
		place := left.first()
		want := s.steps[place][depth]
		switch {
		case !want.any && (name == nil || !named(name, want.name)):
		case len(s.steps[place]) == depth+1:
			h.done |= 1 << place
		default:
			h.deeper |= 1 << place
		}
	}
	return h
}

// many tells whether the records' path selects members instead of one value.
func (s *shape) many() bool {
	return slices.ContainsFunc(s.steps[atRecords], func(step step) bool { return step.any })
}

// whole tells whether the whole answer is the record. The sentence of a failure then stands within it.
func (s *shape) whole() bool { return s.query == nil && len(s.steps[atRecords]) == 0 }

// holdsSentence tells whether the sentence of a failure stands beside the records, as a member of the same object.
func (s *shape) holdsSentence() bool {
	n := len(s.steps[atSentence]) - 1
	return n >= 0 && n < len(s.steps[atRecords]) && s.steps[atRecords][n].any && slices.Equal(s.steps[atSentence][:n], s.steps[atRecords][:n])
}

// aList is the error for a path that leads to a list where it should lead to the list's elements.
func (s *shape) aList() error {
	return sallyport.FieldErrorf(fields[atRecords], "the value at %[1]s is an array: write %[1]s[*]", s.text[atRecords])
}

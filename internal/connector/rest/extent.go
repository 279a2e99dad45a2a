package rest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// extent is how much of a list was read, in this pass and those before it, and how much the system says that there is.
type extent struct {
	records int64 // sent so far
	pages   int64
	total   int64 // records of the whole list; -1: the system did not say
	of      int64 // pages of the whole list; -1: the system did not say
	met     bool  // the condition that ends the list
}

// extentMark separates the extent that a cursor begins with from the rest of it.
const extentMark = "\x1f"

// measures tells whether cursors must say how much was read before.
func (t turner) measures() bool { return t.Total != "" || t.Pages != "" }

// mark puts what was read so far before a cursor, for whoever goes on there.
func (t turner) mark(cursor string, e extent) string {
	if cursor == "" || !t.measures() || strings.HasPrefix(cursor, faulty) {
		return cursor
	}
	return fmt.Sprint(e.records, extentMark, e.pages, extentMark, cursor)
}

// unmark undoes mark.
func (t turner) unmark(marked string) (cursor string, e extent) {
	e = extent{total: -1, of: -1}
	parts := strings.SplitN(marked, extentMark, 3)
	if !t.measures() || len(parts) < 3 {
		return marked, e
	}
	e.records, _ = strconv.ParseInt(parts[0], 10, 64) // we wrote it
	e.pages, _ = strconv.ParseInt(parts[1], 10, 64)
	return parts[2], e
}

// add takes a page into account, and what it says about the list.
func (e *extent) add(p *page) error {
	e.records, e.pages = e.records+p.sent(), e.pages+1
	for place, to := range map[int]*int64{atTotal: &e.total, atPages: &e.of} {
		n, err := wholeNumber(p.answer.value(place))
		if err != nil {
			return fmt.Errorf("the value at %s (%s) must be a whole number", p.shape.text[place], fields[place])
		}
		if n >= 0 {
			*to = n
		}
	}
	e.met = p.turner.Until.Path != "" && meets(p.answer.value(atUntil), p.turner.Until.Equals)
	return nil
}

// ends tells whether what the system says about the list ends it with this page. A total that is all of the first page may be one of that page:
// then one more request decides.
func (e *extent) ends(t turner, sent int64) bool {
	switch {
	case e.met, e.of >= 0 && e.pages >= e.of:
		return true
	case e.total < 0 || e.records < e.total || !t.counts() && t.Last == "":
		return false
	}
	return e.pages > 1 || sent < t.Size
}

// short says why a list that has ended has not ended as the system says, "" if it has.
func (e *extent) short(t turner) string {
	switch {
	case e.of >= 0 && e.pages < e.of:
		return fmt.Sprintf("the list ended after %d pages, but %s says %d", e.pages, t.Pages, e.of)
	case e.total >= 0 && e.records != e.total:
		return fmt.Sprintf("the list ended after %d records, but %s says %d", e.records, t.Total, e.total)
	case t.Until.Path != "" && !e.met:
		return fmt.Sprintf("the list ended before %s was as paging.until says", t.Until.Path)
	}
	return ""
}

// wholeNumber reads a number, which may be written as a text; -1 if there is none, or a negative one.
func wholeNumber(value jsontext.Value) (int64, error) {
	text := textOf(value)
	if value == nil || value.Kind() == 'n' || text == "" {
		return -1, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != float64(int64(n)) {
		return -1, fmt.Errorf("%q is not a whole number", text)
	}
	return max(int64(n), -1), nil
}

// truth reads whether more follows. Nothing says nothing.
func truth(value jsontext.Value) (yes, said bool, err error) {
	if value == nil || value.Kind() == 'n' {
		return false, false, nil
	}
	switch strings.ToLower(textOf(value)) {
	case "true", "1", "yes", "y":
		return true, true, nil
	case "false", "0", "no", "n", "":
		return false, true, nil
	}
	return false, false, fmt.Errorf("must be true or false")
}

// meets tells whether a value is the wanted one, which is written as text; "" wants any value but null, false, 0 and what is empty.
func meets(value jsontext.Value, want string) bool {
	switch {
	case value == nil:
		return false
	case want != "" && value.Kind() == '"':
		return textOf(value) == want
	case want != "":
		return string(value) == want
	case value.Kind() == '[' || value.Kind() == '{':
		return len(bytes.TrimSpace(value[1:len(value)-1])) > 0
	case value.Kind() == '0':
		n, err := strconv.ParseFloat(string(value), 64)
		return err != nil || n != 0
	}
	return !slices.Contains([]string{"", "false", "0"}, textOf(value))
}

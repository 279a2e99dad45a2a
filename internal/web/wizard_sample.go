package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

// What of a sample is shown.
const (
	maxColumns = 12
	maxCell    = 80       // characters
	maxRaw     = 64 << 10 // bytes
)

// sampleView is what a test of a source showed.
type sampleView struct {
	*service.Sample
	Problem string // instead of a sample
	Columns []string
	Left    int // fields that have no column
	Rows    [][]string
	Raw     string
	Answer  *branch // of a request of one's own: to find the paths in
	Test    string  // the path that tests a form
}

// proposed are the inputs of the proposed request.
func (v sampleView) proposed() (all []input) {
	for _, in := range requestInputs(&v.Proposal.Request) {
		all = append(all, in.asRequest())
	}
	return all
}

// pagingWords say how the next page is asked for.
var pagingWords = map[string]string{
	sallyport.PagingSingle: "no paging", sallyport.PagingPage: "paging by page number", sallyport.PagingOffset: "paging by offset",
	sallyport.PagingNextValue: "paging by the next value in the answer", sallyport.PagingNextURL: "paging by the next URL in the answer",
	sallyport.PagingLinkHeader: "paging by the Link header",
}

// cost says what a run would cost in calls, as far as the sample shows it.
func (v sampleView) cost() string {
	switch {
	case !v.More:
		return "A run makes " + plural(int64(v.Pages), "call") + "."
	case v.Paging == sallyport.PagingSingle:
		return "A run makes 1 call."
	case v.Page > 0:
		return "A run makes a call for every " + plural(v.Page, "record") + " or so."
	}
	return "A run makes a call for every page, and a page has many records."
}

func sampleOf(s *service.Sample, err error) *sampleView {
	v := &sampleView{Sample: s}
	if err != nil {
		v.Problem = sentence(err) + "."
		return v
	}
	var rows []map[string]json.RawMessage
	for _, record := range s.Records {
		names, values := members(record)
		rows = append(rows, values)
		for _, name := range names {
			if !slices.Contains(v.Columns, name) {
				v.Columns = append(v.Columns, name)
			}
		}
	}
	if v.Left = len(v.Columns) - maxColumns; v.Left > 0 {
		v.Columns = v.Columns[:maxColumns]
	}
	for _, row := range rows {
		var cells []string
		for _, name := range v.Columns {
			cells = append(cells, cell(row[name]))
		}
		v.Rows = append(v.Rows, cells)
	}
	v.Raw = raw(s.Records)
	return v
}

// members are the names of a record's fields in their order, and their values. What is no object is one value without a name.
func members(record json.RawMessage) (names []string, values map[string]json.RawMessage) {
	values = map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(record))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return []string{"value"}, map[string]json.RawMessage{"value": record}
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || decoder.Decode(&value) != nil {
			return names, values
		}
		names, values[name] = append(names, name), value
	}
	return names, values
}

// outcome says how a request went: status, size and time.
func outcome(x connector.Exchange) string {
	if x.Status == 0 {
		return fmt.Sprintf("no response after %d ms", x.Milliseconds)
	}
	return fmt.Sprintf("HTTP %d · %s · %d ms", x.Status, humanize.Bytes(uint64(x.Bytes)), x.Milliseconds)
}

// cell is a value in a table: texts without quotes, all else as JSON, cut where it is long.
func cell(value json.RawMessage) string {
	text := string(value)
	var plain string
	if json.Unmarshal(value, &plain) == nil && text != "null" {
		text = plain
	}
	if utf8.RuneCountInString(text) <= maxCell {
		return text
	}
	return string([]rune(text)[:maxCell]) + "…"
}

// raw are the records as JSON, as far as they are shown.
func raw(records []json.RawMessage) string {
	var b bytes.Buffer
	for _, record := range records {
		if b.Len()+len(record) > maxRaw {
			b.WriteString("… the rest is not shown here\n")
			break
		}
		if json.Indent(&b, record, "", "  ") != nil {
			b.Write(record)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

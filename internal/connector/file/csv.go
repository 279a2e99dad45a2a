package file

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport/internal/connector"
)

// formulaStarts are the first characters that make a spreadsheet take a text for a formula.
const formulaStarts = "=+-@\t\r"

// table writes records as rows of CSV, under a header. Nested values are JSON, null and absent ones are empty, numbers and texts stay as they
// were written. With the formula guard, a text that a spreadsheet would take for a formula is led by an apostrophe.
type table struct {
	out     *bufio.Writer
	csv     *csv.Writer // writes through out, without a buffer of its own
	names   []string
	index   map[string]int
	begun   bool // the header is written
	chosen  bool // the columns are the user's choice: fields besides them are left out
	guarded bool // the formula guard is on
	members connector.Members
	text    []byte // of all cells of a row
	spans   []span // of each cell in text
	cells   []string
}

type span struct{ begin, end int }

func newTable(out *bufio.Writer, columns []string, begun, chosen, guarded bool) *table {
	t := &table{out: out, csv: csv.NewWriter(out), index: map[string]int{}, begun: begun, chosen: chosen, guarded: guarded}
	for _, name := range columns {
		t.add(name)
	}
	return t
}

func (t *table) add(name string) {
	if _, known := t.index[name]; !known {
		t.index[name] = len(t.names)
		t.names = append(t.names, name)
	}
}

func (t *table) columns() []string { return t.names }

// begin writes the header, once there is a column: if none is known, the fields of the first records are, in the order in which they come.
func (t *table) begin(records iter.Seq[[]byte]) error {
	if t.begun {
		return nil
	}
	if len(t.names) == 0 {
		t.collect(records)
	}
	if len(t.names) == 0 {
		return nil
	}
	t.begun = true
	header := make([]string, len(t.names))
	for i, name := range t.names {
		header[i] = string(t.guard([]byte(name), 0))
	}
	return t.row(header)
}

// collect makes columns of the fields of records. Records that cannot be read are left for encode to reject.
func (t *table) collect(records iter.Seq[[]byte]) {
	for record := range records {
		for m, err := range t.members.Of(record) {
			if err == nil {
				t.add(string(m.Name))
			}
		}
	}
}

func (t *table) encode(record []byte) (reason string, err error) {
	if len(t.names) == 0 {
		return "the record has no field that could become a column", nil
	}
	t.text = t.text[:0]
	t.spans = slices.Grow(t.spans[:0], len(t.names))[:len(t.names)]
	clear(t.spans)
	for m, err := range t.members.Of(record) {
		if err != nil {
			return err.Error(), nil
		}
		i, known := t.index[string(m.Name)]
		if !known && !t.chosen && m.Value.Kind() != 'n' {
			return fmt.Sprintf("the field %.60q is no column of the file, which was begun without it; a new path takes it", m.Name), nil
		}
		if known {
			begin := len(t.text)
			t.text = t.appendCell(t.text, m.Value)
			t.spans[i] = span{begin, len(t.text)}
		}
	}
	text := string(t.text)
	t.cells = t.cells[:0]
	for _, s := range t.spans {
		t.cells = append(t.cells, text[s.begin:s.end])
	}
	return "", t.row(t.cells)
}

// row writes cells as they are. A row of one empty cell is quoted, for readers skip empty lines.
func (t *table) row(cells []string) error {
	if len(cells) == 1 && cells[0] == "" {
		_, err := t.out.WriteString("\"\"\n")
		return err
	}
	return t.csv.Write(cells)
}

// appendCell appends the text of a value.
func (t *table) appendCell(text []byte, value jsontext.Value) []byte {
	begin := len(text)
	switch value.Kind() {
	case 'n':
		return text
	case '"':
		return t.guard(connector.AppendText(text, value), begin)
	}
	return connector.AppendText(text, value)
}

// guard leads the text from begin on by an apostrophe, if a spreadsheet would take it for a formula and the guard is on.
func (t *table) guard(text []byte, begin int) []byte {
	if t.guarded && begin < len(text) && strings.IndexByte(formulaStarts, text[begin]) >= 0 {
		return slices.Insert(text, begin, '\'')
	}
	return text
}

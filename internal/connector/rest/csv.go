package rest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/table"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// tableBuffer is how much of a table is looked at to find out how it is written, in bytes.
const tableBuffer = 64 << 10

// errCut is for a table that ends within a row, as an answer that was cut off does.
var errCut = fmt.Errorf("within a row: %w", io.ErrUnexpectedEOF)

// rows decodes CSV. Every row becomes an object of texts, or a list of its cells if it has a flaw. It holds one row at a time.
type rows struct {
	table *table.Reader
	names [][]byte // of the columns, as members of an object begin: "name":
	blank int      // columns behind these that have no name, and should have no cells
	free  bool     // the names are made of the first row, which is data
	row   []byte
	flaw  string // of the row that was given last
	short bool   // that row had too few cells
}

// table opens an answer as CSV. The error is the failure that the answer tells of, if it is another kind of text.
func (a *answer) table() (*rows, error) {
	in := bufio.NewReaderSize(a.body, tableBuffer)
	if kind := a.kind(in); kind != "" {
		return nil, a.imposter(in, kind)
	}
	beginning, err := in.Peek(tableBuffer) // an error comes again with the next read
	layout, unclear := table.Detect(beginning, err == io.EOF, a.shape.table)
	if unclear != nil {
		return nil, unclear
	}
	r := &rows{table: table.NewReader(table.NewLines(in), layout.Dialect)}
	a.body.decoded = func() int64 { return r.table.Done }
	for range layout.Skip {
		if _, err := r.table.Next(); err != nil {
			return nil, err
		}
	}
	return r, r.header(layout, a.shape.table.Columns, a.judge.known)
}

// kind says what an answer is that should be CSV, "" if that is what it seems to be.
func (a *answer) kind(from *bufio.Reader) string {
	beginning, _ := from.Peek(maxBeginning) // an error comes again with the next read
	beginning = bytes.TrimLeft(beginning, " \t\r\n")
	declared, _, err := mime.ParseMediaType(a.response.Header.Get("Content-Type"))
	switch {
	case len(beginning) == 0:
		return ""
	case beginning[0] == '{', beginning[0] == '[':
		return "JSON"
	case beginning[0] == '<', err == nil && declared == "text/html" && !a.isTable(beginning):
		return "HTML"
	}
	return ""
}

// isTable tells whether a text that is declared as something else looks like a table, or like lines: there is more than one, and a table has a separator.
func (a *answer) isTable(beginning []byte) bool {
	first, second, _ := bytes.Cut(beginning, []byte("\n"))
	return len(second) > 0 && (!a.shape.rows || a.shape.table.Separator != "" || bytes.ContainsAny(first, ",;\t|"))
}

// imposter is the failure of an answer that is no table: what it says of itself, or that it is none.
func (a *answer) imposter(from io.Reader, kind string) error {
	text, err := io.ReadAll(io.LimitReader(from, maxRefusal))
	if err != nil && a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	var said jsontext.Value
	if steps := a.shape.steps[atSentence]; steps != nil {
		said = lookup(text, steps)
	}
	failure := a.judge.failure(a.response, said, text)
	if failure.Class == connector.ClassPermanent && failure.Sentence == "" {
		failure.Err = fmt.Errorf("it is %s, not %s", kind, a.shape.kind())
	}
	return failure
}

// header finds the names of the columns, and makes sure that the wanted ones are there. Their case does not matter; a record has them as
// they are wanted.
func (r *rows) header(layout table.Layout, wants []string, known *secret.Redactor) error {
	names := layout.Names
	switch layout.Header {
	case table.HeaderNone:
		if wants = nil; names == nil {
			r.free = true
			return nil
		}
	case table.HeaderRow:
		cells, err := r.table.Read()
		switch {
		case err == io.EOF:
			return errNothing
		case err != nil:
			return err
		}
		for _, cell := range cells {
			names = append(names, string(cell))
		}
	}
	return r.name(names, wants, known)
}

// name names the columns.
func (r *rows) name(names, wants []string, known *secret.Redactor) error {
	for len(names) > 0 && strings.TrimSpace(names[len(names)-1]) == "" {
		names = names[:len(names)-1]
		r.blank++
	}
	if len(names) > connector.MaxColumns {
		return fmt.Errorf("it has more than %d columns", connector.MaxColumns)
	}
	seen := map[string]bool{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		if at := slices.IndexFunc(wants, func(want string) bool { return strings.EqualFold(want, name) }); at >= 0 {
			name = wants[at]
		}
		switch {
		case name == "":
			return fmt.Errorf("its column %d has no name", i+1)
		case seen[name]:
			return fmt.Errorf("it has two columns %q", line(known, name))
		}
		seen[name] = true
		r.names = append(r.names, append(quoted(name), ':'))
	}
	for _, want := range wants {
		if !seen[want] {
			return fmt.Errorf("it has no column %s, which was asked for", sallyport.Quoted(want))
		}
	}
	return nil
}

// nameFreely names the columns of a table of which nobody said a name: value if there is one, else by their numbers.
func (r *rows) nameFreely(n int) {
	r.free = false
	for i := range n {
		name := "value"
		if n > 1 {
			name = fmt.Sprintf("column_%d", i+1)
		}
		r.names = append(r.names, append(quoted(name), ':'))
	}
}

// next returns a row as an object, or as a list if it has a flaw.
func (r *rows) next() (jsontext.Value, error) {
	cells, err := r.table.Read()
	fault, malformed := errors.AsType[*table.Fault](err)
	switch {
	case err == io.EOF && r.short && !r.table.Ended, malformed && fault.Open:
		return nil, errCut
	case err != nil && !malformed:
		return nil, err
	}
	if r.free {
		r.nameFreely(len(cells))
	}
	r.flaw, r.short = "", len(cells) < len(r.names)
	switch {
	case malformed:
		r.flaw = fault.Error()
	case !r.fits(cells):
		r.flaw = fmt.Sprintf("the row at line %d has %d cells, and the table has %d columns", r.table.Line, len(cells), len(r.names))
	default:
		cells = cells[:len(r.names)]
	}
	r.write(cells)
	return r.row, nil
}

// fits tells whether a row has a cell for each column, and none behind them but empty ones in columns without a name.
func (r *rows) fits(cells [][]byte) bool {
	n := len(r.names)
	if len(cells) != n && len(cells) != n+r.blank {
		return false
	}
	return !slices.ContainsFunc(cells[n:], func(cell []byte) bool { return len(bytes.TrimSpace(cell)) > 0 })
}

// write makes JSON of a row.
func (r *rows) write(cells [][]byte) {
	begin, end := byte('{'), byte('}')
	if r.flaw != "" {
		begin, end = '[', ']'
	}
	r.row = append(r.row[:0], begin)
	for i, cell := range cells {
		if i > 0 {
			r.row = append(r.row, ',')
		}
		if r.flaw == "" {
			r.row = append(r.row, r.names[i]...)
		}
		r.row, _ = jsontext.AppendQuote(r.row, cell) // it is valid UTF-8
	}
	r.row = append(r.row, end)
}

func (r *rows) value(int) jsontext.Value { return nil }

// found says that there is a table. It may have no rows.
func (r *rows) found() presence { return present }

package rest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// errCut is for a table that ends within a row, as an answer that was cut off does.
var errCut = fmt.Errorf("within a row: %w", io.ErrUnexpectedEOF)

// rows decodes CSV. The first row names the fields; every other one becomes an object of texts, or a list of its cells if it has a flaw. It
// holds one row at a time.
type rows struct {
	csv   *csv.Reader
	cells *connector.CellBound
	end   *ending
	done  int64    // bytes of the rows that were read to their end
	names [][]byte // of the columns, as members of an object begin: "name":
	row   []byte
	flaw  string // of the row that was given last
	open  bool   // that row ended within quotes
	short bool   // that row had too few cells
}

// table opens an answer as CSV. The error is the failure that the answer tells of, if it is another kind of text.
func (a *answer) table() (*rows, error) {
	end := &ending{from: a.body}
	buffered := bufio.NewReaderSize(end, 64<<10)
	if mark, _ := buffered.Peek(3); string(mark) == "\uFEFF" {
		buffered.Discard(len(mark)) // they are there
	}
	if kind := a.kind(buffered); kind != "" {
		return nil, a.imposter(buffered, kind)
	}
	cells := &connector.CellBound{From: buffered, Comma: ','}
	r := &rows{csv: csv.NewReader(cells), cells: cells, end: end}
	r.csv.FieldsPerRecord = -1
	r.csv.ReuseRecord = true
	a.body.decoded = func() int64 { return r.done }
	return r, r.header(a.shape.wants, a.judge.known)
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
	case beginning[0] == '<', err == nil && declared == "text/html" && !isTable(beginning):
		return "HTML"
	}
	return ""
}

// isTable tells whether a text that is declared as something else looks like a table: it has a separator, and a second line.
func isTable(beginning []byte) bool {
	first, second, _ := bytes.Cut(beginning, []byte("\n"))
	return bytes.ContainsAny(first, ",;\t|") && len(second) > 0
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
		failure.Err = fmt.Errorf("it is %s, not CSV", kind)
	}
	return failure
}

// header reads the names of the columns, and makes sure that the wanted ones are there. Their case does not matter; a record has them as
// they are wanted.
func (r *rows) header(wants []string, known *secret.Redactor) error {
	names, err := r.read()
	switch {
	case err == io.EOF:
		return errNothing
	case err != nil:
		return notCSV(err)
	case len(names) > connector.MaxColumns:
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
		quoted, _ := jsontext.AppendQuote(nil, name) // it is valid UTF-8
		r.names = append(r.names, append(quoted, ':'))
	}
	for _, want := range wants {
		if !seen[want] {
			return fmt.Errorf("it has no column %q, which was asked for", want)
		}
	}
	return nil
}

// read reads the cells of a row.
func (r *rows) read() ([]string, error) {
	cells, err := r.csv.Read()
	r.done = r.csv.InputOffset()
	r.cells.NextRow()
	return cells, err
}

// next returns a row as an object, or as a list if it has a flaw.
func (r *rows) next() (jsontext.Value, error) {
	cells, err := r.read()
	_, malformed := errors.AsType[*csv.ParseError](err)
	switch {
	case err == io.EOF && (r.open || r.short && !r.end.newline()):
		return nil, errCut
	case err != nil && !malformed:
		return nil, err
	}
	r.flaw, r.open, r.short = "", errors.Is(err, csv.ErrQuote), len(cells) < len(r.names)
	switch {
	case malformed:
		r.flaw = notCSV(err).Error()
	case len(cells) != len(r.names):
		at, _ := r.csv.FieldPos(0) // every row has a cell
		r.flaw = fmt.Sprintf("the row at line %d has %d cells, and the table has %d columns", at, len(cells), len(r.names))
	}
	r.write(cells)
	return r.row, nil
}

// write makes JSON of a row.
func (r *rows) write(cells []string) {
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

// notCSV says where a text is no CSV, without repeating it.
func notCSV(err error) error {
	fault, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	what := "a quotation mark stands within a cell that does not begin with one"
	if errors.Is(err, csv.ErrQuote) {
		what = "a cell that begins with a quotation mark does not end with one"
	}
	return fmt.Errorf("the row at line %d is not valid CSV: %s", fault.StartLine, what)
}

// ending passes a text on and remembers its last byte.
type ending struct {
	from io.Reader
	last byte
}

// Read reads on.
func (e *ending) Read(p []byte) (int, error) {
	n, err := e.from.Read(p)
	if n > 0 {
		e.last = p[n-1]
	}
	return n, err
}

func (e *ending) newline() bool { return e.last == '\n' || e.last == '\r' }

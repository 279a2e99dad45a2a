package sqltable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport-io/sallyport/internal/connector"
)

// exactIntegers is the largest integer up to which floating-point numbers hold them all.
const exactIntegers = 1 << 53

// row is a record on its way into the table. Its texts share one piece of memory.
type row struct {
	args        []any  // one for each column
	spans       []span // of each column's text
	text        []byte
	hasNewField bool // a field of the record has no column
}

type span struct {
	begin, end int
	isText     bool
}

func (r *row) reset(columns int) {
	if cap(r.args) < columns {
		r.args, r.spans = make([]any, columns), make([]span, columns)
	}
	r.args, r.spans, r.text, r.hasNewField = r.args[:columns], r.spans[:columns], r.text[:0], false
	clear(r.args)
	clear(r.spans)
}

// set gives a column a value that is no text. A field may come twice; then the last one counts.
func (r *row) set(column int, value any) { r.args[column], r.spans[column] = value, span{} }

// setText gives a column the text that was appended since begin.
func (r *row) setText(column, begin int) { r.spans[column] = span{begin, len(r.text), true} }

func (r *row) isNull(column int) bool { return r.args[column] == nil && !r.spans[column].isText }

// values are what the statement wants.
func (r *row) values() []any {
	text := string(r.text)
	for i, s := range r.spans {
		if s.isText {
			r.args[i] = text[s.begin:s.end]
		}
	}
	return r.args
}

// write writes the records of a batch. When it meets a field that has no column, it looks for such fields in all of them, once.
func (t *table) write(ctx context.Context, records iter.Seq[[]byte]) (result connector.Result, err error) {
	ctx = context.WithoutCancel(ctx) // to watch a context costs more than to write a record; the records end when it is done
	index, learned := 0, false
	for record := range records {
		reason := t.bind(record)
		if !learned && (t.row.hasNewField || t.insert == nil) {
			if err := t.learn(ctx, records); err != nil {
				return result, err
			}
			learned, reason = true, t.bind(record)
		}
		if reason == "" {
			if reason, err = t.put(ctx); err != nil {
				return result, err
			}
		}
		if reason == "" {
			result.Accepted++
		} else {
			result.Rejected = append(result.Rejected, connector.Rejection{Index: index, Reason: reason})
		}
		index++
	}
	return result, nil
}

// put writes the row, or says why it does not fit.
func (t *table) put(ctx context.Context) (reason string, err error) {
	if t.insert == nil {
		return "the record has no field that could become a column", nil
	}
	_, err = t.insert.ExecContext(ctx, t.row.values()...)
	if reason := refusal(err); reason != "" {
		return reason, nil
	}
	return "", err
}

// bind puts a record into the row.
func (t *table) bind(record []byte) (reason string) {
	t.row.reset(len(t.columns))
	for m, err := range t.members.Of(record) {
		if err != nil {
			return err.Error()
		}
		i, known := t.fields[string(m.Name)]
		switch {
		case t.wanted != nil && !t.wanted[string(m.Name)]:
		case known:
			reason = t.bindValue(i, m)
		case m.Value.Kind() != 'n':
			t.row.hasNewField = true
			reason = fmt.Sprintf("the table has the %d columns that SQLite allows, and none is left for the field %.60q", maxColumns, m.Name)
		}
		if reason != "" {
			return reason
		}
	}
	if reason := t.bindNested(record); reason != "" {
		return reason
	}
	for _, name := range t.key {
		if i, known := t.fields[name]; !known || t.row.isNull(i) {
			return fmt.Sprintf("the record has no value in its key field %.60q", name)
		}
	}
	return ""
}

// bindNested puts those fields of the key into the row that are in nested objects: each has a column of its name.
func (t *table) bindNested(record []byte) (reason string) {
	for _, name := range t.nested {
		i, known := t.fields[name]
		value, found := t.members.At(record, name)
		if !known || !found {
			continue
		}
		if reason := t.bindValue(i, connector.Member{Name: []byte(name), Value: value}); reason != "" {
			return reason
		}
	}
	return ""
}

func (t *table) bindValue(i int, m connector.Member) (reason string) {
	begin := len(t.row.text)
	col := &t.columns[i]
	switch m.Value.Kind() {
	case 'n':
		t.row.set(i, nil)
		return ""
	case '0':
		return t.bindNumber(i, m)
	case 't', 'f':
		if col.affinity != affinityText {
			t.row.set(i, m.Value.Kind() == 't')
			return ""
		}
	case '{', '[':
		if col.isKey {
			return fmt.Sprintf("the key field %.60q is nested; a key is a text or a number", m.Name)
		}
	}
	t.row.text = connector.AppendText(t.row.text, m.Value)
	if number := keyNumber(col, t.row.text[begin:]); number != nil {
		t.row.text = t.row.text[:begin]
		return t.bindNumber(i, connector.Member{Name: m.Name, Value: number})
	}
	if col.affinity >= affinityNumeric && looksNumeric(t.row.text[begin:]) {
		return col.misfit(m.Name, "text")
	}
	t.row.setText(i, begin)
	return ""
}

// keyNumber is a text of a key as the number that names the same record, where the column holds numbers; nil if it names another one.
func keyNumber(col *column, text []byte) jsontext.Value {
	if !col.isKey || col.affinity == affinityText {
		return nil
	}
	number := jsontext.Value(bytes.Clone(text))
	if !number.IsValid() || number.Kind() != '0' || !bytes.Equal(connector.AppendKey(nil, number), text) {
		return nil
	}
	return number
}

func (t *table) bindNumber(i int, m connector.Member) (reason string) {
	col := &t.columns[i]
	if col.affinity == affinityText {
		return t.bindDigits(i, m.Value)
	}
	number := numberOf(m.Value)
	integer, isInteger := number.(int64)
	switch {
	case number == nil && col.affinity == affinityNone:
		return t.bindDigits(i, m.Value)
	case number == nil, isInteger && col.affinity == affinityReal && (integer > exactIntegers || integer < -exactIntegers):
		return col.misfit(m.Name, "number")
	}
	t.row.set(i, number)
	return ""
}

// bindDigits gives a column a number as the text that it is.
func (t *table) bindDigits(i int, number jsontext.Value) (reason string) {
	begin := len(t.row.text)
	if t.columns[i].isKey {
		t.row.text = connector.AppendKey(t.row.text, number)
	} else {
		t.row.text = append(t.row.text, number...)
	}
	t.row.setText(i, begin)
	return ""
}

func (c *column) misfit(field []byte, what string) string {
	return fmt.Sprintf("the field %.60q holds a %s that its column %q would change, for its type is %s; a TEXT column in a new table takes it",
		field, what, c.name, c.declared)
}

// refusal is why the table refuses a row: a constraint of its own. It is empty if err is something else.
func refusal(err error) string {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch {
	case e.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return "a trigger of the table refuses the record" // its own words may hold values
	case primaryCode(err) == sqlite3.SQLITE_CONSTRAINT, primaryCode(err) == sqlite3.SQLITE_MISMATCH:
		said := strings.TrimSuffix(e.Error(), fmt.Sprintf(" (%d)", e.Code()))
		return "the table refuses the record: " + strings.TrimPrefix(said, "constraint failed: ")
	}
	return ""
}

package rest

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/table"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// values makes records of elements of a list that are not objects. The first element of each response decides what all of them are: after a text, a
// number, true or false, each of these is a record with one field. So the response is read alike wherever a run resumes.
type values struct {
	elements bool // they stand in a list, or the path to them ends with their name
	decided  bool
	taken    bool     // texts, numbers, true and false are records
	columns  [][]byte // the names of the first row, each as a member of an object begins; nil: lists are not rows
	record   []byte   // used again for every record
}

// row takes the first element of a response if it is a list: it is the names of the columns if the request says so.
func (v *values) row(s *shape, first jsontext.Value, known *secret.Redactor) error {
	cells := cellsOf(first)
	switch {
	case len(cells) == 0:
		return nil // it may be anything
	case s.table.Header == table.HeaderRow:
		return v.name(cells, known)
	case cells[0].Kind() == '{':
		return sallyport.FieldErrorf(fields[atRecords], "each value at %[1]s is an array of objects, not an object: write %[1]s[*]", s.text[atRecords])
	}
	return sallyport.FieldErrorf(fields[atRecords], "each value at %s is an array, not an object: declare `header: row` if the first one holds the names of the columns",
		s.text[atRecords])
}

// name takes the names of the columns.
func (v *values) name(cells []jsontext.Value, known *secret.Redactor) error {
	var names []string
	for i, cell := range cells {
		if cell.Kind() != '"' {
			return fmt.Errorf("element %d of its first row is not the name of a column: remove `header: row` if that row is data", i+1)
		}
		names = append(names, textOf(cell))
	}
	var r rows
	err := r.name(names, nil, known)
	v.columns = r.names
	return err
}

// take returns an element as a record if it is one, and as it is otherwise, with what is wrong with it if it is a row. It is valid until the next call.
func (v *values) take(element jsontext.Value) (record jsontext.Value, flaw string) {
	kind := element.Kind()
	value := slices.Contains([]jsontext.Kind{'"', '0', 't', 'f'}, kind)
	if !v.decided && kind != 'n' {
		v.decided, v.taken = true, value && v.elements
	}
	switch {
	case value && v.taken:
		v.record = append(append(v.record[:0], `{"`+valueField+`":`...), element...)
		v.record = append(v.record, '}')
		return v.record, ""
	case kind == '[' && v.columns != nil:
		return v.rowOf(element)
	}
	return element, ""
}

// rowOf makes a record of a row with as many cells as there are columns.
func (v *values) rowOf(row jsontext.Value) (record jsontext.Value, flaw string) {
	cells := cellsOf(row)
	if len(cells) != len(v.columns) {
		return row, fmt.Sprintf("a row has %d cells, and the table has %d columns", len(cells), len(v.columns))
	}
	v.record = append(v.record[:0], '{')
	for i, cell := range cells {
		if i > 0 {
			v.record = append(v.record, ',')
		}
		v.record = append(append(v.record, v.columns[i]...), cell...)
	}
	v.record = append(v.record, '}')
	return v.record, ""
}

// cellsOf are the elements of a list, which is valid JSON.
func cellsOf(list jsontext.Value) (cells []jsontext.Value) {
	in := jsontext.NewDecoder(bytes.NewBuffer(list), lenient...)
	if _, err := in.ReadToken(); err != nil {
		return nil
	}
	for in.PeekKind() != ']' {
		cell, err := in.ReadValue()
		if err != nil {
			return nil
		}
		cells = append(cells, cell.Clone())
	}
	return cells
}

// start looks at the first element of a response.
func (a *answer) start() error {
	a.values.elements = a.elements()
	if a.first == nil || a.first.Kind() != '[' || a.flaw() != "" {
		return nil
	}
	if err := a.values.row(a.shape, a.first, a.judge.known); err != nil || a.values.columns == nil {
		return a.explain(err)
	}
	var err error
	if a.first, err = a.decoder.next(); err == io.EOF {
		err = nil
	}
	return a.explain(err)
}

// elements tells whether the record that was decoded last may be a value: it stands in a list, or the request names what it is. Other members of an
// object may be anything.
func (a *answer) elements() bool {
	steps := a.shape.steps[atRecords]
	if a.shape.schema {
		return false
	}
	switch d := a.decoder.(type) {
	case *stream:
		return a.shape.many() && (!d.inObject() || a.shape.named || !steps[len(steps)-1].any)
	case *tree:
		return d.elements
	case *lines:
		return true
	}
	return false
}

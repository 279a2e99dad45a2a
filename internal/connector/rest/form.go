package rest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	recordshape "github.com/sallyport-io/sallyport/internal/connector/shape"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

// form says what is made of a record: fields are put into it, it is brought into a shape, its original is kept beside it.
type form struct {
	names [][]byte // of the fields for what wildcards met, as they are written in front of their value
	with  []byte   // the fields that every record gets, each with a comma behind it
	taken [][]step // the fields that a record must not have; nil where the shape settles that
	shape *recordshape.Shape
	raw   bool
}

// newForm compiles what an endpoint makes of its records.
func newForm(c Config) (*form, error) {
	request := c.Endpoint.Request
	shape, err := formOf(c)
	if err != nil {
		return nil, err
	}
	f := &form{shape: shape, raw: c.Raw}
	for _, name := range request.Names {
		f.names = append(f.names, append(quoted(name), ':'))
	}
	p := params{c.Endpoint.Params, c.Params}
	for _, name := range slices.Sorted(maps.Keys(request.With)) {
		value, err := p.field(request.With[name])
		if err != nil {
			return nil, err
		}
		f.with = slices.Concat(f.with, quoted(name), []byte(":"), value, []byte(","))
	}
	switch {
	case f.raw && f.shape == nil:
		return nil, sallyport.FieldErrorf("raw", "goes with an endpoint whose records have a shape; these are the originals")
	case f.shape == nil:
		for _, name := range slices.Concat(request.Names, slices.Sorted(maps.Keys(request.With))) {
			f.taken = append(f.taken, []step{{name: name}})
		}
	}
	return f, nil
}

// formOf is the shape of an endpoint's records, nil if they stay as they come. A table has the columns that were asked for. Answers to
// submissions are shaped by whoever takes them out of what is said about them.
func formOf(c Config) (*recordshape.Shape, error) {
	shape, columns := c.Definition.Shape(c.Endpoint), params{c.Endpoint.Params, c.Params}.columns(c.Endpoint.Request.Columns)
	switch {
	case shape == nil, c.Endpoint.Answers != nil:
		return nil, nil
	case len(columns) > 0:
		return shape.Only(columns)
	}
	return shape, nil
}

// field is the value of a field that every record gets: that of a parameter as it is, null if it was not given, any other text with the
// parameters in it.
func (p params) field(text string) ([]byte, error) {
	if value, alone := p.alone(text); alone {
		return json.Marshal(value)
	}
	text, err := template.Text(text, p.value)
	return quoted(text), err
}

func quoted(text string) []byte {
	out, _ := jsontext.AppendQuote(nil, text) // what is no UTF-8 is replaced
	return out
}

// forming makes records of originals, one after the other.
type forming struct {
	*form
	normaliser *recordshape.Normaliser
	fields     []byte // used again for every record
	both       []byte // used again for every record
}

func (f *form) begin() forming {
	made := forming{form: f}
	if f.shape != nil {
		made.normaliser = f.shape.Normaliser()
	}
	return made
}

// record makes a record of its original. What is no object stays as it is.
func (f *forming) record(original jsontext.Value, names [][]byte, redact func([]byte) []byte) (jsontext.Value, error) {
	if original.Kind() != '{' {
		return original, nil
	}
	record := original
	if len(f.names)+len(f.with) > 0 {
		for _, name := range f.taken {
			if lookup(original, name) != nil {
				return nil, sallyport.FieldErrorf("names", "the records have a field %s of their own; choose another name", name[0].name)
			}
		}
		record = f.put(original, names, redact)
	}
	if f.normaliser != nil {
		record = f.normaliser.Record(record)
	}
	if f.raw {
		f.both = append(append(f.both[:0], record[:len(record)-1]...), `,"`+sallyport.RawField+`":`...)
		f.both = append(append(f.both, original...), '}')
		record = f.both
	}
	return record, nil
}

// put puts fields in front of those of a record.
func (f *forming) put(original jsontext.Value, names [][]byte, redact func([]byte) []byte) jsontext.Value {
	out := append(append(f.fields[:0], '{'), f.with...)
	for i, field := range f.names {
		out = append(out, field...)
		if i < len(names) && len(names[i]) > 0 {
			out = append(out, bytes.ToValidUTF8(redact(names[i]), []byte("\uFFFD"))...)
		} else {
			out = append(out, "null"...)
		}
		out = append(out, ',')
	}
	rest := bytes.TrimLeft(original[1:], " \t")
	if rest[0] == '}' {
		out = out[:len(out)-1]
	}
	f.fields = append(out, rest...)
	return f.fields
}

package dataset

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
)

const (
	maxFields  = 2000 // what one schema may hold
	maxExample = 80   // bytes of JSON
)

// Observer finds the schema of records, beginning with what is known already. It is used by one goroutine at a time.
type Observer struct {
	fields  []sallyport.Field
	index   map[string]int
	seen    []bool // whether a field stood in the record that is being looked at
	records int64
	changed bool
	decoder *jsontext.Decoder
}

// NewObserver begins with a known schema, which it does not change.
func NewObserver(known sallyport.Schema) *Observer {
	o := &Observer{index: map[string]int{}, decoder: new(jsontext.Decoder)}
	for _, f := range known.Fields {
		o.add(f)
	}
	if len(known.Fields) > 0 {
		o.records = 1
	}
	return o
}

// Schema returns what was found.
func (o *Observer) Schema() sallyport.Schema {
	return sallyport.Schema{Fields: append([]sallyport.Field(nil), o.fields...)}
}

// Changed tells whether the schema changed since the last time it was asked.
func (o *Observer) Changed() bool {
	changed := o.changed
	o.changed = false
	return changed
}

// Due tells whether the next record is to be observed: all of the first thousand, then one of sixty-four. A destination that needs to
// know every field looks at every record itself.
func (o *Observer) Due() bool {
	if o.records < 1000 {
		return true
	}
	o.records++
	return o.records%64 == 0
}

// Observe looks at the top-level fields of a record, a JSON object.
func (o *Observer) Observe(record []byte) error {
	o.decoder.Reset(bytes.NewBuffer(record), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := o.decoder.ReadToken(); err != nil {
		return err
	}
	clear(o.seen)
	for o.decoder.PeekKind() == '"' {
		name, err := o.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := o.field(name.String()); err != nil {
			return err
		}
	}
	for i, seen := range o.seen {
		o.nullable(i, !seen)
	}
	o.records++
	return nil
}

// field looks at the value of a field, which is next in the decoder.
func (o *Observer) field(name string) error {
	value, err := o.decoder.ReadValue()
	if err != nil {
		return err
	}
	i, known := o.index[name]
	if !known {
		if len(o.fields) == maxFields {
			return nil
		}
		i = o.add(sallyport.Field{Name: name, Kind: sallyport.KindNull, Nullable: o.records > 0})
		o.changed = true
	}
	o.seen[i] = true
	f := &o.fields[i]
	kind := kindOf(value)
	o.nullable(i, kind == sallyport.KindNull)
	if wide := widest(f.Kind, kind); wide != f.Kind {
		f.Kind, o.changed = wide, true
	}
	if f.Example == "" && kind != sallyport.KindNull && len(value) <= maxExample {
		f.Example, o.changed = string(value), true
	}
	return nil
}

func (o *Observer) add(f sallyport.Field) int {
	o.index[f.Name] = len(o.fields)
	o.fields = append(o.fields, f)
	o.seen = append(o.seen, false)
	return len(o.fields) - 1
}

func (o *Observer) nullable(i int, absent bool) {
	if absent && !o.fields[i].Nullable {
		o.fields[i].Nullable, o.changed = true, true
	}
}

// kindOf returns the kind of a valid JSON value.
func kindOf(value jsontext.Value) sallyport.Kind {
	switch value.Kind() {
	case 'n':
		return sallyport.KindNull
	case 't', 'f':
		return sallyport.KindBoolean
	case '"':
		return sallyport.KindString
	case '{':
		return sallyport.KindObject
	case '[':
		return sallyport.KindArray
	}
	if bytes.ContainsAny(value, ".eE") {
		return sallyport.KindNumber
	}
	return sallyport.KindInteger
}

// widest returns the kind that holds values of both.
func widest(a, b sallyport.Kind) sallyport.Kind {
	width := map[sallyport.Kind]int{sallyport.KindNull: 1, sallyport.KindInteger: 2, sallyport.KindNumber: 3, sallyport.KindString: 4}
	switch {
	case a == b || b == sallyport.KindNull:
		return a
	case a == sallyport.KindNull:
		return b
	case width[a] == 0 || width[b] == 0:
		return sallyport.KindMixed
	case width[a] > width[b]:
		return a
	}
	return b
}

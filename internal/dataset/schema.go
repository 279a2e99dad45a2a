package dataset

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
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
	members connector.Members
}

// NewObserver begins with a known schema, which it does not change.
func NewObserver(known sallyport.Schema) *Observer {
	o := &Observer{index: map[string]int{}}
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

// Learn takes in what another observer of the same dataset has found. It does not count as a change.
func (o *Observer) Learn(other sallyport.Schema) {
	for _, f := range other.Fields {
		i, known := o.index[f.Name]
		if !known {
			if len(o.fields) < maxFields {
				f.Nullable = f.Nullable || o.records > 0
				o.add(f)
			}
			continue
		}
		mine := &o.fields[i]
		mine.Kind, mine.Nullable = widest(mine.Kind, f.Kind), mine.Nullable || f.Nullable
		if mine.Example == "" {
			mine.Example = f.Example
		}
	}
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
	clear(o.seen)
	for m, err := range o.members.Of(record) {
		if err != nil {
			return err
		}
		o.field(m)
	}
	for i, seen := range o.seen {
		o.nullable(i, !seen)
	}
	o.records++
	return nil
}

func (o *Observer) field(m connector.Member) {
	i, known := o.index[string(m.Name)]
	if !known {
		if len(o.fields) == maxFields {
			return
		}
		i = o.add(sallyport.Field{Name: string(m.Name), Kind: sallyport.KindNull, Nullable: o.records > 0})
		o.changed = true
	}
	o.seen[i] = true
	f := &o.fields[i]
	kind := kindOf(m.Value)
	o.nullable(i, kind == sallyport.KindNull)
	if wide := widest(f.Kind, kind); wide != f.Kind {
		f.Kind, o.changed = wide, true
	}
	if f.Example == "" && kind != sallyport.KindNull && len(m.Value) <= maxExample {
		f.Example, o.changed = string(m.Value), true
	}
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
	switch {
	case a == b || b == sallyport.KindNull:
		return a
	case a == sallyport.KindNull:
		return b
	}
	scalars := []sallyport.Kind{sallyport.KindInteger, sallyport.KindNumber, sallyport.KindString} // from narrow to wide
	i, j := slices.Index(scalars, a), slices.Index(scalars, b)
	if i < 0 || j < 0 {
		return sallyport.KindMixed
	}
	return scalars[max(i, j)]
}

package connector

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
)

// At returns the value that a name of a key leads to in a record, as it is written. The dots of a name lead into nested objects: meta.id is
// the field id of the object meta. A field whose own name is the rest of the name comes first, at each level, so that names that hold dots
// work. Values in lists are not reached.
func (m *Members) At(record []byte, name string) (value jsontext.Value, found bool) {
	var below []byte
	taken := 0 // bytes of the name, up to below
	for field, err := range m.Of(record) {
		if err != nil {
			return nil, false
		}
		switch n := len(field.Name); {
		case string(field.Name) == name:
			value, found = m.kept(record, field.Value), true
		case n+1 >= taken && leads(field.Name, name) && field.Value.Kind() == '{':
			below, taken = m.kept(record, field.Value), n+1
		}
	}
	if found || below == nil {
		return value, found
	}
	return m.At(below, name[taken:])
}

// kept is the value that was read last as a part of the record, so that it outlives the next one.
func (m *Members) kept(record []byte, value jsontext.Value) jsontext.Value {
	end := int(m.decoder.InputOffset())
	return record[end-len(value) : end]
}

// leads tells whether a field is on the way to a name.
func leads(field []byte, name string) bool {
	return len(field) < len(name) && name[len(field)] == '.' && string(field) == name[:len(field)]
}

// IsPart tells whether a top-level field is a part of a key, as a whole or with an object that a name leads into.
func IsPart(field string, key []string) bool {
	return slices.ContainsFunc(key, func(name string) bool { return field == name || leads([]byte(field), name) })
}

// AppendKey appends the text that a value of a key goes by, a text or a number: "7" and 7 name the same record, and so do 7, 7.0 and 7e0.
func AppendKey(text []byte, value jsontext.Value) []byte {
	if value.Kind() == '0' && (bytes.ContainsAny(value, ".eE") || string(value) == "-0") {
		return appendNumber(text, value)
	}
	return AppendText(text, value)
}

// appendNumber appends a number in the form that all numbers of its value share.
func appendNumber(text, number []byte) []byte {
	digits, exponent, ok := Decimal(number)
	if !ok {
		return append(text, number...)
	}
	if number[0] == '-' && digits != "" {
		text = append(text, '-')
	}
	switch whole := len(digits) + exponent; {
	case digits == "":
		return append(text, '0')
	case exponent > 20 || whole < -20:
		return fmt.Appendf(text, "%se%d", digits, exponent)
	case exponent >= 0:
		return append(append(text, digits...), strings.Repeat("0", exponent)...)
	case whole > 0:
		return append(append(append(text, digits[:whole]...), '.'), digits[whole:]...)
	default:
		return append(append(append(text, "0."...), strings.Repeat("0", -whole)...), digits...)
	}
}

const (
	shownFields = 12   // that an error lists at most
	knownFields = 1000 // that are remembered to find the nearest name
)

// KeyCheck finds out whether the fields of a key exist in records: no record would have a key that does not. The zero value checks no key.
type KeyCheck struct {
	missing []string
	fields  []string // of the records; those of objects that a name of the key leads into have its beginning
	members Members
}

// NewKeyCheck returns the check of a key, of which fields that are known need not be looked for.
func NewKeyCheck(key []string, known ...string) *KeyCheck {
	missing := slices.DeleteFunc(slices.Clone(key), func(name string) bool { return slices.Contains(known, name) })
	return &KeyCheck{missing: missing, fields: slices.Clone(known)}
}

// See looks for the fields in a record, as long as one is missing.
func (c *KeyCheck) See(record []byte) {
	c.missing = slices.DeleteFunc(c.missing, func(name string) bool {
		_, found := c.members.At(record, name)
		return found
	})
	if len(c.missing) > 0 {
		c.remember(record, "", c.missing)
	}
}

// remember notes the names of a record's fields, and of those of objects that names lead into.
func (c *KeyCheck) remember(record []byte, above string, names []string) {
	type object struct {
		name  string
		value []byte
	}
	var nested []object
	for f, err := range c.members.Of(record) {
		if err != nil || len(c.fields) >= knownFields {
			break
		}
		name := string(f.Name)
		if !slices.Contains(c.fields, above+name) {
			c.fields = append(c.fields, above+name)
		}
		if f.Value.Kind() == '{' && slices.ContainsFunc(names, func(n string) bool { return leads(f.Name, n) }) {
			nested = append(nested, object{name, c.members.kept(record, f.Value)})
		}
	}
	for _, o := range nested {
		var rest []string
		for _, n := range names {
			if leads([]byte(o.name), n) {
				rest = append(rest, n[len(o.name)+1:])
			}
		}
		c.remember(o.value, above+o.name+".", rest)
	}
}

// Err is the error for a field that no record had so far, nil if there is none.
func (c *KeyCheck) Err() error {
	if len(c.missing) == 0 {
		return nil
	}
	return noField(c.missing[0], c.fields)
}

// CheckKey refuses a key of which a field cannot be in the records that a schema describes. It knows top-level fields only: what is in an
// object is for [KeyCheck].
func CheckKey(key []string, schema sallyport.Schema) error {
	for _, name := range key {
		if !slices.ContainsFunc(schema.Fields, func(f sallyport.Field) bool { return mayHold(f, name) }) {
			return noField(name, schema.Names())
		}
	}
	return nil
}

// mayHold tells whether a field is the one that a name means, or may be an object with it.
func mayHold(f sallyport.Field, name string) bool {
	objects := []sallyport.Kind{sallyport.KindObject, sallyport.KindMixed, sallyport.KindNull}
	return f.Name == name || leads([]byte(f.Name), name) && slices.Contains(objects, f.Kind)
}

func noField(name string, fields []string) error {
	hint := ""
	if near := sallyport.Nearest(name, fields); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	} else if len(fields) > 0 {
		hint = "; their fields are " + strings.Join(fields[:min(len(fields), shownFields)], ", ")
		if len(fields) > shownFields {
			hint += ", …"
		}
	}
	return sallyport.FieldErrorf("key", "none of the first records has the field %.60q%s", name, hint)
}

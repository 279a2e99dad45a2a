package strictyaml

import (
	"encoding"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/sallyport-io/sallyport"
)

// maxFaults bounds how many faults are told at once.
const maxFaults = 20

// Decode reads the document into what a pointer points to. What it could read is there even if it returns faults.
func (d *Document) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("strictyaml: cannot decode into %T: it is no pointer to a value", into)
	}
	decoder := &decoder{name: d.name}
	decoder.value(d.root, v.Elem())
	if len(decoder.faults) == 1 {
		return decoder.faults[0]
	}
	return errors.Join(decoder.faults...)
}

type decoder struct {
	name   string
	faults []error
}

func (d *decoder) fault(n *yaml.Node, format string, args ...any) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, sallyport.FieldErrorf(place(d.name, n.Line, n.Column), format, args...))
	}
}

// value reads a node into a value that can be set.
func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	if !d.plain(n) {
		return
	}
	if isNull(n) {
		if null, ok := v.Addr().Interface().(nullUnmarshaler); ok {
			null.UnmarshalNull()
		}
		return
	}
	if any, ok := v.Addr().Interface().(anyUnmarshaler); ok && n.Kind != yaml.ScalarNode {
		d.whole(n, any)
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && !(v.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode) {
		d.text(n, text)
		return
	}
	switch kind := v.Kind(); {
	case kind == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem())
	case kind == reflect.Struct:
		d.structure(n, v)
	case kind == reflect.Map && v.Type().Key().Kind() == reflect.String:
		d.mapping(n, v)
	case kind == reflect.Slice:
		d.list(n, v)
	case kind == reflect.Interface && v.NumMethod() == 0:
		d.any(n, v)
	default:
		d.scalar(n, v)
	}
}

// plain tells whether a node is free of what people hardly write on purpose, and readers hardly understand.
func (d *decoder) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fault(n, "anchors (&) and aliases (*) are not allowed: write the value out, or put the text in quotes")
	case n.Style&yaml.TaggedStyle != 0:
		d.fault(n, "tags (!) are not allowed: write the plain value, or put the text in quotes")
	case n.ShortTag() == "!!merge":
		d.fault(n, "merge keys (<<) are not allowed: write the keys out")
	default:
		return true
	}
	return false
}

// nullUnmarshaler takes an empty value, or null, for a value of its own.
type nullUnmarshaler interface{ UnmarshalNull() }

func (d *decoder) text(n *yaml.Node, into encoding.TextUnmarshaler) {
	if !d.expect(n, yaml.ScalarNode, "text") {
		return
	}
	if err := into.UnmarshalText([]byte(n.Value)); err != nil {
		d.fault(n, "%w", err)
	}
}

// anyUnmarshaler takes a mapping or list whole, as a field of type any would hold it.
type anyUnmarshaler interface{ UnmarshalValue(value any) error }

func (d *decoder) whole(n *yaml.Node, into anyUnmarshaler) {
	var value any
	before := len(d.faults)
	d.any(n, reflect.ValueOf(&value).Elem())
	if len(d.faults) > before {
		return
	}
	if err := into.UnmarshalValue(value); err != nil {
		d.fault(n, "%w", err)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	if !d.expect(n, yaml.MappingNode, "keys with values") {
		return
	}
	fields := fieldsOf(v.Type())
	for key, value := range d.pairs(n) {
		if i, ok := fields[key.Value]; ok {
			d.value(value, v.Field(i))
		} else {
			d.fault(key, "unknown key %s%s", sallyport.Quoted(key.Value), hint(key.Value, fields))
		}
	}
}

// fieldsOf returns the index of the field for every key that a struct knows.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" {
			key = strings.ToLower(f.Name)
		}
		if f.IsExported() && key != "-" {
			fields[key] = i
		}
	}
	return fields
}

func hint(key string, fields map[string]int) string {
	var known []string
	for name := range fields {
		known = append(known, name)
	}
	slices.Sort(known)
	if near := sallyport.Nearest(key, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; the keys here are " + strings.Join(known, ", ")
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if !d.expect(n, yaml.MappingNode, "keys with values") {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range d.pairs(n) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(value, element)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), element)
	}
}

// pairs yields keys and values. A key that is no single word or text, or was there before, is a fault and left out.
func (d *decoder) pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		lines := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if !d.plain(key) || !d.expect(key, yaml.ScalarNode, "a key") {
				continue
			}
			if line, ok := lines[key.Value]; ok {
				d.fault(key, "the key %s is already in line %d", sallyport.Quoted(key.Value), line)
				continue
			}
			lines[key.Value] = key.Line
			if !yield(key, n.Content[i+1]) {
				return
			}
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value) {
	if !d.expect(n, yaml.SequenceNode, "a list") {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i))
	}
}

// any reads a node into a value that may hold anything, as the package comment says.
func (d *decoder) any(n *yaml.Node, v reflect.Value) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		d.mapping(n, reflect.ValueOf(&m).Elem())
		v.Set(reflect.ValueOf(m))
	case yaml.SequenceNode:
		var list []any
		d.list(n, reflect.ValueOf(&list).Elem())
		v.Set(reflect.ValueOf(list))
	default:
		if scalar := d.plainScalar(n); scalar != nil {
			v.Set(reflect.ValueOf(scalar))
		}
	}
}

// expect tells whether a node is of a kind, or makes it a fault.
func (d *decoder) expect(n *yaml.Node, kind yaml.Kind, wanted string) bool {
	if n.Kind != kind {
		d.fault(n, "must be %s, not %s", wanted, describe(n))
	}
	return n.Kind == kind
}

// describe says what a node is, without its value.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int":
		return "a whole number"
	case "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "text"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Package strictyaml says how a YAML document that people write becomes a Go value, with the place of every fault.
//
// The yaml tags of a Go struct are the only schema: a key without a field is a fault, and so is a key that comes twice, a value of
// another type than the field's, an anchor, an alias, a merge key or a tag. Faults are [sallyport.Error]s whose Field is their place,
// such as flow.yaml:12:5; several of them come joined. No fault repeats a value.
//
// A plain scalar is taken as written where text is wanted, so 1000 is good for a string. An empty value (or null) leaves a field as it
// is, unless its type has UnmarshalNull. Types with UnmarshalText read text themselves; a slice of such a type is also read from a list.
// Types with UnmarshalValue take mappings and lists as an any would hold them. Within an any, numbers are [encoding/json.Number]: integers exact and in decimal
// digits, decimal fractions as written; texts and dates are string, and the rest is bool, []any, map[string]any and nil.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/sallyport-io/sallyport"
)

// MaxSize bounds what is read, in bytes.
const MaxSize = 1 << 20

const (
	maxDepth  = 50
	maxCommas = 20_000 // the parser takes about 1 kB for every value of a list or mapping in brackets
)

// Document is one YAML document, and the places of its values.
type Document struct {
	name string
	root *yaml.Node
}

// Documents yields the documents of a file, without empty ones. Name stands for the file in the places of faults.
// An error is the last thing it yields; a file without any document is one.
func Documents(name string, data []byte) iter.Seq2[*Document, error] {
	return func(yield func(*Document, error) bool) {
		found := false
		for root, err := range roots(name, data) {
			if err != nil {
				yield(nil, err)
				return
			}
			if isNull(root) {
				continue
			}
			found = true
			if !yield(&Document{name, root}, nil) {
				return
			}
		}
		if !found {
			yield(nil, sallyport.FieldErrorf(name, "there is nothing in it"))
		}
	}
}

// One returns the document of a file that must hold exactly one.
func One(name string, data []byte) (*Document, error) {
	var one *Document
	for doc, err := range Documents(name, data) {
		if err != nil {
			return nil, err
		}
		if one != nil {
			return nil, sallyport.FieldErrorf(doc.Place(), "a second document begins here, but there may be only one")
		}
		one = doc
	}
	return one, nil
}

// Decode reads a file that must hold exactly one document into what a pointer points to.
func Decode(name string, data []byte, into any) error {
	doc, err := One(name, data)
	if err != nil {
		return err
	}
	return doc.Decode(into)
}

// Place returns where a value stands, such as flow.yaml:7:12, for a path of keys (string) and indexes (int) that lead to it.
// For a path that leads to nothing it is the place of the last value on the way.
func (d *Document) Place(path ...any) string {
	node := d.root
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return place(d.name, node.Line, node.Column)
}

func child(node *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	case int:
		if node.Kind == yaml.SequenceNode && step >= 0 && step < len(node.Content) {
			return node.Content[step]
		}
	}
	return nil
}

func place(name string, line, column int) string {
	if line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, line, column)
}

// roots yields the root value of every document. An error is the last thing it yields.
func roots(name string, data []byte) iter.Seq2[*yaml.Node, error] {
	return func(yield func(*yaml.Node, error) bool) {
		loader, err := newLoader(name, data)
		for err == nil {
			var node yaml.Node
			if err = loader.Load(&node); err == nil && !yield(node.Content[0], nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, syntaxError(name, err))
		}
	}
}

func newLoader(name string, data []byte) (*yaml.Loader, error) {
	if len(data) > MaxSize || bytes.Count(data, []byte(",")) > maxCommas {
		return nil, sallyport.FieldErrorf(name, "is too large: at most %d bytes and %d commas are read", MaxSize, maxCommas)
	}
	if i := unreadable(data); i >= 0 {
		line := bytes.Count(data[:i], []byte("\n")) + 1
		column := utf8.RuneCount(data[bytes.LastIndexByte(data[:i], '\n')+1:i]) + 1
		return nil, sallyport.FieldErrorf(place(name, line, column), "this is not readable text: the file must be written in UTF-8")
	}
	return yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
}

// unreadable returns the index of the first byte that is not UTF-8, or is a control character; -1 if there is none.
func unreadable(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && !slices.Contains([]rune("\t\r\n"), r) || r == 0x7f {
			return i
		}
		i += size
	}
	return -1
}

// syntaxError gives the parser's errors a place.
func syntaxError(name string, err error) error {
	if _, ok := errors.AsType[*sallyport.Error](err); ok {
		return err
	}
	syntax, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return sallyport.FieldErrorf(name, "cannot be read as YAML: %w", err)
	}
	message := "is no YAML: " + syntax.Message
	if syntax.ContextMsg != "" {
		message += " " + syntax.ContextMsg
	}
	fault := sallyport.FieldErrorf(place(name, syntax.Mark.Line, syntax.Mark.Column), "%s", message)
	fault.Err = err
	return fault
}

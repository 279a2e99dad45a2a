package shape

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// level writes a text without the word that stands for a flag: "high:retired" is high, "retired" tells no level.
func (n *Normaliser) level(f *field, value []byte) {
	if kindOf(value) != '"' {
		n.value(f.node, value)
		return
	}
	text, marked := value[1:len(value)-1], false
	for marked = true; marked && len(text) > 0; {
		text, marked = withoutWord(text, f.word)
	}
	if len(text) == 0 {
		n.out = append(n.out, "null"...)
		return
	}
	n.out = append(append(append(n.out, '"'), text...), '"')
}

// withoutWord takes a word from the end of a text, where it stands alone or behind a colon.
func withoutWord(text []byte, word string) ([]byte, bool) {
	rest, found := bytes.CutSuffix(text, []byte(word))
	switch {
	case found && len(rest) == 0:
		return nil, true
	case found && rest[len(rest)-1] == ':':
		return rest[:len(rest)-1], true
	}
	return text, false
}

// flag writes whether something is so: because it is said, or because the word stands in the level. If neither is there it is not so, or
// unknown.
func (n *Normaliser) flag(f *field, value, level []byte) {
	marked := false
	if kindOf(level) == '"' {
		_, marked = withoutWord(level[1:len(level)-1], f.word)
	}
	said := !isNothing(value)
	switch {
	case said && !isTrue(plain(value)) && !isFalse(plain(value)) && !f.explained:
		n.asText(value)
	case marked, said && !isFalse(plain(value)):
		n.out = append(n.out, "true"...)
	case f.unknown && !said:
		n.out = append(n.out, "null"...)
	default:
		n.out = append(n.out, "false"...)
	}
}

// reason writes the text that came in the place of a boolean.
func (n *Normaliser) reason(f *field, value, flag []byte) {
	switch {
	case !isNothing(value):
		n.value(f.node, value)
	case isNothing(flag), isTrue(plain(flag)), isFalse(plain(flag)):
		n.out = append(n.out, "null"...)
	default:
		n.asText(flag)
	}
}

// row is a row of a list that stands for an object, or another element of it.
type row struct {
	text    []byte
	name    []byte // quoted; nil: it is no row
	value   []byte
	current bool
}

// read reads an element of a list of rows.
func (r *rows) read(element []byte) row {
	found := row{text: element, current: true}
	if element[0] != '{' {
		return found
	}
	for m := enter(element); m.next(); {
		switch string(unquoted(m.name)) {
		case r.name:
			found.name = m.value
		case r.value:
			found.value = m.value
		case r.current:
			found.current = isNothing(m.value) || !isFalse(plain(m.value))
		}
	}
	if kindOf(found.name) != '"' && found.name != nil {
		found.name, _ = jsontext.AppendQuote(nil, found.name) // a number
	}
	return found
}

// all reads a list of rows. It returns nil if the list holds anything else.
func (r *rows) all(list []byte) (found []row) {
	for m := enter(list); m.next(); {
		one := r.read(m.value)
		if one.name == nil {
			return nil
		}
		found = append(found, one)
	}
	return found
}

// grouped writes the object that a list of rows stands for: the values that are current, by their names.
func (n *Normaliser) grouped(to *node, list []byte) {
	all := to.rows.all(list)
	if all == nil {
		n.numbered(to.others, list)
		return
	}
	var names [][]byte
	values := map[string][][]byte{}
	for _, r := range all {
		if !r.current {
			continue
		}
		key := string(plain(r.name))
		if values[key] == nil {
			names = append(names, r.name)
		}
		values[key] = append(values[key], r.value)
	}
	n.out = append(n.out, '{')
	for i, name := range names {
		if i > 0 {
			n.out = append(n.out, ',')
		}
		n.out = append(append(n.out, name...), ':', '[')
		for _, value := range values[string(plain(name))] {
			n.element(to.others.others.items, value)
		}
		n.out = append(n.out, ']')
	}
	n.out = append(n.out, '}')
}

// history writes a list, and behind it the rows that an object came as, each with the name of its group.
func (n *Normaliser) history(f *field, value []byte, r *rows, from []byte) {
	n.list(f.node, value)
	if kindOf(from) != '{' {
		return
	}
	n.out = n.out[:len(n.out)-1]
	for group := enter(from); group.next(); {
		if group.value[0] != '[' {
			continue
		}
		for _, one := range r.all(group.value) {
			text := append(append([]byte(`{"`+r.group+`":`), group.name...), ',')
			n.element(f.items, append(text, one.text[1:]...))
		}
	}
	n.out = append(n.out, ']')
}

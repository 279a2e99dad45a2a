package shape

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// value writes a value in the form of a node. Nil stands for one that is not there.
func (n *Normaliser) value(to *node, value []byte) {
	switch {
	case to.kind == kindList:
		n.list(to, value)
	case to.kind == kindObject:
		n.object(to, value)
	case len(value) == 0:
		n.out = append(n.out, "null"...)
	case to.kind == kindAny:
		n.out = append(n.out, value...)
	case isNothing(value):
		n.out = append(n.out, "null"...)
	case to.kind == kindText:
		n.asText(value)
	case to.kind == kindTime && value[0] == '"':
		n.time(value)
	default:
		n.scalar(to.kind, value)
	}
}

// list writes a list. What is no list is its only element, unless the separator says where it is to be split.
func (n *Normaliser) list(to *node, value []byte) {
	n.out = append(n.out, '[')
	switch {
	case isNothing(value):
	case value[0] == '[':
		n.elements(to.items, value)
	case value[0] == '{' && isNumbered(value):
		for m := enter(value); m.next(); {
			n.element(to.items, m.value)
		}
	case value[0] == '"' && to.separator != "":
		n.split(to, value)
	default:
		n.element(to.items, value)
	}
	n.out = append(n.out, ']')
}

// elements writes the elements of a list, and of the lists in it, one behind the other.
func (n *Normaliser) elements(to *node, list []byte) {
	if to.kind == kindList || to.kind == kindAny {
		for m := enter(list); m.next(); {
			n.element(to, m.value)
		}
		return
	}
	for i := 0; i < len(list); {
		if c := list[i]; c == '[' || c == ']' || c == ',' || isSpace(c) {
			i++
			continue
		}
		end := valueEnd(list, i)
		if end == i {
			return // broken
		}
		n.element(to, list[i:end])
		i = end
	}
}

// element writes an element of a list, unless it stands for nothing. A text may be empty.
func (n *Normaliser) element(to *node, value []byte) {
	if to.kind != kindAny && isNothing(value) && (to.kind != kindText || value[0] != '"') {
		return
	}
	if n.out[len(n.out)-1] != '[' {
		n.out = append(n.out, ',')
	}
	n.kept(to, value)
}

// kept writes a value that is there on purpose, so that an empty text stays one.
func (n *Normaliser) kept(to *node, value []byte) {
	if to.kind == kindText && len(value) == 2 && value[0] == '"' {
		n.out = append(n.out, value...)
		return
	}
	n.value(to, value)
}

// split writes the parts of a text.
func (n *Normaliser) split(to *node, text []byte) {
	rest := plain(text)
	for more := true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte(to.separator))
		if part = bytes.TrimSpace(part); len(part) > 0 {
			quoted, _ := jsontext.AppendQuote(nil, part) // invalid UTF-8 is replaced
			n.element(to.items, quoted)
		}
	}
}

// object writes an object: its declared members, then the others.
func (n *Normaliser) object(to *node, value []byte) {
	switch c := kindOf(value); {
	case c == '[' && !isNothing(value):
		n.numbered(to, value)
		return
	case c != '{' && !isNothing(value):
		n.asText(value)
		return
	}
	slots, extras := len(n.slots), len(n.extras)
	for range to.fields {
		n.slots = append(n.slots, nil)
	}
	n.out = append(n.out, '{')
	if len(to.fields) == 0 {
		n.open(to, value)
	} else {
		n.sort(to, value, slots)
		n.declared(to, slots)
		for i := extras; i < len(n.extras); i++ {
			n.other(to, n.extras[i].name, n.extras[i].value)
		}
	}
	n.out = append(n.out, '}')
	n.slots, n.extras = n.slots[:slots], n.extras[:extras]
}

// open writes the members of an object that declares none.
func (n *Normaliser) open(to *node, value []byte) {
	for m := enter(value); m.next(); {
		n.other(to, m.name, m.value)
	}
}

// other writes a member that is not declared.
func (n *Normaliser) other(to *node, name, value []byte) {
	if n.out[len(n.out)-1] != '{' {
		n.out = append(n.out, ',')
	}
	n.out = append(append(n.out, name...), ':')
	switch {
	case to.others == nil:
		n.out = append(n.out, value...)
	case to.rows != nil && value[0] == '[' && !isNothing(value):
		n.grouped(to, value)
	default:
		n.kept(to.others, value)
	}
}

// sort puts the members of an object into the slots of declared ones and among the others.
func (n *Normaliser) sort(to *node, value []byte, slots int) {
	first, next := len(n.extras), 0
	for m := enter(value); m.next(); {
		if i, ok := to.find(m.name, next); ok {
			n.slots[slots+i], next = m.value, i+1
		} else {
			n.extras = append(n.extras, member{m.name, m.value})
		}
	}
	if to.also == nil {
		return
	}
	left := n.extras[:first]
	for _, extra := range n.extras[first:] {
		if i, ok := to.also[string(unquoted(extra.name))]; ok && isNothing(n.slots[slots+i]) {
			n.slots[slots+i] = extra.value
		} else {
			left = append(left, extra)
		}
	}
	n.extras = left
}

// find finds the declared member of a name. Most come in the order of the schema, so the next one is tried first.
func (to *node) find(name []byte, next int) (int, bool) {
	if next < len(to.fields) && string(name) == to.fields[next].inQuotes {
		return next, true
	}
	i, ok := to.index[string(unquoted(name))]
	return i, ok
}

// declared writes the declared members of an object, which are in their slots.
func (n *Normaliser) declared(to *node, slots int) {
	for i := range to.fields {
		f := &to.fields[i]
		if i > 0 {
			n.out = append(n.out, ',')
		}
		n.out = append(n.out, f.quoted...)
		value := n.slots[slots+i]
		switch f.role {
		case roleLevel:
			n.level(f, value)
		case roleFlag:
			n.flag(f, value, n.slots[slots+f.of])
		case roleReason:
			n.reason(f, value, n.slots[slots+f.of])
		case roleHistory:
			n.history(f, value, to.fields[f.of].rows, n.slots[slots+f.of])
		default:
			n.value(f.node, value)
		}
	}
}

// numbered writes the object that a list stands for: PHP writes an array as a list if its keys happen to be 0, 1, 2 …
func (n *Normaliser) numbered(to *node, list []byte) {
	text, i := []byte{'{'}, 0
	for m := enter(list); m.next(); i++ {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(strconv.AppendInt(append(text, '"'), int64(i), 10), `":`...)
		text = append(text, m.value...)
	}
	n.object(to, append(text, '}'))
}

// isNumbered tells whether the names of an object are numbers only: PHP writes a list with gaps in it like that.
func isNumbered(object []byte) bool {
	for m := enter(object); m.next(); {
		for _, c := range m.name[1 : len(m.name)-1] {
			if c < '0' || c > '9' {
				return false
			}
		}
		if len(m.name) < 3 {
			return false
		}
	}
	return true
}

// unquoted is the text of a name. It allocates for one with escapes only.
func unquoted(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name[1 : len(name)-1]
	}
	return plain(name)
}

// plain is the text of a string, any other value as it is written.
func plain(value []byte) []byte {
	if value[0] != '"' {
		return value
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, value) // what is no UTF-8 is replaced
	return text
}

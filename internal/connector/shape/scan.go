package shape

import "bytes"

// The functions of this file find their way through valid JSON: members are written in the order of the schema, so a record is gone through
// out of order, which a decoder that only reads forward does not do. They do not check what was decoded before. Broken JSON makes them
// end early.

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// kindOf is the first byte of a value, 0 if there is none.
func kindOf(value []byte) byte {
	for _, c := range value {
		if !isSpace(c) {
			return c
		}
	}
	return 0
}

// isNothing tells whether a value stands for none: absent, null, and empty texts, lists and objects.
func isNothing(value []byte) bool {
	switch kindOf(value) {
	case 0, 'n':
		return true
	case '"':
		return len(value) == 2
	case '[', '{':
		c := kindOf(value[1:])
		return c == ']' || c == '}'
	}
	return false
}

// members goes through what an object or list holds.
type members struct {
	rest   []byte // what was not gone through yet
	object bool
	name   []byte // of a member of an object, as it is written
	value  []byte
}

// enter begins with the first member of an object or list.
func enter(value []byte) members {
	i := 0
	for i < len(value) && value[i] != '{' && value[i] != '[' {
		i++
	}
	if i == len(value) {
		return members{}
	}
	return members{rest: value[i+1:], object: value[i] == '{'}
}

// next goes to the next member. It returns false if there is none.
func (m *members) next() bool {
	i := 0
	for i < len(m.rest) && (isSpace(m.rest[i]) || m.rest[i] == ',') {
		i++
	}
	if m.object {
		if i == len(m.rest) || m.rest[i] != '"' {
			return false
		}
		end := textEnd(m.rest, i)
		if end == i {
			return false
		}
		m.name = m.rest[i:end]
		for i = end; i < len(m.rest) && (isSpace(m.rest[i]) || m.rest[i] == ':'); {
			i++
		}
	}
	end := valueEnd(m.rest, i)
	if end == i {
		return false
	}
	m.value, m.rest = m.rest[i:end], m.rest[end:]
	return true
}

// valueEnd is where the value ends that begins at i; i itself if none does.
func valueEnd(text []byte, i int) int {
	if i >= len(text) {
		return i
	}
	switch text[i] {
	case '"':
		return textEnd(text, i)
	case '{', '[':
		return nestEnd(text, i)
	}
	for i < len(text) && text[i] != ',' && text[i] != ']' && text[i] != '}' && !isSpace(text[i]) {
		i++
	}
	return i
}

// textEnd is where the string ends that begins at i; i itself if it does not end.
func textEnd(text []byte, i int) int {
	for from := i + 1; ; {
		quote := bytes.IndexByte(text[from:], '"')
		if quote < 0 {
			return i
		}
		from += quote + 1
		escapes := from - 2
		for escapes > i && text[escapes] == '\\' {
			escapes--
		}
		if (from-escapes)%2 == 0 { // the quote stands behind an even number of backslashes
			return from
		}
	}
}

// nestEnd is where the object or list ends that begins at i; i itself if it does not end.
func nestEnd(text []byte, i int) int {
	depth := 0
	for at := i; at < len(text); at++ {
		switch text[at] {
		case '"':
			end := textEnd(text, at)
			if end == at {
				return i
			}
			at = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return i
}

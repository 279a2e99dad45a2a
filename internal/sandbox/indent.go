package sandbox

import (
	"bytes"
	"io"
)

// indenter indents the compact JSON that is written to it, as PHP's JSON_PRETTY_PRINT does, without gathering it.
type indenter struct {
	w        io.Writer
	out      bytes.Buffer
	depth    int
	inString bool
	escaped  bool // the character before was a backslash
	empty    bool // the character before opened an object or array
}

func (i *indenter) Write(b []byte) (int, error) {
	i.out.Reset()
	for _, c := range b {
		if i.inString {
			i.inside(c)
		} else {
			i.outside(c)
		}
	}
	if _, err := i.w.Write(i.out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// inside takes a character of a string.
func (i *indenter) inside(c byte) {
	i.out.WriteByte(c)
	i.inString = i.escaped || c != '"'
	i.escaped = !i.escaped && c == '\\'
}

func (i *indenter) outside(c byte) {
	closing := c == '}' || c == ']'
	if closing {
		i.depth--
	}
	if i.empty != closing { // neither between the brackets of [] nor after a plain value
		i.newline()
	}
	i.empty = c == '{' || c == '['
	i.inString = c == '"'
	i.out.WriteByte(c)
	switch c {
	case '{', '[':
		i.depth++
	case ',':
		i.newline()
	case ':':
		i.out.WriteByte(' ')
	}
}

func (i *indenter) newline() {
	i.out.WriteByte('\n')
	for range i.depth {
		i.out.WriteString("    ")
	}
}

package content

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// charset is how a text is written.
type charset struct {
	name    string
	utf8    bool
	utf16   bool
	big     bool              // of UTF-16: the first byte of a unit is the higher one
	other   encoding.Encoding // neither of them
	mark    int               // bytes of the byte order mark
	shifted bool              // bytes below 0x80 are not always ASCII
}

// CheckEncoding checks the name of an encoding that a person declares: one that the WHATWG or IANA lists.
func CheckEncoding(name string) error {
	if _, ok := named(name); !ok {
		return errorf("%.40q is not a supported encoding: use for example utf-8, utf-16le, iso-8859-1, windows-1252, shift_jis or gb18030", name)
	}
	return nil
}

// named returns the charset with a name.
func named(name string) (charset, bool) {
	name = strings.ToLower(strings.Trim(name, ` "'`))
	switch name {
	case "utf-8", "utf8", "utf8mb4", "unicode-1-1-utf-8":
		return charset{name: name, utf8: true}, true
	case "utf-16be", "unicodefffe":
		return charset{name: name, utf16: true, big: true}, true
	}
	found, err := htmlindex.Get(name)
	if err != nil || found == encoding.Replacement {
		found, err = ianaindex.IANA.Encoding(name)
	}
	if err != nil || found == nil || found == encoding.Replacement {
		return charset{}, false
	}
	if found == unicode.UTF8 {
		return charset{name: name, utf8: true}, true
	}
	if all, err := htmlindex.Name(found); err == nil && strings.HasPrefix(all, "utf-16") || strings.HasPrefix(name, "utf-16") {
		return charset{name: name, utf16: true}, true
	}
	return charset{name: name, other: found, shifted: shifts(found)}, true
}

// shifts tells whether bytes below 0x80 may be something else than ASCII.
func shifts(e encoding.Encoding) bool {
	if table, ok := e.(*charmap.Charmap); ok {
		for b := range byte(0x80) {
			if table.DecodeByte(b) != rune(b) {
				return true
			}
		}
		return false
	}
	name, _ := htmlindex.Name(e)
	return name == "" || strings.HasPrefix(name, "iso-2022")
}

// decoder finds out how a text is written: by its byte order mark, else by what a person declared, else by its first bytes and its header.
func (r *Reader) decoder(in *bufio.Reader) (io.Reader, error) {
	begin, err := beginning(in)
	if err != nil {
		return nil, err
	}
	if begins(begin, "\xff\xfe\x00\x00", "\x00\x00\xfe\xff") {
		return nil, errorf("it is UTF-32, which is not supported: request UTF-8")
	}
	if c, ok := marked(begin); ok {
		in.Discard(c.mark) // they were peeked at
		return c.open(in), nil
	}
	if r.encoding != "" {
		c, ok := named(r.encoding)
		if !ok {
			return nil, CheckEncoding(r.encoding)
		}
		return c.open(in), nil
	}
	if c, ok := halves(begin); ok {
		return c.open(in), nil
	}
	c, ok := named(charsetOf(r.header.Get("Content-Type")))
	switch {
	case r.tolerant && (!ok || c.utf8):
		return in, nil
	case !ok, c.utf8, c.utf16 && isText(begin):
		return &utf8Reader{in: in}, nil
	case c.utf16 || c.shifted:
		return c.open(in), nil
	}
	return &undecided{in: in, declared: c}, nil
}

func begins(b []byte, marks ...string) bool {
	for _, mark := range marks {
		if bytes.HasPrefix(b, []byte(mark)) {
			return true
		}
	}
	return false
}

// marked returns the charset that a byte order mark names.
func marked(begin []byte) (charset, bool) {
	switch {
	case begins(begin, "\xef\xbb\xbf"):
		return charset{utf8: true, mark: 3}, true
	case begins(begin, "\xff\xfe"):
		return charset{utf16: true, mark: 2}, true
	case begins(begin, "\xfe\xff"):
		return charset{utf16: true, big: true, mark: 2}, true
	}
	return charset{}, false
}

// halves returns the form of UTF-16 whose first two characters are ASCII: half of their bytes are zero.
func halves(b []byte) (charset, bool) {
	if len(b) < 4 {
		return charset{}, false
	}
	switch zero := [4]bool{b[0] == 0, b[1] == 0, b[2] == 0, b[3] == 0}; zero {
	case [4]bool{false, true, false, true}:
		return charset{utf16: true}, true
	case [4]bool{true, false, true, false}:
		return charset{utf16: true, big: true}, true
	}
	return charset{}, false
}

// charsetOf is the charset of a media type, "" if it has none.
func charsetOf(mediaType string) string {
	_, parameters, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return ""
	}
	return parameters["charset"]
}

// open returns a reader that decodes what follows the byte order mark.
func (c charset) open(in io.Reader) io.Reader {
	if c.utf8 {
		return &utf8Reader{in: in, at: int64(c.mark)}
	}
	d := &decoding{in: in, at: int64(c.mark)}
	switch table, single := c.other.(*charmap.Charmap); {
	case c.utf16:
		d.convert = utf16Converter(c.big)
	case single:
		d.convert = singleConverter(table, c.name)
	default:
		d.convert = otherConverter(c.other, c.name)
	}
	return d
}

// undecided reads a text whose header names a charset in which ASCII is ASCII. Many systems name one and send UTF-8: the first bytes that differ
// decide, with those that follow within a window.
type undecided struct {
	in       *bufio.Reader
	declared charset
	at       int64
	chosen   io.Reader
}

// Read reads on.
func (u *undecided) Read(p []byte) (int, error) {
	if u.chosen != nil {
		return u.chosen.Read(p)
	}
	near, err := u.in.Peek(u.in.Size())
	plain := ascii(near)
	if plain == 0 && len(near) > 0 {
		_, single := u.declared.other.(*charmap.Charmap)
		c := u.declared
		if isUTF8(near, single) {
			c = charset{utf8: true}
		}
		c.mark = int(u.at)
		u.chosen = c.open(u.in)
		return u.chosen.Read(p)
	}
	n := copy(p, near[:plain])
	u.in.Discard(n) // they were peeked at
	u.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// isUTF8 tells whether bytes, cut off anywhere, are UTF-8 and hardly anything else. Two bytes that are valid UTF-8 often are also valid in a
// charset with two bytes for a character.
func isUTF8(b []byte, pairs bool) bool {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		if !utf8.FullRune(b[i:]) {
			return i > 0
		}
		c, size := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && size == 1 || size == 2 && !pairs {
			return false
		}
		i += size
	}
	return true
}

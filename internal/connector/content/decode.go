package content

import (
	"bytes"
	"encoding/binary"
	"io"
	"sort"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// utf8Reader passes UTF-8 on, and fails at what is none.
type utf8Reader struct {
	in    io.Reader
	at    int64             // of the byte that is read next
	rest  [utf8.UTFMax]byte // of a character that began in what was read before
	nRest int
	err   error
}

// Read reads on.
func (u *utf8Reader) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.in.Read(p)
	bad := u.check(p[:n])
	switch {
	case bad >= 0:
		err = badByte(p[bad], u.at+int64(bad))
		n = bad
	case err == io.EOF && u.nRest > 0:
		err = io.ErrUnexpectedEOF
	}
	u.at += int64(n)
	u.err = err
	return n, err
}

// check returns the index of the first byte that is not part of valid text, -1 if there is none.
func (u *utf8Reader) check(b []byte) int {
	begin := 0
	for u.nRest > 0 && begin < len(b) {
		u.rest[u.nRest] = b[begin]
		u.nRest++
		begin++
		if utf8.FullRune(u.rest[:u.nRest]) {
			if c, size := utf8.DecodeRune(u.rest[:u.nRest]); c == utf8.RuneError && size == 1 {
				return begin - 1
			}
			u.nRest = 0
		}
	}
	end := len(b) - cutOff(b[begin:])
	if bytes.IndexByte(b[begin:end], 0) < 0 && utf8.Valid(b[begin:end]) {
		u.nRest = copy(u.rest[u.nRest:], b[end:]) + u.nRest
		return -1
	}
	for i := begin; ; {
		c, size := utf8.DecodeRune(b[i:end])
		if c == 0 || c == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
}

// cutOff is how many bytes at the end are the beginning of a character that is cut off.
func cutOff(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func badByte(b byte, at int64) error {
	if b == 0 {
		return errorf("it has a zero byte at position %d: it is not text, or in an encoding that must be declared, for example `encoding: utf-16le`", at)
	}
	return errorf("it has the byte 0x%02X at position %d, which is not UTF-8: declare the encoding of the response, for example `encoding: windows-1252`", b, at)
}

// ascii is how many bytes at the beginning are ASCII and not zero.
func ascii(b []byte) int {
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		if x := binary.LittleEndian.Uint64(b[i:]); (x|(x-0x0101010101010101))&0x8080808080808080 != 0 {
			break
		}
	}
	for i < len(b) && b[i]-1 < utf8.RuneSelf-1 {
		i++
	}
	return i
}

// converter appends the text of bytes, and returns how many of them it has used: all, unless they are cut off within a character. An error is
// about the byte behind those. At is the position of the first.
type converter func(to, from []byte, at int64) (text []byte, used int, err error)

// decoding decodes a charset.
type decoding struct {
	in      io.Reader
	convert converter
	at      int64
	raw     []byte // not decoded yet; a part of buffer
	buffer  []byte
	text    []byte // not given yet; a part of out
	out     []byte
	err     error
}

// Read reads text.
func (d *decoding) Read(p []byte) (int, error) {
	for len(d.text) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.fill()
	}
	n := copy(p, d.text)
	d.text = d.text[n:]
	return n, nil
}

func (d *decoding) fill() {
	if d.buffer == nil {
		d.buffer = make([]byte, 4*window)
	}
	kept := copy(d.buffer, d.raw)
	n, err := d.in.Read(d.buffer[kept:])
	from := d.buffer[:kept+n]
	var used int
	d.out, used, d.err = d.convert(d.out[:0], from, d.at)
	d.text, d.raw = d.out, from[used:]
	d.at += int64(used)
	switch {
	case d.err != nil:
	case err == io.EOF && len(d.raw) > 0:
		d.err = io.ErrUnexpectedEOF
	default:
		d.err = err
	}
}

// singleConverter decodes charsets with one byte for a character.
func singleConverter(table *charmap.Charmap, name string) converter {
	var texts [256]struct {
		text [utf8.UTFMax]byte
		n    uint8
	}
	for b := range texts {
		if c := table.DecodeByte(byte(b)); c != utf8.RuneError && (c != 0 || b != 0) {
			texts[b].n = uint8(utf8.EncodeRune(texts[b].text[:], c))
		}
	}
	plain := !shifts(table)
	return func(to, from []byte, at int64) ([]byte, int, error) {
		for i := 0; i < len(from); i++ {
			if plain && from[i] < utf8.RuneSelf {
				n := ascii(from[i:])
				to = append(to, from[i:i+n]...)
				if i += n; i == len(from) {
					break
				}
			}
			t := &texts[from[i]]
			switch {
			case from[i] == 0:
				return to, i, badByte(0, at+int64(i))
			case t.n == 0:
				return to, i, undecodable(from[i], at+int64(i), name)
			}
			to = append(to, t.text[:t.n]...)
		}
		return to, len(from), nil
	}
}

func undecodable(b byte, at int64, name string) error {
	return errorf("it has the byte 0x%02X at position %d, which is not %.40s: declare the encoding of the response", b, at, name)
}

// utf16Converter decodes UTF-16.
func utf16Converter(big bool) converter {
	unit := func(b []byte) rune { return rune(b[0]) | rune(b[1])<<8 }
	if big {
		unit = func(b []byte) rune { return rune(b[0])<<8 | rune(b[1]) }
	}
	return func(to, from []byte, at int64) ([]byte, int, error) {
		i := 0
		for ; i+1 < len(from); i += 2 {
			c := unit(from[i:])
			if utf16.IsSurrogate(c) {
				if i+3 >= len(from) && c < 0xdc00 {
					break
				}
				if c < 0xdc00 {
					c = utf16.DecodeRune(c, unit(from[i+2:]))
				}
				if c < 0x10000 {
					return to, i, errorf("it has half a character at position %d, which is not UTF-16", at+int64(i))
				}
				i += 2
			}
			if c == 0 {
				return to, i, badByte(0, at+int64(i))
			}
			to = utf8.AppendRune(to, c)
		}
		return to, i, nil
	}
}

// otherConverter decodes charsets with several bytes for a character. What their decoders replace is an error.
func otherConverter(e encoding.Encoding, name string) converter {
	decoder := e.NewDecoder().Transformer
	return func(to, from []byte, at int64) ([]byte, int, error) {
		begin := len(to)
		to = append(to, make([]byte, 4*len(from)+utf8.UTFMax)...)
		n, used, err := decoder.Transform(to[begin:], from, false)
		to = to[:begin+n]
		if bad := bytes.Index(to[begin:], []byte("\uFFFD")); bad >= 0 {
			used = replaced(e, from, bad)
			return to[:begin+bad], used, undecodable(from[used], at+int64(used), name)
		}
		if err == transform.ErrShortSrc {
			err = nil
		}
		return to, used, err
	}
}

// replaced is the index of the character whose text begins at a length.
func replaced(e encoding.Encoding, from []byte, length int) int {
	to := make([]byte, 4*len(from)+utf8.UTFMax)
	decode := func(end int) (n, used int) {
		n, used, _ = e.NewDecoder().Transformer.Transform(to, from[:end], false)
		return n, used
	}
	end := sort.Search(len(from), func(end int) bool {
		n, _ := decode(end)
		return n > length
	})
	_, used := decode(max(end-1, 0))
	return min(used, len(from)-1)
}

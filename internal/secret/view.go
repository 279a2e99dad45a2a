package secret

import (
	"bytes"
	"html"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes is a set of ways to escape single characters.
type escapes uint8

const (
	inJSON    escapes = 1 << iota // \u003d \" \/ \n, and \x3d and \' of its relatives
	inPercent                     // %3D
	inHTML                        // &#61; &#x3D; &equals;
	inPlus                        // a space written as +, which comes with %3D
	inOpen                        // with inHTML: &#61 and &amp without the semicolon, whatever follows
)

// starters are the bytes with which escapes begin, in the order of the set.
const starters = `\%&+`

// view is a text with some escapes decoded, which knows where each of its bytes was written.
type view struct {
	text  []byte
	of    *view // that it was decoded from; nil: this is the text itself
	marks []mark
}

// mark is an escape: length bytes at a place of the view were written from a place to a place of what it was decoded from.
type mark struct{ at, length, from, to int }

// origin maps a span of the view to the text itself.
func (v *view) origin(s span) span {
	for ; v.of != nil; v = v.of {
		s = span{v.written(s.start, true), v.written(s.end-1, false)}
	}
	return s
}

// written returns where the byte at a place begins in the text that the view was decoded from, or where it ends.
func (v *view) written(at int, begin bool) int {
	i := sort.Search(len(v.marks), func(i int) bool { return v.marks[i].at > at }) - 1
	switch {
	case i >= 0 && at < v.marks[i].at+v.marks[i].length && begin:
		return v.marks[i].from
	case i >= 0 && at < v.marks[i].at+v.marks[i].length:
		return v.marks[i].to
	}
	if i >= 0 {
		at += v.marks[i].to - v.marks[i].at - v.marks[i].length
	}
	if begin {
		return at
	}
	return at + 1
}

// decode makes v a view of another one in which escapes of some kinds are decoded once, those of bytes that matter. It returns whether there
// were any. A view of a text that was cut off ends before an escape that is not whole.
func (v *view) decode(from *view, kinds escapes, matters *alphabet, cut bool) bool {
	v.text, v.marks, v.of = v.text[:0], v.marks[:0], from
	next := finder{text: from.text, kinds: kinds}
	done := 0
	var decoded [utf8.UTFMax * 2]byte
	for at := next.after(0); at < len(from.text); {
		rest := from.text[at:]
		if cut && isPartial(rest, kinds) {
			v.text = append(v.text, from.text[done:at]...)
			return true
		}
		out, n := unescape(decoded[:0], rest, kinds)
		if n == 0 {
			at = next.after(at + 1)
			continue
		}
		if !matters.hasAny(out) {
			at = next.after(at + n)
			continue
		}
		v.text = append(v.text, from.text[done:at]...)
		v.marks = append(v.marks, mark{len(v.text), len(out), at, at + n})
		v.text = append(v.text, out...)
		done = at + n
		at = next.after(done)
	}
	if done == 0 {
		return false
	}
	v.text = append(v.text, from.text[done:]...)
	return true
}

// finder finds bytes that may begin an escape.
type finder struct {
	text  []byte
	kinds escapes
	found [len(starters)]int // where each one is next, plus 1; 0: not looked for yet
}

// after returns where the next one is, from a place on; the length of the text if there is none.
func (f *finder) after(at int) int {
	first := len(f.text)
	for i := range f.found {
		if f.kinds&(1<<i) == 0 {
			continue
		}
		if f.found[i] <= at {
			f.found[i] = len(f.text) + 1
			if n := bytes.IndexByte(f.text[at:], starters[i]); n >= 0 {
				f.found[i] = at + n + 1
			}
		}
		first = min(first, f.found[i]-1)
	}
	return first
}

// unescape decodes the escape that a text begins with, and returns how long it is: 0 if it is none.
func unescape(out, text []byte, kinds escapes) ([]byte, int) {
	switch c := text[0]; {
	case c == '\\' && kinds&inJSON != 0:
		return unescapeJSON(out, text)
	case c == '%' && kinds&inPercent != 0 && len(text) >= 3:
		if b, err := strconv.ParseUint(string(text[1:3]), 16, 8); err == nil {
			return append(out, byte(b)), 3
		}
	case c == '+' && kinds&inPlus != 0:
		return append(out, ' '), 1
	case c == '&' && kinds&inHTML != 0:
		return unescapeHTML(out, text, kinds&inOpen != 0)
	}
	return out, 0
}

func unescapeJSON(out, text []byte) ([]byte, int) {
	if len(text) < 2 {
		return out, 0
	}
	if i := strings.IndexByte(`"\/'bfnrt`, text[1]); i >= 0 {
		return append(out, "\"\\/'\b\f\n\r\t"[i]), 2
	}
	if b, ok := digits(text, 'x', 2); ok {
		return append(out, byte(b)), 4
	}
	r, ok := digits(text, 'u', 4)
	if !ok {
		return out, 0
	}
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(out, r), 6
	}
	low, ok := digits(text[6:], 'u', 4)
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return out, 0 // the other half may be escaped once more
	}
	return utf8.AppendRune(out, r), 12
}

// digits reads the n hexadecimal digits of an escape such as \u003d.
func digits(text []byte, letter byte, n int) (rune, bool) {
	if len(text) < 2+n || text[0] != '\\' || text[1] != letter {
		return 0, false
	}
	r, err := strconv.ParseUint(string(text[2:2+n]), 16, 32)
	return rune(r), err == nil
}

// maxEntity bounds an HTML entity, in bytes. The longest name has 32.
const maxEntity = 40

// unescapeHTML decodes an entity: a number, with or without the semicolon, or a name. Without the semicolon, what follows may belong to the
// entity, escaped once more; open says that it does not.
func unescapeHTML(out, text []byte, open bool) ([]byte, int) {
	n := entity(text)
	switch closed := n < len(text) && text[n] == ';'; {
	case n < 3, !closed && text[1] != '#' && !open:
		return out, 0
	case closed:
		n++
	case n < len(text) && strings.IndexByte(starters, text[n]) >= 0 && !open:
		return out, 0 // it may be a digit or the semicolon
	}
	written := string(text[:n])
	if decoded := html.UnescapeString(written); decoded != written {
		return append(out, decoded...), n
	}
	return out, 0
}

// entity is the length of what may be an entity, without its semicolon.
func entity(text []byte) int {
	n := 1
	for n < min(len(text), maxEntity) && (isAlphanumeric(text[n]) || n == 1 && text[n] == '#') {
		n++
	}
	return n
}

func isAlphanumeric(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// isPartial tells whether a text may be the beginning of an escape that was cut off.
func isPartial(text []byte, kinds escapes) bool {
	if len(text) > maxEntity {
		return false
	}
	switch text[0] {
	case '\\':
		return kinds&inJSON != 0 && (len(text) < 2 || text[1] == 'x' && len(text) < 4 || text[1] == 'u' && len(text) < 6 ||
			text[1] == 'u' && len(text) < 12 && bytes.HasPrefix([]byte(`\u`), text[6:min(len(text), 8)]) && isHighSurrogate(text))
	case '%':
		return kinds&inPercent != 0 && len(text) < 3
	case '&':
		return kinds&inHTML != 0 && entity(text) == len(text)
	}
	return false
}

func isHighSurrogate(text []byte) bool {
	r, ok := digits(text, 'u', 4)
	return ok && 0xD800 <= r && r < 0xDC00
}

// choices lists the kinds of escapes that are decoded at a time, one after the other in any order. Decoding all at once would not do: a secret
// may look escaped itself, and of an escape that is escaped again, one half may appear before the other. A + is a space only in a form, which
// matters to secrets with a space.
func choices(spaces bool) []escapes {
	all := []escapes{inJSON, inPercent, inHTML, inHTML | inOpen, inPercent | inPlus}
	if !spaces {
		all = all[:4]
	}
	return all
}

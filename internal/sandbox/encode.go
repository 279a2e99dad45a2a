package sandbox

import (
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// chunk is how much is gathered before it is written.
const chunk = 64 << 10

// encoder writes JSON as PHP's json_encode does: slashes are escaped, everything outside ASCII is \uXXXX, nothing else is.
// It sets the commas itself. After an error it writes nothing more.
type encoder struct {
	w       io.Writer
	b       []byte
	scratch []byte // for texts that are put together before they are encoded
	more    bool   // a value stands before, so the next one needs a comma
	odd     oddity
	err     error
}

// begin opens an object or array with its bracket.
func (e *encoder) begin(bracket byte) {
	e.comma()
	e.b = append(e.b, bracket)
	e.more = false
}

// end closes it. PHP may take an object without fields for an array.
func (e *encoder) end(bracket byte) {
	if last := len(e.b) - 1; e.odd.has(emptyArrays) && bracket == '}' && last >= 0 && e.b[last] == '{' {
		e.b[last], bracket = '[', ']'
	}
	e.b = append(e.b, bracket)
	e.more = true
	if len(e.b) > chunk {
		e.flush()
	}
}

// key writes the name of a field, one of ours that needs no escaping; its value must follow.
func (e *encoder) key(name string) {
	e.comma()
	e.b = append(append(append(e.b, '"'), name...), '"', ':')
	e.more = false
}

// anyKey is key for names that come from the data.
func (e *encoder) anyKey(name string) {
	e.string(name)
	e.b = append(e.b, ':')
	e.more = false
}

func (e *encoder) string(s string) {
	e.comma()
	e.b = appendQuoted(e.b, s)
}

func (e *encoder) bytes(s []byte) {
	e.comma()
	e.b = appendQuoted(e.b, s)
}

func (e *encoder) int(n int) {
	e.comma()
	if e.odd.has(numberStrings) {
		e.b = append(strconv.AppendInt(append(e.b, '"'), int64(n), 10), '"')
		return
	}
	e.b = strconv.AppendInt(e.b, int64(n), 10)
}

// raw writes a value that is JSON already: null, [], {}.
func (e *encoder) raw(json string) {
	e.comma()
	if json == "{}" && e.odd.has(emptyArrays) {
		json = "[]"
	}
	e.b = append(e.b, json...)
}

// stamp writes a time as Pulsedive does: in UTC, without saying so.
func (e *encoder) stamp(unix int64, unpadded bool) {
	e.comma()
	e.b = append(e.b, '"')
	hour := len(e.b) + len("2006-01-02 ")
	e.b = time.Unix(unix, 0).UTC().AppendFormat(e.b, time.DateTime)
	if unpadded && e.b[hour] == '0' {
		e.b = slices.Delete(e.b, hour, hour+1)
	}
	e.b = append(e.b, '"')
}

// strings writes an array.
func (e *encoder) strings(values []string) {
	e.begin('[')
	for _, v := range values {
		e.string(v)
	}
	e.end(']')
}

func (e *encoder) stringField(name, value string) {
	e.key(name)
	e.string(value)
}

func (e *encoder) intField(name string, value int) {
	e.key(name)
	e.int(value)
}

// pageField is intField for the numbers of pages, which are never texts.
func (e *encoder) pageField(name string, value int) {
	e.key(name)
	e.raw(strconv.Itoa(value))
}

func (e *encoder) rawField(name, json string) {
	e.key(name)
	e.raw(json)
}

func (e *encoder) stampField(name string, unix int64) {
	e.key(name)
	e.stamp(unix, e.odd.has(unpaddedHours))
}

// shuffle brings a list into another order each time, if answers are odd in that way.
func shuffle[T any](e *encoder, list []T) {
	if e.odd.has(shuffled) {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
}

// turn returns where to begin going round n things: at another one each time, if answers are odd in that way.
func (e *encoder) turn(n int) int {
	if n < 2 || !e.odd.has(shuffled) {
		return 0
	}
	return rand.IntN(n)
}

func (e *encoder) comma() {
	if e.more {
		e.b = append(e.b, ',')
	}
	e.more = true
}

func (e *encoder) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.b)
	}
	e.b = e.b[:0]
}

// plain marks the bytes that stand for themselves in a string.
var plain = func() (is [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\' && c != '/'
	}
	return is
}()

// appendQuoted appends a JSON string.
func appendQuoted[S string | []byte](b []byte, s S) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		r, size := utf8.DecodeRune([]byte(s[i:min(i+utf8.UTFMax, len(s))]))
		b = appendEscaped(b, r)
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// appendEscaped appends a character that cannot stand for itself.
func appendEscaped(b []byte, r rune) []byte {
	switch r {
	case '"', '\\', '/':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(b, high), low)
	}
	return appendUnit(b, r)
}

func appendUnit(b []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

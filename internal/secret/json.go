package secret

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// lenient takes what real systems send: the same name twice in one object, and text that is not valid UTF-8.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// Record redacts a record that came from elsewhere: in values, in names of members, wherever. It stays JSON.
func (r *Redactor) Record(record []byte) []byte {
	redacted := r.Bytes(record)
	if same(redacted, record) || jsontext.Value(redacted).IsValid(lenient...) {
		return redacted
	}
	return rewrite(record, func(token jsontext.Token, _ bool) (string, bool) {
		text := token.String()
		clean := r.String(text)
		return clean, clean != text
	})
}

// JSON redacts the string values of a document of our own, which stays JSON. The names of its members, its numbers, times, ids and layout stay
// as they are.
func (r *Redactor) JSON(document []byte) []byte {
	if len(r.find(document, false)) == 0 {
		return document
	}
	return rewrite(document, func(token jsontext.Token, name bool) (string, bool) {
		if name || token.Kind() != '"' {
			return "", false
		}
		text := token.String()
		clean := r.Value(text)
		return clean, clean != text
	})
}

func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// rewrite replaces tokens of a JSON text, names and numbers too, by strings, and leaves everything else as it is written. A text that is not
// valid JSON ends where it stops being valid.
func rewrite(text []byte, replace func(token jsontext.Token, name bool) (string, bool)) []byte {
	var out []byte
	done := 0
	from := jsontext.NewDecoder(bytes.NewBuffer(text), lenient...)
	for {
		before := from.InputOffset()
		token, err := from.ReadToken()
		if err == io.EOF {
			return append(out, text[done:]...)
		}
		if err != nil {
			return append(out, text[done:before]...)
		}
		if kind := token.Kind(); kind != '"' && kind != '0' {
			continue
		}
		parent, index := from.StackIndex(from.StackDepth())
		clean, ok := replace(token, parent == '{' && index%2 == 1)
		if !ok {
			continue
		}
		end := int(from.InputOffset())
		out = append(out, text[done:end-written(text[:end], before)]...)
		out, _ = jsontext.AppendQuote(out, clean) // invalid UTF-8 is replaced
		done = end
	}
}

// written is the length of the token that a text ends with, which begins behind before and what stands between tokens.
func written(text []byte, before int64) int { return len(bytes.TrimLeft(text[before:], " \t\r\n,:")) }

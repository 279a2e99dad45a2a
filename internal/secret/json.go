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
	clean, _ := r.Counted(record)
	return clean
}

// Counted is [Redactor.Record] that also counts the places where a secret was.
func (r *Redactor) Counted(record []byte) (clean []byte, places int) {
	clean, places = replace(record, r.find(record, false))
	if places == 0 || jsontext.Value(clean).IsValid(lenient...) {
		return clean, places
	}
	places = 0
	clean = rewrite(record, func(token jsontext.Token, _ bool) (string, bool) {
		text := []byte(token.String())
		text, n := replace(text, r.find(text, false))
		places += n
		return string(text), n > 0
	})
	return clean, places
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

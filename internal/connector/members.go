package connector

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

var errNoObject = errors.New("the record is no JSON object")

// Member is one top-level field of a record.
type Member struct {
	Name  []byte         // without quotes and escapes
	Value jsontext.Value // as it is written
}

// Members reads records field by field, without allocating. The zero value is ready; it is used by one goroutine at a time.
type Members struct {
	decoder jsontext.Decoder
	input   bytes.Buffer
	name    []byte
}

// Of yields the fields of a record, each valid until the next. A name that comes twice is yielded twice. An error, which holds nothing
// of the record, is the last thing it yields.
func (m *Members) Of(record []byte) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		m.input = *bytes.NewBuffer(record)
		m.decoder.Reset(&m.input, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if m.decoder.PeekKind() != '{' {
			yield(Member{}, errNoObject)
			return
		}
		_, err := m.decoder.ReadToken()
		for err == nil && m.decoder.PeekKind() != '}' {
			var member Member
			if member, err = m.next(); err == nil && !yield(member, nil) {
				return
			}
		}
		if err = m.end(err); err != nil {
			yield(Member{}, err)
		}
	}
}

func (m *Members) next() (Member, error) {
	quoted, err := m.decoder.ReadValue()
	if err != nil {
		return Member{}, err
	}
	if quoted.Kind() != '"' {
		return Member{}, jsontext.ErrNonStringName
	}
	m.name = AppendText(m.name[:0], quoted)
	value, err := m.decoder.ReadValue()
	return Member{Name: m.name, Value: value}, err
}

// end makes sure that the object is closed and nothing comes after it. The decoder's own errors are not passed on: they quote the record.
func (m *Members) end(err error) error {
	if err == nil {
		_, err = m.decoder.ReadToken()
	}
	at := m.decoder.InputOffset()
	if err != nil || len(bytes.TrimSpace(m.decoder.UnreadBuffer())) > 0 {
		return fmt.Errorf("the record is not valid JSON at or after byte %d", at)
	}
	return nil
}

// AppendText appends a value as text: a string without its quotes and escapes, anything else as it is written. What is not UTF-8 becomes
// U+FFFD.
func AppendText(text []byte, value jsontext.Value) []byte {
	isString := value.Kind() == '"'
	if isString && (bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value)) {
		text, _ = jsontext.AppendUnquote(text, value) // its error only says that U+FFFD was put in
		return text
	}
	if isString {
		return append(text, value[1:len(value)-1]...)
	}
	if !utf8.Valid(value) {
		value = bytes.ToValidUTF8(value, []byte("\uFFFD"))
	}
	return append(text, value...)
}

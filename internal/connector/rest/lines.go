package rest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/table"
)

// valueField is the field of a record that is made of a text without names.
const valueField = "value"

// lines decodes a text whose lines are the records: each is JSON, or the text of a record with one field.
type lines struct {
	in       *table.Lines
	sentence []step // to what a failure says in the first line
	json     bool
	comment  string // what lines begin with that are left out; "": none are
	said     jsontext.Value
	any      bool // a record was there
	record   []byte
	flaw     string // of the record that was given last
}

// lines opens an answer line by line. The error is the failure that the answer tells of, if it is another kind of text.
func (a *answer) lines() (*lines, error) {
	in := bufio.NewReaderSize(a.body, tableBuffer)
	l := &lines{json: a.shape.lines == sallyport.FormatJSONL, sentence: a.shape.steps[atSentence]}
	if kind := a.kind(in); kind == "HTML" || kind != "" && !l.json {
		return nil, a.imposter(in, kind)
	}
	if !l.json {
		begin, _ := in.Peek(maxBeginning) // an error comes again with the next read
		l.comment = table.LineComment(begin, a.shape.table.Comment)
	}
	l.in = table.NewLines(in)
	a.body.decoded = func() int64 { return l.in.Offset }
	return l, nil
}

func (l *lines) next() (jsontext.Value, error) {
	for {
		text, err := l.in.Next()
		if err != nil {
			return nil, err
		}
		text = bytes.Trim(text, " \t\r\x1e") // RFC 7464 begins a record with RS
		switch {
		case len(text) == 0, l.comment != "" && bytes.HasPrefix(text, []byte(l.comment)):
		case l.json:
			return l.parsed(text)
		default:
			l.record = append(l.record[:0], `{"`+valueField+`":`...)
			l.record, _ = jsontext.AppendQuote(l.record, text) // it is valid UTF-8
			l.record = append(l.record, '}')
			return l.record, nil
		}
	}
}

// parsed returns a line of JSON. One that is not valid is a text with a flaw, but for the first: nothing of that answer can be trusted.
func (l *lines) parsed(text []byte) (jsontext.Value, error) {
	l.flaw = ""
	switch value := jsontext.Value(text); {
	case value.IsValid(lenient...):
		if !l.any && l.sentence != nil {
			l.said = lookup(text, l.sentence).Clone()
		}
		l.any = true
		return value, nil
	case !l.in.Ended:
		return nil, fmt.Errorf("within a line: %w", io.ErrUnexpectedEOF)
	case !l.any:
		return nil, fmt.Errorf("its line %d is not valid JSON, so these are not JSON lines: declare `format: json` if it is one JSON value", l.in.Number)
	}
	l.flaw = fmt.Sprintf("line %d is not valid JSON", l.in.Number)
	l.record, _ = jsontext.AppendQuote(l.record[:0], text) // it is valid UTF-8
	return l.record, nil
}

// value returns what the first line says of a failure.
func (l *lines) value(place int) jsontext.Value {
	if place == atSentence {
		return l.said
	}
	return nil
}

// found says that there are lines. There may be none.
func (l *lines) found() presence { return present }

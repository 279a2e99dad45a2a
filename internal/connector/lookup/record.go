package lookup

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// maxListed bounds a listed text that is repeated, in bytes.
const maxListed = 1 << 10

// records are the answers about a value.
func (s *Source) records(value string, l sallyport.Lookup) (records [][]byte) {
	if l.State == NotFound {
		return [][]byte{s.nothing(value, NotFound, "")}
	}
	for line := range bytes.Lines(l.Records) {
		records = append(records, found(value, bytes.TrimSuffix(line, []byte("\n"))))
	}
	return records
}

// nothing is the record of a value about which nothing was found.
func (s *Source) nothing(value, state, reason string) []byte {
	if len(value) > maxListed {
		value = value[:maxListed] + "…"
	}
	record := head(value, state)
	if s.Name != FieldAsked {
		record = appendMember(append(record, ','), s.Name, value)
	}
	if reason != "" {
		record = appendMember(append(record, ','), FieldReason, reason)
	}
	return append(record, '}')
}

// found puts what was asked, and that it was found, before the fields of a record. What is no object stays what it is.
func found(value string, record []byte) []byte {
	fields, ok := bytes.CutPrefix(bytes.TrimSpace(without(record, FieldAsked, FieldState)), []byte("{"))
	if !ok {
		return record
	}
	out := head(value, Found)
	if len(bytes.TrimSpace(fields)) > 1 {
		out = append(out, ',')
	}
	return append(out, fields...)
}

// head is the beginning of every record.
func head(value, state string) []byte {
	return appendMember(append(appendMember([]byte{'{'}, FieldAsked, value), ','), FieldState, state)
}

func appendMember(record []byte, name, text string) []byte {
	record, _ = jsontext.AppendQuote(record, name) // invalid UTF-8 is replaced
	record, _ = jsontext.AppendQuote(append(record, ':'), text)
	return record
}

// without takes fields out of a record, which hardly ever has them.
func without(record []byte, names ...string) []byte {
	if !slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(record, []byte(`"`+name+`"`)) }) {
		return record
	}
	out, first := []byte{'{'}, true
	for m, err := range new(connector.Members).Of(record) {
		switch {
		case err != nil:
			return record
		case slices.Contains(names, string(m.Name)):
			continue
		case !first:
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, m.Name)
		out, first = append(append(out, ':'), m.Value...), false
	}
	return append(out, '}')
}

// member is a field of a record as text, "" if it has none of that name.
func member(record []byte, name string) string {
	record, _, _ = bytes.Cut(record, []byte("\n"))
	for m, err := range new(connector.Members).Of(record) {
		if err == nil && string(m.Name) == name {
			return string(connector.AppendText(nil, m.Value))
		}
	}
	return ""
}

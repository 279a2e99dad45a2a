package changes

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// Marker writes records with their change. The zero value is ready; it is used by one goroutine at a time.
type Marker struct {
	out     []byte
	members connector.Members
}

// Mark returns a record with what became of it as its first field, in the place of a field of that name if it has one. It is valid until
// the next.
func (m *Marker) Mark(record []byte, look Look, change sallyport.Change) ([]byte, error) {
	m.out = append(m.out[:0], `{"`+sallyport.ChangeField+`":"`...)
	m.out = append(append(m.out, change...), '"')
	if look.marked {
		return m.others(record)
	}
	rest := bytes.TrimLeft(record[1:], " \t")
	if rest[0] != '}' {
		m.out = append(m.out, ',')
	}
	m.out = append(m.out, rest...)
	return m.out, nil
}

// others appends the fields of a record that has a field _change.
func (m *Marker) others(record []byte) (_ []byte, err error) {
	for field, err := range m.members.Of(record) {
		if err != nil {
			return nil, err
		}
		if string(field.Name) == sallyport.ChangeField {
			continue
		}
		if m.out, err = jsontext.AppendQuote(append(m.out, ','), field.Name); err != nil {
			return nil, err
		}
		m.out = append(append(m.out, ':'), field.Value...)
	}
	return append(m.out, '}'), nil
}

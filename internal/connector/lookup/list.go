package lookup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// List opens a list: it yields all its values, from the beginning. A mark stands for the state that the list was in when it was opened
// first; with a mark, it must be in that state still. An entry without a value yields "".
type List func(ctx context.Context, mark string) (opened string, values iter.Seq2[string, error], err error)

// Values is a list of given values.
func Values(all []string) List {
	return func(context.Context, string) (string, iter.Seq2[string, error], error) {
		return "", func(yield func(string, error) bool) {
			for _, value := range all {
				if !yield(strings.TrimSpace(value), nil) {
					return
				}
			}
		}, nil
	}
}

// FieldOf returns the text of a field of a record, "" if it is null or not there. The error says that the record is no JSON object.
func FieldOf(members *connector.Members, record []byte, field string) (text string, err error) {
	for m, err := range members.Of(record) {
		if err != nil {
			return "", err
		}
		if string(m.Name) == field && jsontext.Value(m.Value).Kind() != 'n' {
			text = strings.TrimSpace(string(connector.AppendText(nil, m.Value)))
		}
	}
	return text, nil
}

// changed is the error for a list that is not what it was.
func changed(path string) error {
	return sallyport.Errorf(sallyport.Conflict,
		"%s was changed while a run that reads it was unfinished; run the flow again: what was answered is kept, and not asked twice", path)
}

// unreadable is the error for a file that cannot be read. A sentence for a person stays as it is.
func unreadable(path string, err error) error {
	if e, ok := errors.AsType[*sallyport.Error](err); ok {
		placed := *e
		placed.Field = connector.ParamFile
		return &placed
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return sallyport.FieldErrorf(connector.ParamFile, "%w", fmt.Errorf("%s cannot be read: %w", path, err))
}

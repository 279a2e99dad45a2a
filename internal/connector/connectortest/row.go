package connectortest

import (
	"encoding/json"
	"testing"
)

// Row is a record as a reader finds it: the text of each field. A text stands for itself; numbers, true, false and nested values stand
// there as JSON.
type Row map[string]string

// RowOf returns a record as its readers should find it.
func RowOf(t testing.TB, record string, keepsNull bool) Row {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(record), &fields); err != nil {
		t.Fatalf("%.200s: %v", record, err)
	}
	row := Row{}
	for name, value := range fields {
		var text string
		switch {
		case string(value) == "null" && !keepsNull:
		case json.Unmarshal(value, &text) == nil && value[0] == '"':
			row[name] = text
		default:
			row[name] = string(value)
		}
	}
	return row
}

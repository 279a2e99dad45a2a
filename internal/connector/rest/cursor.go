package rest

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A cursor that {cursor} stands for is kept as JSON, so that a number stays a number, and a list a list, where the request is JSON.

// cursorOf is the cursor for a value, "" for one that holds nothing.
func cursorOf(value jsontext.Value) string {
	compact := value.Clone()
	compact.Compact(lenient...) // it was decoded, so it is valid
	switch cursor := strings.ToValidUTF8(string(compact), "\uFFFD"); cursor {
	case `""`, "[]", "{}":
		return ""
	default:
		return cursor
	}
}

// cursorValue is what {cursor} stands for, nil for none. A cursor that is not JSON, for example from a header, is text.
func cursorValue(cursor string) any {
	switch value := jsontext.Value(cursor); {
	case cursor == "":
		return nil
	case utf8.ValidString(cursor) && strings.Contains(`"[{-0123456789`, cursor[:1]) && value.IsValid(lenient...):
		return json.RawMessage(cursor)
	}
	return cursor
}

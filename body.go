package sallyport

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// Body is the body of a request. People write it as text, or as an object or a list: it becomes JSON, in which a text that is nothing but a
// placeholder loses its quotes, so that it stands for a value of any type.
type Body string

// UnmarshalText takes a text as it is.
func (b *Body) UnmarshalText(text []byte) error {
	*b = Body(text)
	return nil
}

// UnmarshalJSON takes a text as it is, and any other value as the JSON to send.
func (b *Body) UnmarshalJSON(data []byte) error {
	switch {
	case string(data) == "null":
		return nil // as encoding/json wants it
	case data[0] == '"':
		return json.Unmarshal(data, (*string)(b))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return err
	}
	*b = unquoted(compact.Bytes())
	return nil
}

// UnmarshalValue takes an object or a list, as decoding YAML gives it, as the JSON to send.
func (b *Body) UnmarshalValue(value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	*b = unquoted(bytes.TrimSpace(text.Bytes()))
	return nil
}

// quoted is a text of compact JSON that is nothing but a placeholder, and no name.
var quoted = regexp.MustCompile(`"(\{[a-z][a-z0-9_]*\})"([,}\]])`)

func unquoted(compact []byte) Body { return Body(quoted.ReplaceAll(compact, []byte("$1$2"))) }

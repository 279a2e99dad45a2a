package sallyport

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Texts are the values of a name that may come more than once. People write one value as it is, and several as a list.
type Texts []string

var errTexts = errors.New("must be text, a number, true, false, or a list of these")

// UnmarshalText takes one value.
func (t *Texts) UnmarshalText(b []byte) error {
	*t = Texts{string(b)}
	return nil
}

// UnmarshalJSON takes one value or a list. A number keeps its digits.
func (t *Texts) UnmarshalJSON(b []byte) error {
	items := []json.RawMessage{b}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		if err := json.Unmarshal(b, &items); err != nil {
			return errTexts
		}
	} else if string(b) == "null" {
		return nil // as encoding/json wants it
	}
	texts := make(Texts, len(items))
	for i, item := range items {
		switch item[0] {
		case '{', '[', 'n':
			return errTexts
		case '"':
			if err := json.Unmarshal(item, &texts[i]); err != nil {
				return errTexts
			}
		default:
			texts[i] = string(item)
		}
	}
	*t = texts
	return nil
}

// MarshalJSON writes one value as it is, and any other number of them as a list.
func (t Texts) MarshalJSON() ([]byte, error) {
	value, _ := t.MarshalYAML()
	return json.Marshal(value)
}

// MarshalYAML does the same.
func (t Texts) MarshalYAML() (any, error) {
	if len(t) == 1 {
		return t[0], nil
	}
	return append([]string{}, t...), nil
}

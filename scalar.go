package sallyport

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Scalar is a text, a number, true, false or null that is compared as text. It is never empty: the empty text is for one that is not given.
type Scalar string

var errScalar = errors.New("must be text that is not empty, a number, true, false or null")

// UnmarshalText takes a value as it is written.
func (s *Scalar) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		return errScalar
	}
	*s = Scalar(b)
	return nil
}

// UnmarshalNull takes null for a value, as any other.
func (s *Scalar) UnmarshalNull() { *s = "null" }

// UnmarshalJSON takes a value that is no list and no object. A number keeps its digits.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	switch b = bytes.TrimSpace(b); b[0] {
	case '{', '[':
		return errScalar
	case '"':
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return errScalar
		}
		return s.UnmarshalText([]byte(text))
	}
	*s = Scalar(b)
	return nil
}

// Package secret holds the one type that may hold a secret in the clear, and the redactor that takes secrets out of text by their value.
package secret

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
)

// MaxLength bounds a secret, in bytes.
const MaxLength = 16 << 10

// mask is what a secret prints as.
const mask = "[secret]"

var errEncoded = errors.New("a secret is never encoded")

// Text is a secret in the clear. It prints as a mask, and encoding it is an error: a masked value that is stored would destroy the real one.
//
// The value sits inside a function, because fmt prints what an unexported field holds, through pointers too, without asking its methods.
type Text struct{ open func() string }

// New boxes a secret.
func New(value string) Text { return Text{func() string { return value }} }

// Read reads a secret of at most [MaxLength] bytes to the end of r, without the white space around it.
func Read(r io.Reader) (Text, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxLength+1))
	if err != nil {
		return Text{}, err
	}
	if len(b) > MaxLength {
		return Text{}, fmt.Errorf("the secret is longer than %d bytes", MaxLength)
	}
	return New(string(bytes.TrimSpace(b))), nil
}

// Reveal returns the plaintext. Only the vault and the last RoundTripper may call it.
func (t Text) Reveal() string { return t.plain() }

func (t Text) plain() string {
	if t.open == nil {
		return ""
	}
	return t.open()
}

// IsEmpty tells whether there is nothing in it.
func (t Text) IsEmpty() bool { return t.plain() == "" }

// Searchable tells whether a redactor searches for the secret: whether it has at least [MinLength] bytes.
func (t Text) Searchable() bool { return len(t.plain()) >= MinLength }

// IsOrdinary tells whether the secret looks like what any record may hold: it is short, and words, perhaps with a few digits behind them, or a
// number or date.
func (t Text) IsOrdinary() bool {
	s := t.plain()
	return t.Searchable() && len([]rune(s)) < distinctiveLength && ordinary.MatchString(s)
}

// Matches tells whether the secret has the form that a definition asks for.
func (t Text) Matches(form *regexp.Regexp) bool { return form.MatchString(t.plain()) }

// Equal compares in constant time.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.plain()), []byte(other.plain())) == 1
}

// String returns a mask.
func (Text) String() string { return mask }

// Format prints a mask, whatever the verb.
func (Text) Format(f fmt.State, _ rune) { io.WriteString(f, mask) } // fmt.State has nowhere to report to

// LogValue logs a mask.
func (Text) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText fails, and with it every encoder that asks for text: JSON, YAML, XML.
func (Text) MarshalText() ([]byte, error) { return nil, errEncoded }

// MarshalJSON fails.
func (Text) MarshalJSON() ([]byte, error) { return nil, errEncoded }

// MarshalYAML fails.
func (Text) MarshalYAML() (any, error) { return nil, errEncoded }

// GobEncode fails.
func (Text) GobEncode() ([]byte, error) { return nil, errEncoded }

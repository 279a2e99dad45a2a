package sallyport

import (
	"crypto/rand"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ID names one stored thing for ever: a prefix that tells its kind, and 26 random characters.
type ID string

// NewID makes an ID with the given prefix: "crd" a credential, "flw" a flow, "src" a source, "dst" a dataset's destination, "set" a dataset,
// "tok" an API token.
func NewID(prefix string) ID { return ID(prefix + "_" + strings.ToLower(rand.Text())) }

// Now is the present in UTC, cut to microseconds: what both databases can hold.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// MaxNameLength bounds the names that people give to credentials, flows and destinations, in characters.
const MaxNameLength = 100

// unsuitable are the characters that break a line or end one.
var unsuitable = regexp.MustCompile(`[\p{Cc}\p{Zl}\p{Zp}]`)

// NormalName returns a name in the one way of writing its characters in which it is stored and compared: "é" may be typed as one character
// or as two.
func NormalName(name string) string { return norm.NFC.String(name) }

// CheckName says what is wrong with a name that a person gave in the named field. Names are shown, so they must be visible, of one line, and
// read in the order in which they are written: characters that turn the direction of text can make one name look like another.
func CheckName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return FieldErrorf(field, "must not be empty")
	case name != strings.TrimSpace(name):
		return FieldErrorf(field, "must not begin or end with a space")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return FieldErrorf(field, "is longer than %d characters", MaxNameLength)
	case !utf8.ValidString(name) || unsuitable.MatchString(name):
		return FieldErrorf(field, "must be one line of readable text")
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }):
		return FieldErrorf(field, "must not contain characters that change the direction of text; type the name again instead of pasting it")
	case !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }):
		return FieldErrorf(field, "must contain a visible character")
	}
	return nil
}

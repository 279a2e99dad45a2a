package sallyport

import (
	"crypto/rand"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
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

var control = regexp.MustCompile(`[\p{Cc}\p{Zl}\p{Zp}]`)

// CheckName says what is wrong with a name that a person gave in the named field. Names are shown, so they must be visible and of one line.
func CheckName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return FieldErrorf(field, "must not be empty")
	case name != strings.TrimSpace(name):
		return FieldErrorf(field, "must not begin or end with a space")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return FieldErrorf(field, "is longer than %d characters", MaxNameLength)
	case !utf8.ValidString(name) || control.MatchString(name):
		return FieldErrorf(field, "must be one line of readable text")
	}
	return nil
}

package sallyport

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Unnamed stands in an error for a wrong name that is not repeated.
const Unnamed = "[not repeated: it may be a key]"

// maxName and maxWord are the characters of the longest name that an error repeats, and of one word within it; a shorter name than minKey always is.
const (
	maxName = 40
	maxWord = 24
	minKey  = 16
)

var (
	// worded is what people call things: words and small numbers.
	worded   = regexp.MustCompile(`^\pL*\d{0,4}(?:[-_ .'/@:]+\pL*\d{0,4})*$`)
	longWord = regexp.MustCompile(fmt.Sprintf(`\pL{%d}`, maxWord+1))
	itsOwnID = regexp.MustCompile(`^[a-z]{3}_[a-z2-7]{26}$`)
)

// Repeatable reports whether an error may repeat a name that is wrong. A name that is long or has the form of a key is perhaps a key that was
// pasted into the wrong place, and errors end up in logs, tickets and chats.
func Repeatable(name string) bool {
	switch n := utf8.RuneCountInString(name); {
	case n < minKey || itsOwnID.MatchString(name):
		return true
	case n > maxName:
		return false
	}
	return worded.MatchString(name) && !longWord.MatchString(name)
}

// Quoted returns a wrong name for an error: in quotation marks if it is [Repeatable], else [Unnamed].
func Quoted(name string) string {
	if !Repeatable(name) {
		return Unnamed
	}
	return fmt.Sprintf("%q", name)
}

// QuotedPath returns the path of a URL that leads nowhere for an error: as it is if all of its parts are [Repeatable], else [Unnamed].
func QuotedPath(path string) string {
	if slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return !Repeatable(part) }) {
		return Unnamed
	}
	return path
}

// Member returns the field of an error about a name within a map: the map itself if the name is not [Repeatable].
func Member(field, name string) string {
	if !Repeatable(name) {
		return field
	}
	return strings.TrimPrefix(field+"."+name, ".")
}

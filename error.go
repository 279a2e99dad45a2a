package sallyport

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code says what kind of thing went wrong. Every face of Sallyport maps it: the command line to an exit code, HTTP to a status.
type Code string

// The codes an [Error] can carry.
const (
	Invalid         Code = "invalid"         // what was asked is wrong in itself
	NotFound        Code = "not_found"       // it names something that is not there
	Conflict        Code = "conflict"        // it is right in itself, but not with what is there
	Unauthenticated Code = "unauthenticated" // a credential was refused
	Forbidden       Code = "forbidden"       // the credential was taken, but its plan or role does not allow this
	Limited         Code = "limited"         // a quota is used up; Error.Until says until when, if that is known
	Upstream        Code = "upstream"        // the other system is broken or unreachable
	Internal        Code = "internal"        // a fault of Sallyport, or of what it stands on
)

// Error is an error with a sentence for a person. Its Message never holds a secret and never a rejected value of a secret field.
type Error struct {
	Code    Code
	Field   string    // the field, parameter or place (file:line:column) it is about; may be empty
	Message string    // what happened, to which thing, and what to do next
	Until   time.Time // for Limited: when to try again; zero if unknown
	Err     error     // the cause, for logs; may be nil
}

// Error returns the sentence, led by the field it is about.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an [Error] without a field. A %w among the arguments becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// FieldErrorf makes an [Invalid] error about one field.
func FieldErrorf(field, format string, args ...any) *Error {
	e := Errorf(Invalid, format, args...)
	e.Field = field
	return e
}

// CodeOf returns the code of the first [Error] in err's chain, [Internal] for any other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Nearest returns the candidate most like name for a "did you mean", or "" when none is close enough to be meant.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", len(name)/3+2
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Unknown is the error for a name that is none of the candidates: it names the nearest right one, or all of them when few.
func Unknown(field, kind, name string, candidates []string) *Error {
	hint := ""
	switch near := Nearest(name, candidates); {
	case near != "":
		hint = fmt.Sprintf("; did you mean %q?", near)
	case len(candidates) > 0 && len(candidates) <= 12:
		hint = "; it is one of " + strings.Join(candidates, ", ")
	}
	if field == name { // of a map, such as parameters
		field = Member("", name)
	}
	return FieldErrorf(field, "there is no %s %s%s", kind, Quoted(name), hint)
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

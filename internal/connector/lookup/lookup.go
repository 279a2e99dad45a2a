// Package lookup asks about a list of values one by one.
//
// Every value comes to an answer, exactly once however often and in whatever spelling it is listed: found, with what was found, or one
// record that says why there is nothing. What is known from before costs no call.
package lookup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// The states of an answer.
const (
	Found    = "found"
	NotFound = "not_found" // an answer as well: the system does not know the value
	Refused  = "refused"   // the system does not take this value
	Skipped  = "skipped"   // it was not asked about
)

// The fields that every record has, before those of the answer.
const (
	FieldAsked  = "asked" // the value as it was asked about; as it is listed, if it was not
	FieldState  = "state"
	FieldReason = "reason" // of a value that was refused or skipped
)

// Config is what a source is opened with. Name, List and Ask are needed.
type Config struct {
	Name string // the field that holds the value where nothing was found
	List List
	// Clean brings a value into the spelling that is asked about, or says why it is not. Nil: values are asked about as they are listed.
	Clean func(text string) (value, reason string)
	// Ask opens the call about one value.
	Ask func(value string) (connector.Source, error)
	// Done is called when nothing more is asked. Nil: it is not.
	Done  func()
	Cache Cache  // nil: nothing is kept
	Scope string // what an answer depends on besides the value
	Ages  connector.Ages
	// MaxAge is how old a kept answer may be, instead of what Ages says. Nil: as Ages says.
	MaxAge *sallyport.Duration
}

// Cache keeps answers.
type Cache interface {
	// Lookup returns what is kept under an id. Its State is "" if nothing is.
	Lookup(ctx context.Context, id string) (sallyport.Lookup, error)
	KeepLookups(ctx context.Context, all []sallyport.Lookup) error
}

// Source asks about a list. It may be used concurrently.
type Source struct{ Config }

// New makes a source. It asks nothing, and does not look at the list.
func New(c Config) *Source {
	if c.Clean == nil {
		c.Clean = func(text string) (string, string) { return text, "" }
	}
	if c.Done == nil {
		c.Done = func() {}
	}
	return &Source{c}
}

// Pages answers value after value. A page is one call, or some answers that cost none. Its cursor is the place in the list where it
// begins, and the state of the list: one that was changed meanwhile is an error.
func (s *Source) Pages(ctx context.Context, cursor string) iter.Seq2[*connector.Page, error] {
	return func(yield func(*connector.Page, error) bool) {
		defer s.Done()
		w, err := s.begin(ctx, cursor)
		if err != nil {
			yield(nil, err)
			return
		}
		defer w.stop()
		for more := true; more; {
			page, err := w.page(ctx)
			if kept := w.keep(ctx, err != nil || page.Next == ""); err == nil {
				err = kept
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more = yield(page, nil) && page.Next != ""
		}
		w.keep(context.WithoutCancel(ctx), true) // whoever does not want more pages has these; only calls are lost
	}
}

// id names what is kept about a value.
func (s *Source) id(value string) string {
	sum := sha256.Sum256([]byte(s.Scope + "\x00" + value))
	return hex.EncodeToString(sum[:20])
}

// age is how long an answer is good.
func (s *Source) age(l sallyport.Lookup) time.Duration {
	switch {
	case s.MaxAge != nil:
		return time.Duration(*s.MaxAge)
	case l.State == NotFound:
		return time.Duration(s.Ages.NotFound)
	case s.Ages.Field != "":
		if age, ok := s.Ages.Values[member(l.Records, s.Ages.Field)]; ok {
			return time.Duration(age)
		}
	}
	return time.Duration(s.Ages.Found)
}

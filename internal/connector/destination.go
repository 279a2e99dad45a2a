package connector

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/files"
)

// Target is what a destination is opened for.
type Target struct {
	ID      sallyport.ID     // of the destination: names its markers in the other system
	Dataset sallyport.ID     // where the batches come from
	Config  map[string]any   // checked and complete, as [Definition.CheckConfig] returns it
	Key     []string         // the fields that name a record of the dataset, if they are known
	Schema  sallyport.Schema // of the dataset, as far as it is known
	State   string           // what Commit returned last; "" the first time
	Epoch   string           // new whenever a person lets everything be delivered again, "" before that
	Records int64            // that were delivered in this epoch
	Flow    string           // the names that the command line knows it by: see [Target.Again]
	Name    string
	Files   OpenFiles `json:"-"` // opens the places of paths in the configuration

	// HashOf returns the hash of a batch and all before it in the dataset: equal hashes mean equal batches up to there. It is not found if the
	// dataset has no such batch. Nil trusts whatever is found at the destination.
	HashOf func(ctx context.Context, seq int64) (hash string, found bool, err error) `json:"-"`
}

// OpenFiles opens the place of a path: a folder, which the caller closes, and the name of the path's file in it. It decides whether the
// path may be used at all.
type OpenFiles func(ctx context.Context, path string) (in files.FS, name string, err error)

// Again is what a person enters to deliver everything to the destination again, for errors that only this ends.
func (t Target) Again() string {
	return "`sallyport flow deliver " + QuotedWord(t.Flow) + " --again " + QuotedWord(t.Name) + "`"
}

// QuotedWord quotes a name for a shell where that is needed.
func QuotedWord(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:/@+", r)
	}) && name[0] != '-' {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// Text returns a string of the configuration, "" if it is not there.
func (t Target) Text(name string) string {
	text, _ := t.Config[name].(string)
	return text
}

// List returns a list of the configuration, which is []any when it comes from JSON, nil if it is not there.
func (t Target) List(name string) []string { return Texts(t.Config[name]) }

// Texts returns a list of a configuration or of parameters, which is []any when it comes from JSON; nil if it is not there.
func Texts(list any) []string {
	switch list := list.(type) {
	case []string:
		return list
	case []any:
		texts := make([]string, len(list))
		for i, v := range list {
			texts[i] = fmt.Sprint(v)
		}
		return texts
	}
	return nil
}

// OpenDestination opens a destination where it was last committed: whatever it wrote after that is undone or will be recognised.
type OpenDestination func(ctx context.Context, target Target) (Destination, error)

// Destination takes the batches of one dataset, in order. It is used by one goroutine at a time.
type Destination interface {
	// Write takes a batch. Its records need not be durable before Commit. An error means that the batch, and all since the last
	// Commit, must be assumed not to be there; a record that does not fit is no error but rejected.
	Write(ctx context.Context, batch Batch) (Result, error)
	// Commit makes everything since the last Commit durable, and returns what Open needs to go on exactly there.
	Commit(ctx context.Context) (state string, err error)
	// Close lets go of what Open took. It does not commit.
	Close() error
}

// Behind is the error of a destination that is at an earlier commit of the same history than its state says, as after a backup of it was
// restored. With State it goes on there, with the batches after Seq.
type Behind struct {
	Seq   int64
	State string
}

// Error says where the destination is.
func (b *Behind) Error() string {
	return fmt.Sprintf("the destination was set back to batch %d; what came after that is delivered again", b.Seq)
}

// Batch is one batch of a dataset.
type Batch struct {
	Seq     int64
	Hash    string           // of this batch and all before it in the dataset
	Records iter.Seq[[]byte] // each a JSON object without line breaks, valid until the next; can be read again, even meanwhile
	// Replayed says that a person wants these records tried again, which were rejected before.
	Replayed bool
}

// RecordsUntil yields the records until the context is done, which it looks at now and then.
func (b Batch) RecordsUntil(ctx context.Context) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := 0
		for record := range b.Records {
			if i%256 == 0 && ctx.Err() != nil || !yield(record) {
				return
			}
			i++
		}
	}
}

// Result is what became of a batch.
type Result struct {
	Accepted int64
	Rejected []Rejection
	Repeated bool // the batch had been committed there before, and was left out; Rejected is what it was then
}

// Rejection is a record that did not fit.
type Rejection struct {
	Index  int    // within the batch, from 0
	Reason string // for a person: what about the record does not fit, without its values
}

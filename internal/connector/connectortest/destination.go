// Package connectortest holds what every destination must do, as tests that each package with a destination runs.
package connectortest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// Harness is what the suite must know of a kind of destination. Each test asks it for a place of its own.
type Harness struct {
	Open connector.OpenDestination

	// Config returns the configuration of a new, empty place.
	Config func(t *testing.T) map[string]any

	// Read returns what a reader finds in the place, in the order in which it was written.
	Read func(t *testing.T, config map[string]any) []Row

	// Unwritable returns the configuration of a place that cannot be written, and the name of it that the error must hold.
	Unwritable func(t *testing.T) (config map[string]any, name string)

	// Misfit is a record whose text "hidden" must not be in the reason for its rejection. Empty: every record fits.
	Misfit string

	// KeepsNull says that a null is told from a field that is not there.
	KeepsNull bool
}

// Fields are all fields of the records that the suite writes, for destinations that must be told.
func Fields() []string {
	return []string{"id", "text", "nested", "list", "yes", "integer", "big", "huge", "decimal", "long", "++code", "a \"b\".c"}
}

// Destination runs the suite. Records are written with the fields of [Fields], and "id" is their key.
func Destination(t *testing.T, h Harness) {
	if c, ok := crashAsked(); ok {
		c.happen(t, h)
		return
	}
	tests := cases(h)
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) { tests[name](newPlace(t, h)) })
	}
}

func cases(h Harness) map[string]func(*place) {
	all := map[string]func(*place){
		"order is kept":                      order,
		"several commits":                    severalCommits,
		"empty batches":                      emptyBatches,
		"ten thousand records":               tenThousand,
		"values":                             values,
		"null and absent":                    nullAndAbsent,
		"closed without commit":              closedWithoutCommit,
		"state of the last commit lost":      stateLost,
		"state of the very first lost twice": firstStateLostTwice,
		"cancelled before a write":           cancelledBefore,
		"cancelled during a write":           cancelledDuring,
		"cancelled before a commit":          cancelledCommit,
		"used on after an error":             usedAfterError,
		"unwritable place":                   unwritable,
	}
	for _, point := range []string{crashInWrite, crashAfterWrite, crashAfterCommit, crashOnFullDisk} {
		all[point+", first delivery"] = func(p *place) { crashFirst(p, point) }
		all[point+", later delivery"] = func(p *place) { crashLater(p, point) }
	}
	if h.Misfit != "" {
		all["rejected records"] = rejected
	}
	return all
}

// place is one place under test, and the destination that is open for it.
type place struct {
	*testing.T
	harness Harness
	target  connector.Target
	open    connector.Destination
}

func newPlace(t *testing.T, h Harness) *place {
	p := &place{T: t, harness: h, target: connector.Target{
		ID: sallyport.NewID("dst"), Dataset: sallyport.NewID("set"), Config: h.Config(t), Key: []string{"id"},
	}}
	t.Cleanup(p.close)
	return p
}

// reopen closes what is open and opens the place with a state.
func (p *place) reopen(state string) {
	p.Helper()
	p.close()
	p.target.State = state
	var err error
	if p.open, err = p.harness.Open(p.Context(), p.target); err != nil {
		p.open = nil
		p.Fatalf("open: %v", err)
	}
}

func (p *place) close() {
	p.Helper()
	if p.open == nil {
		return
	}
	if err := p.open.Close(); err != nil {
		p.Errorf("close: %v", err)
	}
	p.open = nil
}

// write writes a batch that must be taken as a whole.
func (p *place) write(seq int64, records ...string) {
	p.Helper()
	result, err := p.open.Write(p.Context(), batch(seq, records...))
	if err != nil {
		p.Fatalf("write batch %d: %v", seq, err)
	}
	want := connector.Result{Accepted: int64(len(records))}
	if result.Repeated {
		want = connector.Result{Repeated: true}
	}
	if diff := cmp.Diff(want, result); diff != "" {
		p.Fatalf("result of batch %d (-want +got):\n%s", seq, diff)
	}
}

func (p *place) commit() (state string) {
	p.Helper()
	state, err := p.open.Commit(p.Context())
	if err != nil {
		p.Fatalf("commit: %v", err)
	}
	return state
}

// has closes what is open and compares what a reader finds.
func (p *place) has(records ...string) {
	p.Helper()
	p.close()
	p.shows(records...)
}

// shows compares what a reader finds while the destination is open.
func (p *place) shows(records ...string) {
	p.Helper()
	var want []Row
	for _, r := range records {
		want = append(want, RowOf(p.T, r, p.harness.KeepsNull))
	}
	got := p.harness.Read(p.T, p.target.Config)
	if !slices.EqualFunc(want, got, maps.Equal[Row, Row]) {
		p.Fatalf("what was written and what is there (-want +got):\n%.4000s", cmp.Diff(want, got))
	}
}

func batch(seq int64, records ...string) connector.Batch {
	return connector.Batch{Seq: seq, Records: func(yield func([]byte) bool) {
		var line []byte
		for _, r := range records {
			line = append(line[:0], r...) // a record is valid only until the next
			if !yield(line) {
				return
			}
		}
	}}
}

// numbered makes the records from one id to another, both included.
func numbered(from, to int) (records []string) {
	for id := from; id <= to; id++ {
		records = append(records, fmt.Sprintf(`{"id":%d,"text":"host-%d.example.net","nested":{"org":"Example Org %d"},"list":["a","b"]}`,
			id, id, id%97))
	}
	return records
}

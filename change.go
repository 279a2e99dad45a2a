package sallyport

// ChangeField is the name of the field that says what became of a record since the last pull. It is the first of a record that has it.
const ChangeField = "_change"

// RawField is the name of the field that holds the original of a record, where a source keeps it. It is the last one.
const RawField = "_raw"

// Change says what became of a record since the last pull.
type Change string

// The changes of a record.
const (
	ChangeNew       Change = "new"       // it was never seen, or so long ago that nothing is known of it
	ChangeChanged   Change = "changed"   // a field that matters is another
	ChangeRetired   Change = "retired"   // its field retired was empty, and is not any more
	ChangeReturned  Change = "returned"  // it was retired or had vanished, and is there as it should be
	ChangeVanished  Change = "vanished"  // a pull of everything did not have it any more
	ChangeUnchanged Change = "unchanged" // nothing that matters is another
)

// MaxConfirm is the largest [Source].Confirm.
const MaxConfirm = 3

// RetiredField is the name of the field of a record that says that it does not count any more.
const RetiredField = "retired"

// The values of [Source].Emit. Empty is the default: changes where an endpoint has a key and is pulled whole, else every record as it came.
const (
	EmitChanges = "changes" // the records that changed, and how
	EmitAll     = "all"     // every record, and how it changed where it has a key
)

// Changes counts records by what became of them.
type Changes struct {
	New       int64 `json:"new"`
	Changed   int64 `json:"changed"`
	Retired   int64 `json:"retired"`
	Returned  int64 `json:"returned"`
	Vanished  int64 `json:"vanished"`
	Unchanged int64 `json:"unchanged"`
	Missing   int64 `json:"missing,omitzero"` // that the pull did not have, but that have not vanished before it is confirmed
}

// Of is where one kind of change is counted, nil for a word that is none.
func (c *Changes) Of(change Change) *int64 {
	switch change {
	case ChangeNew:
		return &c.New
	case ChangeChanged:
		return &c.Changed
	case ChangeRetired:
		return &c.Retired
	case ChangeReturned:
		return &c.Returned
	case ChangeVanished:
		return &c.Vanished
	case ChangeUnchanged:
		return &c.Unchanged
	}
	return nil
}

// Add adds what another one counted.
func (c *Changes) Add(more Changes) {
	for _, change := range []Change{ChangeNew, ChangeChanged, ChangeRetired, ChangeReturned, ChangeVanished, ChangeUnchanged} {
		*c.Of(change) += *more.Of(change)
	}
	c.Missing += more.Missing
}

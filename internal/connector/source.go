package connector

import (
	"context"
	"iter"
)

// Source reads records from a system.
type Source interface {
	// Pages reads page after page, beginning at a cursor: "" is the beginning. A page must be read before the next is asked for.
	// An error is the last thing it yields. What a caller does not read costs no request.
	Pages(ctx context.Context, cursor string) iter.Seq2[*Page, error]
}

// MaxBarren is how many barren pages in a row end a list as incomplete: it would not end.
const MaxBarren = 10

// BarrenReason says why such a list is incomplete.
const BarrenReason = "10 pages in a row had no new record and still named a next page"

// Page is one answer, while it is being read.
type Page struct {
	// Records yields each record as one JSON value without line breaks, valid until the next one. It can be read once.
	// A value may be anything that stood where the records are, an object or not. An error is the last thing it yields.
	Records iter.Seq2[[]byte, error]
	// Flaw says why the value that Records has just yielded is no record, where that is known better than from its kind.
	Flaw string
	// Refused says why the record that Records has just yielded belongs in quarantine although it is an object, "" if it does not.
	Refused string
	// Next is the cursor of the page after this one, "" if this is the last. It is known once Records was read to its end.
	Next string
	// Commit says that this page must be committed before the next one is asked for, and that nothing may come between the two.
	Commit bool
	// Resume is the cursor at which the next run begins once this page is committed, known when Next is. "": it begins as this one did.
	Resume string
	// Incomplete says why the source does not give everything, "" if it does: the system ends a list that has more. It is known once Records
	// was read to its end. What such a pull does not give has not vanished.
	Incomplete string
	// Warnings are doubts about a source that ended well, for example that its system may have more pages. They are known when Incomplete is.
	Warnings []string
	// Barren says that it had no new record, though it names a next page. It is known when Next is.
	Barren bool
	// Replaced is how many half characters, which no text may have, became U+FFFD in what Records has yielded so far. The run warns of them.
	Replaced int64
	// Free says that it cost no call: its records were known.
	Free bool
}

package engine

import (
	"fmt"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// minRejects is how many records of a run a destination must have had before the share that it rejects means anything.
const minRejects = 100

// count adds a batch to the tally of its run, and fails when the destination rejects too much of that: nothing since the last commit is
// written or put into quarantine then. Records that come from quarantine were rejected before, and do not count.
func (d *delivery) count(t *sallyport.RunTally, b sallyport.Batch, rejected []connector.Rejection) error {
	if b.RunID == 0 || d.RejectLimit == 0 {
		return nil
	}
	if t.RunID != b.RunID {
		*t = sallyport.RunTally{RunID: b.RunID}
	}
	t.Records += b.Records
	t.Rejected += int64(len(rejected))
	if t.Records < minRejects || t.Rejected*100 <= t.Records*int64(d.RejectLimit) {
		return nil
	}
	reason, times := mostFrequent(rejected)
	return sallyport.Errorf(sallyport.Conflict, "%d of the %d records of run %d so far do not fit, more than the %d %% that reject_limit allows; "+
		"most often (%d of %d times in batch %d): %s; none of this batch was written or put into quarantine; "+
		"fix the configuration of the destination, then run %s", t.Rejected, t.Records, b.RunID, d.RejectLimit, times, len(rejected), b.Seq, reason,
		fmt.Sprintf("`sallyport flow deliver %s`", connector.QuotedWord(d.flow.Name)))
}

// mostFrequent is the reason that most of the rejected records have, the first of several, and how many have it.
func mostFrequent(rejected []connector.Rejection) (reason string, times int) {
	n := map[string]int{}
	for _, r := range rejected {
		n[r.Reason]++
	}
	for _, r := range rejected {
		if n[r.Reason] > times {
			reason, times = r.Reason, n[r.Reason]
		}
	}
	return reason, times
}

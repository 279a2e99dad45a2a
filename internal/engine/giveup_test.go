package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// faulted is a job that ended in faults so long ago each.
func faulted(ago ...time.Duration) *rivertype.JobRow {
	job := &rivertype.JobRow{Attempt: len(ago) + 1, MaxAttempts: 25}
	for _, d := range ago {
		job.Errors = append(job.Errors, rivertype.AttemptError{At: time.Now().Add(-d)})
	}
	return job
}

// TestGivingUp ends the execution of a job with a fault of the database.
func TestGivingUp(t *testing.T) {
	old := make([]time.Duration, 23)
	for i := range old {
		old[i] = 2 * time.Hour
	}
	for name, c := range map[string]struct {
		faults  []time.Duration // before
		givesUp bool
		pause   time.Duration // otherwise
	}{
		"first":             {nil, false, time.Second},
		"fourth":            {[]time.Duration{6 * time.Minute, 2 * time.Minute, time.Minute}, false, 256 * time.Second},
		"fifth":             {[]time.Duration{7 * time.Minute, 6 * time.Minute, 5 * time.Minute, 4 * time.Minute}, true, 0},
		"first after weeks": {old, false, time.Second},
		"last attempt":      {append(old, 2*time.Hour), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			job, fault := faulted(c.faults...), errors.New("the disk is full")
			for _, broken := range []error{nil, errors.New("still full")} {
				gaveUp := false
				err := outcome(t.Context(), job, fault, func(string) error { gaveUp = true; return broken })
				_, sleeps := errors.AsType[*river.JobSnoozeError](err)
				if gaveUp != c.givesUp || (err == fault) == gaveUp || sleeps != (gaveUp && broken != nil) {
					t.Errorf("gave up %v (%v): %v", gaveUp, broken, err)
				}
			}
			next := (&ingestWorker{}).NextRetry(&river.Job[ingestArgs]{JobRow: job})
			if left := time.Until(next); !c.givesUp && (left > c.pause || left < c.pause-time.Second) {
				t.Errorf("tried again in %s, want %s", left, c.pause)
			}
		})
	}
}

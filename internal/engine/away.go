package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// How long a run waits for a system that is away: the first pause, which doubles with every attempt that fails, up to the longest.
const (
	awayFirst = time.Minute
	awayMost  = 30 * time.Minute
)

// mayPass tells whether what stopped a run may pass, so that the same request can be sent again later.
func mayPass(cause error) bool {
	f, ok := errors.AsType[*connector.Failure](cause)
	return ok && f.Class == connector.ClassTransient && (f.Again || f.Cut)
}

// waitsForHost lets a run wait for its system, from the first failed attempt after its last page on until patience ends. It tells whether it
// waits. A run that was started by hand and never got an answer does not wait where nothing can be connected to: whoever started it is there.
func (in *ingestion) waitsForHost(run *sallyport.Run, cause error) bool {
	now := sallyport.Now()
	f, _ := errors.AsType[*connector.Failure](cause)
	if run.ByHand && run.Attempts == 0 && run.Pages == 0 && f.Unsent {
		return false
	}
	if run.GivesUpAt.IsZero() {
		run.GivesUpAt = now.Add(in.Patience)
	}
	if !now.Before(run.GivesUpAt) {
		run.Error += fmt.Sprintf("; gave up after %d attempts within %s", run.Attempts+1, sallyport.Duration(in.Patience))
		return false
	}
	run.Attempts++
	run.State, run.WaitUntil = sallyport.RunWaiting, now.Add(backoff(run.Attempts, awayFirst, awayMost))
	if f.Until.After(run.WaitUntil) { // the system says when it is back
		run.WaitUntil = f.Until.UTC().Truncate(time.Microsecond)
	}
	if run.WaitUntil.After(run.GivesUpAt) {
		run.WaitUntil = run.GivesUpAt
	}
	return true
}

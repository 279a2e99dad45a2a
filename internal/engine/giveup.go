package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// A job is tried again after a fault of our own store, with pauses that grow, from a second on: some six minutes altogether.
const (
	maxFaults  = 5
	faultsWith = time.Hour // older ones are no part of it
)

// outcome is what an execution that ended with err says to the queue. What goes wrong with a run or a delivery is written there, not here:
// an error that comes to here is one of our own store, or a panic, and the queue tries the job again. When that was to no avail, giveUp ends what the job
// works.
func outcome(ctx context.Context, job *rivertype.JobRow, err error, giveUp func(reason string) error) error {
	_, snooze := errors.AsType[*river.JobSnoozeError](err)
	switch {
	case ctx.Err() != nil || errors.Is(err, store.ErrFenced):
		return again
	case err == nil || snooze || recentFaults(job, time.Now())+1 < maxFaults && job.Attempt < job.MaxAttempts:
		return err
	}
	what := "the database of Sallyport"
	if _, ok := errors.AsType[*crash](err); ok {
		what = "Sallyport itself"
	}
	if giveUp(fmt.Sprintf("%s failed %d times: %v", what, maxFaults, err)) != nil {
		return river.JobSnooze(pause(job, time.Now())) // no error, or the queue could drop the job, and leave the run without one
	}
	return nil
}

// crash is a panic. The queue keeps its text, so no secret is in it.
type crash struct{ what string }

func (c *crash) Error() string {
	return fmt.Sprintf("a fault in the program (%s), please report it; the log has more", c.what)
}

// guarded makes an error of a panic, so that it does not come again and again without anybody being told.
func (e *Engine) guarded(ctx context.Context, work func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			e.Log.ErrorContext(ctx, "a job panicked", "panic", what, "stack", string(debug.Stack()))
			err = &crash{e.Redactor.String(fmt.Sprint(what))}
		}
	}()
	return work()
}

// pause is how long a job rests after a fault. Faults of long ago make it no longer: a job may live for weeks.
func pause(job *rivertype.JobRow, now time.Time) time.Duration {
	n := time.Duration(recentFaults(job, now) + 1)
	return n * n * n * n * time.Second
}

// recentFaults counts the executions of a job that ended in an error. Those that a crash ended are none.
func recentFaults(job *rivertype.JobRow, now time.Time) (n int) {
	for _, e := range job.Errors {
		if now.Sub(e.At) < faultsWith {
			n++
		}
	}
	return n
}

// giveUpRun ends the unfinished run of a flow as failed. What it had committed stays, and is delivered.
func (e *Engine) giveUpRun(ctx context.Context, job *river.Job[ingestArgs], reason string) error {
	e.Log.ErrorContext(ctx, "run given up", "flow", job.Args.Flow, "error", reason)
	defer e.signal.send()
	return e.Store.InTx(ctx, func(tx *store.Tx) error {
		run, err := tx.UnfinishedRun(ctx, job.Args.Flow)
		if err == nil && run.State != sallyport.RunDelivering && run.State != sallyport.RunHeld {
			if err := e.release(ctx, tx, &run); err != nil {
				return err
			}
			run.State, run.Code, run.Error = sallyport.RunDelivering, sallyport.Internal, e.Redactor.String(reason)
			if err = tx.UpdateRun(ctx, run); err == nil {
				_, _, err = tx.SettleRun(ctx, run.FlowID)
			}
		}
		if err != nil && sallyport.CodeOf(err) != sallyport.NotFound {
			return err
		}
		return complete(ctx, tx, job)
	})
}

// giveUpDelivery ends a delivery as failed.
func (e *Engine) giveUpDelivery(ctx context.Context, job *river.Job[deliverArgs], reason string) error {
	e.Log.ErrorContext(ctx, "delivery given up", "destination", job.Args.Destination, "error", reason)
	defer e.signal.send()
	return e.Store.InTx(ctx, func(tx *store.Tx) error {
		destination, err := tx.Destination(ctx, job.Args.Destination)
		if sallyport.CodeOf(err) == sallyport.NotFound {
			return complete(ctx, tx, job)
		}
		if err != nil {
			return err
		}
		row, err := tx.StartDelivery(ctx, destination.ID)
		if err != nil {
			return err
		}
		if err := tx.FinishDelivery(ctx, row.ID, sallyport.RunFailed, sallyport.Internal, e.Redactor.String(reason)); err != nil {
			return err
		}
		if _, _, err := tx.SettleRun(ctx, destination.FlowID); err != nil {
			return err
		}
		return complete(ctx, tx, job)
	})
}

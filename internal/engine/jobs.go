package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// The queues. They are two, so that deliveries never wait for sources that wait for their quota.
const (
	ingestQueue  = "ingest"
	deliverQueue = "deliver"
)

// once lets a job be queued again only when it is over.
var once = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}}

// ingestArgs is the job that pulls what is left of a flow's unfinished run.
type ingestArgs struct {
	Flow sallyport.ID `json:"flow"`
}

func (ingestArgs) Kind() string { return "ingest" }

func (ingestArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ingestQueue, UniqueOpts: once}
}

// deliverArgs is the job that brings a destination up to the end of its dataset.
type deliverArgs struct {
	Destination sallyport.ID `json:"destination"`
}

func (deliverArgs) Kind() string { return "deliver" }

func (deliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: deliverQueue, UniqueOpts: once}
}

type ingestWorker struct {
	river.WorkerDefaults[ingestArgs]
	engine *Engine
}

// Work ends with the job done, or put to sleep. What goes wrong with the run is written into the run, not into the job.
func (w *ingestWorker) Work(ctx context.Context, job *river.Job[ingestArgs]) error {
	e := w.engine
	host := func(ctx context.Context) string { return e.sourceHost(ctx, job.Args.Flow) }
	err := e.guarded(ctx, func() error {
		return e.within(ctx, e.ingests, host, func() error { return e.ingest(ctx, job) })
	})
	return outcome(ctx, job.JobRow, err, func(reason string) error { return e.giveUpRun(ctx, job, reason) })
}

// NextRetry is when a job is tried again after a fault.
func (w *ingestWorker) NextRetry(job *river.Job[ingestArgs]) time.Time {
	return time.Now().Add(pause(job.JobRow, time.Now()))
}

type deliverWorker struct {
	river.WorkerDefaults[deliverArgs]
	engine *Engine
}

func (w *deliverWorker) Work(ctx context.Context, job *river.Job[deliverArgs]) error {
	e := w.engine
	host := func(ctx context.Context) string { return e.targetHost(ctx, job.Args.Destination) }
	err := e.guarded(ctx, func() error {
		return e.within(ctx, e.deliveries, host, func() error { return e.deliver(ctx, job) })
	})
	return outcome(ctx, job.JobRow, err, func(reason string) error { return e.giveUpDelivery(ctx, job, reason) })
}

// NextRetry is when a job is tried again after a fault.
func (w *deliverWorker) NextRetry(job *river.Job[deliverArgs]) time.Time {
	return time.Now().Add(pause(job.JobRow, time.Now()))
}

// again ends a job's execution, and lets the next one begin at once: its slice is over, the program stops, or another execution has
// claimed its source or destination, and this one must look anew.
var again = river.JobSnooze(0)

// enqueue queues a job, in the transaction that made it due, unless it is queued already. One that sleeps goes on sleeping unless it is to
// be woken.
func (e *Engine) enqueue(ctx context.Context, tx *store.Tx, job river.JobArgs, wake bool) error {
	queued, err := e.jobs.InsertTx(ctx, tx.SQL(), job, nil)
	if err == nil && wake && queued.UniqueSkippedAsDuplicate && queued.Job.State == rivertype.JobStateScheduled {
		_, err = e.jobs.JobRetryTx(ctx, tx.SQL(), queued.Job.ID)
	}
	return err
}

// EnqueueDeliveries queues the deliveries of a flow's destinations, unless they are queued already. One that has failed waits for the next
// run: it would fail again.
func (e *Engine) EnqueueDeliveries(ctx context.Context, tx *store.Tx, flowID sallyport.ID) error {
	flow, err := tx.Flow(ctx, flowID)
	if err != nil {
		return err
	}
	for _, d := range flow.Destinations {
		if d.Error != "" {
			continue
		}
		if err := e.enqueue(ctx, tx, deliverArgs{d.ID}, false); err != nil {
			return err
		}
	}
	return nil
}

// complete ends a job in the transaction that ends its work: what is due after that queues a new one.
func complete[T river.JobArgs](ctx context.Context, tx *store.Tx, job *river.Job[T]) error {
	_, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx.SQL(), job)
	return err
}

// sleep ends a job in the transaction that says until when its work waits, and queues one for then: whoever sees that it waits can wake it.
func sleep[T river.JobArgs](ctx context.Context, e *Engine, tx *store.Tx, job *river.Job[T], until time.Time) error {
	if err := complete(ctx, tx, job); err != nil {
		return err
	}
	_, err := e.jobs.InsertTx(ctx, tx.SQL(), job.Args, &river.InsertOpts{ScheduledAt: until})
	return err
}

// putOff are the jobs that a wrong clock has put off: they were put to sleep at a time that is still to come.
const putOff = `state IN ('available', 'scheduled', 'retryable') AND unixepoch(scheduled_at) > $1 AND unixepoch(coalesce(attempted_at, created_at)) > $1`

// wakeEarly makes jobs due now that a wrong clock has put off. What they wait for is decided anew.
func (e *Engine) wakeEarly(ctx context.Context, now time.Time) error {
	n, latest := 0, now.Add(clockSlack).Unix()
	err := e.Store.SQL().QueryRowContext(ctx, "SELECT count(*) FROM river_job WHERE "+putOff, latest).Scan(&n)
	if err == nil && n > 0 {
		err = e.Store.InTx(ctx, func(tx *store.Tx) error { return e.wakeAll(ctx, tx, now, latest) })
	}
	if err != nil {
		return fmt.Errorf("the jobs that a wrong clock has put off cannot be woken: %w", err)
	}
	return nil
}

func (e *Engine) wakeAll(ctx context.Context, tx *store.Tx, now time.Time, latest int64) error {
	rows, err := tx.SQL().QueryContext(ctx, `UPDATE river_job SET state = 'available', scheduled_at = $2, created_at = $2,
		attempted_at = CASE WHEN attempted_at IS NULL THEN NULL ELSE $2 END WHERE `+putOff+
		` RETURNING coalesce(json_extract(args, '$.flow'), ''), coalesce(json_extract(args, '$.destination'), '')`,
		latest, now.UTC().Format("2006-01-02 15:04:05.000"))
	if err != nil {
		return err
	}
	defer rows.Close()
	var flows, destinations []sallyport.ID
	for rows.Next() {
		var flow, destination sallyport.ID
		if err := rows.Scan(&flow, &destination); err != nil {
			return err
		}
		flows, destinations = append(flows, flow), append(destinations, destination)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range flows {
		if destinations[i] != "" {
			_, err = tx.WakeDelivery(ctx, destinations[i])
		} else {
			err = e.wakeRun(ctx, tx, flows[i], func(r sallyport.Run) bool { return r.State == sallyport.RunWaiting && !r.WaitsForKey() })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clockSlack is how far clocks may go back without being wrong.
const clockSlack = 5 * time.Second

// StartRun begins a run of a flow, in the caller's transaction. Where an unfinished run is left, that one goes on instead: at once, unless it
// waits for a quota.
func (e *Engine) StartRun(ctx context.Context, tx *store.Tx, flowID sallyport.ID) (run sallyport.Run, resumed bool, err error) {
	run, err = tx.UnfinishedRun(ctx, flowID)
	resumed = err == nil
	if sallyport.CodeOf(err) == sallyport.NotFound {
		run, err = tx.InsertRun(ctx, flowID)
	}
	if err != nil {
		return run, false, err
	}
	wake := !resumed || run.WaitsForHost()
	if run.WaitsForKey() || run.WaitsForHost() { // one call shows whether it is good now
		run.State, run.WaitUntil, run.Code, run.Error = sallyport.RunQueued, time.Time{}, "", ""
		if err := tx.UpdateRun(ctx, run); err != nil {
			return run, resumed, err
		}
	}
	if run.State != sallyport.RunDelivering && run.State != sallyport.RunHeld {
		if err := e.enqueue(ctx, tx, ingestArgs{flowID}, wake); err != nil { // one may sleep for an earlier run
			return run, resumed, err
		}
	}
	if err := e.Deliver(ctx, tx, flowID); err != nil {
		return run, resumed, err
	}
	if settled, ok, err := tx.SettleRun(ctx, flowID); err != nil || ok {
		return settled, resumed, err // there was nothing left to do
	}
	return run, resumed, nil
}

// Resume queues what is left of a flow's unfinished run, if there is one.
func (e *Engine) Resume(ctx context.Context, tx *store.Tx, flowID sallyport.ID) error {
	run, err := tx.UnfinishedRun(ctx, flowID)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return nil
	}
	if err == nil && !run.GivesUpAt.IsZero() { // the time in which the flow was paused does not count
		run.Attempts, run.GivesUpAt = 0, sallyport.Now().Add(e.Patience)
		err = tx.UpdateRun(ctx, run)
	}
	if err == nil {
		_, _, err = e.StartRun(ctx, tx, flowID)
	}
	return err
}

// Deliver queues the deliveries of a flow, in the caller's transaction. Each destination is due, whether or not there is something new for it:
// it may be gone. Those that have failed get another chance, and those that wait after a failed attempt are retried at once; for a quota they
// go on waiting.
func (e *Engine) Deliver(ctx context.Context, tx *store.Tx, flowID sallyport.ID) error {
	if err := tx.SetDue(ctx, flowID); err != nil {
		return err
	}
	waiting, err := tx.WaitingDeliveries(ctx, flowID)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if w.Code == sallyport.Limited {
			continue
		}
		if _, err := tx.WakeDelivery(ctx, w.DestinationID); err != nil {
			return err
		}
		if err := e.enqueue(ctx, tx, deliverArgs{w.DestinationID}, true); err != nil {
			return err
		}
	}
	return e.EnqueueDeliveries(ctx, tx, flowID)
}

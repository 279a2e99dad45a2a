package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

const selectRuns = `SELECT run.id, run.flow_id, flow.name, run.state, run.cursor, run.pages, run.records, run.bytes, run.quarantined,
	run.first_seq, run.last_seq, run.wait_until, run.code, run.error, run.created_at, run.started_at, run.ended_at,
	run.pulled, run.incomplete, run.seen, run.new_records, run.changed_records, run.retired_records, run.returned_records, run.vanished_records,
	run.unchanged_records, run.attempts, run.gives_up_at, run.by_hand, run.barren, run.warnings, run.missing_records, run.hold,
	run.window_from, run.window_until
	FROM run JOIN flow ON flow.id = run.flow_id`

// The condition of the index that allows a flow only one such run.
const unfinished = "state NOT IN ('succeeded', 'failed')"

func scanRun(r row) (v sallyport.Run, err error) {
	c := &v.Changes
	err = r.Scan(&v.ID, &v.FlowID, &v.Flow, &v.State, &v.Cursor, &v.Pages, &v.Records, &v.Bytes, &v.Quarantined,
		&v.FirstSeq, &v.LastSeq, timeColumn{&v.WaitUntil}, &v.Code, &v.Error,
		timeColumn{&v.CreatedAt}, timeColumn{&v.StartedAt}, timeColumn{&v.EndedAt}, &v.Pulled, &v.Incomplete,
		&v.Seen, &c.New, &c.Changed, &c.Retired, &c.Returned, &c.Vanished, &c.Unchanged,
		&v.Attempts, timeColumn{&v.GivesUpAt}, &v.ByHand, &v.Barren, linesColumn{&v.Warnings}, &c.Missing, &v.Hold,
		timeColumn{&v.From}, timeColumn{&v.Until})
	return v, err
}

// Run returns a run by its id.
func (r reader) Run(ctx context.Context, id int64) (sallyport.Run, error) {
	return one(ctx, r.q, notFound("run", id), scanRun, selectRuns+" WHERE run.id = $1", id)
}

// Runs returns the newest runs, newest first, of one flow or of all (""), in one state or in any (""): at most limit of them, with ids under
// before if that is not 0.
func (r reader) Runs(ctx context.Context, flowID sallyport.ID, state sallyport.RunState, limit int, before int64) ([]sallyport.Run, error) {
	clause, args := newest("run", limit, before, equal{"flow_id", string(flowID)}, equal{"state", string(state)})
	return list(ctx, r.q, scanRun, selectRuns+clause, args...)
}

// UnfinishedRun returns the run of a flow that is queued, running, waiting, held or delivering.
func (r reader) UnfinishedRun(ctx context.Context, flowID sallyport.ID) (sallyport.Run, error) {
	missing := sallyport.Errorf(sallyport.NotFound, "the flow %s has no unfinished run", flowID)
	return one(ctx, r.q, missing, scanRun, selectRuns+" WHERE run.flow_id = $1 AND run."+unfinished, flowID)
}

// InsertRun adds a queued run. It is a conflict if the flow has an unfinished one; the transaction may go on then.
func (tx *Tx) InsertRun(ctx context.Context, flowID sallyport.ID) (sallyport.Run, error) {
	id, err := one(ctx, tx.q, sql.ErrNoRows, single[int64], `INSERT INTO run (flow_id, state, first_seq, last_seq, created_at)
		SELECT flow.id, 'queued', dataset.last_seq + 1, dataset.last_seq, CAST($2 AS BIGINT)`+flowTables+` WHERE flow.id = $1
		ON CONFLICT DO NOTHING RETURNING id`, flowID, micros(sallyport.Now()))
	if err == nil {
		return tx.Run(ctx, id)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return sallyport.Run{}, err
	}
	flow, err := tx.Flow(ctx, flowID)
	if err != nil {
		return sallyport.Run{}, err
	}
	return sallyport.Run{}, sallyport.Errorf(sallyport.Conflict, "the flow %q has an unfinished run: wait for its end", flow.Name)
}

// UpdateRun writes a run's State, WaitUntil, Code, Error, StartedAt, EndedAt, Attempts, GivesUpAt and ByHand. All else moves only with what it counts: see
// [Tx.CommitPage] and [Tx.CommitDelivery].
func (tx *Tx) UpdateRun(ctx context.Context, r sallyport.Run) error {
	err := tx.execOne(ctx, notFound("run", r.ID), `UPDATE run SET state = $1, wait_until = $2, code = $3, error = $4,
		started_at = $5, ended_at = $6, attempts = $7, gives_up_at = $8, by_hand = $9 WHERE id = $10`,
		r.State, micros(r.WaitUntil), r.Code, readable(r.Error), micros(r.StartedAt), micros(r.EndedAt),
		r.Attempts, micros(r.GivesUpAt), r.ByHand, r.ID)
	if isDuplicate(err) {
		return sallyport.Errorf(sallyport.Conflict, "the flow %q has another unfinished run: wait for its end", r.Flow)
	}
	return err
}

// SetWindow gives a run the window that it pulls by itself.
func (tx *Tx) SetWindow(ctx context.Context, run int64, from, until time.Time) error {
	return tx.execOne(ctx, notFound("run", run), "UPDATE run SET window_from = $1, window_until = $2 WHERE id = $3", micros(from), micros(until), run)
}

// SettleRun ends the unfinished run of a flow if it is delivering and nothing more will come of that: every destination has its batches and
// a delivery to it has ended since the run began, or has failed. It is called whenever a run begins delivering or a delivery ends, in the transaction that says so.
func (tx *Tx) SettleRun(ctx context.Context, flowID sallyport.ID) (run sallyport.Run, settled bool, err error) {
	// The row is locked before anything is looked at: of two deliveries that end at the same time, one must see the end of the other.
	n, err := tx.exec(ctx, "UPDATE run SET state = state WHERE flow_id = $1 AND "+unfinished, flowID)
	if err != nil || n == 0 {
		return run, false, err
	}
	run, err = tx.UnfinishedRun(ctx, flowID)
	if err != nil || run.State != sallyport.RunDelivering {
		return run, false, err
	}
	flow, err := tx.Flow(ctx, flowID)
	if err != nil {
		return run, false, err
	}
	var failed []string
	for _, d := range flow.Destinations {
		switch {
		case d.Error != "": // even if nothing is new for it: it may be gone
			failed = append(failed, fmt.Sprintf("%q: %s", d.Name, d.Error))
		case d.Behind(run.LastSeq):
			return run, false, nil
		}
	}
	run.State, run.EndedAt = sallyport.RunSucceeded, sallyport.Now()
	switch {
	case run.Error != "": // its source failed; what came before that is delivered now
		run.State = sallyport.RunFailed
	case len(failed) > 0:
		run.State, run.Code = sallyport.RunFailed, sallyport.Upstream
		run.Error = fmt.Sprintf("%d of %d destinations failed: %s", len(failed), len(flow.Destinations), strings.Join(failed, "; "))
	}
	return run, true, tx.UpdateRun(ctx, run)
}

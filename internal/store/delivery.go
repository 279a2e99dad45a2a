package store

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
)

const selectDeliveries = `SELECT delivery.id, delivery.flow_id, delivery.destination_id, destination.name, delivery.state, delivery.first_seq,
	delivery.last_seq, delivery.records, delivery.rejected, delivery.code, delivery.error, delivery.started_at, delivery.ended_at, delivery.wait_until, delivery.attempts
	FROM delivery JOIN destination ON destination.id = delivery.destination_id`

func scanDelivery(r row) (d sallyport.Delivery, err error) {
	err = r.Scan(&d.ID, &d.FlowID, &d.DestinationID, &d.Destination, &d.State, &d.FirstSeq, &d.LastSeq,
		&d.Records, &d.Rejected, &d.Code, &d.Error, timeColumn{&d.StartedAt}, timeColumn{&d.EndedAt}, timeColumn{&d.WaitUntil}, &d.Attempts)
	return d, err
}

// Deliveries returns the newest deliveries, newest first, of one flow or of all (""): at most limit of them, with ids under before if that
// is not 0.
func (r reader) Deliveries(ctx context.Context, flowID sallyport.ID, limit int, before int64) ([]sallyport.Delivery, error) {
	clause, args := newest("delivery", limit, before, equal{"flow_id", string(flowID)})
	return list(ctx, r.q, scanDelivery, selectDeliveries+clause, args...)
}

// RunDeliveries returns the deliveries, oldest first, that brought batches of a run somewhere, or tried to while it lasted.
func (r reader) RunDeliveries(ctx context.Context, run sallyport.Run) ([]sallyport.Delivery, error) {
	return list(ctx, r.q, scanDelivery, selectDeliveries+` WHERE destination.flow_id = $1 AND (delivery.last_seq >= $2 AND delivery.first_seq <= $3
		OR delivery.started_at >= $4 AND (CAST($5 AS BIGINT) = 0 OR delivery.started_at <= $5)) ORDER BY delivery.id LIMIT 1000`,
		run.FlowID, run.FirstSeq, run.LastSeq, micros(run.CreatedAt), micros(run.EndedAt))
}

// WaitingDeliveries returns the deliveries of flows that wait: for a quota, or for a system that is away.
func (r reader) WaitingDeliveries(ctx context.Context, flows ...sallyport.ID) ([]sallyport.Delivery, error) {
	if len(flows) == 0 {
		return nil, nil
	}
	in, args := among(flows, nil)
	return list(ctx, r.q, scanDelivery, selectDeliveries+" WHERE delivery.state = 'waiting' AND delivery.flow_id IN "+in+" ORDER BY delivery.id", args...)
}

// WaitDelivery says until when a running delivery waits, and why. The code tells a quota ([sallyport.Limited]) from a failed attempt, which
// counts.
func (tx *Tx) WaitDelivery(ctx context.Context, id int64, until time.Time, code sallyport.Code, reason string) error {
	failed := 1
	if code == sallyport.Limited {
		failed = 0
	}
	_, err := tx.exec(ctx, `UPDATE delivery SET state = 'waiting', wait_until = $1, code = $2, error = $3, attempts = attempts + $4
		WHERE id = $5 AND state = 'running'`, micros(until), code, readable(reason), failed, id)
	return err
}

// WakeDelivery lets a delivery to a destination that waits be one that runs. It tells whether there is one.
func (tx *Tx) WakeDelivery(ctx context.Context, destinationID sallyport.ID) (woken bool, err error) {
	n, err := tx.exec(ctx, "UPDATE delivery SET state = 'running', wait_until = 0, code = '', error = '' WHERE destination_id = $1 AND state = 'waiting'", destinationID)
	return n > 0, err
}

// CaughtUp tells whether a destination has every batch of its dataset.
func (r reader) CaughtUp(ctx context.Context, destinationID sallyport.ID) (bool, error) {
	behind, err := one(ctx, r.q, notFound("destination", destinationID), single[int64],
		"SELECT dataset.last_seq - destination.position"+flowTables+
			" JOIN destination ON destination.flow_id = flow.id WHERE destination.id = $1", destinationID)
	return err == nil && behind <= 0, err
}

// CaughtUp tells whether a destination has every batch of its dataset. Until the transaction ends no page is committed to that: a page that
// comes later finds the delivery ended.
func (tx *Tx) CaughtUp(ctx context.Context, destinationID sallyport.ID) (bool, error) {
	_, err := tx.exec(ctx, `UPDATE dataset SET last_seq = last_seq WHERE source_id =
		(SELECT source.id FROM source JOIN destination ON destination.flow_id = source.flow_id WHERE destination.id = $1)`, destinationID)
	if err != nil {
		return false, err
	}
	return tx.reader.CaughtUp(ctx, destinationID)
}

// ClaimDestination makes a delivery the only one that may commit, until the next one: its commits must carry the number returned.
func (tx *Tx) ClaimDestination(ctx context.Context, id sallyport.ID) (fence int64, err error) {
	return one(ctx, tx.q, notFound("destination", id), single[int64],
		"UPDATE destination SET fence = fence + 1 WHERE id = $1 RETURNING fence", id)
}

// RewindDestination lets a destination begin anew, before the first batch of its dataset, in a new epoch. Whoever delivers to it now may not
// commit any more. It must have nothing in quarantine.
func (tx *Tx) RewindDestination(ctx context.Context, id sallyport.ID) error {
	if _, err := tx.ClaimDestination(ctx, id); err != nil {
		return err
	}
	held := sallyport.Errorf(sallyport.Conflict, "the destination has records in quarantine; replay or discard them first")
	err := tx.execOne(ctx, held, `UPDATE destination SET position = 0, state = '', epoch = $1, reached = 0, records = 0, run_id = 0, run_records = 0,
		run_rejected = 0, error = '', code = '' WHERE id = $2 AND rejected = 0`, sallyport.NewID("epo"), id)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE delivery SET state = 'failed', error = 'the destination was begun anew', ended_at = $1, wait_until = 0 "+
		"WHERE destination_id = $2 AND state IN ('running', 'waiting')", micros(sallyport.Now()), id)
	return err
}

// ReturnDestination lets a destination go on after an earlier batch of its epoch, where its system turned out to be. What it has counted up to
// where it was is not counted again. The error is [ErrFenced] if a later delivery has claimed the destination.
func (tx *Tx) ReturnDestination(ctx context.Context, id sallyport.ID, fence, position int64, state string) error {
	return tx.execOne(ctx, ErrFenced, "UPDATE destination SET position = $1, state = $2 WHERE id = $3 AND fence = $4 AND position >= $1",
		position, state, id, fence)
}

// StartDelivery begins a delivery after the last batch that the destination has, or goes on with one that never ended, and clears the
// destination's error.
func (tx *Tx) StartDelivery(ctx context.Context, destinationID sallyport.ID) (sallyport.Delivery, error) {
	err := tx.execOne(ctx, notFound("destination", destinationID), "UPDATE destination SET error = '' WHERE id = $1", destinationID)
	if err != nil {
		return sallyport.Delivery{}, err
	}
	if _, err := tx.WakeDelivery(ctx, destinationID); err != nil {
		return sallyport.Delivery{}, err
	}
	_, err = tx.exec(ctx, `INSERT INTO delivery (flow_id, destination_id, state, first_seq, last_seq, started_at)
		SELECT flow_id, id, 'running', position + 1, position, CAST($2 AS BIGINT) FROM destination WHERE id = $1
		ON CONFLICT DO NOTHING`, destinationID, micros(sallyport.Now()))
	if err != nil {
		return sallyport.Delivery{}, err
	}
	return one(ctx, tx.q, notFound("delivery to", destinationID), scanDelivery,
		selectDeliveries+" WHERE delivery.destination_id = $1 AND delivery.state = 'running'", destinationID)
}

// DeliveryCommit is what a commit of a destination changes, all at once.
type DeliveryCommit struct {
	DestinationID sallyport.ID
	Fence         int64 // as ClaimDestination returned it
	DeliveryID    int64
	Position      int64                   // the last batch that was committed there
	State         string                  // what the destination's connector needs to go on after it
	Records       int64                   // to add
	Rejected      int64                   // to add
	Quarantined   []sallyport.Quarantined // their DatasetID must be set; each counts in its run, if it has one
	Tally         sallyport.RunTally      // of the destination after it
}

// CommitDelivery moves a destination's position and all counts, and puts records into quarantine. The error is [ErrFenced] if a later
// delivery has claimed the destination.
func (tx *Tx) CommitDelivery(ctx context.Context, c DeliveryCommit) error {
	position, err := one(ctx, tx.q, ErrFenced, single[int64],
		"UPDATE destination SET fence = fence WHERE id = $1 AND fence = $2 RETURNING position", c.DestinationID, c.Fence)
	if err != nil {
		return err
	}
	if c.Position < position {
		return sallyport.Errorf(sallyport.Internal, "the destination %s has batch %d: it cannot go back to %d",
			c.DestinationID, position, c.Position)
	}
	_, err = tx.exec(ctx, `UPDATE destination SET position = $1, state = $2, records = records + $3, rejected = rejected + $4,
		reached = CASE WHEN reached < $1 THEN $1 ELSE reached END, run_id = $5, run_records = $6, run_rejected = $7 WHERE id = $8`,
		c.Position, c.State, c.Records, c.Rejected, c.Tally.RunID, c.Tally.Records, c.Tally.Rejected, c.DestinationID)
	if err != nil {
		return err
	}
	err = tx.execOne(ctx, notFound("delivery", c.DeliveryID), `UPDATE delivery SET last_seq = $1, records = records + $2,
		rejected = rejected + $3, attempts = 0 WHERE id = $4 AND destination_id = $5`, c.Position, c.Records, c.Rejected, c.DeliveryID, c.DestinationID)
	if err != nil {
		return err
	}
	if err := tx.countQuarantined(ctx, c.Quarantined); err != nil {
		return err
	}
	quarantined := slices.Clone(c.Quarantined)
	for i := range quarantined {
		quarantined[i].DestinationID = c.DestinationID
	}
	return tx.insertQuarantined(ctx, quarantined)
}

// countQuarantined counts records that a destination rejected in the runs that brought them.
func (tx *Tx) countQuarantined(ctx context.Context, quarantined []sallyport.Quarantined) error {
	ofRun := map[int64]int{}
	for _, q := range quarantined {
		ofRun[q.RunID]++
	}
	for run, n := range ofRun { // a replayed record has no run: no row has the id 0
		if _, err := tx.exec(ctx, "UPDATE run SET quarantined = quarantined + $1 WHERE id = $2", n, run); err != nil {
			return err
		}
	}
	return nil
}

// FinishDelivery ends a running delivery, succeeded or failed. Its error text, "" if it succeeded, and the code of that become those of the
// destination, which is not due any more.
func (tx *Tx) FinishDelivery(ctx context.Context, id int64, state sallyport.RunState, code sallyport.Code, errText string) error {
	missing := sallyport.Errorf(sallyport.NotFound, "there is no running delivery %d", id)
	err := tx.execOne(ctx, missing, `UPDATE destination SET error = $1, code = $2, due = $3
		WHERE id = (SELECT destination_id FROM delivery WHERE id = $4 AND state = 'running')`, readable(errText), code, false, id)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE delivery SET state = $1, code = $2, error = $3, ended_at = $4 WHERE id = $5",
		state, code, readable(errText), micros(sallyport.Now()), id)
	return err
}

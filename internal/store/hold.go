package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sallyport-io/sallyport"
)

// holdPage keeps what was staged in the run and the batches of the page, without a number: no reader of the dataset sees them. It returns
// the last number of the dataset, which does not move.
func (tx *Tx) holdPage(ctx context.Context, p PageCommit) (last int64, err error) {
	for _, b := range p.Batches {
		b.DatasetID, b.RunID = p.DatasetID, p.RunID
		if err := tx.insertBatch(ctx, b, nil); err != nil {
			return 0, err
		}
	}
	_, err = tx.exec(ctx, "UPDATE batch SET held = TRUE WHERE dataset_id = $1 AND run_id = $2 AND seq IS NULL AND NOT held", p.DatasetID, p.RunID)
	if err != nil {
		return 0, err
	}
	text := ""
	if p.Schema != nil {
		if text, err = asJSON(p.Schema); err != nil {
			return 0, err
		}
	}
	_, err = tx.exec(ctx, "UPDATE run SET hold = $1, held_schema = CASE WHEN $2 <> '' THEN $2 ELSE held_schema END WHERE id = $3",
		sallyport.HoldPending, text, p.RunID)
	if err != nil {
		return 0, err
	}
	return one(ctx, tx.q, notFound("dataset", p.DatasetID), single[int64], "SELECT last_seq FROM dataset WHERE id = $1", p.DatasetID)
}

// HeldSchema returns the schema that the dataset of a run has once what the run holds is let go, nil if that is as it was.
func (r reader) HeldSchema(ctx context.Context, runID int64) (*sallyport.Schema, error) {
	schema, err := one(ctx, r.q, sql.ErrNoRows, func(r row) (s *sallyport.Schema, err error) {
		s = &sallyport.Schema{}
		return s, r.Scan(jsonColumn{s})
	}, "SELECT held_schema FROM run WHERE id = $1 AND held_schema <> ''", runID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return schema, err
}

// ReleaseHeld makes what a run holds visible: its batches get the next numbers of the dataset, in their order, and the counts of the dataset
// move. A schema that is nil leaves that of the dataset as it is.
func (tx *Tx) ReleaseHeld(ctx context.Context, run sallyport.Run, datasetID sallyport.ID, schema *sallyport.Schema) (sallyport.Run, error) {
	if _, err := tx.LockDataset(ctx, datasetID); err != nil {
		return run, err
	}
	h, err := tx.history(ctx, datasetID)
	if err != nil {
		return run, err
	}
	held, err := one(ctx, tx.q, sql.ErrNoRows, func(r row) (b sallyport.Batch, err error) { return b, r.Scan(&b.Records, &b.Bytes) },
		`SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM batch
		WHERE dataset_id = $1 AND run_id = $2 AND held AND seq IS NULL`, datasetID, run.ID)
	if err != nil {
		return run, err
	}
	if err := tx.numberStaged(ctx, h, run.ID, " AND held"); err != nil {
		return run, err
	}
	if err := tx.setHistory(ctx, h); err != nil {
		return run, err
	}
	if err := tx.moveDataset(ctx, datasetID, held.Records, held.Bytes, h.last, schema); err != nil {
		return run, err
	}
	if _, err := tx.exec(ctx, "UPDATE run SET hold = '', held_schema = '', last_seq = $1 WHERE id = $2", h.last, run.ID); err != nil {
		return run, err
	}
	return tx.Run(ctx, run.ID)
}

// DropHeld removes what a run holds, as if it had never been pulled: its batches, what it knows of changes, and the values of its pages that
// are in quarantine.
func (tx *Tx) DropHeld(ctx context.Context, run sallyport.Run, datasetID sallyport.ID) (sallyport.Run, error) {
	for _, statement := range []string{
		"DELETE FROM batch WHERE dataset_id = $1 AND run_id = $2 AND seq IS NULL",
		"DELETE FROM change_part WHERE dataset_id = $1 AND run_id = $2",
		"DELETE FROM quarantine WHERE dataset_id = $1 AND run_id = $2 AND destination_id IS NULL",
	} {
		if _, err := tx.exec(ctx, statement, datasetID, run.ID); err != nil {
			return run, err
		}
	}
	_, err := tx.exec(ctx, `UPDATE run SET hold = '', held_schema = '', records = 0, bytes = 0, quarantined = 0, new_records = 0,
		changed_records = 0, retired_records = 0, returned_records = 0, unchanged_records = 0 WHERE id = $1`, run.ID)
	if err != nil {
		return run, err
	}
	return tx.Run(ctx, run.ID)
}

// AcceptHeld says that what a run holds may be delivered.
func (tx *Tx) AcceptHeld(ctx context.Context, runID int64) error {
	return tx.execOne(ctx, notFound("run", runID), "UPDATE run SET hold = $1 WHERE id = $2 AND hold = $3",
		sallyport.HoldAccepted, runID, sallyport.HoldPending)
}

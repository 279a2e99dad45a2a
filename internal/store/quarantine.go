package store

import (
	"context"
	"fmt"

	"github.com/sallyport-io/sallyport"
)

const selectQuarantine = `SELECT id, dataset_id, run_id, COALESCE(destination_id, ''), record, reason, at FROM quarantine`

func scanQuarantined(r row) (q sallyport.Quarantined, err error) {
	err = r.Scan(&q.ID, &q.DatasetID, &q.RunID, &q.DestinationID, &q.Record, &q.Reason, timeColumn{&q.At})
	return q, err
}

// Quarantine returns the newest quarantined records, newest first, of one dataset or of all (""): at most limit of them, with ids under
// before if that is not 0.
func (r reader) Quarantine(ctx context.Context, datasetID sallyport.ID, limit int, before int64) ([]sallyport.Quarantined, error) {
	clause, args := newest("quarantine", "dataset_id", datasetID, limit, before)
	return list(ctx, r.q, scanQuarantined, selectQuarantine+clause, args...)
}

// Quarantined returns a quarantined record by its id.
func (r reader) Quarantined(ctx context.Context, id int64) (sallyport.Quarantined, error) {
	return one(ctx, r.q, notFound("quarantined record", id), scanQuarantined, selectQuarantine+" WHERE id = $1", id)
}

// DeleteQuarantined removes a record from quarantine.
func (tx *Tx) DeleteQuarantined(ctx context.Context, id int64) error {
	return tx.execOne(ctx, notFound("quarantined record", id), "DELETE FROM quarantine WHERE id = $1", id)
}

func (tx *Tx) insertQuarantined(ctx context.Context, all []sallyport.Quarantined) error {
	if len(all) == 0 {
		return nil
	}
	insert, err := tx.tx.PrepareContext(ctx,
		"INSERT INTO quarantine (dataset_id, run_id, destination_id, record, reason, at) VALUES ($1, $2, $3, $4, $5, $6)")
	if err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	defer insert.Close()
	for _, q := range all {
		_, err := insert.ExecContext(ctx, q.DatasetID, q.RunID, orNull(q.DestinationID), []byte(q.Record), readable(q.Reason), micros(q.At))
		if err != nil {
			return fmt.Errorf("write to the database: %w", err)
		}
	}
	return nil
}

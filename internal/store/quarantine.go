package store

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport-io/sallyport"
)

const selectQuarantine = `SELECT id, dataset_id, run_id, COALESCE(destination_id, ''), record, reason, at, edited_at FROM quarantine`

func scanQuarantined(r row) (q sallyport.Quarantined, err error) {
	err = r.Scan(&q.ID, &q.DatasetID, &q.RunID, &q.DestinationID, &q.Record, &q.Reason, timeColumn{&q.At}, timeColumn{&q.EditedAt})
	return q, err
}

// Quarantine returns the newest quarantined records, newest first, of one dataset or of all (""): at most limit of them, with ids under
// before if that is not 0.
func (r reader) Quarantine(ctx context.Context, datasetID, destinationID sallyport.ID, limit int, before int64) ([]sallyport.Quarantined, error) {
	clause, args := newest("quarantine", limit, before, equal{"dataset_id", string(datasetID)}, equal{"destination_id", string(destinationID)})
	return list(ctx, r.q, scanQuarantined, selectQuarantine+clause, args...)
}

// QuarantineAfter returns the quarantined records of a dataset with ids above after, oldest first, of one destination or of all (""): as
// many as have at most maxBytes bytes together, but at least one if there is one.
func (r reader) QuarantineAfter(ctx context.Context, datasetID, destinationID sallyport.ID, after, maxBytes int64) ([]sallyport.Quarantined, error) {
	where, args := " WHERE dataset_id = $1 AND id > $2", []any{datasetID, after}
	if destinationID != "" {
		where, args = where+" AND destination_id = $3", append(args, destinationID)
	}
	sizes, err := list(ctx, r.q, scanSize, "SELECT id, LENGTH(record) FROM quarantine"+where+fmt.Sprintf(" ORDER BY id LIMIT %d", maxPage), args...)
	if err != nil {
		return nil, err
	}
	last := lastOf(sizes, after, maxBytes)
	return list(ctx, r.q, scanQuarantined, selectQuarantine+where+fmt.Sprintf(" AND id <= %d ORDER BY id", last), args...)
}

// Quarantined returns a quarantined record by its id.
func (r reader) Quarantined(ctx context.Context, id int64) (sallyport.Quarantined, error) {
	return one(ctx, r.q, noQuarantined(id), scanQuarantined, selectQuarantine+" WHERE id = $1", id)
}

func noQuarantined(id int64) error {
	return sallyport.Errorf(sallyport.NotFound, "record %d is not in quarantine; it may have been replayed or discarded", id)
}

// EditQuarantined changes a quarantined record, unless it was edited since the given time: zero if it never was.
func (tx *Tx) EditQuarantined(ctx context.Context, q sallyport.Quarantined, since time.Time) error {
	n, err := tx.exec(ctx, "UPDATE quarantine SET record = $1, edited_at = $2 WHERE id = $3 AND edited_at = $4",
		[]byte(q.Record), micros(q.EditedAt), q.ID, micros(since))
	if err != nil || n == 1 {
		return err
	}
	if _, err := tx.Quarantined(ctx, q.ID); err != nil {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "record %d was edited meanwhile, in another window or by somebody else; nothing was overwritten", q.ID)
}

// RemoveQuarantined takes records of one taker out of quarantine: those that a destination rejected, or the dataset itself (""). It is
// NotFound if one of them is not there.
func (tx *Tx) RemoveQuarantined(ctx context.Context, destinationID sallyport.ID, ids []int64) error {
	for _, id := range ids {
		err := tx.execOne(ctx, noQuarantined(id), "DELETE FROM quarantine WHERE id = $1 AND COALESCE(destination_id, '') = $2", id, destinationID)
		if err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, "UPDATE destination SET rejected = CASE WHEN rejected > $1 THEN rejected - $1 ELSE 0 END WHERE id = $2",
		len(ids), destinationID)
	return err
}

// Replay is what brings records from quarantine into the log of their dataset, all at once.
type Replay struct {
	DatasetID     sallyport.ID
	DestinationID sallyport.ID      // which had rejected them, and alone gets them; "": the dataset had not taken them, and everyone gets them
	IDs           []int64           // the records, in quarantine
	Batches       []sallyport.Batch // the same, packed; they need no DatasetID, DestinationID or Seq
	Schema        *sallyport.Schema // of the dataset; nil: unchanged
}

// Replay takes records out of quarantine and appends their batches. What is for everyone counts in the dataset; what is for one
// destination is there already.
func (tx *Tx) Replay(ctx context.Context, r Replay) error {
	if _, err := tx.LockDataset(ctx, r.DatasetID); err != nil {
		return err
	}
	if err := tx.RemoveQuarantined(ctx, r.DestinationID, r.IDs); err != nil {
		return err
	}
	h, err := tx.history(ctx, r.DatasetID)
	if err != nil {
		return err
	}
	var records, bytes int64
	for _, b := range r.Batches {
		b.DatasetID, b.DestinationID = r.DatasetID, r.DestinationID
		b.Hash = h.next(b)
		if err := tx.insertBatch(ctx, b, h.last); err != nil {
			return err
		}
		if r.DestinationID == "" {
			records, bytes = records+b.Records, bytes+b.Bytes
		}
	}
	if err := tx.setHistory(ctx, h); err != nil {
		return err
	}
	return tx.moveDataset(ctx, r.DatasetID, records, bytes, h.last, r.Schema)
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

package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// PageCommit is what the end of a page of a source changes, all at once.
type PageCommit struct {
	SourceID    sallyport.ID
	Fence       int64 // as ClaimSource returned it
	RunID       int64
	DatasetID   sallyport.ID
	Batches     []sallyport.Batch       // after those that were staged; they need no DatasetID, RunID or Seq
	Cursor      string                  // where the source goes on
	Resume      string                  // where its next run begins; "": unchanged
	Pages       int64                   // to add; the run's system is not away then
	Barren      int64                   // the last pages in a row, with those of earlier commits, that had no new record
	Records     int64                   // to add, to the run and to the dataset
	Seen        int64                   // to add: records that the source gave, whether they are in the batches or not
	Changes     sallyport.Changes       // to add
	Generation  int64                   // of the dataset's index of changes; 0: changes are not looked for
	Parts       []ChangePart            // of that index, after those that were staged; they need no RunID
	Pulled      bool                    // the source has ended
	Incomplete  string                  // why it did not give everything; "" if it did, or says so later
	Warnings    []string                // all that the run has so far; none: unchanged
	Bytes       int64                   // to add, to the run and to the dataset
	Schema      *sallyport.Schema       // nil: unchanged
	Quarantined []sallyport.Quarantined // they need no DatasetID or RunID
	Hold        bool                    // the batches are kept, but held back until ReleaseHeld or DropHeld: the dataset does not move
}

// ClaimSource makes an execution of a source the only one that may commit, until the next one: its commits must carry the number returned.
func (tx *Tx) ClaimSource(ctx context.Context, sourceID sallyport.ID) (fence int64, err error) {
	return one(ctx, tx.q, notFound("source", sourceID), single[int64],
		"UPDATE source SET fence = fence + 1 WHERE id = $1 RETURNING fence", sourceID)
}

// StageBatches keeps batches of a page that is still being read: Batches does not return them before CommitPage. Their DatasetID and RunID
// must be set. The error is [ErrFenced] if a later execution has claimed the source.
func (tx *Tx) StageBatches(ctx context.Context, sourceID sallyport.ID, fence int64, batches []sallyport.Batch) error {
	if err := tx.checkSource(ctx, sourceID, fence); err != nil {
		return err
	}
	for _, b := range batches {
		if err := tx.insertBatch(ctx, b, nil); err != nil {
			return err
		}
	}
	return nil
}

// DropStaged removes what was staged for a dataset and never committed, and for its index of changes.
func (tx *Tx) DropStaged(ctx context.Context, datasetID sallyport.ID) error {
	if _, err := tx.exec(ctx, "DELETE FROM batch WHERE dataset_id = $1 AND seq IS NULL AND NOT held", datasetID); err != nil {
		return err
	}
	return tx.dropStagedParts(ctx, datasetID)
}

// CommitPage makes what was staged in the run and the batches of the page visible, in this order, moves the run's cursor and all counts, and
// puts records into quarantine. The error is [ErrFenced] if a later execution has claimed the source, or the run has ended.
func (tx *Tx) CommitPage(ctx context.Context, p PageCommit) (sallyport.Run, error) {
	if err := tx.checkSource(ctx, p.SourceID, p.Fence); err != nil {
		return sallyport.Run{}, err
	}
	keep := tx.appendPage
	if p.Hold {
		keep = tx.holdPage
	}
	last, err := keep(ctx, p)
	if err != nil {
		return sallyport.Run{}, err
	}
	if p.Resume != "" {
		if err := tx.SetResume(ctx, p.SourceID, p.Resume); err != nil {
			return sallyport.Run{}, err
		}
	}
	if err := tx.moveRun(ctx, p, last); err != nil {
		return sallyport.Run{}, err
	}
	if err := tx.appendParts(ctx, p); err != nil {
		return sallyport.Run{}, err
	}
	quarantined := slices.Clone(p.Quarantined)
	for i := range quarantined {
		quarantined[i].DatasetID, quarantined[i].RunID = p.DatasetID, p.RunID
	}
	if err := tx.insertQuarantined(ctx, quarantined); err != nil {
		return sallyport.Run{}, err
	}
	return tx.Run(ctx, p.RunID)
}

// appendPage adds the batches of a page to the dataset, and returns the last of its numbers.
func (tx *Tx) appendPage(ctx context.Context, p PageCommit) (last int64, err error) {
	if last, err = tx.appendBatches(ctx, p); err != nil {
		return 0, err
	}
	return last, tx.moveDataset(ctx, p.DatasetID, p.Records, p.Bytes, last, p.Schema)
}

// checkSource locks the source against a later execution.
func (tx *Tx) checkSource(ctx context.Context, id sallyport.ID, fence int64) error {
	return tx.execOne(ctx, ErrFenced, "UPDATE source SET fence = fence WHERE id = $1 AND fence = $2", id, fence)
}

// appendBatches gives the staged batches of the run and then those of the page the next numbers of the dataset, and returns the last.
func (tx *Tx) appendBatches(ctx context.Context, p PageCommit) (last int64, err error) {
	// Who wants to know whether a destination has everything waits here: see Tx.CaughtUp.
	err = tx.execOne(ctx, notFound("dataset", p.DatasetID), "UPDATE dataset SET last_seq = last_seq WHERE id = $1 AND source_id = $2",
		p.DatasetID, p.SourceID)
	if err != nil {
		return 0, err
	}
	h, err := tx.history(ctx, p.DatasetID)
	if err != nil {
		return 0, err
	}
	if err := tx.numberStaged(ctx, h, p.RunID, ""); err != nil {
		return 0, err
	}
	for _, b := range p.Batches {
		b.DatasetID, b.RunID = p.DatasetID, p.RunID
		b.Hash = h.next(b)
		if err := tx.insertBatch(ctx, b, h.last); err != nil {
			return 0, err
		}
	}
	return h.last, tx.setHistory(ctx, h)
}

// numberStaged gives the staged batches of a run that a filter leaves the next numbers of the dataset.
func (tx *Tx) numberStaged(ctx context.Context, h *history, run int64, filter string) error {
	staged, err := list(ctx, tx.q, scanStaged, "SELECT id, hash FROM batch WHERE dataset_id = $1 AND run_id = $2 AND seq IS NULL"+filter+" ORDER BY id",
		h.dataset, run)
	if err != nil {
		return err
	}
	for _, s := range staged {
		hash := h.next(sallyport.Batch{Hash: s.hash})
		if _, err := tx.exec(ctx, "UPDATE batch SET seq = $1, hash = $2 WHERE id = $3", h.last, hash, s.id); err != nil {
			return err
		}
	}
	return nil
}

type staged struct {
	id   int64
	hash string
}

func scanStaged(r row) (s staged, err error) {
	err = r.Scan(&s.id, &s.hash)
	return s, err
}

// insertBatch adds a batch with a sequence number, or nil to stage it.
func (tx *Tx) insertBatch(ctx context.Context, b sallyport.Batch, seq any) error {
	_, err := tx.exec(ctx, "INSERT INTO batch (dataset_id, destination_id, run_id, seq, records, bytes, body, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		b.DatasetID, orNull(b.DestinationID), b.RunID, seq, b.Records, b.Bytes, b.Body, b.Hash)
	return err
}

// lines writes texts as one, one a line.
func lines(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, strings.Join(strings.Fields(readable(text)), " "))
	}
	return strings.Join(all, "\n")
}

// linesColumn reads what lines wrote.
type linesColumn struct{ to *[]string }

// Scan reads a column.
func (c linesColumn) Scan(value any) error {
	var text sql.NullString
	if err := text.Scan(value); err != nil {
		return err
	}
	if *c.to = nil; text.String != "" {
		*c.to = strings.Split(text.String, "\n")
	}
	return nil
}

func (tx *Tx) moveRun(ctx context.Context, p PageCommit, last int64) error {
	pulled := 0
	if p.Pulled {
		pulled = 1
	}
	c := p.Changes
	return tx.execOne(ctx, ErrFenced, `UPDATE run SET cursor = $1, pages = pages + $2, records = records + $3, bytes = bytes + $4,
		quarantined = quarantined + $5, last_seq = $6, seen = seen + $7, new_records = new_records + $8, changed_records = changed_records + $9,
		retired_records = retired_records + $10, returned_records = returned_records + $11, vanished_records = vanished_records + $12,
		unchanged_records = unchanged_records + $13, pulled = CASE WHEN pulled = 1 THEN 1 ELSE $14 END,
		incomplete = CASE WHEN incomplete <> '' THEN incomplete ELSE $15 END,
		attempts = CASE WHEN $2 > 0 THEN 0 ELSE attempts END, gives_up_at = CASE WHEN $2 > 0 THEN 0 ELSE gives_up_at END, barren = $16,
		warnings = CASE WHEN $17 = '' THEN warnings ELSE $17 END, missing_records = missing_records + $18
		WHERE id = $19 AND `+unfinished,
		p.Cursor, p.Pages, p.Records, p.Bytes, len(p.Quarantined), last, p.Seen, c.New, c.Changed, c.Retired, c.Returned, c.Vanished, c.Unchanged,
		pulled, readable(p.Incomplete), p.Barren, lines(p.Warnings), c.Missing, p.RunID)
}

// moveDataset adds to the counts of a dataset and makes last its newest batch. A schema that is nil leaves its schema as it is.
func (tx *Tx) moveDataset(ctx context.Context, id sallyport.ID, records, bytes, last int64, schema *sallyport.Schema) error {
	var text any // NULL: unchanged
	if schema != nil {
		encoded, err := asJSON(schema)
		if err != nil {
			return err
		}
		text = encoded
	}
	_, err := tx.exec(ctx, `UPDATE dataset SET records = records + $1, bytes = bytes + $2, last_seq = $3, schema = COALESCE($4, schema)
		WHERE id = $5`, records, bytes, last, text, id)
	return err
}

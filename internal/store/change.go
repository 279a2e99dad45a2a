package store

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sallyport-io/sallyport"
)

// ChangeIndex is what is known of a dataset's records, so that a pull can tell what changed. It consists of parts, later ones stronger than
// earlier ones; what they say is for package changes to know.
type ChangeIndex struct {
	Fingerprint string // of what the parts depend on: those of another one are of no use
	Seed        []byte
	Generation  int64 // of the parts that count: 1, 2, 3 …
}

// ChangePart is a part of an index of changes.
type ChangePart struct {
	RunID int64 // the run that made it; 0: a part of the index as a whole
	Kept  bool  // entries; otherwise keys that the run saw, which end with it
	Body  []byte
}

// ClaimIndex returns the index of changes of a dataset for a run. If there is none with the fingerprint, it begins anew, with the seed. What
// other runs saw and did not come to an end with is forgotten.
func (tx *Tx) ClaimIndex(ctx context.Context, datasetID sallyport.ID, fingerprint string, seed []byte, runID int64) (ChangeIndex, error) {
	_, err := tx.exec(ctx, `INSERT INTO change_index (dataset_id, fingerprint, seed, generation) VALUES ($1, $2, $3, 1)
		ON CONFLICT (dataset_id) DO UPDATE SET fingerprint = excluded.fingerprint, seed = excluded.seed, generation = change_index.generation + 1
		WHERE change_index.fingerprint <> excluded.fingerprint`, datasetID, fingerprint, seed)
	if err != nil {
		return ChangeIndex{}, err
	}
	if err := tx.dropStagedParts(ctx, datasetID); err != nil {
		return ChangeIndex{}, err
	}
	if _, err := tx.exec(ctx, "DELETE FROM change_part WHERE dataset_id = $1 AND kept = 0 AND run_id <> $2", datasetID, runID); err != nil {
		return ChangeIndex{}, err
	}
	return one(ctx, tx.q, notFound("index of dataset", datasetID), scanIndex,
		"SELECT fingerprint, seed, generation FROM change_index WHERE dataset_id = $1", datasetID)
}

func scanIndex(r row) (x ChangeIndex, err error) {
	err = r.Scan(&x.Fingerprint, &x.Seed, &x.Generation)
	return x, err
}

// DropIndex removes the index of changes of a dataset, if it has one.
func (tx *Tx) DropIndex(ctx context.Context, datasetID sallyport.ID) error {
	_, err := tx.exec(ctx, "DELETE FROM change_index WHERE dataset_id = $1", datasetID)
	return err
}

// dropStagedParts removes the parts that were staged and never committed, and those of earlier generations.
func (tx *Tx) dropStagedParts(ctx context.Context, datasetID sallyport.ID) error {
	_, err := tx.exec(ctx, `DELETE FROM change_part WHERE dataset_id = $1
		AND generation <> (SELECT generation FROM change_index WHERE change_index.dataset_id = $1)`, datasetID)
	return err
}

// ChangeBytes is how many bytes of entries an index of changes has.
func (r reader) ChangeBytes(ctx context.Context, datasetID sallyport.ID, generation int64) (int64, error) {
	return one(ctx, r.q, errors.New("a sum is always there"), single[int64], `SELECT CAST(COALESCE(SUM(LENGTH(body)), 0) AS BIGINT) FROM change_part
		WHERE dataset_id = $1 AND generation = $2 AND kept = 1`, datasetID, generation)
}

// ChangeParts reads the parts of an index of changes, the earliest first. An error is the last thing it yields.
func (r reader) ChangeParts(ctx context.Context, datasetID sallyport.ID, generation int64) iter.Seq2[ChangePart, error] {
	return func(yield func(ChangePart, error) bool) {
		rows, err := r.q.QueryContext(ctx, "SELECT run_id, kept, body FROM change_part WHERE dataset_id = $1 AND generation = $2 ORDER BY id",
			datasetID, generation)
		if err != nil {
			yield(ChangePart{}, fmt.Errorf("read from the database: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var p ChangePart
			err := rows.Scan(&p.RunID, &p.Kept, &p.Body)
			if !yield(p, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ChangePart{}, fmt.Errorf("read from the database: %w", err))
		}
	}
}

// StageParts keeps parts of an index of changes that ChangeParts does not return yet: those of a page that is still being read, before
// CommitPage, or, with whole, those of the index as a whole, before ReplaceIndex. The error is [ErrFenced] if a later execution has claimed
// the source.
func (tx *Tx) StageParts(ctx context.Context, p PageCommit, whole bool) error {
	if err := tx.checkSource(ctx, p.SourceID, p.Fence); err != nil {
		return err
	}
	if whole {
		return tx.insertParts(ctx, p, 0, p.Generation+1)
	}
	return tx.insertParts(ctx, p, p.RunID, -p.Generation)
}

// appendParts makes the parts that were staged for a page count, and those of its commit.
func (tx *Tx) appendParts(ctx context.Context, p PageCommit) error {
	if p.Generation == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "UPDATE change_part SET generation = $1 WHERE dataset_id = $2 AND generation = $3 AND run_id = $4",
		p.Generation, p.DatasetID, -p.Generation, p.RunID)
	if err != nil {
		return err
	}
	return tx.insertParts(ctx, p, p.RunID, p.Generation)
}

func (tx *Tx) insertParts(ctx context.Context, p PageCommit, runID, generation int64) error {
	for _, part := range p.Parts {
		kept := 0
		if part.Kept {
			kept = 1
		}
		_, err := tx.exec(ctx, "INSERT INTO change_part (dataset_id, generation, run_id, kept, body) VALUES ($1, $2, $3, $4, $5)",
			p.DatasetID, generation, runID, kept, part.Body)
		if err != nil {
			return err
		}
	}
	return nil
}

// SettleIndex forgets what the run saw that ends now: the next one begins with what it took in.
func (tx *Tx) SettleIndex(ctx context.Context, datasetID sallyport.ID) error {
	_, err := tx.exec(ctx, "DELETE FROM change_part WHERE dataset_id = $1 AND kept = 0", datasetID)
	return err
}

// ReplaceIndex puts the parts that were staged of the index as a whole in the place of all others.
func (tx *Tx) ReplaceIndex(ctx context.Context, datasetID sallyport.ID, generation int64) error {
	err := tx.execOne(ctx, ErrFenced, "UPDATE change_index SET generation = generation + 1 WHERE dataset_id = $1 AND generation = $2",
		datasetID, generation)
	if err != nil {
		return err
	}
	return tx.dropStagedParts(ctx, datasetID)
}

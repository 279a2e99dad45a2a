package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"

	"github.com/sallyport-io/sallyport"
)

// history is the end of a dataset's log: the number and the hash of its last batch.
type history struct {
	dataset sallyport.ID
	last    int64
	hash    string
}

// next moves the history on by a batch whose Hash is that of its body, and returns the hash of all batches up to it. Two logs that have the
// same hash at the same number have the same batches up to there.
func (h *history) next(b sallyport.Batch) string {
	sum := sha256.Sum256([]byte(h.hash + " " + string(b.DestinationID) + " " + b.Hash))
	h.last, h.hash = h.last+1, hex.EncodeToString(sum[:])
	return h.hash
}

// history returns the end of a dataset's log. The dataset must be locked.
func (tx *Tx) history(ctx context.Context, datasetID sallyport.ID) (*history, error) {
	return one(ctx, tx.q, notFound("dataset", datasetID), func(r row) (*history, error) {
		h := &history{dataset: datasetID}
		return h, r.Scan(&h.last, &h.hash)
	}, "SELECT last_seq, hash FROM dataset WHERE id = $1", datasetID)
}

func (tx *Tx) setHistory(ctx context.Context, h *history) error {
	_, err := tx.exec(ctx, "UPDATE dataset SET hash = $1 WHERE id = $2", h.hash, h.dataset)
	return err
}

// BatchHash returns the hash of a batch and all before it in its dataset, "" if it is older than hashes. It is not found if the dataset has no
// batch of this number.
func (r reader) BatchHash(ctx context.Context, datasetID sallyport.ID, seq int64) (hash string, found bool, err error) {
	hash, err = one(ctx, r.q, sql.ErrNoRows, single[string], "SELECT hash FROM batch WHERE dataset_id = $1 AND seq = $2", datasetID, seq)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return hash, err == nil, err
}

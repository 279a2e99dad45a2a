package store

import (
	"context"
	"errors"

	"github.com/sallyport-io/sallyport"
)

// ErrFenced is the error of an execution that may not commit any more, because a later one has taken over.
var ErrFenced = errors.New("a later execution has taken over")

// maxBatches bounds how many batches are read at once, however small they are.
const maxBatches = 1000

func scanBatch(r row) (b sallyport.Batch, err error) {
	err = r.Scan(&b.DatasetID, &b.RunID, &b.Seq, &b.Records, &b.Bytes, &b.Body)
	return b, err
}

func scanSize(r row) (b sallyport.Batch, err error) {
	err = r.Scan(&b.Seq, &b.Bytes)
	return b, err
}

// Batches returns the batches of a dataset that come after a sequence number, in order, as many as have at most maxBytes Bytes together,
// but at least one if there is one.
func (r reader) Batches(ctx context.Context, datasetID sallyport.ID, after, maxBytes int64) ([]sallyport.Batch, error) {
	last, err := r.lastWithin(ctx, datasetID, after, maxBytes)
	if err != nil {
		return nil, err
	}
	return list(ctx, r.q, scanBatch, `SELECT dataset_id, run_id, seq, records, bytes, body FROM batch
		WHERE dataset_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq`, datasetID, after, last)
}

// lastWithin finds where Batches ends, without reading a body.
func (r reader) lastWithin(ctx context.Context, datasetID sallyport.ID, after, maxBytes int64) (int64, error) {
	sizes, err := list(ctx, r.q, scanSize,
		"SELECT seq, bytes FROM batch WHERE dataset_id = $1 AND seq > $2 ORDER BY seq LIMIT $3", datasetID, after, maxBatches)
	if err != nil {
		return 0, err
	}
	last, sum := after, int64(0)
	for i, b := range sizes {
		if sum += b.Bytes; i > 0 && sum > maxBytes {
			break
		}
		last = b.Seq
	}
	return last, nil
}

// BatchesBefore returns some batches of a dataset that come before a sequence number, the last one first; none if there are no more.
func (r reader) BatchesBefore(ctx context.Context, datasetID sallyport.ID, before int64) ([]sallyport.Batch, error) {
	return list(ctx, r.q, scanBatch, `SELECT dataset_id, run_id, seq, records, bytes, body FROM batch
		WHERE dataset_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT 4`, datasetID, before)
}

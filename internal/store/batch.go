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
	err = r.Scan(&b.DatasetID, &b.RunID, &b.Seq, &b.Records, &b.Bytes, &b.Body, &b.DestinationID, &b.Hash)
	return b, err
}

func scanSize(r row) (b sallyport.Batch, err error) {
	err = r.Scan(&b.Seq, &b.Bytes)
	return b, err
}

const selectBatches = "SELECT dataset_id, run_id, seq, records, bytes, body, COALESCE(destination_id, ''), hash FROM batch"

// Batches returns the batches of a dataset that come after a sequence number and are for everyone, in order, as many as have at most
// maxBytes Bytes together, but at least one if there is one. Numbers may be missing between them.
func (r reader) Batches(ctx context.Context, datasetID sallyport.ID, after, maxBytes int64) ([]sallyport.Batch, error) {
	last, err := r.lastWithin(ctx, datasetID, after, maxBytes, " AND destination_id IS NULL")
	if err != nil {
		return nil, err
	}
	return list(ctx, r.q, scanBatch, selectBatches+` WHERE dataset_id = $1 AND seq > $2 AND seq <= $3 AND destination_id IS NULL ORDER BY seq`,
		datasetID, after, last)
}

// BatchesTo returns what a destination is to get of a dataset after a sequence number, bounded as Batches does: the batches for everyone,
// and those for it alone. It is done with all up to last then, which is after itself when nothing comes after that.
func (r reader) BatchesTo(ctx context.Context, datasetID, destinationID sallyport.ID, after, maxBytes int64) (batches []sallyport.Batch, last int64, err error) {
	if last, err = r.lastWithin(ctx, datasetID, after, maxBytes, ""); err != nil {
		return nil, 0, err
	}
	batches, err = list(ctx, r.q, scanBatch, selectBatches+` WHERE dataset_id = $1 AND seq > $2 AND seq <= $3
		AND (destination_id IS NULL OR destination_id = $4) ORDER BY seq`, datasetID, after, last, destinationID)
	return batches, last, err
}

// lastWithin finds where a reader of batches ends, without reading a body.
func (r reader) lastWithin(ctx context.Context, datasetID sallyport.ID, after, maxBytes int64, filter string) (int64, error) {
	sizes, err := list(ctx, r.q, scanSize,
		"SELECT seq, bytes FROM batch WHERE dataset_id = $1 AND seq > $2"+filter+" ORDER BY seq LIMIT $3", datasetID, after, maxBatches)
	if err != nil {
		return 0, err
	}
	return lastOf(sizes, after, maxBytes), nil
}

// lastOf is the number of the last of those, by their sizes, that have at most maxBytes together: at least the first, or after if there is none.
func lastOf(sizes []sallyport.Batch, after, maxBytes int64) int64 {
	last, sum := after, int64(0)
	for i, b := range sizes {
		if sum += b.Bytes; i > 0 && sum > maxBytes {
			break
		}
		last = b.Seq
	}
	return last
}

// BatchesBefore returns some batches of a dataset that are for everyone and come before a sequence number, the last one first; none if there
// are no more.
func (r reader) BatchesBefore(ctx context.Context, datasetID sallyport.ID, before int64) ([]sallyport.Batch, error) {
	return list(ctx, r.q, scanBatch, selectBatches+" WHERE dataset_id = $1 AND seq < $2 AND destination_id IS NULL ORDER BY seq DESC LIMIT 4",
		datasetID, before)
}

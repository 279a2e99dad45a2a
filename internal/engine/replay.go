package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

// Replay takes records of a flow out of quarantine and appends them to its dataset, in the caller's transaction, and queues the
// deliveries: what the dataset had not taken goes to everyone, what a destination had rejected to that one alone. Each record must be an
// object of one line.
func (e *Engine) Replay(ctx context.Context, tx *store.Tx, flow sallyport.Flow, records []sallyport.Quarantined) error {
	of := map[sallyport.ID][]sallyport.Quarantined{}
	for _, q := range records {
		of[q.DestinationID] = append(of[q.DestinationID], q)
	}
	for _, taker := range slices.Sorted(maps.Keys(of)) {
		if err := replayTo(ctx, tx, flow.Dataset.ID, taker, of[taker]); err != nil {
			return err
		}
	}
	return e.Deliver(ctx, tx, flow.ID)
}

// replayTo replays records that all have the same taker.
func replayTo(ctx context.Context, tx *store.Tx, datasetID, taker sallyport.ID, records []sallyport.Quarantined) (err error) {
	r := store.Replay{DatasetID: datasetID, DestinationID: taker}
	for _, q := range records {
		r.IDs = append(r.IDs, q.ID)
	}
	if r.Batches, err = packed(records); err != nil {
		return err
	}
	if taker == "" {
		if r.Schema, err = observed(ctx, tx, datasetID, records); err != nil {
			return err
		}
	}
	return tx.Replay(ctx, r)
}

// packed packs records into batches.
func packed(records []sallyport.Quarantined) ([]sallyport.Batch, error) {
	packer, err := dataset.NewPacker()
	if err != nil {
		return nil, err
	}
	var batches []*sallyport.Batch
	for i, q := range records {
		if full := packer.Add(q.Record); full || i == len(records)-1 {
			batch, _ := packer.Pack()
			batches = append(batches, batch)
		}
	}
	packer.Wait()
	whole := make([]sallyport.Batch, len(batches))
	for i, b := range batches {
		whole[i] = *b
	}
	return whole, nil
}

// observed is the schema of a dataset once it has these records, too.
func observed(ctx context.Context, tx *store.Tx, datasetID sallyport.ID, records []sallyport.Quarantined) (*sallyport.Schema, error) {
	d, err := tx.LockDataset(ctx, datasetID)
	if err != nil {
		return nil, err
	}
	observer := dataset.NewObserver(d.Schema)
	for _, q := range records {
		if err := observer.Observe(q.Record); err != nil {
			return nil, err
		}
	}
	schema := observer.Schema()
	return &schema, nil
}

// WhyNoRecord says why a value cannot be a record of a dataset. It is "" for one that can.
func WhyNoRecord(value []byte) string {
	switch {
	case len(value) == 0 || value[0] != '{':
		return "a record must be an object, and this is " + kindOf(value)
	case connector.TooDeep(value):
		return fmt.Sprintf("a record must not be nested more than %d levels deep", connector.MaxDepth)
	}
	return ""
}

// IsExcerpt tells whether a value in quarantine is only the beginning of what could not be taken.
func IsExcerpt(value json.RawMessage) bool {
	var text string
	if json.Unmarshal(value, &text) != nil || utf8.RuneCountInString(text) < fewRejectBytes/utf8.UTFMax {
		return false
	}
	at := strings.LastIndex(text, cutMark)
	return at >= 0 && strings.HasSuffix(text[at:], cutEnd)
}

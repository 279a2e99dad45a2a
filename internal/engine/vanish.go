package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/dataset"
)

// vanish keeps the last that is known of each record that this run did not see, and that enough complete pulls have missed now. It is looked
// for from the newest batch before the run on. Of the others it is only noted that one more pull has missed them.
func (in *ingestion) vanish(ctx context.Context) error {
	confirm := in.confirm()
	if err := in.miss(ctx, confirm); err != nil {
		return err
	}
	missing := in.tracker.index.Vanishing(confirm)
	if missing == 0 {
		return nil
	}
	unpacker, err := dataset.NewUnpacker()
	if err != nil {
		return err
	}
	defer unpacker.Close()
	for before := in.run.FirstSeq; missing > 0; {
		batches, err := in.Store.BatchesBefore(ctx, in.flow.Dataset.ID, before)
		if err != nil {
			return storeFault{err}
		}
		if len(batches) == 0 {
			break
		}
		for _, b := range batches {
			found, err := in.vanishFrom(ctx, unpacker, b)
			if err != nil {
				return err
			}
			missing, before = missing-found, b.Seq
		}
	}
	return in.forget(ctx, missing)
}

// miss notes which records this pull has missed that have not vanished by that. The others that it did not see are missing from now on.
func (in *ingestion) miss(ctx context.Context, confirm int) error {
	for look := range in.tracker.index.AllMissing(0, confirm-2) {
		j := &in.buffer.page.judged
		j.entries = j.entries.Add(in.tracker.index.Miss(look))
		j.changes.Missing++
		if in.buffer.open() >= commitBytes {
			in.buffer.finish()
			if err := in.pause(ctx); err != nil {
				return err
			}
		}
	}
	in.buffer.finish()
	return nil
}

// vanishFrom keeps those records of a batch that have vanished, and returns how many they are.
func (in *ingestion) vanishFrom(ctx context.Context, unpacker *dataset.Unpacker, b sallyport.Batch) (found int, err error) {
	t := &in.tracker
	records, err := unpacker.Records(b)
	if err != nil {
		return 0, err
	}
	for _, record := range slices.Backward(slices.Collect(records)) {
		look, err := t.reader.Read(record)
		if err != nil {
			return found, fmt.Errorf("batch %d of dataset %s: %w", b.Seq, b.DatasetID, err)
		}
		if !t.index.Missing(look) {
			continue
		}
		found++
		j := &in.buffer.page.judged
		j.entries = j.entries.Add(t.index.Vanish(look, sallyport.Now()))
		j.changes.Vanished++
		if record, err = t.marker.Mark(record, look, sallyport.ChangeVanished); err != nil {
			return found, err
		}
		if err := in.keep(record); err != nil {
			return found, err
		}
	}
	in.buffer.finish()
	return found, in.pause(ctx)
}

// forget lets those records vanish that are in no batch any more: there is nothing to say of them.
func (in *ingestion) forget(ctx context.Context, missing int) error {
	if missing == 0 {
		return nil
	}
	in.Log.WarnContext(ctx, "records have vanished that are not kept any more", "flow", in.flow.Name, "run", in.run.ID, "records", missing)
	for look := range in.tracker.index.AllMissing(0, sallyport.MaxConfirm) {
		j := &in.buffer.page.judged
		j.entries = j.entries.Add(in.tracker.index.Vanish(look, sallyport.Now()))
		if in.buffer.open() >= commitBytes {
			in.buffer.finish()
			if err := in.pause(ctx); err != nil {
				return err
			}
		}
	}
	in.buffer.finish()
	return nil
}

// pause commits when it is time, and ends the execution when it must: the next one goes on behind what was committed.
func (in *ingestion) pause(ctx context.Context) error {
	stops := in.stops()
	if !stops && in.buffer.waiting() < commitBytes {
		return nil
	}
	if err := in.commit(ctx, nil); err != nil || !stops {
		return err
	}
	return again
}

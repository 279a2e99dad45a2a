package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/changes"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

// partsAtOnce is how many parts of 1 MB of an index are written in one transaction.
const partsAtOnce = 4

// tracker finds out what became of the records of a run since the last one. It does nothing if it is not On.
type tracker struct {
	connector.Tracking
	fault    error // why it cannot be known whether it is
	stored   store.ChangeIndex
	index    changes.Index
	reader   *changes.Reader
	marker   changes.Marker
	replaced bool // the index is staged as a whole
}

// judgements are what some records were judged to be, and what of that is written down.
type judgements struct {
	changes sallyport.Changes
	entries changes.Entries // of those that changed
	keys    changes.Keys    // of those that did not
}

func (j *judgements) add(more *judgements) {
	j.changes.Add(more.changes)
	j.entries, j.keys = append(j.entries, more.entries...), append(j.keys, more.keys...)
}

// empty is no judgement, in the same memory.
func (j *judgements) empty() judgements { return judgements{entries: j.entries[:0], keys: j.keys[:0]} }

func (j *judgements) bytes() int64 { return int64(len(j.entries) + len(j.keys)) }

// parts are what is written down, valid until more is added.
func (j *judgements) parts() (parts []store.ChangePart) {
	if len(j.entries) > 0 {
		parts = append(parts, store.ChangePart{Kept: true, Body: j.entries})
	}
	if len(j.keys) > 0 {
		parts = append(parts, store.ChangePart{Body: j.keys})
	}
	return parts
}

// claimIndex finds the index of changes of the run's dataset, in the transaction that claims the source. Where changes are not looked for,
// what was known is of no use later.
func (in *ingestion) claimIndex(ctx context.Context, tx *store.Tx) error {
	t := &in.tracker
	definition, err := in.Catalogue.Definition(in.flow.Source.Connector)
	if err == nil {
		t.Tracking, err = definition.Tracking(in.flow.Source)
	}
	switch {
	case err != nil:
		t.On, t.fault = false, err
		return nil
	case !t.On:
		return tx.DropIndex(ctx, in.flow.Dataset.ID)
	}
	t.stored, err = tx.ClaimIndex(ctx, in.flow.Dataset.ID, changes.Fingerprint(t.Key, t.Ignore), changes.NewSeed(), in.run.ID)
	return err
}

// loadIndex reads what is known of the records of the last pull, and what this run has seen of them already.
func (in *ingestion) loadIndex(ctx context.Context) error {
	t := &in.tracker
	if !t.On {
		return t.fault
	}
	t.reader = changes.NewReader(t.stored.Seed, t.Key, t.Ignore)
	bytes, err := in.Store.ChangeBytes(ctx, in.flow.Dataset.ID, t.stored.Generation)
	if err != nil {
		return storeFault{err}
	}
	t.index.Reserve(bytes)
	for part, err := range in.Store.ChangeParts(ctx, in.flow.Dataset.ID, t.stored.Generation) {
		if err != nil {
			return storeFault{err}
		}
		if part.Kept {
			err = t.index.Load(part.Body, part.RunID == in.run.ID, part.RunID == 0)
		} else {
			err = t.index.See(part.Body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// judge returns a record with what became of it, or nil if nothing did and only changes are kept.
func (t *tracker) judge(record []byte, j *judgements) ([]byte, error) {
	look, err := t.reader.Read(record)
	if err != nil {
		return nil, err
	}
	change := t.index.Judge(look)
	*j.changes.Of(change)++
	if change != sallyport.ChangeUnchanged {
		j.entries = j.entries.Add(look)
		if t.index.Keys() > changes.MaxKeys {
			return nil, sallyport.Errorf(sallyport.Upstream, "there are more than %d records with keys of their own: check the key", changes.MaxKeys)
		}
	} else if j.keys = j.keys.Add(look); !t.All {
		return nil, nil
	}
	return t.marker.Mark(record, look, change)
}

// settleChanges does what follows from the end of the source: what a pull of everything did not give has vanished, and the index is written
// as a whole when too much was added to it.
func (in *ingestion) settleChanges(ctx context.Context) error {
	t := &in.tracker
	if !t.On {
		return nil
	}
	if t.Whole && in.run.Incomplete == "" && in.cut == "" {
		if err := in.vanish(ctx); err != nil {
			return err
		}
	}
	if !t.index.Untidy() {
		return nil
	}
	var parts []store.ChangePart
	for part := range t.index.Whole(sallyport.Now()) {
		parts = append(parts, store.ChangePart{Kept: true, Body: slices.Clone(part)})
		if len(parts) == partsAtOnce {
			if err := in.stageWhole(ctx, parts); err != nil {
				return err
			}
			parts = nil
		}
	}
	t.replaced = true
	return in.stageWhole(ctx, parts)
}

func (in *ingestion) stageWhole(ctx context.Context, parts []store.ChangePart) error {
	return in.inTx(ctx, func(tx *store.Tx) error { return tx.StageParts(ctx, in.moves(parts), true) })
}

// endIndex makes the index that of the next run.
func (in *ingestion) endIndex(ctx context.Context, tx *store.Tx) error {
	switch {
	case !in.tracker.On:
		return nil
	case in.tracker.replaced:
		return tx.ReplaceIndex(ctx, in.flow.Dataset.ID, in.tracker.stored.Generation)
	}
	return tx.SettleIndex(ctx, in.flow.Dataset.ID)
}

// vanish keeps the last that is known of each record that this run did not see. It is looked for from the newest batch before the run on.
func (in *ingestion) vanish(ctx context.Context) error {
	missing := 0
	for range in.tracker.index.AllMissing() {
		missing++
	}
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
	for look := range in.tracker.index.AllMissing() {
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

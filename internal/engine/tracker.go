package engine

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/changes"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

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
	change, moved := t.index.Judge(look)
	*j.changes.Of(change)++
	if moved {
		j.entries = j.entries.Add(look)
	} else {
		j.keys = j.keys.Add(look)
	}
	switch {
	case t.index.Keys() > changes.MaxKeys:
		return nil, sallyport.Errorf(sallyport.Upstream, "there are more than %d records with keys of their own: check the key", changes.MaxKeys)
	case change == sallyport.ChangeUnchanged && !t.All:
		return nil, nil
	}
	return t.marker.Mark(record, look, change)
}

// settleChanges does what follows from the end of the source: what a pull of everything did not give has vanished, and the index is written
// as a whole when too much was added to it.
func (in *ingestion) settleChanges(ctx context.Context) error {
	t := &in.tracker
	if !t.On || in.holds() {
		return nil
	}
	if in.complete() {
		if err := in.vanish(ctx); err != nil {
			return err
		}
	}
	if !t.index.Untidy() {
		return nil
	}
	t.replaced = true
	for part := range t.index.Whole(sallyport.Now()) {
		p := in.moves([]store.ChangePart{{Kept: true, Body: part}})
		if err := in.inTx(ctx, func(tx *store.Tx) error { return tx.StageParts(ctx, p, true) }); err != nil {
			return err
		}
	}
	return nil
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

// complete tells whether a pull that ends now has everything that there is, as far as is known: what it did not give is missing.
func (in *ingestion) complete() bool {
	return in.tracker.On && in.tracker.Whole && in.run.Incomplete == "" && in.cut == ""
}

// inTx does something in a transaction. What goes wrong there is a fault of our own store.
func (in *ingestion) inTx(ctx context.Context, f func(tx *store.Tx) error) error {
	if err := in.Store.InTx(ctx, f); err != nil {
		return storeFault{err}
	}
	return nil
}

// moves is the beginning of a commit: of what, and by whom.
func (in *ingestion) moves(parts []store.ChangePart) store.PageCommit {
	return store.PageCommit{
		SourceID: in.flow.Source.ID, Fence: in.fence, RunID: in.run.ID, DatasetID: in.flow.Dataset.ID,
		Generation: in.tracker.stored.Generation, Parts: parts,
	}
}

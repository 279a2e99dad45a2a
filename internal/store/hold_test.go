package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// testHeld holds pages back, with what was staged of them, and then lets them go or drops them.
func testHeld(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	before := get(s.Dataset(ctx, i.Dataset.ID))(t)
	generation := int64(0)
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		x, err := tx.ClaimIndex(ctx, i.Dataset.ID, "fingerprint", []byte("seed"), i.run.ID)
		generation = x.Generation
		return err
	})
	hold := func(names ...string) {
		t.Helper()
		p := i.page("next")
		for _, name := range names {
			p.Batches = append(p.Batches, batch(name, 2))
			p.Records, p.Bytes = p.Records+2, p.Bytes+20
		}
		p.Hold, p.Generation, p.Parts = true, generation, []store.ChangePart{{Kept: true, Body: []byte("part")}}
		p.Schema = &sallyport.Schema{Fields: []sallyport.Field{{Name: "held", Kind: sallyport.KindString}}}
		p.Quarantined = []sallyport.Quarantined{{Record: []byte("7"), Reason: "a number", At: at(1)}}
		do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			i.run, err = tx.CommitPage(ctx, p)
			return err
		})
	}
	release := func() {
		t.Helper()
		do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			schema, err := tx.HeldSchema(ctx, i.run.ID)
			if err == nil {
				i.run, err = tx.ReleaseHeld(ctx, i.run, i.Dataset.ID, schema)
			}
			return err
		})
	}

	hold("x")
	i.stage(t, s, i.run.ID, "y")
	hold("z")
	i.stage(t, s, i.run.ID, "of a page that is broken off")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropStaged(ctx, i.Dataset.ID) })
	diff(t, get(s.Dataset(ctx, i.Dataset.ID))(t), before)
	diff(t, get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t), []sallyport.Batch{})
	if i.run.Hold != sallyport.HoldPending || i.run.Records != 4 || i.run.LastSeq != 0 {
		t.Errorf("a run that holds is %+v", i.run)
	}

	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		i.run, err = tx.DropHeld(ctx, i.run, i.Dataset.ID)
		return err
	})
	if q := get(s.Quarantine(ctx, i.Dataset.ID, "", 0, 0))(t); len(q) != 0 || i.run.Hold != "" || i.run.Records != 0 || i.run.Quarantined != 0 {
		t.Errorf("dropped, but %d values are in quarantine, and the run is %+v", len(q), i.run)
	}
	if n := get(s.ChangeBytes(ctx, i.Dataset.ID, generation))(t); n != 0 {
		t.Errorf("dropped, but the index has %d bytes", n)
	}
	release()
	diff(t, get(s.Dataset(ctx, i.Dataset.ID))(t), before)

	hold("u")
	i.stage(t, s, i.run.ID, "v")
	hold("w")
	if err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AcceptHeld(ctx, i.run.ID) }); err != nil {
		t.Error(err)
	}
	wantError(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AcceptHeld(ctx, i.run.ID) }), sallyport.NotFound)
	release()
	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t)), "1:u 2:v 3:w ")
	d := get(s.Dataset(ctx, i.Dataset.ID))(t)
	if d.Records != 5 || d.Bytes != 50 || d.LastSeq != 3 || i.run.LastSeq != 3 || i.run.Hold != "" || d.Schema.Fields[0].Name != "held" {
		t.Errorf("let go, the dataset is %+v and the run %+v", d, i.run)
	}
	if q := get(s.Quarantine(ctx, d.ID, "", 0, 0))(t); len(q) != 2 {
		t.Errorf("let go, %d values are in quarantine", len(q))
	}
}

package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// reject lets a destination reject records, or the dataset itself (""), and returns their numbers.
func (i *ingest) reject(t testing.TB, s *store.Store, destinationID sallyport.ID, records ...string) (ids []int64) {
	t.Helper()
	var all []sallyport.Quarantined
	for _, r := range records {
		all = append(all, sallyport.Quarantined{DatasetID: i.Dataset.ID, Record: []byte(r), Reason: "no", At: at(1)})
	}
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		if destinationID == "" {
			p := i.page("")
			p.Quarantined = all
			i.run, err = tx.CommitPage(ctx, p)
			return err
		}
		d, fence := get(tx.StartDelivery(ctx, destinationID))(t), get(tx.ClaimDestination(ctx, destinationID))(t)
		return tx.CommitDelivery(ctx, store.DeliveryCommit{DestinationID: destinationID, Fence: fence, DeliveryID: d.ID,
			Position: get(tx.Destination(ctx, destinationID))(t).Position, Rejected: int64(len(all)), Quarantined: all})
	})
	for _, q := range get(s.Quarantine(t.Context(), i.Dataset.ID, "", len(records), 0))(t) {
		ids = append([]int64{q.ID}, ids...)
	}
	return ids
}

func testQuarantineEdit(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	ids := i.reject(t, s, "", `1`, `2`)
	q := get(s.Quarantined(t.Context(), ids[0]))(t)
	other := get(s.Quarantined(t.Context(), ids[1]))(t)
	edit := func(q, since sallyport.Quarantined) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.EditQuarantined(ctx, q, since.EditedAt) })
	}
	first := q
	first.Record, first.EditedAt = []byte(`{"a":1}`), at(3)
	if err := edit(first, q); err != nil {
		t.Fatal(err)
	}
	diff(t, get(s.Quarantined(t.Context(), q.ID))(t), first)
	second := q
	second.Record, second.EditedAt = []byte(`{"a":2}`), at(4)
	wantError(t, edit(second, q), sallyport.Conflict, "edited meanwhile", "nothing was overwritten")
	diff(t, get(s.Quarantined(t.Context(), q.ID))(t), first)
	if err := edit(second, first); err != nil {
		t.Error(err)
	}
	diff(t, get(s.Quarantined(t.Context(), q.ID))(t), second)
	diff(t, get(s.Quarantined(t.Context(), other.ID))(t), other)
	gone := q
	gone.ID = 999
	wantError(t, edit(gone, q), sallyport.NotFound, "record 999 is not in quarantine")
}

func testQuarantineAfter(t *testing.T, s *store.Store) {
	i, other := addIngest(t, s, "one", "a", "b"), addIngest(t, s, "two")
	a, b := i.Destinations[0].ID, i.Destinations[1].ID
	other.reject(t, s, "", `"not of this flow"`)
	i.reject(t, s, "", `"1"`, `"22"`)
	i.reject(t, s, a, `"333"`, `"4444"`)
	i.reject(t, s, b, `"55555"`)
	first := get(s.Quarantine(t.Context(), i.Dataset.ID, "", 0, 0))(t)[4].ID
	for _, c := range []struct {
		destination     sallyport.ID
		after, maxBytes int64
		want            string
	}{
		{"", 0, unbounded, `"1" "22" "333" "4444" "55555" `}, {"", 0, 0, `"1" `}, {"", 0, 6, `"1" `}, {"", 0, 7, `"1" "22" `},
		{"", first, 9, `"22" "333" `}, {a, 0, unbounded, `"333" "4444" `}, {b, first, 0, `"55555" `}, {a, first + 3, unbounded, ""},
	} {
		got := ""
		for _, q := range get(s.QuarantineAfter(t.Context(), i.Dataset.ID, c.destination, c.after, c.maxBytes))(t) {
			got += fmt.Sprintf("%s ", q.Record)
		}
		diff(t, got, c.want)
	}
}

func replay(t testing.TB, s *store.Store, r store.Replay) error {
	t.Helper()
	return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.Replay(ctx, r) })
}

func testReplay(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 2))
	ids := i.reject(t, s, "", `1`, `2`, `3`)
	run := get(s.Run(ctx, i.run.ID))(t)
	i.stage(t, s, i.run.ID, "of a page that is being read")
	schema := sallyport.Schema{Fields: []sallyport.Field{{Name: "mended", Kind: sallyport.KindInteger}}}
	r := store.Replay{DatasetID: i.Dataset.ID, IDs: ids[:2], Batches: []sallyport.Batch{batch("r", 1), batch("s", 1)}, Schema: &schema}
	if err := replay(t, s, r); err != nil {
		t.Fatal(err)
	}
	d := i.Dataset
	d.Records, d.Bytes, d.LastSeq, d.Schema = 4, 40, 3, schema
	diff(t, get(s.Dataset(ctx, d.ID))(t), d)
	batches := get(s.Batches(ctx, d.ID, 0, unbounded))(t)
	diff(t, bodies(batches), "1:x 2:r 3:s ")
	if batches[1].RunID != 0 || batches[1].DestinationID != "" {
		t.Errorf("the replayed batch is of run %d, for %q", batches[1].RunID, batches[1].DestinationID)
	}
	diff(t, get(s.Run(ctx, run.ID))(t), run)
	if left := get(s.Quarantine(ctx, d.ID, "", 0, 0))(t); len(left) != 1 || left[0].ID != ids[2] {
		t.Errorf("in quarantine: %+v", left)
	}

	// One that is gone takes all of it back.
	r.IDs, r.Schema = []int64{ids[2], ids[0]}, nil
	wantError(t, replay(t, s, r), sallyport.NotFound, fmt.Sprintf("record %d is not in quarantine", ids[0]))
	diff(t, get(s.Dataset(ctx, d.ID))(t), d)
	diff(t, len(get(s.Quarantine(ctx, d.ID, "", 0, 0))(t)), 1)

	// The run goes on behind it.
	i.commit(t, s)
	diff(t, bodies(get(s.Batches(ctx, d.ID, 3, unbounded))(t)), "4:of a page that is being read ")
	diff(t, i.run.LastSeq, int64(4))
	r.DatasetID = "set_no"
	wantError(t, replay(t, s, r), sallyport.NotFound, "set_no")
}

func testReplayForOne(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a", "b")
	a, b := i.Destinations[0].ID, i.Destinations[1].ID
	i.commit(t, s, batch("x", 2))
	i.reject(t, s, "", `"of the dataset"`)
	ids := i.reject(t, s, a, `{"a":1}`, `{"a":2}`)
	r := store.Replay{DatasetID: i.Dataset.ID, DestinationID: b, IDs: ids[:1], Batches: []sallyport.Batch{batch("r", 1)}}
	wantError(t, replay(t, s, r), sallyport.NotFound, "not in quarantine") // it is not b that rejected them
	r.DestinationID = a
	before := get(s.Dataset(ctx, i.Dataset.ID))(t)
	if err := replay(t, s, r); err != nil {
		t.Fatal(err)
	}
	before.LastSeq = 2
	diff(t, get(s.Dataset(ctx, i.Dataset.ID))(t), before)
	diff(t, get(s.Destination(ctx, a))(t).Rejected, int64(1))
	i.commit(t, s, batch("y", 1))

	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t)), "1:x 3:y ")
	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 1, 0))(t)), "3:y ")
	for _, c := range []struct {
		destination     sallyport.ID
		after, maxBytes int64
		want            string
		last            int64
	}{
		{a, 0, unbounded, "1:x 2:r 3:y ", 3}, {b, 0, unbounded, "1:x 3:y ", 3}, {a, 1, 0, "2:r ", 2}, {b, 1, 0, "", 2}, {b, 2, 0, "3:y ", 3},
		{a, 3, unbounded, "", 3}, {"dst_later", 0, unbounded, "1:x 3:y ", 3},
	} {
		batches, last, err := s.BatchesTo(ctx, i.Dataset.ID, c.destination, c.after, c.maxBytes)
		diff(t, bodies(get(batches, err)(t)), c.want)
		diff(t, last, c.last)
	}

	// The destination goes: its batches stay what they were.
	f := get(s.Flow(ctx, i.ID))(t)
	f.Destinations = f.Destinations[1:]
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateFlow(ctx, &f) })
	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t)), "1:x 3:y ")
	diff(t, len(get(s.Quarantine(ctx, i.Dataset.ID, "", 0, 0))(t)), 1)
}

// testReplayCountsInItsRun commits records of two runs and of a replay together.
func testReplayCountsInItsRun(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 2))
	first := i.run.ID
	i.setState(t, s, sallyport.RunSucceeded)
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		i.run, err = tx.InsertRun(ctx, i.ID)
		return err
	})
	i.commit(t, s, batch("y", 2))
	d, fence := deliver(t, s, i.Destinations[0].ID)
	var all []sallyport.Quarantined
	for _, run := range []int64{first, i.run.ID, first, 0} {
		all = append(all, sallyport.Quarantined{DatasetID: i.Dataset.ID, RunID: run, Record: []byte("1")})
	}
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.CommitDelivery(ctx, store.DeliveryCommit{
			DestinationID: d.DestinationID, Fence: fence, DeliveryID: d.ID, Position: 2, Rejected: 4, Quarantined: all,
		})
	})
	diff(t, get(s.Run(t.Context(), first))(t).Quarantined, int64(2))
	diff(t, get(s.Run(t.Context(), i.run.ID))(t).Quarantined, int64(1))
}

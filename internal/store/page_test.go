package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

const unbounded = 1 << 60

func wantFenced(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
}

func (i *ingest) stage(t testing.TB, s *store.Store, runID int64, names ...string) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		var batches []sallyport.Batch
		for _, name := range names {
			b := batch(name, 1)
			b.DatasetID, b.RunID = i.Dataset.ID, runID
			batches = append(batches, b)
		}
		return tx.StageBatches(ctx, i.Source.ID, i.fence, batches)
	})
}

func testPage(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	diff(t, get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t), []sallyport.Batch{})
	i.commit(t, s, batch("x", 2))

	p := i.page("page 3", batch("y", 3), batch("z", 4))
	p.Pages, p.Schema = 2, &sallyport.Schema{Fields: []sallyport.Field{{Name: "new", Kind: sallyport.KindMixed}}}
	p.Quarantined = []sallyport.Quarantined{
		{Record: []byte(`"\x00 not an object"`), Reason: "not an object", At: at(1)}, {Record: []byte("7"), At: at(2)}}
	var run sallyport.Run
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		run, err = tx.CommitPage(ctx, p)
		return err
	})
	want := i.run
	want.Cursor, want.Pages, want.Records, want.Bytes, want.Quarantined, want.LastSeq = "page 3", 3, 9, 90, 2, 3
	diff(t, run, want)
	diff(t, get(s.Run(ctx, run.ID))(t), want)

	d := i.Dataset
	d.Records, d.Bytes, d.LastSeq, d.Schema = 9, 90, 3, *p.Schema
	diff(t, get(s.Dataset(ctx, d.ID))(t), d)
	batches := get(s.Batches(ctx, d.ID, 0, unbounded))(t)
	y := batch("y", 3)
	y.DatasetID, y.RunID, y.Seq, y.Hash = d.ID, run.ID, 2, batches[1].Hash
	diff(t, batches[1], y)
	diff(t, bodies(batches), "1:x 2:y 3:z ")

	if q := get(s.Quarantine(ctx, d.ID, "", 0, 0))(t); len(q) != 2 || q[1].DatasetID != d.ID || q[1].RunID != run.ID || q[1].DestinationID != "" ||
		string(q[1].Record) != `"\x00 not an object"` || q[1].Reason != "not an object" || !q[1].At.Equal(at(1)) {
		t.Errorf("quarantine has %+v", q)
	}
	if p.Quarantined[0].DatasetID != "" {
		t.Error("the caller's records were changed")
	}
	// The next run begins after this one.
	i.setState(t, s, sallyport.RunSucceeded)
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		run, err = tx.InsertRun(ctx, i.ID)
		return err
	})
	if run.FirstSeq != 4 || run.LastSeq != 3 {
		t.Errorf("the next run has batches %d to %d", run.FirstSeq, run.LastSeq)
	}
}

func testPageStaged(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one")
	other := addIngest(t, s, "two")
	i.commit(t, s, batch("a", 1))
	i.stage(t, s, i.run.ID, "b", "c")
	other.stage(t, s, other.run.ID, "of another dataset")
	i.stage(t, s, i.run.ID, "d")
	i.stage(t, s, 777, "of another run")
	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t)), "1:a ")
	diff(t, get(s.Dataset(ctx, i.Dataset.ID))(t).LastSeq, int64(1))

	i.commit(t, s, batch("e", 1), batch("f", 1))
	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t)), "1:a 2:b 3:c 4:d 5:e 6:f ")
	diff(t, i.run.LastSeq, int64(6))
	i.stage(t, s, i.run.ID, "lost")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropStaged(ctx, i.Dataset.ID) })
	i.commit(t, s, batch("g", 1))
	diff(t, bodies(get(s.Batches(ctx, i.Dataset.ID, 5, unbounded))(t)), "6:f 7:g ")
	other.commit(t, s)
	diff(t, bodies(get(s.Batches(ctx, other.Dataset.ID, 0, unbounded))(t)), "1:of another dataset ")
}

func testPageFenced(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one")
	i.stage(t, s, i.run.ID, "a")
	old, stale := i.fence, i.page("stale", batch("b", 1))
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		i.fence, err = tx.ClaimSource(ctx, i.Source.ID)
		return err
	})
	if i.fence <= old {
		t.Errorf("the second claim got %d after %d", i.fence, old)
	}
	diff(t, get(s.Flow(ctx, i.ID))(t).Source.Fence, i.fence)
	wantFenced(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CommitPage(ctx, stale)
		return err
	}))
	wantFenced(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.StageBatches(ctx, i.Source.ID, old, []sallyport.Batch{batch("c", 1)})
	}))
	diff(t, get(s.Run(ctx, i.run.ID))(t), i.run)
	diff(t, get(s.Batches(ctx, i.Dataset.ID, 0, unbounded))(t), []sallyport.Batch{})
	err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ClaimSource(ctx, "src_no")
		return err
	})
	wantError(t, err, sallyport.NotFound, "src_no")
}

func testPageOfFinishedRun(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	i.setState(t, s, sallyport.RunFailed)
	wantFenced(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CommitPage(ctx, i.page("", batch("a", 1)))
		return err
	}))
	diff(t, get(s.Dataset(t.Context(), i.Dataset.ID))(t), i.Dataset)
	diff(t, get(s.Batches(t.Context(), i.Dataset.ID, 0, unbounded))(t), []sallyport.Batch{})
}

func testSetDue(t *testing.T, s *store.Store) {
	one, other := addIngest(t, s, "one", "a"), addIngest(t, s, "two", "a")
	for _, x := range []*ingest{one, other} {
		deliverTo(t, s, x.Destinations[0].ID, 0, "disk full")
	}
	errText := func(i *ingest) string { return get(s.Destination(t.Context(), i.Destinations[0].ID))(t).Error }
	one.commit(t, s, batch("a", 1))
	diff(t, errText(one), "disk full")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetDue(ctx, one.ID) })
	diff(t, errText(one), "")
	diff(t, errText(other), "disk full")
	for _, failure := range []string{"disk full", keyRefused, "disk full"} {
		deliverTo(t, s, one.Destinations[0].ID, 0, failure)
		do(t, s, func(ctx context.Context, tx *store.Tx) error {
			cleared, err := tx.ClearRefusal(ctx, one.Destinations[0].ID)
			if cleared != (failure == keyRefused) {
				t.Errorf("%s: cleared %v", failure, cleared)
			}
			return err
		})
		if errText(one) == keyRefused {
			t.Error("the key is still refused")
		}
	}
}

func testBatchesBounded(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	i.commit(t, s, batch("a", 1), batch("b", 2), batch("c", 3), batch("d", 4)) // 10, 20, 30 and 40 bytes
	for _, c := range []struct {
		after, maxBytes int64
		want            string
	}{
		{0, 0, "1:a "}, {0, 29, "1:a "}, {0, 30, "1:a 2:b "}, {0, 99, "1:a 2:b 3:c "}, {0, 100, "1:a 2:b 3:c 4:d "},
		{2, 1, "3:c "}, {2, unbounded, "3:c 4:d "}, {4, unbounded, ""}, {9, unbounded, ""},
	} {
		got := get(s.Batches(t.Context(), i.Dataset.ID, c.after, c.maxBytes))(t)
		diff(t, bodies(got), c.want)
	}
	// Numbers may be missing at the beginning.
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SQL().ExecContext(ctx, "DELETE FROM batch WHERE seq <= 2")
		return err
	})
	diff(t, bodies(get(s.Batches(t.Context(), i.Dataset.ID, 0, 60))(t)), "3:c ")
}

// testReadersDuringCommits proves that no reader ever sees a part of a page.
func testReadersDuringCommits(t *testing.T, s *store.Store) {
	const pages = 40
	i := addIngest(t, s, "one")
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for last := int64(0); ; {
				select {
				case <-done:
					return
				default:
				}
				last = i.readPages(t, s, last)
			}
		})
	}
	for n := range pages {
		i.stage(t, s, i.run.ID, fmt.Sprint(n, "staged"))
		i.commit(t, s, batch(fmt.Sprint(n), 1))
	}
	close(done)
	readers.Wait()
	if last := i.readPages(t, s, 0); last != 2*pages {
		t.Errorf("%d batches at the end", last)
	}
}

// readPages checks what a reader sees that saw the batch last before, and returns the last it sees.
func (i *ingest) readPages(t *testing.T, s *store.Store, last int64) int64 {
	d, err := s.Dataset(context.WithoutCancel(t.Context()), i.Dataset.ID)
	if err != nil {
		t.Error(err)
	}
	batches, err := s.Batches(context.WithoutCancel(t.Context()), i.Dataset.ID, 0, unbounded)
	if err != nil {
		t.Error(err)
	}
	for n, b := range batches {
		if b.Seq != int64(n)+1 {
			t.Errorf("batch %d stands at place %d", b.Seq, n+1)
		}
	}
	n := int64(len(batches))
	if n%2 != 0 || d.LastSeq%2 != 0 || n < d.LastSeq || d.LastSeq < last {
		t.Errorf("saw %d batches, the dataset's last is %d, the last before was %d", n, d.LastSeq, last)
	}
	return d.LastSeq
}

package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// claimIndex claims the index of changes of an ingest.
func (i *ingest) claimIndex(t testing.TB, s *store.Store, fingerprint string, runID int64) (x store.ChangeIndex) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = tx.ClaimIndex(ctx, i.Dataset.ID, fingerprint, []byte("seed of "+fingerprint), runID)
		return err
	})
	return x
}

// parts is a commit of parts, kept ones if their names are in capitals.
func (i *ingest) parts(generation int64, names ...string) store.PageCommit {
	p := i.page("next")
	p.Generation = generation
	for _, name := range names {
		p.Parts = append(p.Parts, store.ChangePart{Kept: name < "a", Body: []byte(name)})
	}
	return p
}

func (i *ingest) commitParts(t testing.TB, s *store.Store, generation int64, names ...string) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		i.run, err = tx.CommitPage(ctx, i.parts(generation, names...))
		return err
	})
}

func (i *ingest) stageParts(t testing.TB, s *store.Store, whole bool, generation int64, names ...string) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.StageParts(ctx, i.parts(generation, names...), whole)
	})
}

// partsOf are the names of the parts that count, in order, each with its run: "1:A 1:b".
func (i *ingest) partsOf(t testing.TB, s *store.Store, generation int64) (names string) {
	t.Helper()
	for p, err := range s.ChangeParts(t.Context(), i.Dataset.ID, generation) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Kept != (string(p.Body) < "a") {
			t.Errorf("part %s: kept is %v", p.Body, p.Kept)
		}
		names += fmt.Sprintf("%d:%s ", p.RunID, p.Body)
	}
	return names
}

func testChangeParts(t *testing.T, s *store.Store) {
	i, other := addIngest(t, s, "one"), addIngest(t, s, "two")
	x := i.claimIndex(t, s, "f", i.run.ID)
	diff(t, x, store.ChangeIndex{Fingerprint: "f", Seed: []byte("seed of f"), Generation: 1})
	other.claimIndex(t, s, "f", other.run.ID)
	other.commitParts(t, s, 1, "OTHER")

	i.commitParts(t, s, 1, "A", "b")
	i.stageParts(t, s, false, 1, "C")
	run := i.run.ID
	diff(t, i.partsOf(t, s, 1), fmt.Sprintf("%d:A %[1]d:b ", run))
	i.commitParts(t, s, 1, "D")
	want := fmt.Sprintf("%d:A %[1]d:b %[1]d:C %[1]d:D ", run)
	diff(t, i.partsOf(t, s, 1), want)
	diff(t, get(s.ChangeBytes(t.Context(), i.Dataset.ID, 1))(t), int64(3))
	diff(t, get(s.ChangeBytes(t.Context(), i.Dataset.ID, 7))(t), int64(0))

	// The same run goes on with all of it, but for what was staged.
	i.stageParts(t, s, false, 1, "LOST")
	i.stageParts(t, s, true, 1, "LOST")
	diff(t, i.claimIndex(t, s, "f", run), x)
	i.commitParts(t, s, 1)
	diff(t, i.partsOf(t, s, 1), want)
	// The next one begins with what was kept.
	diff(t, i.claimIndex(t, s, "f", run+100), x)
	diff(t, i.partsOf(t, s, 1), fmt.Sprintf("%d:A %[1]d:C %[1]d:D ", run))
	diff(t, other.partsOf(t, s, 1), fmt.Sprintf("%d:OTHER ", other.run.ID))
}

func testChangeIndexEnds(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	i.claimIndex(t, s, "f", i.run.ID)
	i.commitParts(t, s, 1, "A", "b")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SettleIndex(ctx, i.Dataset.ID) })
	diff(t, i.partsOf(t, s, 1), fmt.Sprintf("%d:A ", i.run.ID))

	i.commitParts(t, s, 1, "B", "c")
	i.stageParts(t, s, true, 1, "W1", "W2")
	i.stageParts(t, s, true, 1, "W3")
	replace := func(ctx context.Context, tx *store.Tx) error { return tx.ReplaceIndex(ctx, i.Dataset.ID, 1) }
	do(t, s, replace)
	diff(t, i.partsOf(t, s, 2), "0:W1 0:W2 0:W3 ")
	diff(t, i.partsOf(t, s, 1), "")
	wantFenced(t, try(t, s, replace))

	// Another fingerprint begins anew.
	x := i.claimIndex(t, s, "g", i.run.ID)
	diff(t, x, store.ChangeIndex{Fingerprint: "g", Seed: []byte("seed of g"), Generation: 3})
	diff(t, i.partsOf(t, s, 2)+i.partsOf(t, s, 3), "")
	i.commitParts(t, s, 3, "A")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropIndex(ctx, i.Dataset.ID) })
	diff(t, i.partsOf(t, s, 3), "")
	diff(t, i.claimIndex(t, s, "g", i.run.ID).Generation, int64(1))
	i.commitParts(t, s, 1, "A")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteFlow(ctx, i.ID) })
	diff(t, i.partsOf(t, s, 1), "")
}

func testChangePartsFenced(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	i.claimIndex(t, s, "f", i.run.ID)
	old := i.parts(1, "A")
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		i.fence, err = tx.ClaimSource(ctx, i.Source.ID)
		return err
	})
	for _, whole := range []bool{true, false} {
		wantFenced(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.StageParts(ctx, old, whole) }))
	}
	wantFenced(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CommitPage(ctx, old)
		return err
	}))
	i.commitParts(t, s, 1)
	diff(t, i.partsOf(t, s, 1), "")
}

func testRunCounts(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	p := i.page("next")
	p.Seen, p.Changes = 9, sallyport.Changes{New: 1, Changed: 2, Retired: 3, Returned: 4, Vanished: 5, Unchanged: 6}
	commit := func() {
		t.Helper()
		do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			i.run, err = tx.CommitPage(ctx, p)
			return err
		})
	}
	commit()
	if i.run.Pulled || i.run.Incomplete != "" {
		t.Errorf("the run is pulled, or incomplete: %+v", i.run)
	}
	p.Pulled, p.Incomplete, p.Warnings = true, "the plan ends the list", []string{"on two\nlines", "there may be more"}
	commit()
	p.Pulled, p.Incomplete, p.Warnings = false, "", nil
	commit()
	diff(t, i.run.Warnings, []string{"on two lines", "there may be more"})
	diff(t, i.run.Seen, int64(27))
	diff(t, i.run.Changes, sallyport.Changes{New: 3, Changed: 6, Retired: 9, Returned: 12, Vanished: 15, Unchanged: 18})
	diff(t, i.run.Incomplete, "the plan ends the list")
	diff(t, i.run.Pulled, true)
}

func testBatchesBefore(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	i.commit(t, s, batch("a", 1), batch("b", 1), batch("c", 1), batch("d", 1), batch("e", 1), batch("f", 1))
	i.stage(t, s, i.run.ID, "staged")
	for before, want := range map[int64]string{9: "6:f 5:e 4:d 3:c ", 3: "2:b 1:a ", 1: "", 0: ""} {
		diff(t, bodies(get(s.BatchesBefore(t.Context(), i.Dataset.ID, before))(t)), want)
	}
}

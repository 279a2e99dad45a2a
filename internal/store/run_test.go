package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testRunOneAtATime(t *testing.T, s *store.Store) {
	ctx := t.Context()
	f := addFlow(t, s, "one")
	insert := func() (run sallyport.Run, err error) {
		return run, try(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			run, err = tx.InsertRun(ctx, f.ID)
			return err
		})
	}
	_, err := s.UnfinishedRun(ctx, f.ID)
	wantError(t, err, sallyport.NotFound, string(f.ID))
	run, err := insert()
	want := sallyport.Run{ID: run.ID, FlowID: f.ID, Flow: "one", State: sallyport.RunQueued, FirstSeq: 1, CreatedAt: run.CreatedAt}
	diff(t, get(run, err)(t), want)
	diff(t, get(s.UnfinishedRun(ctx, f.ID))(t), want)
	diff(t, get(s.Run(ctx, run.ID))(t), want)

	for _, state := range []sallyport.RunState{sallyport.RunQueued, sallyport.RunRunning, sallyport.RunWaiting, sallyport.RunDelivering} {
		run.State = state
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRun(ctx, run) })
		_, err = insert()
		wantError(t, err, sallyport.Conflict, `"one" has an unfinished run`)
	}
	for _, state := range []sallyport.RunState{sallyport.RunSucceeded, sallyport.RunFailed} {
		run.State = state
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRun(ctx, run) })
		ended := run
		if run, err = insert(); err != nil {
			t.Errorf("a run that has %s keeps another from being made: %v", state, err)
		}
		ended.State = sallyport.RunQueued
		err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRun(ctx, ended) })
		wantError(t, err, sallyport.Conflict, `"one" has another unfinished run`)
	}
	testRunConflictGoesOn(t, s, f.ID)
}

// testRunConflictGoesOn proves that a transaction survives the conflict.
func testRunConflictGoesOn(t *testing.T, s *store.Store, busy sallyport.ID) {
	free := addFlow(t, s, "free")
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.InsertRun(ctx, busy)
		wantError(t, err, sallyport.Conflict)
		_, err = tx.InsertRun(ctx, "flw_no")
		wantError(t, err, sallyport.NotFound, "flw_no")
		_, err = tx.InsertRun(ctx, free.ID)
		return err
	})
	get(s.UnfinishedRun(t.Context(), free.ID))(t)
}

func testRunUpdate(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one")
	i.commit(t, s, batch("x", 3))
	want := i.run
	want.State, want.WaitUntil, want.Code, want.Error = sallyport.RunWaiting, at(5), sallyport.Limited, "quota\x00"
	want.StartedAt, want.EndedAt = at(1), at(6)
	stale := want // what only commits move, it does not bring back
	stale.Cursor, stale.Pages, stale.Records, stale.Bytes, stale.Quarantined, stale.FirstSeq, stale.LastSeq = "", 0, 0, 0, 0, 0, 0
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRun(ctx, stale) })
	want.Error = "quota\uFFFD"
	diff(t, get(s.Run(t.Context(), i.run.ID))(t), want)

	_, err := s.Run(t.Context(), 999)
	wantError(t, err, sallyport.NotFound, "999")
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRun(ctx, sallyport.Run{ID: 999}) })
	wantError(t, err, sallyport.NotFound, "999")
}

func testRunList(t *testing.T, s *store.Store) {
	ctx := t.Context()
	var all, ofA []sallyport.Run // newest first
	a, b := addFlow(t, s, "a"), addFlow(t, s, "b")
	for n := range 6 {
		f := []sallyport.Flow{a, b}[n%2]
		do(t, s, func(ctx context.Context, tx *store.Tx) error {
			run, err := tx.InsertRun(ctx, f.ID)
			if err != nil {
				return err
			}
			run.State = sallyport.RunSucceeded
			all = append([]sallyport.Run{run}, all...)
			if f.ID == a.ID {
				ofA = append([]sallyport.Run{run}, ofA...)
			}
			return tx.UpdateRun(ctx, run)
		})
	}
	diff(t, get(s.Runs(ctx, "", "", 0, 0))(t), all)
	diff(t, get(s.Runs(ctx, "", "", 2, all[1].ID))(t), all[2:4])
	diff(t, get(s.Runs(ctx, a.ID, "", 0, 0))(t), ofA)
	diff(t, get(s.Runs(ctx, a.ID, "", 1, ofA[0].ID))(t), ofA[1:2])
	diff(t, get(s.Runs(ctx, "flw_no", "", 5, 0))(t), []sallyport.Run{})
	diff(t, get(s.Runs(ctx, a.ID, sallyport.RunSucceeded, 1, 0))(t), ofA[:1])
	diff(t, get(s.Runs(ctx, "", sallyport.RunFailed, 0, 0))(t), []sallyport.Run{})
}

func settle(t testing.TB, s *store.Store, flowID sallyport.ID) (run sallyport.Run, settled bool) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		run, settled, err = tx.SettleRun(ctx, flowID)
		return err
	})
	return run, settled
}

func testSettle(t *testing.T, s *store.Store) {
	type destination struct {
		position int64
		failure  string
	}
	cases := []struct {
		name         string
		destinations map[string]destination
		want         sallyport.RunState
		errText      string
	}{
		{"no destination", nil, sallyport.RunSucceeded, ""},
		{"all there", map[string]destination{"a": {2, ""}, "b": {2, ""}}, sallyport.RunSucceeded, ""},
		{"one behind", map[string]destination{"a": {2, ""}, "b": {1, ""}}, sallyport.RunDelivering, ""},
		{"one failed", map[string]destination{"a": {2, ""}, "b": {1, "disk full"}}, sallyport.RunFailed,
			`1 of 2 destinations failed: "b": disk full`},
		{"both failed", map[string]destination{"a": {0, "no such table"}, "b": {1, "disk full"}}, sallyport.RunFailed,
			`2 of 2 destinations failed: "a": no such table; "b": disk full`},
		{"one failed, one behind", map[string]destination{"a": {1, ""}, "b": {1, "disk full"}}, sallyport.RunDelivering, ""},
		{"failed, but all there", map[string]destination{"a": {2, "gone"}}, sallyport.RunFailed, `1 of 1 destinations failed: "a": gone`},
	}
	for _, c := range cases {
		i := addIngest(t, s, c.name, []string{"a", "b"}[:len(c.destinations)]...)
		i.commit(t, s, batch("x", 1), batch("y", 1))
		i.setState(t, s, sallyport.RunDelivering)
		for _, d := range i.Destinations {
			deliverTo(t, s, d.ID, c.destinations[d.Name].position, c.destinations[d.Name].failure)
		}
		run, settled := settle(t, s, i.ID)
		diff(t, get(s.Run(t.Context(), i.run.ID))(t), run)
		if run.State != c.want || settled != c.want.Finished() || run.Error != c.errText || run.EndedAt.IsZero() == settled ||
			(run.Code == sallyport.Upstream) != (c.want == sallyport.RunFailed) {
			t.Errorf("%s: settled %v: %+v", c.name, settled, run)
		}
	}
}

// testSettleWhenDue: what was asked for is waited for, even if nothing is new for the destination.
func testSettleWhenDue(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a", "b")
	i.setState(t, s, sallyport.RunDelivering)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetDue(ctx, i.ID) })
	for n, failure := range []string{"gone", ""} {
		if run, settled := settle(t, s, i.ID); settled {
			t.Errorf("after %d of 2 deliveries the run is %s", n, run.State)
		}
		deliverTo(t, s, i.Destinations[n].ID, 0, failure)
	}
	if run, settled := settle(t, s, i.ID); !settled || run.Error != `1 of 2 destinations failed: "a": gone` {
		t.Errorf("the run is %s: %s", run.State, run.Error)
	}
}

func testSettleOnlyDelivering(t *testing.T, s *store.Store) {
	if _, settled := settle(t, s, addFlow(t, s, "idle").ID); settled {
		t.Error("a run that is not there was settled")
	}
	for _, state := range []sallyport.RunState{sallyport.RunQueued, sallyport.RunRunning, sallyport.RunWaiting, sallyport.RunFailed} {
		i := addIngest(t, s, string(state))
		i.setState(t, s, state)
		if _, settled := settle(t, s, i.ID); settled {
			t.Errorf("a %s run was settled", state)
		}
		diff(t, get(s.Run(t.Context(), i.run.ID))(t), i.run)
	}
}

func testSettleByTheLastOfTwo(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a", "b")
	i.commit(t, s, batch("x", 1))
	i.setState(t, s, sallyport.RunDelivering)
	var settled [2]bool
	end := func(n int) func(ctx context.Context, tx *store.Tx) error {
		d, fence := deliver(t, s, i.Destinations[n].ID)
		c := store.DeliveryCommit{DestinationID: d.DestinationID, Fence: fence, DeliveryID: d.ID, Position: 1}
		return func(ctx context.Context, tx *store.Tx) (err error) {
			if err = tx.CommitDelivery(ctx, c); err != nil {
				return err
			}
			if err = tx.FinishDelivery(ctx, d.ID, sallyport.RunSucceeded, "", ""); err != nil {
				return err
			}
			_, settled[n], err = tx.SettleRun(ctx, i.ID)
			return err
		}
	}
	inOrder(t, s, end(0), end(1))
	if settled != [2]bool{false, true} {
		t.Errorf("settled by first and second: %v", settled)
	}
}

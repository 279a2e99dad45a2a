package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testDelivery(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5), batch("y", 5))
	want := i.Destinations[0]
	if get(s.CaughtUp(ctx, want.ID))(t) {
		t.Error("caught up before the first delivery")
	}
	d, fence := deliver(t, s, want.ID)
	wantDelivery := sallyport.Delivery{ID: d.ID, FlowID: i.ID, DestinationID: want.ID, Destination: "a", State: sallyport.RunRunning,
		FirstSeq: 1, StartedAt: d.StartedAt}
	diff(t, d, wantDelivery)

	c := store.DeliveryCommit{DestinationID: want.ID, Fence: fence, DeliveryID: d.ID, Position: 1, State: "offset 9",
		Tally: sallyport.RunTally{RunID: i.run.ID, Records: 5, Rejected: 1}, Records: 4, Rejected: 1, Quarantined: []sallyport.Quarantined{{DatasetID: i.Dataset.ID, RunID: i.run.ID,
			Record: []byte(`{"a":1}`), Reason: "no key", At: at(1)}}}
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.CommitDelivery(ctx, c) })
	want.Position, want.Reached, want.State, want.Records, want.Rejected, want.Fence = 1, 1, "offset 9", 4, 1, fence
	want.Tally = c.Tally
	diff(t, get(s.Destination(ctx, want.ID))(t), want)
	diff(t, get(s.Run(ctx, i.run.ID))(t).Quarantined, int64(1))
	q := get(s.Quarantine(ctx, "", "", 0, 0))(t)
	if len(q) != 1 || q[0].DestinationID != want.ID || q[0].RunID != i.run.ID || q[0].DatasetID != i.Dataset.ID {
		t.Errorf("quarantine has %+v", q)
	}

	c.Position, c.State, c.Records, c.Rejected, c.Quarantined = 2, "offset 20", 5, 0, nil
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.CommitDelivery(ctx, c) })
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		if done, err := tx.CaughtUp(ctx, want.ID); err != nil || !done {
			t.Errorf("caught up: %v, %v", done, err)
		}
		return tx.FinishDelivery(ctx, d.ID, sallyport.RunSucceeded, "", "")
	})
	want.Position, want.Reached, want.State, want.Records = 2, 2, "offset 20", 9
	diff(t, get(s.Destination(ctx, want.ID))(t), want)
	got := get(s.Deliveries(ctx, i.ID, 0, 0))(t)
	wantDelivery.State, wantDelivery.LastSeq, wantDelivery.Records, wantDelivery.Rejected = sallyport.RunSucceeded, 2, 9, 1
	wantDelivery.EndedAt = got[0].EndedAt
	diff(t, got, []sallyport.Delivery{wantDelivery})
	if got[0].EndedAt.Before(got[0].StartedAt) {
		t.Errorf("ended at %s, started at %s", got[0].EndedAt, got[0].StartedAt)
	}
	err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.FinishDelivery(ctx, d.ID, sallyport.RunFailed, sallyport.Internal, "late")
	})
	wantError(t, err, sallyport.NotFound, "no running delivery")
}

func testDeliveryWaits(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5))
	d, _ := deliver(t, s, i.Destinations[0].ID)
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.WaitDelivery(ctx, d.ID, at(9), sallyport.Limited, "the quota")
	})
	waiting := d
	waiting.State, waiting.WaitUntil, waiting.Code, waiting.Error = sallyport.RunWaiting, at(9), sallyport.Limited, "the quota"
	diff(t, get(s.WaitingDeliveries(ctx, "flw_other", i.ID))(t), []sallyport.Delivery{waiting})
	diff(t, len(get(s.WaitingDeliveries(ctx, "flw_other"))(t)), 0)
	diff(t, len(get(s.WaitingDeliveries(ctx))(t)), 0)
	for _, want := range []bool{true, false} {
		do(t, s, func(ctx context.Context, tx *store.Tx) error {
			woken, err := tx.WakeDelivery(ctx, i.Destinations[0].ID)
			if woken != want {
				t.Errorf("woken %v, want %v", woken, want)
			}
			return err
		})
	}
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.WaitDelivery(ctx, d.ID, at(9), sallyport.Limited, "the quota")
	})
	again, _ := deliver(t, s, i.Destinations[0].ID)
	diff(t, again, d) // the same one goes on
}

func testDeliveryFenced(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5), batch("y", 5))
	id := i.Destinations[0].ID
	d, old := deliver(t, s, id)
	_, fence := deliver(t, s, id)
	commit := func(fence, position, deliveryID int64) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.CommitDelivery(ctx, store.DeliveryCommit{DestinationID: id, Fence: fence, DeliveryID: deliveryID, Position: position,
				Records: 1, Quarantined: []sallyport.Quarantined{{DatasetID: i.Dataset.ID, Record: []byte("1")}}})
		})
	}
	wantFenced(t, commit(old, 1, d.ID))
	if err := commit(fence, 2, d.ID); err != nil {
		t.Fatal(err)
	}
	before := get(s.Destination(ctx, id))(t)
	wantError(t, commit(fence, 1, d.ID), sallyport.Internal, "cannot go back")
	wantError(t, commit(fence, 2, 999), sallyport.NotFound, "999")
	diff(t, get(s.Destination(ctx, id))(t), before)
	if q := get(s.Quarantine(ctx, "", "", 0, 0))(t); len(q) != 1 {
		t.Errorf("%d records in quarantine, want the one of the commit that was taken", len(q))
	}

	for _, f := range []func(ctx context.Context, tx *store.Tx) error{
		func(ctx context.Context, tx *store.Tx) error { return second(tx.ClaimDestination(ctx, "dst_no")) },
		func(ctx context.Context, tx *store.Tx) error { return second(tx.StartDelivery(ctx, "dst_no")) },
		func(ctx context.Context, tx *store.Tx) error { return second(tx.CaughtUp(ctx, "dst_no")) },
	} {
		wantError(t, try(t, s, f), sallyport.NotFound, "dst_no")
	}
}

func testRewind(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5), batch("y", 5))
	id := i.Destinations[0].ID
	d, fence := deliver(t, s, id)
	commit := func(c store.DeliveryCommit) error {
		c.DestinationID, c.Fence, c.DeliveryID, c.State = id, fence, d.ID, "offset"
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.CommitDelivery(ctx, c) })
	}
	bad := sallyport.Quarantined{DatasetID: i.Dataset.ID, DestinationID: id, RunID: i.run.ID, Record: []byte("{}"), Reason: "no key", At: at(1)}
	if err := commit(store.DeliveryCommit{Position: 1, Records: 4, Rejected: 1, Quarantined: []sallyport.Quarantined{bad}}); err != nil {
		t.Fatal(err)
	}
	held := get(s.Quarantine(ctx, i.Dataset.ID, id, 0, 0))(t)
	diff(t, get(s.Quarantine(ctx, i.Dataset.ID, "dst_no", 0, 0))(t), []sallyport.Quarantined{})
	rewind := func(ctx context.Context, tx *store.Tx) error { return tx.RewindDestination(ctx, id) }
	before := get(s.Destination(ctx, id))(t)
	wantError(t, try(t, s, rewind), sallyport.Conflict, "quarantine")
	diff(t, get(s.Destination(ctx, id))(t), before)

	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.RemoveQuarantined(ctx, id, []int64{held[0].ID})
	})
	do(t, s, rewind)
	wantFenced(t, commit(store.DeliveryCommit{Position: 2, Records: 5}))
	want := before
	want.Position, want.Reached, want.State, want.Records, want.Rejected, want.Fence = 0, 0, "", 0, 0, before.Fence+1
	got := get(s.Destination(ctx, id))(t)
	if want.Epoch = got.Epoch; got.Epoch == "" || got.Epoch == before.Epoch {
		t.Errorf("it has the epoch %q, had %q", got.Epoch, before.Epoch)
	}
	diff(t, got, want)
	again, _ := deliver(t, s, id)
	if again.ID == d.ID || again.FirstSeq != 1 {
		t.Errorf("the next delivery is %+v", again)
	}
	wantError(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RewindDestination(ctx, "dst_no") }), sallyport.NotFound, "dst_no")
}

// testReturn lets a destination go back to an earlier batch, which does not count again, and not as an execution that was fenced off.
func testReturn(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5), batch("y", 5))
	id := i.Destinations[0].ID
	d, fence := deliver(t, s, id)
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.CommitDelivery(ctx, store.DeliveryCommit{DestinationID: id, Fence: fence, DeliveryID: d.ID, Position: 2, State: "two", Records: 10})
	})
	back := func(fence, position int64) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.ReturnDestination(ctx, id, fence, position, "one")
		})
	}
	wantFenced(t, back(fence-1, 1))
	want := get(s.Destination(ctx, id))(t)
	wantFenced(t, back(fence, 3)) // that is no way back
	diff(t, get(s.Destination(ctx, id))(t), want)
	if err := back(fence, 1); err != nil {
		t.Fatal(err)
	}
	want.Position, want.State = 1, "one"
	diff(t, get(s.Destination(ctx, id))(t), want)
	diff(t, want.Reached, int64(2))
}

// testAttempts counts the attempts of a delivery that failed since it last got on.
func testAttempts(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5))
	id := i.Destinations[0].ID
	wait := func(code sallyport.Code) sallyport.Delivery {
		d, _ := deliver(t, s, id)
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.WaitDelivery(ctx, d.ID, at(9), code, "away") })
		return get(s.WaitingDeliveries(t.Context(), i.ID))(t)[0]
	}
	for n, code := range []sallyport.Code{sallyport.Limited, sallyport.Upstream, sallyport.Upstream} {
		if d := wait(code); d.Attempts != int64(n) || d.Code != code || d.Error != "away" {
			t.Errorf("after %d failed attempts: %+v", n, d)
		}
	}
	d, fence := deliver(t, s, id)
	diff(t, d.Attempts, int64(2)) // it is one delivery, however often the program is started
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.CommitDelivery(ctx, store.DeliveryCommit{DestinationID: id, Fence: fence, DeliveryID: d.ID, Position: 1})
	})
	diff(t, wait(sallyport.Upstream).Attempts, int64(1))
}

func testDeliveryAfterCrash(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 5))
	id := i.Destinations[0].ID
	deliverTo(t, s, id, 0, "disk full\x00")
	if got := get(s.Destination(t.Context(), id))(t).Error; got != "disk full\uFFFD" {
		t.Errorf("the destination's error is %q", got)
	}
	first, _ := deliver(t, s, id)
	if got := get(s.Destination(t.Context(), id))(t).Error; got != "" {
		t.Errorf("the destination still has the error %q", got)
	}
	again, _ := deliver(t, s, id) // the first never ended
	diff(t, again, first)
	all := get(s.Deliveries(t.Context(), i.ID, 0, 0))(t)
	if len(all) != 2 || all[1].State != sallyport.RunFailed || all[1].Error != "disk full\uFFFD" {
		t.Errorf("deliveries: %+v", all)
	}
}

func testDeliveryList(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a, b := addFlow(t, s, "a", "1", "2"), addFlow(t, s, "b", "3")
	for range 2 {
		for _, d := range []sallyport.Destination{a.Destinations[0], b.Destinations[0], a.Destinations[1]} {
			deliverTo(t, s, d.ID, 0, "")
		}
	}
	names := func(all []sallyport.Delivery, err error) (names string) {
		for _, d := range get(all, err)(t) {
			names += d.Destination
		}
		return names
	}
	all := get(s.Deliveries(ctx, "", 0, 0))(t)
	diff(t, names(all, nil), "231231")
	diff(t, names(s.Deliveries(ctx, a.ID, 0, 0)), "2121")
	diff(t, names(s.Deliveries(ctx, a.ID, 2, all[0].ID)), "12")
}

func testCaughtUpWaitsForPage(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 1))
	deliverTo(t, s, i.Destinations[0].ID, 1, "")
	caughtUp := true
	page := func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CommitPage(ctx, i.page("", batch("y", 1)))
		return err
	}
	inOrder(t, s, page, func(ctx context.Context, tx *store.Tx) (err error) {
		caughtUp, err = tx.CaughtUp(ctx, i.Destinations[0].ID)
		return err
	})
	if caughtUp {
		t.Error("a delivery would end although a page was being committed")
	}
}

func testQuarantine(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a, b := addIngest(t, s, "a"), addIngest(t, s, "b")
	for n := range 4 {
		i := []*ingest{a, b}[n%2]
		p := i.page("")
		p.Quarantined = []sallyport.Quarantined{{Record: []byte{'"', 0, 0xff, '"'}, Reason: "bad\x00", At: at(n)}}
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return second(tx.CommitPage(ctx, p)) })
	}
	all := get(s.Quarantine(ctx, "", "", 0, 0))(t)
	if len(all) != 4 {
		t.Fatalf("%d records in quarantine", len(all))
	}
	want := sallyport.Quarantined{ID: all[3].ID, DatasetID: a.Dataset.ID, RunID: a.run.ID, Record: []byte{'"', 0, 0xff, '"'},
		Reason: "bad\uFFFD", At: at(0)}
	diff(t, get(s.Quarantined(ctx, want.ID))(t), want)
	diff(t, get(s.Quarantine(ctx, a.Dataset.ID, "", 0, 0))(t), []sallyport.Quarantined{all[1], all[3]})
	diff(t, get(s.Quarantine(ctx, a.Dataset.ID, "", 1, all[1].ID))(t), []sallyport.Quarantined{want})
	diff(t, get(s.Quarantine(ctx, "", "", 2, all[0].ID))(t), all[1:3])

	remove := func(ctx context.Context, tx *store.Tx) error { return tx.RemoveQuarantined(ctx, "", []int64{want.ID}) }
	do(t, s, remove)
	wantError(t, try(t, s, remove), sallyport.NotFound, "is not in quarantine")
	_, err := s.Quarantined(ctx, want.ID)
	wantError(t, err, sallyport.NotFound, "is not in quarantine")
	diff(t, get(s.Quarantine(ctx, "", "", 0, 0))(t), all[:3])
}

func testRunDeliveries(t *testing.T, s *store.Store) {
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("a", 1), batch("b", 1))
	id := i.Destinations[0].ID
	deliverTo(t, s, id, 1, "disk full")
	deliverTo(t, s, id, 2, "")
	first := get(s.Run(t.Context(), i.run.ID))(t)
	diff(t, len(get(s.RunDeliveries(t.Context(), first))(t)), 2)
	before, after := first, first
	before.FirstSeq, before.LastSeq, before.CreatedAt, before.EndedAt = 0, 0, sallyport.Now().Add(-time.Hour), sallyport.Now().Add(-time.Minute)
	after.FirstSeq, after.LastSeq, after.CreatedAt = 3, 3, sallyport.Now().Add(time.Hour)
	diff(t, len(get(s.RunDeliveries(t.Context(), before))(t)), 0)
	diff(t, len(get(s.RunDeliveries(t.Context(), after))(t)), 0)
}

package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testFlowRoundTrip(t *testing.T, s *store.Store) {
	ctx := t.Context()
	diff(t, get(s.Flows(ctx))(t), []sallyport.Flow{})
	c := addCredential(t, s, "one")
	full := flow("Zulu", c.ID, "lines", "table", "archive")
	full.Destinations[1].Credential, full.Destinations[1].Position, full.Destinations[1].State = c.ID, 4, "offset 12"
	full.Destinations[1].Records, full.Destinations[1].Rejected, full.Destinations[1].Error = 5, 6, "disk full"
	bare := sallyport.Flow{ID: "flw_bare", Name: "alpha", Source: sallyport.Source{ID: "src_bare"}, Dataset: sallyport.Dataset{ID: "set_bare"},
		Destinations: []sallyport.Destination{}}
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertFlow(ctx, &full); err != nil {
			return err
		}
		return tx.InsertFlow(ctx, &bare)
	})
	if full.Source.FlowID != full.ID || full.Dataset.SourceID != full.Source.ID || full.Dataset.Name != "Zulu" ||
		full.Destinations[2].FlowID != full.ID {
		t.Errorf("references were not set: %+v", full)
	}
	diff(t, get(s.Flow(ctx, full.ID))(t), full)
	diff(t, get(s.FlowByName(ctx, "zULU"))(t), full)
	diff(t, get(s.FlowOfSource(ctx, full.Source.ID))(t), full)
	diff(t, get(s.Flows(ctx))(t), []sallyport.Flow{bare, full})
	diff(t, get(s.Dataset(ctx, full.Dataset.ID))(t), full.Dataset)
	diff(t, get(s.Destination(ctx, full.Destinations[1].ID))(t), full.Destinations[1])

	for id, err := range map[sallyport.ID]error{
		"flw_no": second(s.Flow(ctx, "flw_no")), "src_no": second(s.FlowOfSource(ctx, "src_no")),
		"set_no": second(s.Dataset(ctx, "set_no")), "dst_no": second(s.Destination(ctx, "dst_no")),
	} {
		wantError(t, err, sallyport.NotFound, string(id))
	}
}

func second[T any](_ T, err error) error { return err }

func testFlowNames(t *testing.T, s *store.Store) {
	addFlow(t, s, "urlhaus")
	_, err := s.FlowByName(t.Context(), "urlhause")
	wantError(t, err, sallyport.NotFound, `there is no flow "urlhause"; did you mean "urlhaus"?`)
	f := flow("URLhaus", "")
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &f) })
	wantError(t, err, sallyport.Conflict, `name: there is already a flow named "URLhaus"`)
}

func testFlowWithoutCredential(t *testing.T, s *store.Store) {
	kept := addFlow(t, s, "kept", "a")
	lost, broken := flow("lost", "crd_gone"), flow("broken", "", "a")
	broken.Destinations[0].Credential, kept.Source.Credential = "crd_gone", "crd_gone"
	for _, f := range []func(ctx context.Context, tx *store.Tx) error{
		func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &lost) },
		func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &broken) },
		func(ctx context.Context, tx *store.Tx) error { return tx.UpdateFlow(ctx, &kept) },
	} {
		wantError(t, try(t, s, f), sallyport.Conflict, "names a credential that is not there", "crd_gone")
	}
	if got := get(s.Flows(t.Context()))(t); len(got) != 1 || got[0].Source.Credential != "" {
		t.Errorf("something was left of a flow that failed: %+v", got)
	}
}

func testFlowUpdate(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a", "b", "c")
	i.commit(t, s, batch("x", 1), batch("y", 1))
	deliverTo(t, s, i.Destinations[0].ID, 2, "")
	deliverTo(t, s, i.Destinations[2].ID, 1, "broken")
	old := get(s.Flow(ctx, i.ID))(t)
	c := addCredential(t, s, "one")

	changed := flow("another name", c.ID, "new")
	changed.ID, changed.Description, changed.UpdatedAt, changed.Dataset.Key = old.ID, "changed", at(7), nil
	changed.Source.Endpoint, changed.Source.Params, changed.Source.Request, changed.Source.Schedule = "other", nil, nil, nil
	changed.Source.Emit = ""
	kept, failed := old.Destinations[0], old.Destinations[2]
	kept.Name, kept.Connector, kept.Credential, kept.Config = "renamed", "sqlite", c.ID, map[string]any{"path": "z"}
	stale := kept
	stale.Position, stale.State, stale.Records, stale.Error = 1, "old", 99, "old"
	changed.Destinations = slices.Concat([]sallyport.Destination{failed}, changed.Destinations, []sallyport.Destination{stale})
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateFlow(ctx, &changed) })

	want := old // its name, state, identity and records
	want.Description, want.UpdatedAt, want.Dataset.Key = "changed", at(7), nil
	want.Source = changed.Source
	want.Source.ID, want.Source.FlowID, want.Source.Fence = old.Source.ID, old.ID, old.Source.Fence
	added := changed.Destinations[1]
	added.Fence = 1
	want.Destinations = []sallyport.Destination{failed, added, kept}
	diff(t, get(s.Flow(ctx, i.ID))(t), want)
	_, err := s.Destination(ctx, old.Destinations[1].ID)
	wantError(t, err, sallyport.NotFound)

	changed.ID = "flw_no"
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateFlow(ctx, &changed) })
	wantError(t, err, sallyport.NotFound, "flw_no")
}

func testFlowRewind(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one", "a")
	i.commit(t, s, batch("x", 1), batch("y", 1))
	id := i.Destinations[0].ID
	deliverTo(t, s, id, 1, "broken")
	d, fence := deliver(t, s, id)

	f := get(s.Flow(ctx, i.ID))(t)
	f.Destinations[0].Position, f.Destinations[0].State = 0, ""
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateFlow(ctx, &f) })
	got := get(s.Destination(ctx, id))(t)
	want := i.Destinations[0]
	want.Fence = got.Fence
	diff(t, got, want)

	err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.CommitDelivery(ctx, store.DeliveryCommit{DestinationID: id, Fence: fence, DeliveryID: d.ID, Position: 2})
	})
	wantFenced(t, err)
}

func testFlowState(t *testing.T, s *store.Store) {
	f := addFlow(t, s, "one")
	before := sallyport.Now()
	set := func(id sallyport.ID) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetFlowState(ctx, id, sallyport.FlowActive, "by Ada")
		})
	}
	if err := set(f.ID); err != nil {
		t.Fatal(err)
	}
	got := get(s.Flow(t.Context(), f.ID))(t)
	if got.UpdatedAt.Before(before) {
		t.Errorf("updated at %s, before the change", got.UpdatedAt)
	}
	f.State, f.Reason, f.UpdatedAt = sallyport.FlowActive, "by Ada", got.UpdatedAt
	diff(t, got, f)
	wantError(t, set("flw_no"), sallyport.NotFound, "flw_no")
}

func testFlowDelete(t *testing.T, s *store.Store) {
	ctx := t.Context()
	c := addCredential(t, s, "one")
	for _, name := range []string{"gone", "kept"} {
		i := addIngest(t, s, name, "a")
		p := i.page("", batch(name, 1))
		p.Quarantined = []sallyport.Quarantined{{Record: []byte("{}"), Reason: "odd", At: at(1)}}
		do(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.CommitPage(ctx, p)
			return err
		})
		deliverTo(t, s, i.Destinations[0].ID, 1, "")
	}
	gone := get(s.FlowByName(ctx, "gone"))(t)
	remove := func(ctx context.Context, tx *store.Tx) error { return tx.DeleteFlow(ctx, gone.ID) }
	do(t, s, remove)
	wantError(t, try(t, s, remove), sallyport.NotFound, string(gone.ID))

	for table, want := range map[string]int{"credential": 1, "flow": 1, "source": 1, "dataset": 1, "destination": 1, "run": 1,
		"delivery": 1, "batch": 1, "quarantine": 1} {
		var n int
		if err := s.SQL().QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil || n != want {
			t.Errorf("%s has %d rows, %v; want %d", table, n, err, want)
		}
	}
	diff(t, get(s.Credential(ctx, c.ID))(t), c)
}

func testScheduledFlows(t *testing.T, s *store.Store) {
	ctx, now := t.Context(), sallyport.Now()
	want := map[string]store.ScheduledFlow{}
	for name, d := range map[string]time.Duration{"long overdue": -time.Hour, "just due": 0, "later": time.Microsecond, "paused": -time.Hour} {
		f := flow(name, "")
		f.State, f.Source.NextRunAt = sallyport.FlowActive, now.Add(d)
		f.Source.Schedule = &sallyport.Schedule{Cron: "0 8 * * *", Zone: "Europe/Vienna"}
		if name == "paused" {
			f.State = sallyport.FlowPaused
		}
		want[name] = store.ScheduledFlow{Flow: f.ID, Source: f.Source.ID, Schedule: *f.Source.Schedule, NextRunAt: f.Source.NextRunAt}
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &f) })
	}
	addFlow(t, s, "on demand")
	diff(t, get(s.ScheduledFlows(ctx))(t), []store.ScheduledFlow{want["long overdue"], want["just due"], want["later"]})
	f := want["just due"]
	f.NextRunAt = now.Add(time.Minute)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetNextRun(ctx, f.Source, f.NextRunAt) })
	diff(t, get(s.ScheduledFlows(ctx))(t), []store.ScheduledFlow{want["long overdue"], want["later"], f})
	err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetNextRun(ctx, "src_no", now) })
	wantError(t, err, sallyport.NotFound, "src_no")
}

package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// at is a time with microseconds, n hours after a fixed one.
func at(n int) time.Time { return time.Date(2026, 2, 3, 4+n, 5, 6, 789012000, time.UTC) }

func diff(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want (-), got (+):\n%s", d)
	}
}

func credential(name string) sallyport.Credential {
	return sallyport.Credential{
		ID: sallyport.NewID("crd"), Name: name, Description: "of the team", Owner: "Ada", Connector: "pulsedive",
		Public: map[string]string{"address": "https://pulsedive.com"}, Secrets: map[string]time.Time{"key": at(1)},
		Sealed: sallyport.Sealed("\x01\x00sealed\xff"), Local: true, Version: 3,
		Verdict: sallyport.VerdictValid, Reason: "the host took it", VerdictAt: at(2), LastUsedAt: at(3), CreatedAt: at(0), UpdatedAt: at(4),
	}
}

func addCredential(t testing.TB, s *store.Store, name string) sallyport.Credential {
	t.Helper()
	c := credential(name)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertCredential(ctx, c) })
	return c
}

// flow is a flow that has a value in every field, and destinations with the given names.
func flow(name string, credential sallyport.ID, destinations ...string) sallyport.Flow {
	start := int64(0)
	f := sallyport.Flow{
		ID: sallyport.NewID("flw"), Name: name, Description: "as it is", State: sallyport.FlowPaused, Reason: "not yet",
		CreatedAt: at(0), UpdatedAt: at(1), Destinations: []sallyport.Destination{},
		Source: sallyport.Source{
			ID: sallyport.NewID("src"), Connector: "rest", Credential: credential, Endpoint: "feed.indicators", Raw: true,
			Params: map[string]any{"fid": json.Number("12345678901234567890"), "deep": []any{"a", true, json.Number("1.50")}},
			Request: &sallyport.Request{Method: "GET", URL: "/api", Query: map[string]sallyport.Texts{"q": {"<&>"}}, Records: "$.results[*]", Names: []string{"group"}, With: map[string]string{"fid": "1"},
				Paging: sallyport.Paging{Type: sallyport.PagingOffset, Query: "skip", Start: &start, Size: 100}, Key: []string{"iid"}},
			Schedule: &sallyport.Schedule{Every: sallyport.Duration(8 * time.Hour)},
			Emit:     sallyport.EmitAll,
		},
		Dataset: sallyport.Dataset{
			ID: sallyport.NewID("set"), Key: []string{"iid"},
			Schema: sallyport.Schema{Fields: []sallyport.Field{{Name: "iid", Kind: sallyport.KindInteger, Nullable: true, Example: "7"}}},
		},
	}
	for _, d := range destinations {
		f.Destinations = append(f.Destinations, sallyport.Destination{
			ID: sallyport.NewID("dst"), Name: d, Connector: "file", Config: map[string]any{"path": d, "size": json.Number("1e3")},
		})
	}
	return f
}

func addFlow(t testing.TB, s *store.Store, name string, destinations ...string) sallyport.Flow {
	t.Helper()
	f := flow(name, "", destinations...)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &f) })
	return f
}

// ingest is a flow with an unfinished run whose source is claimed.
type ingest struct {
	sallyport.Flow
	run   sallyport.Run
	fence int64
}

func addIngest(t testing.TB, s *store.Store, name string, destinations ...string) *ingest {
	t.Helper()
	i := &ingest{Flow: addFlow(t, s, name, destinations...)}
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		if i.run, err = tx.InsertRun(ctx, i.ID); err != nil {
			return err
		}
		i.fence, err = tx.ClaimSource(ctx, i.Source.ID)
		return err
	})
	return i
}

func (i *ingest) page(cursor string, batches ...sallyport.Batch) store.PageCommit {
	p := store.PageCommit{SourceID: i.Source.ID, Fence: i.fence, RunID: i.run.ID, DatasetID: i.Dataset.ID,
		Batches: batches, Cursor: cursor, Pages: 1}
	for _, b := range batches {
		p.Records, p.Bytes = p.Records+b.Records, p.Bytes+b.Bytes
	}
	return p
}

// commit commits a page with the given batches.
func (i *ingest) commit(t testing.TB, s *store.Store, batches ...sallyport.Batch) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		i.run, err = tx.CommitPage(ctx, i.page("next", batches...))
		return err
	})
}

// setState changes the state of the run.
func (i *ingest) setState(t testing.TB, s *store.Store, state sallyport.RunState) {
	t.Helper()
	i.run.State = state
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRun(ctx, i.run) })
}

// batch is a batch of n records whose body tells its name.
func batch(name string, n int64) sallyport.Batch {
	return sallyport.Batch{Records: n, Bytes: 10 * n, Body: fmt.Appendf(nil, "%s\x00\xff", name)}
}

// bodies are the names of batches, in order, with their numbers: "1:a 2:b".
func bodies(batches []sallyport.Batch) string {
	s := ""
	for _, b := range batches {
		s += fmt.Sprintf("%d:%s ", b.Seq, b.Body[:len(b.Body)-2])
	}
	return s
}

// deliver starts a delivery, and claims its destination.
func deliver(t testing.TB, s *store.Store, destinationID sallyport.ID) (d sallyport.Delivery, fence int64) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		if fence, err = tx.ClaimDestination(ctx, destinationID); err != nil {
			return err
		}
		d, err = tx.StartDelivery(ctx, destinationID)
		return err
	})
	return d, fence
}

const keyRefused = "the key is refused"

// deliverTo delivers up to a position and ends the delivery, with an error text or "".
func deliverTo(t testing.TB, s *store.Store, destinationID sallyport.ID, position int64, failure string) {
	t.Helper()
	d, fence := deliver(t, s, destinationID)
	state, code := sallyport.RunSucceeded, sallyport.Code("")
	if failure != "" {
		state, code = sallyport.RunFailed, sallyport.Upstream
	}
	if failure == keyRefused {
		code = sallyport.Unauthenticated
	}
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		c := store.DeliveryCommit{DestinationID: destinationID, Fence: fence, DeliveryID: d.ID, Position: position, State: "s"}
		if err := tx.CommitDelivery(ctx, c); err != nil {
			return err
		}
		return tx.FinishDelivery(ctx, d.ID, state, code, failure)
	})
}

// inOrder runs first in a transaction that is committed only when the transaction of second waits for it, or was through without waiting.
func inOrder(t *testing.T, s *store.Store, first, second func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	done := make(chan error, 1)
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := first(ctx, tx); err != nil {
			return err
		}
		go func() { done <- try(t, s, second) }()
		for len(done) == 0 && !waiting(t, s) {
			runtime.Gosched()
		}
		return nil
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// waiting tells whether a transaction waits for another: on SQLite for the one connection that writes, on PostgreSQL for a lock.
func waiting(t *testing.T, s *store.Store) bool {
	if s.SQL().Stats().MaxOpenConnections == 1 {
		return s.SQL().Stats().WaitCount > 0
	}
	var n int
	err := s.SQL().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
		JOIN pg_locks AS wanted ON wanted.pid = pg_locks.pid AND NOT wanted.granted
		WHERE relnamespace = current_schema()::regnamespace`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

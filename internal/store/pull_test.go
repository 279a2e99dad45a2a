package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport/internal/store"
)

func testResume(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := addIngest(t, s, "one")
	p := i.page("page 2", batch("a", 1))
	p.Resume = "after a"
	do(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.CommitPage(ctx, p); return err })
	diff(t, get(s.Flow(ctx, i.ID))(t).Source.Resume, "after a")
	i.commit(t, s, batch("b", 1)) // says nothing of it
	f := get(s.Flow(ctx, i.ID))(t)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateFlow(ctx, &f) })
	diff(t, get(s.Flow(ctx, i.ID))(t).Source.Resume, "after a")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetResume(ctx, i.Source.ID, "") })
	diff(t, get(s.Flow(ctx, i.ID))(t).Source.Resume, "")

	stale := p
	stale.Fence--
	wantFenced(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.CommitPage(ctx, stale); return err }))
	diff(t, get(s.Flow(ctx, i.ID))(t).Source.Resume, "")
}

func testPulled(t *testing.T, s *store.Store) {
	ctx := t.Context()
	c, other := addCredential(t, s, "one"), addCredential(t, s, "two")
	diff(t, get(s.Pulled(ctx, c.ID, "call"))(t), time.Time{})
	for n := range 2 {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetPulled(ctx, c.ID, "call", at(n)) })
		diff(t, get(s.Pulled(ctx, c.ID, "call"))(t), at(n))
	}
	diff(t, get(s.Pulled(ctx, c.ID, "another"))(t), time.Time{})
	diff(t, get(s.Pulled(ctx, other.ID, "call"))(t), time.Time{})
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, c.ID) })
	diff(t, get(s.Pulled(ctx, c.ID, "call"))(t), time.Time{})
}

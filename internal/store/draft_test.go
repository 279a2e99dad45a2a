package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func addUser(t *testing.T, s *store.Store, name string) sallyport.ID {
	u := sallyport.User{ID: sallyport.NewID("usr"), Name: name, Password: "$argon2id$…", CreatedAt: at(1)}
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, u) })
	return u.ID
}

func testDrafts(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ada, eve := addUser(t, s, "Ada"), addUser(t, s, "Eve")
	old := store.Draft{ID: "drf_old", UserID: ada, Version: 1, Content: `{"a":1}`, Sample: "null", UpdatedAt: at(1)}
	d := store.Draft{ID: "drf_1", UserID: ada, Version: 1, Content: `{"name":"\u0000<"}`, Sample: `{"s":1}`, UpdatedAt: at(2)}
	others := store.Draft{ID: "drf_2", UserID: eve, Version: 1, Content: "{}", Sample: "null", UpdatedAt: at(0)}
	for _, one := range []store.Draft{old, d, others} {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertDraft(ctx, one) })
	}
	diff(t, get(s.Draft(ctx, ada, d.ID))(t), d)
	diff(t, get(s.Drafts(ctx, ada, 10))(t), []store.Draft{d, old})
	diff(t, get(s.Drafts(ctx, ada, 1))(t), []store.Draft{d})
	_, err := s.Draft(ctx, eve, d.ID)
	wantError(t, err, sallyport.NotFound)

	update := func(d store.Draft) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateDraft(ctx, d) })
	}
	remove := func(d store.Draft) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteDraft(ctx, d) })
	}
	changed := d
	changed.Content, changed.UpdatedAt = `{"b":2}`, at(3)
	if err := update(changed); err != nil {
		t.Fatal(err)
	}
	wantError(t, update(d), sallyport.Conflict, "another window")
	wantError(t, remove(d), sallyport.Conflict, "another window")
	changed.Version = 2
	diff(t, get(s.Draft(ctx, ada, d.ID))(t), changed)
	sample := func(user sallyport.ID) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetDraftSample(ctx, user, d.ID, `{"s":2}`) })
	}
	wantError(t, sample(eve), sallyport.NotFound)
	if err := sample(ada); err != nil {
		t.Fatal(err)
	}
	changed.Sample = `{"s":2}`
	diff(t, get(s.Draft(ctx, ada, d.ID))(t), changed)
	stolen := changed
	stolen.UserID = eve
	wantError(t, update(stolen), sallyport.NotFound)
	wantError(t, remove(stolen), sallyport.NotFound)

	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteOldestDrafts(ctx, ada, 2) })
	diff(t, get(s.Drafts(ctx, ada, 10))(t), []store.Draft{changed, old})
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertDraft(ctx, store.Draft{ID: "drf_4", UserID: ada, Version: 1, Content: "{}", Sample: "null", UpdatedAt: at(0)})
	})
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteOldestDrafts(ctx, ada, 2) })
	diff(t, get(s.Drafts(ctx, ada, 10))(t), []store.Draft{changed, old})
	diff(t, get(s.Drafts(ctx, eve, 10))(t), []store.Draft{others})
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteDraftsBefore(ctx, ada, at(3)) })
	diff(t, get(s.Drafts(ctx, ada, 10))(t), []store.Draft{changed})
	diff(t, get(s.Drafts(ctx, eve, 10))(t), []store.Draft{others})
	if err := remove(changed); err != nil {
		t.Fatal(err)
	}
	wantError(t, remove(changed), sallyport.NotFound)
}

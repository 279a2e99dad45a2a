package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testUsers(t *testing.T, s *store.Store) {
	ctx := t.Context()
	if get(s.HasUsers(ctx))(t) {
		t.Error("an empty database has users")
	}
	ada := sallyport.User{ID: sallyport.NewID("usr"), Name: "Ada", Password: "$argon2id$…", CreatedAt: at(1)}
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, ada) })
	if !get(s.HasUsers(ctx))(t) {
		t.Error("the user is not counted")
	}
	diff(t, get(s.User(ctx, ada.ID))(t), ada)
	diff(t, get(s.UserByName(ctx, "aDA"))(t), ada)
	_, err := s.UserByName(ctx, "adam")
	wantError(t, err, sallyport.NotFound)
	twin := ada
	twin.ID, twin.Name = sallyport.NewID("usr"), "ADA"
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, twin) })
	wantError(t, err, sallyport.Conflict, `"ADA"`)
}

func testSetupLink(t *testing.T, s *store.Store) {
	use := func(hash string, n int) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UseSetupLink(ctx, hash, at(n)) })
	}
	for _, hash := range []string{"first", "second"} {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutSetupLink(ctx, hash, at(2)) })
	}
	wantError(t, use("first", 1), sallyport.NotFound, "used already") // a newer one took its place
	wantError(t, use("second", 2), sallyport.NotFound, "too old")
	wantError(t, s.SetupLink(t.Context(), "second", at(2)), sallyport.NotFound)
	if err := s.SetupLink(t.Context(), "second", at(1)); err != nil {
		t.Error(err)
	}
	if err := use("second", 1); err != nil {
		t.Error(err)
	}
	wantError(t, use("second", 1), sallyport.NotFound, "used already")
}

func testSessions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	put := func(hash, data string, n int) {
		do(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutSession(ctx, hash, store.Session{Data: []byte(data), Expires: at(n)})
		})
	}
	put("a", "one", 2)
	put("a", "two\x00", 3)
	put("b", "other", 5)
	diff(t, get(s.Session(ctx, "a", at(2)))(t), store.Session{Data: []byte("two\x00"), Expires: at(3)})
	_, err := s.Session(ctx, "a", at(3))
	wantError(t, err, sallyport.NotFound)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteExpiredSessions(ctx, at(3)) })
	_, err = s.Session(ctx, "a", at(0))
	wantError(t, err, sallyport.NotFound)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteSession(ctx, "b") })
	_, err = s.Session(ctx, "b", at(0))
	wantError(t, err, sallyport.NotFound)
}

func testLastRuns(t *testing.T, s *store.Store) {
	var last sallyport.Run
	run := func(f sallyport.Flow) {
		do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			if last, err = tx.InsertRun(ctx, f.ID); err != nil {
				return err
			}
			last.State = sallyport.RunSucceeded
			return tx.UpdateRun(ctx, last)
		})
	}
	a, b := addFlow(t, s, "a"), addFlow(t, s, "b")
	addFlow(t, s, "without runs")
	run(a)
	want := []sallyport.Run{last}
	run(b)
	run(b)
	diff(t, get(s.LastRuns(t.Context()))(t), append(want, last))
}

func testDescribeCredential(t *testing.T, s *store.Store) {
	c, other := addCredential(t, s, "mine"), addCredential(t, s, "other")
	describe := func(c sallyport.Credential, since int) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DescribeCredential(ctx, c, at(since)) })
	}
	c.Name, c.Description, c.UpdatedAt = "renamed", "for the feeds", at(9)
	if err := describe(c, 4); err != nil {
		t.Fatal(err)
	}
	diff(t, get(s.Credential(t.Context(), c.ID))(t), c)
	c.Name = "again"
	wantError(t, describe(c, 4), sallyport.Conflict, "changed meanwhile")
	c.Name = other.Name
	wantError(t, describe(c, 9), sallyport.Conflict, `"other"`)
	c.ID = "crd_gone"
	wantError(t, describe(c, 9), sallyport.NotFound)
}

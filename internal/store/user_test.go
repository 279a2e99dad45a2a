package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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
	without := addFlow(t, s, "without runs")
	run(a)
	want := []sallyport.Run{last}
	run(b)
	run(b)
	diff(t, get(s.LastRuns(t.Context(), []sallyport.ID{a.ID, b.ID, without.ID}))(t), append(want, last))
	diff(t, get(s.LastRuns(t.Context(), []sallyport.ID{a.ID}))(t), want)
	diff(t, len(get(s.LastRuns(t.Context(), nil))(t)), 0)
}

func testFindFlows(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, name := range []string{"b_1", "A", "bx1", "ä%"} {
		addFlow(t, s, name)
	}
	failed := addIngest(t, s, "c failed")
	failed.setState(t, s, sallyport.RunFailed)
	active := addFlow(t, s, "d active")
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetFlowState(ctx, active.ID, sallyport.FlowActive, "")
	})
	for _, test := range []struct {
		query store.FlowQuery
		want  []string
	}{
		{store.FlowQuery{}, []string{"A", "b_1", "bx1", "c failed", "d active", "ä%"}},
		{store.FlowQuery{Limit: 2}, []string{"A", "b_1"}},
		{store.FlowQuery{Limit: 2, After: "B_1"}, []string{"bx1", "c failed"}},
		{store.FlowQuery{Search: "B_"}, []string{"b_1"}},
		{store.FlowQuery{Search: "%"}, []string{"ä%"}},
		{store.FlowQuery{Search: `\`}, nil},
		{store.FlowQuery{State: sallyport.FlowActive}, []string{"d active"}},
		{store.FlowQuery{Failed: true}, []string{"c failed"}},
		{store.FlowQuery{Failed: true, State: sallyport.FlowActive, Search: "c"}, nil},
	} {
		var names []string
		for _, f := range get(s.FindFlows(ctx, test.query))(t) {
			names = append(names, f.Name)
		}
		diff(t, names, test.want)
	}
	diff(t, get(s.CountFlows(ctx))(t), int64(6))
}

func testRunsByHour(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i, other := addIngest(t, s, "one"), addIngest(t, s, "two")
	i.commit(t, s, sallyport.Batch{Records: 7, Bytes: 70, Body: []byte("x")})
	i.setState(t, s, sallyport.RunSucceeded)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.InsertRun(ctx, i.ID); return err })
	hour := i.run.CreatedAt.Truncate(time.Hour)
	got := get(s.RunsByHour(ctx, []sallyport.ID{i.ID}, hour))(t)
	slices.SortFunc(got, func(a, b store.HourRuns) int { return strings.Compare(string(a.State), string(b.State)) })
	diff(t, got, []store.HourRuns{
		{FlowID: i.ID, Hour: hour, State: sallyport.RunQueued, Runs: 1},
		{FlowID: i.ID, Hour: hour, State: sallyport.RunSucceeded, Runs: 1, Records: 7},
	})
	diff(t, len(get(s.RunsByHour(ctx, []sallyport.ID{i.ID, other.ID}, hour))(t)), 3)
	diff(t, len(get(s.RunsByHour(ctx, []sallyport.ID{i.ID}, hour.Add(time.Hour)))(t)), 0)
	diff(t, len(get(s.RunsByHour(ctx, nil, hour))(t)), 0)
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

// testPasswords replaces a password, and ends the sessions of its user alone.
func testPasswords(t *testing.T, s *store.Store) {
	u := sallyport.User{ID: "usr_1", Name: "Ada", Password: "old", CreatedAt: at(0)}
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		for hash, user := range map[string]sallyport.ID{"a": u.ID, "b": u.ID, "c": "usr_2", "d": ""} {
			if err := tx.PutSession(ctx, hash, store.Session{Data: []byte(hash), User: user, Expires: at(9)}); err != nil {
				return err
			}
		}
		return nil
	})
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.SetPassword(ctx, u.ID, "new"), tx.DeleteSessionsOf(ctx, u.ID))
	})
	u.Password = "new"
	diff(t, get(s.User(t.Context(), u.ID))(t), u)
	for hash, lives := range map[string]bool{"a": false, "b": false, "c": true, "d": true} {
		if _, err := s.Session(t.Context(), hash, at(1)); (err == nil) != lives {
			t.Errorf("session %s: %v", hash, err)
		}
	}
	missing := func(ctx context.Context, tx *store.Tx) error { return tx.SetPassword(ctx, "usr_none", "x") }
	wantError(t, try(t, s, missing), sallyport.NotFound, "usr_none")
}

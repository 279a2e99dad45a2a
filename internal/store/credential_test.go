package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testCredentialRoundTrip(t *testing.T, s *store.Store) {
	ctx := t.Context()
	diff(t, get(s.Credentials(ctx))(t), []sallyport.Credential{})
	full, bare := addCredential(t, s, "Übung"), sallyport.Credential{ID: "crd_bare", Name: "Bare", CreatedAt: at(0)}
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertCredential(ctx, bare) })

	diff(t, get(s.Credential(ctx, full.ID))(t), full)
	diff(t, get(s.CredentialByName(ctx, "üBUNG"))(t), full)
	diff(t, get(s.Credentials(ctx))(t), []sallyport.Credential{bare, full})
	diff(t, get(s.CredentialVersion(ctx, full.ID))(t), int64(3))

	used := at(9)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.TouchCredential(ctx, full.ID, used) })
	full.LastUsedAt = used
	diff(t, get(s.Credential(ctx, full.ID))(t), full)

	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, full.ID) })
	_, err := s.Credential(ctx, full.ID)
	wantError(t, err, sallyport.NotFound, string(full.ID))
	_, err = s.CredentialVersion(ctx, full.ID)
	wantError(t, err, sallyport.NotFound, string(full.ID))
	for _, f := range []func(ctx context.Context, tx *store.Tx) error{
		func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, full.ID) },
		func(ctx context.Context, tx *store.Tx) error { return tx.TouchCredential(ctx, full.ID, used) },
		func(ctx context.Context, tx *store.Tx) error { return tx.UpdateCredential(ctx, full, full.Version) },
	} {
		wantError(t, try(t, s, f), sallyport.NotFound, string(full.ID))
	}
}

func testCredentialNames(t *testing.T, s *store.Store) {
	addCredential(t, s, "Pulsedive personal")
	other := addCredential(t, s, "other")

	_, err := s.CredentialByName(t.Context(), "pulsediv persnal")
	wantError(t, err, sallyport.NotFound, `there is no credential "pulsediv persnal"`, `did you mean "Pulsedive personal"?`)
	_, err = s.CredentialByName(t.Context(), "something else")
	wantError(t, err, sallyport.NotFound, `there is no credential "something else"`)

	insert := func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertCredential(ctx, credential("PULSEDIVE Personal"))
	}
	wantError(t, try(t, s, insert), sallyport.Conflict, `name: there is already a credential named "PULSEDIVE Personal"`)
	rename := func(ctx context.Context, tx *store.Tx) error {
		other.Name = "pulsedive personal"
		return tx.UpdateCredential(ctx, other, other.Version)
	}
	wantError(t, try(t, s, rename), sallyport.Conflict, `name: there is already a credential named "pulsedive personal"`)
}

func testCredentialUpdate(t *testing.T, s *store.Store) {
	old := addCredential(t, s, "one")
	changed := credential("One") // the same name in another case
	changed.ID, changed.Description, changed.Version, changed.UpdatedAt = old.ID, "new", 4, at(8)
	changed.Public["address"], changed.Secrets["key"], changed.Sealed = "https://b.example", at(7), nil
	changed.Verdict, changed.Reason, changed.VerdictAt = sallyport.VerdictUnknown, "", time.Time{}
	update := func(ctx context.Context, tx *store.Tx) error { return tx.UpdateCredential(ctx, changed, 3) }

	do(t, s, update)
	diff(t, get(s.Credential(t.Context(), old.ID))(t), changed)
	wantError(t, try(t, s, update), sallyport.Conflict, `"One" was changed meanwhile`)
	diff(t, get(s.Credential(t.Context(), old.ID))(t), changed)
}

func testCredentialVerdict(t *testing.T, s *store.Store) {
	c := addCredential(t, s, "one")
	verdict := func(version int64) {
		do(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetVerdict(ctx, c.ID, version, sallyport.VerdictRejected, "refused\x00\xff", at(9))
		})
	}
	verdict(c.Version - 1)
	diff(t, get(s.Credential(t.Context(), c.ID))(t), c)
	verdict(c.Version)
	c.Verdict, c.Reason, c.VerdictAt = sallyport.VerdictRejected, "refused\uFFFD\uFFFD", at(9)
	diff(t, get(s.Credential(t.Context(), c.ID))(t), c)
}

func testCredentialInUse(t *testing.T, s *store.Store) {
	c := addCredential(t, s, "shared")
	bySource, byDestination, by2 := flow("zulu", c.ID), flow("Alpha", "", "file"), flow("mike", c.ID, "a", "b")
	byDestination.Destinations[0].Credential, by2.Destinations[1].Credential = c.ID, c.ID
	for _, f := range []sallyport.Flow{bySource, byDestination, by2, flow("without", "", "a")} {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &f) })
	}
	diff(t, get(s.CredentialUsers(t.Context(), c.ID))(t), []string{"Alpha", "mike", "zulu"})
	diff(t, get(s.Uses(t.Context()))(t), []store.Use{{Credential: c.ID, Flow: "Alpha"}, {Credential: c.ID, Flow: "mike"}, {Credential: c.ID, Flow: "zulu"}})
	remove := func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, c.ID) }
	wantError(t, try(t, s, remove), sallyport.Conflict, `"shared" is in use by "Alpha", "mike", "zulu"`)
	do(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, f := range []sallyport.Flow{bySource, byDestination, by2} {
			if err := tx.DeleteFlow(ctx, f.ID); err != nil {
				return err
			}
		}
		return remove(ctx, tx)
	})
	// The database itself refuses what the look before would miss.
	c = addCredential(t, s, "again")
	f := flow("user", c.ID)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertFlow(ctx, &f) })
	err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SQL().ExecContext(ctx, "DELETE FROM credential WHERE id = $1", string(c.ID))
		return err
	})
	if err == nil {
		t.Error("the database let a used credential go")
	}
}

// testPreviousSecrets keeps secrets until they expire, or their credential is deleted.
func testPreviousSecrets(t *testing.T, s *store.Store) {
	c, other := addCredential(t, s, "one"), addCredential(t, s, "other")
	first := sallyport.PreviousSecrets{CredentialID: c.ID, Version: 1, Sealed: sallyport.Sealed("sealed 1"), ExpiresAt: at(5)}
	second := sallyport.PreviousSecrets{CredentialID: c.ID, Version: 2, Sealed: sallyport.Sealed("sealed 2"), ExpiresAt: at(6)}
	third := sallyport.PreviousSecrets{CredentialID: other.ID, Version: 1, Sealed: sallyport.Sealed("sealed 3"), ExpiresAt: at(6)}
	for _, p := range []sallyport.PreviousSecrets{first, second, third} {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertPreviousSecrets(ctx, p) })
	}
	kept := func(now time.Time, want ...sallyport.PreviousSecrets) {
		t.Helper()
		diff(t, get(s.PreviousSecrets(t.Context(), c.ID, now))(t), append([]sallyport.PreviousSecrets{}, want...))
	}
	kept(at(4), second, first)
	kept(at(5), second) // expired, and not deleted yet
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropPreviousSecrets(ctx, at(5)) })
	kept(at(4), second)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, c.ID) })
	kept(at(4))
	if all := get(s.AllPreviousSecrets(t.Context(), at(4)))(t); len(all) != 1 || all[0].CredentialID != other.ID {
		t.Errorf("kept of all: %v", all)
	}
}

// testCredentialReseal goes through all credentials in parts, and replaces the seal of a version that is still the present one.
func testCredentialReseal(t *testing.T, s *store.Store) {
	for _, name := range []string{"a", "b", "c"} {
		addCredential(t, s, name)
	}
	var all []sallyport.Credential
	for last := sallyport.ID(""); ; last = all[len(all)-1].ID {
		part := get(s.CredentialsAfter(t.Context(), last, 2))(t)
		if len(part) == 0 {
			break
		}
		all = append(all, part...)
	}
	if len(all) != 3 || all[0].ID >= all[1].ID || all[1].ID >= all[2].ID {
		t.Fatalf("%d credentials", len(all))
	}
	c := all[1]
	c.Sealed, c.Local = sallyport.Sealed("\x02anew"), false
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.Reseal(ctx, c) })
	diff(t, get(s.Credential(t.Context(), c.ID))(t), c)
	older := c
	older.Version, older.Sealed = c.Version-1, sallyport.Sealed("\x02of an older version")
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.Reseal(ctx, older) })
	diff(t, get(s.Credential(t.Context(), c.ID))(t), c)
}

package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testQuota(t *testing.T, s *store.Store) {
	ctx := t.Context()
	c, other := addCredential(t, s, "one"), addCredential(t, s, "other")
	day := sallyport.QuotaWindow{
		CredentialID: c.ID, Window: sallyport.WindowDay, Limit: 10, Origin: sallyport.QuotaHeader, Used: 3, Spent: 70,
		Reserve: sallyport.Reserve{Percent: 20}, BeganAt: at(0), RefusedUntil: at(1), UpdatedAt: at(2),
	}
	second := sallyport.QuotaWindow{CredentialID: c.ID, Window: sallyport.WindowSecond}
	portion := sallyport.QuotaPortion{
		CredentialID: c.ID, Window: sallyport.WindowSecond, Holder: "a", Calls: 4, Wanted: 9, TurnAt: at(3), ExpiresAt: at(4),
	}
	put := func(ctx context.Context, tx *store.Tx) error {
		for _, w := range []sallyport.QuotaWindow{second, day} {
			if err := tx.PutQuota(ctx, w); err != nil {
				return err
			}
		}
		return tx.PutPortion(ctx, portion)
	}
	do(t, s, put)
	day.Used, day.Reserve, portion.Calls = 4, sallyport.Reserve{Calls: 2}, 1
	do(t, s, put)
	diff(t, get(s.Quota(ctx, c.ID))(t), []sallyport.QuotaWindow{day, second})
	diff(t, get(s.QuotaPortions(ctx, c.ID))(t), []sallyport.QuotaPortion{portion})
	diff(t, get(s.Quota(ctx, other.ID))(t), []sallyport.QuotaWindow{})

	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeletePortion(ctx, portion) })
	diff(t, get(s.QuotaPortions(ctx, c.ID))(t), []sallyport.QuotaPortion{})
	do(t, s, put)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, c.ID) })
	diff(t, get(s.Quota(ctx, c.ID))(t), []sallyport.QuotaWindow{})
	diff(t, get(s.QuotaPortions(ctx, c.ID))(t), []sallyport.QuotaPortion{})
	wantError(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.LockQuota(ctx, c.ID) }), sallyport.NotFound, string(c.ID))
}

// testQuotaLock has two transactions count one after the other, although both read before they write.
func testQuotaLock(t *testing.T, s *store.Store) {
	c := addCredential(t, s, "one")
	count := func(ctx context.Context, tx *store.Tx) error {
		if err := tx.LockQuota(ctx, c.ID); err != nil {
			return err
		}
		w := sallyport.QuotaWindow{CredentialID: c.ID, Window: sallyport.WindowDay}
		if all, err := tx.Quota(ctx, c.ID); err != nil {
			return err
		} else if len(all) > 0 {
			w = all[0]
		}
		w.Used++
		return tx.PutQuota(ctx, w)
	}
	inOrder(t, s, count, count)
	if all := get(s.Quota(t.Context(), c.ID))(t); all[0].Used != 2 {
		t.Errorf("counted %d, want 2", all[0].Used)
	}
}

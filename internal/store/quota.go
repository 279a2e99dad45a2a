package store

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

const (
	selectAllQuota    = "SELECT credential_id, period, allowed, origin, used, spent, reserve, began_at, refused_until, updated_at FROM quota"
	selectAllPortions = "SELECT credential_id, period, holder, calls, wanted, turn_at, expires_at FROM quota_portion"
	selectQuota       = selectAllQuota + " WHERE credential_id = $1 ORDER BY period"
	selectPortions    = selectAllPortions + " WHERE credential_id = $1 ORDER BY period, holder"
)

func scanQuota(r row) (w sallyport.QuotaWindow, err error) {
	reserve := ""
	err = r.Scan(&w.CredentialID, &w.Window, &w.Limit, &w.Origin, &w.Used, &w.Spent, &reserve,
		timeColumn{&w.BeganAt}, timeColumn{&w.RefusedUntil}, timeColumn{&w.UpdatedAt})
	if err == nil && reserve != "" {
		w.Reserve, err = sallyport.ParseReserve(reserve)
	}
	return w, err
}

func scanPortion(r row) (p sallyport.QuotaPortion, err error) {
	err = r.Scan(&p.CredentialID, &p.Window, &p.Holder, &p.Calls, &p.Wanted, timeColumn{&p.TurnAt}, timeColumn{&p.ExpiresAt})
	return p, err
}

// Quota returns what is known of a credential's budget, a row a window.
func (r reader) Quota(ctx context.Context, id sallyport.ID) ([]sallyport.QuotaWindow, error) {
	return list(ctx, r.q, scanQuota, selectQuota, id)
}

// QuotaPortions returns what processes have taken of a credential's budget.
func (r reader) QuotaPortions(ctx context.Context, id sallyport.ID) ([]sallyport.QuotaPortion, error) {
	return list(ctx, r.q, scanPortion, selectPortions, id)
}

// AllQuota is Quota for every credential, in no order.
func (r reader) AllQuota(ctx context.Context) ([]sallyport.QuotaWindow, error) {
	return list(ctx, r.q, scanQuota, selectAllQuota)
}

// AllQuotaPortions is QuotaPortions for every credential, in no order.
func (r reader) AllQuotaPortions(ctx context.Context) ([]sallyport.QuotaPortion, error) {
	return list(ctx, r.q, scanPortion, selectAllPortions)
}

// LockQuota makes every other transaction wait that asks for the same credential's budget.
func (tx *Tx) LockQuota(ctx context.Context, id sallyport.ID) error {
	return tx.execOne(ctx, notFound("credential", id), "UPDATE credential SET version = version WHERE id = $1", id)
}

// PutQuota adds or replaces a window of a budget, which is locked.
func (tx *Tx) PutQuota(ctx context.Context, w sallyport.QuotaWindow) error {
	_, err := tx.exec(ctx, `INSERT INTO quota (credential_id, period, allowed, origin, used, spent, reserve, began_at, refused_until, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (credential_id, period) DO UPDATE SET allowed = excluded.allowed, origin = excluded.origin, used = excluded.used,
		spent = excluded.spent, reserve = excluded.reserve, began_at = excluded.began_at, refused_until = excluded.refused_until,
		updated_at = excluded.updated_at`,
		w.CredentialID, w.Window, w.Limit, w.Origin, w.Used, w.Spent, w.Reserve.String(), micros(w.BeganAt), micros(w.RefusedUntil), micros(w.UpdatedAt))
	return err
}

// PutPortion adds or replaces what a process has taken of a budget, which is locked.
func (tx *Tx) PutPortion(ctx context.Context, p sallyport.QuotaPortion) error {
	_, err := tx.exec(ctx, `INSERT INTO quota_portion (credential_id, period, holder, calls, wanted, turn_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (credential_id, period, holder) DO UPDATE SET calls = excluded.calls, wanted = excluded.wanted,
		turn_at = excluded.turn_at, expires_at = excluded.expires_at`,
		p.CredentialID, p.Window, p.Holder, p.Calls, p.Wanted, micros(p.TurnAt), micros(p.ExpiresAt))
	return err
}

// DeletePortion removes what a process has taken of a budget, which is locked.
func (tx *Tx) DeletePortion(ctx context.Context, p sallyport.QuotaPortion) error {
	_, err := tx.exec(ctx, "DELETE FROM quota_portion WHERE credential_id = $1 AND period = $2 AND holder = $3", p.CredentialID, p.Window, p.Holder)
	return err
}

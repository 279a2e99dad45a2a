package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/sallyport-io/sallyport"
)

// SetResume says where the next run of a source begins; "" is the beginning.
func (tx *Tx) SetResume(ctx context.Context, sourceID sallyport.ID, cursor string) error {
	return tx.execOne(ctx, notFound("source", sourceID), "UPDATE source SET resume = $1 WHERE id = $2", cursor, sourceID)
}

// Pulled returns when a call was last made with a credential and read to its end; zero if it never was.
func (r reader) Pulled(ctx context.Context, credential sallyport.ID, call string) (time.Time, error) {
	at, err := one(ctx, r.q, sql.ErrNoRows, single[int64], "SELECT at FROM pull WHERE credential_id = $1 AND call = $2", credential, call)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	}
	return time.UnixMicro(at).UTC(), nil
}

// SetPulled notes when a call was made with a credential.
func (tx *Tx) SetPulled(ctx context.Context, credential sallyport.ID, call string, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO pull (credential_id, call, at) VALUES ($1, $2, $3)
		ON CONFLICT (credential_id, call) DO UPDATE SET at = excluded.at`, credential, call, micros(at))
	return err
}

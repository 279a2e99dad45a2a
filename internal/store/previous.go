package store

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
)

func scanPrevious(r row) (p sallyport.PreviousSecrets, err error) {
	err = r.Scan(&p.CredentialID, &p.Version, (*[]byte)(&p.Sealed), timeColumn{&p.ExpiresAt})
	return p, err
}

const selectPrevious = "SELECT credential_id, version, sealed, expires_at FROM previous_secrets WHERE expires_at > $1"

// PreviousSecrets returns the previous secrets of a credential that have not expired, newest first.
func (r reader) PreviousSecrets(ctx context.Context, credential sallyport.ID, now time.Time) ([]sallyport.PreviousSecrets, error) {
	return list(ctx, r.q, scanPrevious, selectPrevious+" AND credential_id = $2 ORDER BY version DESC", micros(now), credential)
}

// AllPreviousSecrets returns the previous secrets of all credentials that have not expired.
func (r reader) AllPreviousSecrets(ctx context.Context, now time.Time) ([]sallyport.PreviousSecrets, error) {
	return list(ctx, r.q, scanPrevious, selectPrevious+" ORDER BY credential_id, version DESC", micros(now))
}

// InsertPreviousSecrets keeps secrets that are being replaced.
func (tx *Tx) InsertPreviousSecrets(ctx context.Context, p sallyport.PreviousSecrets) error {
	_, err := tx.exec(ctx, "INSERT INTO previous_secrets (credential_id, version, sealed, expires_at) VALUES ($1, $2, $3, $4)",
		p.CredentialID, p.Version, []byte(p.Sealed), micros(p.ExpiresAt))
	return err
}

// DropPreviousSecrets deletes previous secrets that have expired.
func (tx *Tx) DropPreviousSecrets(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "DELETE FROM previous_secrets WHERE expires_at <= $1", micros(now))
	return err
}

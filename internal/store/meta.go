package store

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

// Meta returns a value that belongs to the installation as a whole.
func (r reader) Meta(ctx context.Context, key string) ([]byte, error) {
	missing := sallyport.Errorf(sallyport.NotFound, "the database has no value %q", key)
	return one(ctx, r.q, missing, single[[]byte], "SELECT value FROM meta WHERE key = $1", key)
}

// SetMeta sets a value that belongs to the installation as a whole.
func (tx *Tx) SetMeta(ctx context.Context, key string, value []byte) error {
	_, err := tx.exec(ctx, "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
	return err
}

package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
)

// staleLookups bounds how many answers that have expired are removed at once, besides twice as many as are added.
const staleLookups = 100

func scanLookup(r row) (l sallyport.Lookup, err error) {
	err = r.Scan(&l.ID, &l.State, timeColumn{&l.At}, timeColumn{&l.ExpiresAt}, &l.Records)
	if len(l.Records) == 0 {
		l.Records = nil // databases differ in how they give back nothing
	}
	return l, err
}

// Lookup returns the answer that is kept under an id. Its State is "" if there is none.
func (r reader) Lookup(ctx context.Context, id string) (sallyport.Lookup, error) {
	found, err := list(ctx, r.q, scanLookup, "SELECT id, state, at, expires_at, records FROM lookup WHERE id = $1", id)
	if err != nil || len(found) == 0 {
		return sallyport.Lookup{}, err
	}
	return found[0], nil
}

// KeepLookups keeps answers, in the place of older ones, and removes some of those that have expired.
func (s *Store) KeepLookups(ctx context.Context, all []sallyport.Lookup) error {
	all = slices.SortedFunc(slices.Values(all), func(a, b sallyport.Lookup) int { return cmp.Compare(a.ID, b.ID) }) // two who keep the same must not wait for each other
	return s.InTx(ctx, func(tx *Tx) error {
		for _, l := range all {
			_, err := tx.exec(ctx, `INSERT INTO lookup (id, state, at, expires_at, records) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (id) DO UPDATE SET state = excluded.state, at = excluded.at, expires_at = excluded.expires_at, records = excluded.records`,
				l.ID, l.State, micros(l.At), micros(l.ExpiresAt), notNil(l.Records))
			if err != nil {
				return err
			}
		}
		return tx.dropLookups(ctx, sallyport.Now(), 2*len(all)+staleLookups)
	})
}

// dropLookups removes the answers that expired first, at most limit of them.
func (tx *Tx) dropLookups(ctx context.Context, now time.Time, limit int) error {
	_, err := tx.exec(ctx, `DELETE FROM lookup WHERE id IN
		(SELECT id FROM lookup WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, micros(now), limit)
	return err
}

// notNil is how bytes are written that may be none: nil would be NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

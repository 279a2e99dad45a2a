package store

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

const selectGrants = "SELECT flow_id, path, purpose, place, real_path, granted_by, created_at, mark FROM file_grant"

func scanGrant(r row) (g sallyport.FileGrant, err error) {
	err = r.Scan(&g.FlowID, &g.Path, &g.Purpose, &g.Place, &g.Real, &g.By, timeColumn{&g.CreatedAt}, &g.Mark)
	return g, err
}

// FileGrants returns the grants of a flow by path.
func (r reader) FileGrants(ctx context.Context, flowID sallyport.ID) ([]sallyport.FileGrant, error) {
	return list(ctx, r.q, scanGrant, selectGrants+" WHERE flow_id = $1 ORDER BY path, purpose", flowID)
}

// PutFileGrant adds a grant, or replaces the one for the same file and purpose.
func (tx *Tx) PutFileGrant(ctx context.Context, g sallyport.FileGrant) error {
	_, err := tx.exec(ctx, `INSERT INTO file_grant (flow_id, path, purpose, place, real_path, granted_by, created_at, mark)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (flow_id, path, purpose) DO UPDATE SET place = excluded.place,
		real_path = excluded.real_path, granted_by = excluded.granted_by, created_at = excluded.created_at, mark = excluded.mark`,
		g.FlowID, g.Path, g.Purpose, g.Place, g.Real, g.By, micros(g.CreatedAt), g.Mark)
	return err
}

// DeleteFileGrant removes a grant. It is no error if there is none.
func (tx *Tx) DeleteFileGrant(ctx context.Context, g sallyport.FileGrant) error {
	_, err := tx.exec(ctx, "DELETE FROM file_grant WHERE flow_id = $1 AND path = $2 AND purpose = $3", g.FlowID, g.Path, g.Purpose)
	return err
}

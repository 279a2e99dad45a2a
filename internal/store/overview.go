package store

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
)

// LastRuns returns the newest run of every flow that has one.
func (r reader) LastRuns(ctx context.Context) ([]sallyport.Run, error) {
	return list(ctx, r.q, scanRun, selectRuns+" WHERE run.id = (SELECT MAX(newest.id) FROM run AS newest WHERE newest.flow_id = flow.id) ORDER BY run.id")
}

// DescribeCredential writes a credential's name and description, if nobody has changed it since the given time.
func (tx *Tx) DescribeCredential(ctx context.Context, c sallyport.Credential, since time.Time) error {
	n, err := tx.exec(ctx, "UPDATE credential SET name = $1, name_key = $2, description = $3, updated_at = $4 WHERE id = $5 AND updated_at = $6",
		c.Name, nameKey(c.Name), c.Description, micros(c.UpdatedAt), c.ID, micros(since))
	if err != nil {
		return nameTaken(err, "credential", c.Name)
	}
	if n == 1 {
		return nil
	}
	if _, err := tx.CredentialVersion(ctx, c.ID); err != nil {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "this credential was changed meanwhile, in another window or by somebody else; nothing was overwritten")
}

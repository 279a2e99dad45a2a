package store

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

// ClearErrors forgets that destinations of a flow have failed: they get another chance.
func (tx *Tx) ClearErrors(ctx context.Context, flowID sallyport.ID) error {
	_, err := tx.exec(ctx, "UPDATE destination SET error = '' WHERE flow_id = $1 AND error <> ''", flowID)
	return err
}

package vault

import (
	"context"
	"fmt"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
)

// atOnce is how many seals are replaced in one transaction.
const atOnce = 100

// Rows are the credentials of a database whose seals are replaced.
type Rows interface {
	// Begin writes the audit entry of the upgrade, unless an earlier start wrote it.
	Begin(ctx context.Context, entry sallyport.AuditEntry) error
	// After returns up to limit credentials in the order of their ids, behind the given one, as they are to be from now on.
	After(ctx context.Context, id sallyport.ID, limit int) ([]sallyport.Credential, error)
	// Replace stores the new seals of credentials, in one transaction. A credential whose version is another by now is left as it is.
	Replace(ctx context.Context, resealed []sallyport.Credential) error
}

// Upgrade replaces the seals of format 1 in a database that may have some, and then refuses that format for good. A start that is killed
// meanwhile is continued by the next. A credential that does not open stays as it is, and needs its secret again.
func (v *Vault) Upgrade(ctx context.Context, actor sallyport.Actor, rows Rows) error {
	if !v.old.Load() {
		return nil
	}
	if err := rows.Begin(ctx, audit.Entry(actor, audit.KeysReseal, "", map[string]string{"format": "2"})); err != nil {
		return fmt.Errorf("the credentials were not sealed anew, because that could not be written to the audit log: %w", err)
	}
	for last := sallyport.ID(""); ; {
		credentials, err := rows.After(ctx, last, atOnce)
		if err != nil {
			return fmt.Errorf("reading the credentials that are to be sealed anew: %w", err)
		}
		if len(credentials) == 0 {
			break
		}
		last = credentials[len(credentials)-1].ID
		resealed, err := v.reseal(credentials)
		if err != nil {
			return err
		}
		if err := rows.Replace(ctx, resealed); err != nil {
			return fmt.Errorf("storing the new seals of credentials: %w", err)
		}
	}
	if err := v.master.storeCheck(ctx, v.meta); err != nil {
		return err
	}
	v.old.Store(false)
	return nil
}

// reseal seals in the present format what was sealed in format 1. It leaves out what does not open.
func (v *Vault) reseal(credentials []sallyport.Credential) (resealed []sallyport.Credential, err error) {
	for _, c := range credentials {
		if len(c.Sealed) == 0 || c.Sealed[0] != oldFormat {
			continue
		}
		plaintext, err := v.master.open(oldBinding(c), c.Sealed)
		if err != nil {
			continue
		}
		c.Sealed, err = v.master.seal(binding(c), plaintext)
		clear(plaintext)
		if err != nil {
			return nil, sallyport.Errorf(sallyport.Internal, "the secret of credential %q could not be sealed: %w", c.Name, err)
		}
		resealed = append(resealed, c)
	}
	return resealed, nil
}

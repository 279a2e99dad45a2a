package app

import (
	"context"
	"net/url"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/store"
)

// upgradeBegun is the name of the value that says that the audit log tells of the upgrade of all seals.
const upgradeBegun = "seal_upgrade_begun"

// rows lets the vault replace the seals that an older release made.
type rows struct{ *store.Store }

func (r rows) Begin(ctx context.Context, entry sallyport.AuditEntry) error {
	return r.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Meta(ctx, upgradeBegun); sallyport.CodeOf(err) != sallyport.NotFound {
			return err
		}
		if err := tx.InsertAudit(ctx, entry); err != nil {
			return err
		}
		return tx.SetMeta(ctx, upgradeBegun, []byte("format 2"))
	})
}

// After returns credentials. Those that have a loopback address count as entered at the command line, so that they work as before.
func (r rows) After(ctx context.Context, id sallyport.ID, limit int) ([]sallyport.Credential, error) {
	all, err := r.CredentialsAfter(ctx, id, limit)
	for i := range all {
		u, err := url.Parse(all[i].Public[sallyport.AddressField])
		all[i].Local = err == nil && egress.IsLoopback(u.Hostname())
	}
	return all, err
}

func (r rows) Replace(ctx context.Context, resealed []sallyport.Credential) error {
	return r.InTx(ctx, func(tx *store.Tx) error {
		for _, c := range resealed {
			if err := tx.Reseal(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

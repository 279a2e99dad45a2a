package engine

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// redaction is who opens secrets to find them in text.
var redaction = sallyport.Actor{Kind: "system", Name: "redaction"}

// knowPrevious makes a source take the previous secrets of its credential out of responses, which may come from a cache. They are opened with
// its first request. Those that cannot be opened are logged: the source is no worse off than without them.
func (e *Engine) knowPrevious(c *rest.Config, credential sallyport.ID) {
	if credential == "" || c.Secrets == nil {
		return
	}
	keys, known, opened := c.Secrets, c.Known.With(), false
	c.Known = known
	c.Secrets = func(ctx context.Context) (map[string]secret.Text, error) {
		secrets, err := keys(ctx)
		if err != nil || opened {
			return secrets, err
		}
		opened = true
		previous, err := e.Store.PreviousSecrets(ctx, credential, sallyport.Now())
		if err != nil {
			return nil, err
		}
		texts, err := e.Vault.OpenPrevious(ctx, redaction, previous)
		if err != nil {
			e.Log.WarnContext(ctx, "previous secrets are not redacted", "credential", credential, "error", err)
		}
		known.Add(texts...)
		return secrets, nil
	}
}

// dropPrevious deletes previous secrets that have expired.
func (e *Engine) dropPrevious(ctx context.Context, now time.Time) error {
	return e.Store.InTx(ctx, func(tx *store.Tx) error { return tx.DropPreviousSecrets(ctx, now) })
}

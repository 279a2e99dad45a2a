// Package service is what a person or a program may ask of Sallyport: the only door for the command line, the pages and the API.
package service

import (
	"context"
	"log/slog"
	"sync"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
	"github.com/sallyport-io/sallyport/internal/vault"
)

// Service answers what is asked. Its methods may be called concurrently.
type Service struct {
	Store     *store.Store
	Vault     *vault.Vault
	Catalogue *connector.Catalogue
	Engine    *engine.Engine
	Redactor  *secret.Redactor
	OwnFiles  []string // which no source may read and no destination may write to
	Log       *slog.Logger

	learned sync.Map // credential → its version whose secrets were opened for the redactor
}

// audited does something in a transaction whose first statement is the audit entry.
func (s *Service) audited(ctx context.Context, entry sallyport.AuditEntry, f func(tx *store.Tx) error) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		entry.At = sallyport.Now()
		if err := tx.InsertAudit(ctx, entry); err != nil {
			return err
		}
		return f(tx)
	})
}

// Changed is closed when something that this process works has moved: a page was committed, a delivery got on.
func (s *Service) Changed() <-chan struct{} { return s.Engine.Changed() }

// Package service is what a person or a program may ask of Sallyport: the only door for the command line, the pages and the API.
package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
	"github.com/sallyport-io/sallyport/internal/vault"
)

// Service answers what is asked. Its methods may be called concurrently.
type Service struct {
	Store        *store.Store
	Vault        *vault.Vault
	Catalogue    *connector.Catalogue
	Engine       *engine.Engine
	Redactor     *secret.Redactor // knows the keys of stored credentials; see LearnKeys
	Passing      *secret.Redactor // of the log: knows what Redactor does and, while they are tested, secrets that are not stored
	KeepPrevious time.Duration    // how long replaced secrets are kept, to be redacted; 0: not at all
	Files        *grant.Policy    // which files flows may use
	Log          *slog.Logger

	learning learning
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

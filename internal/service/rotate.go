package service

import (
	"context"
	"maps"
	"slices"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// RotateCredential replaces the secrets of a credential once the new ones are proved. Whatever uses it has them at its next request, and what
// was stopped as the old ones were refused goes on.
func (s *Service) RotateCredential(ctx context.Context, actor sallyport.Actor, name string, secrets map[string]secret.Text, testing Testing) (*sallyport.Credential, error) {
	c, err := s.credential(ctx, name)
	if err != nil {
		return nil, err
	}
	definition, err := s.Catalogue.Definition(c.Connector)
	if err != nil {
		return nil, err
	}
	if err := misplaced(CredentialDraft{c.Name, c.Description, c.Connector, c.Public, secrets}, "; it was shown here, so remove it and use another key"); err != nil {
		return nil, err
	}
	redactor, done := s.passing(secrets)
	defer done()
	if _, err := definition.CheckCredential(c.Public, secrets); err != nil {
		return nil, err
	}
	if err := replaced(c, definition.Credential.Auth, secrets); err != nil {
		return nil, err
	}
	stored := c // as its seal has it
	c.Local = isLocal(actor, c.Public) || s.Engine.Trusted(c).Local
	if err := s.prove(ctx, &c, definition, secrets, testing, redactor); err != nil {
		return nil, err
	}
	previous, err := s.retire(ctx, actor, stored)
	if err != nil {
		return nil, err
	}
	old := c.Version
	c.Version, c.UpdatedAt = old+1, sallyport.Now()
	if err := s.seal(ctx, &c, secrets); err != nil {
		return nil, err
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.CredentialRotate, Object: c.ID, Detail: map[string]string{"name": c.Name}}
	noteForced(entry.Detail, &c, testing)
	err = s.audited(ctx, entry, func(tx *store.Tx) error {
		current, err := tx.Credential(ctx, c.ID)
		if err != nil {
			return err
		}
		c.Name, c.Description = current.Name, current.Description // they may have been changed during the test
		if err := tx.UpdateCredential(ctx, c, old); err != nil {
			return err
		}
		if err := s.keep(ctx, tx, previous); err != nil || c.Verdict == sallyport.VerdictRejected {
			return err
		}
		return s.Engine.KeyReplaced(ctx, tx, c.ID)
	})
	if err != nil {
		return nil, err
	}
	s.Vault.Learn(c, secrets)
	return &c, nil
}

// replaced makes sure that every secret of a credential gets another in its place, and that there is one.
func replaced(c sallyport.Credential, auth connector.Auth, secrets map[string]secret.Text) error {
	if auth.Optional && secrets[auth.Secret].IsEmpty() {
		return sallyport.FieldErrorf(auth.Secret, "is required: a key is replaced by another; to make requests without one, add a credential without a key")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if secrets[name].IsEmpty() {
			return sallyport.FieldErrorf(name, "is required: all secrets of a credential are replaced together")
		}
	}
	return nil
}

// retire seals the secrets of a credential that are about to be replaced, to be kept for redaction. It is nil if there are none, or none that
// can be opened: nothing keeps a person from replacing those.
func (s *Service) retire(ctx context.Context, actor sallyport.Actor, c sallyport.Credential) (*sallyport.PreviousSecrets, error) {
	if s.KeepPrevious == 0 || len(c.Secrets) == 0 {
		return nil, nil
	}
	previous, err := s.Vault.Retire(ctx, actor, c)
	if sallyport.CodeOf(err) == sallyport.Unauthenticated {
		return nil, nil
	}
	return &previous, err
}

// keep stores previous secrets, and deletes those that have expired.
func (s *Service) keep(ctx context.Context, tx *store.Tx, previous *sallyport.PreviousSecrets) error {
	now := sallyport.Now()
	if previous != nil {
		previous.ExpiresAt = now.Add(s.KeepPrevious)
		if err := tx.InsertPreviousSecrets(ctx, *previous); err != nil {
			return err
		}
	}
	return tx.DropPreviousSecrets(ctx, now)
}

// Package vault seals the secrets of credentials and opens them again.
//
// Each sealing uses a data key of its own, which is itself sealed with the master key: a Tink keyset in a file that only its owner can
// read. Both seals are bound to everything in the credential's row that decides where and how its secrets are sent, so that sealed bytes
// open only in their own row, and only while it is as it was when they were sealed. A secret is
// opened after the audit entry about it was written, and what was opened is known to the redactor from then on, until it is replaced or deleted.
package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync/atomic"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// Meta keeps a few values beside the credentials, in the same database.
type Meta interface {
	// Meta returns a value, or an error of code [sallyport.NotFound] when there is none.
	Meta(ctx context.Context, key string) ([]byte, error)
	// SetMeta stores a value.
	SetMeta(ctx context.Context, key string, value []byte) error
}

// Vault seals and opens the secrets of credentials. It may be used concurrently.
type Vault struct {
	master    *masterKey
	meta      Meta
	log       audit.Log
	knowledge knowledge
	old       atomic.Bool // seals of format 1 have not all been replaced yet
}

// Open opens the vault with the master key that keyURL names (file:PATH).
//
// The database keeps a check value, sealed with its master key. A database without one takes the key that is there, or a new one that is
// made. A database with one is refused when the key is missing or is another one: a new key would make all its credentials useless.
func Open(ctx context.Context, keyURL string, meta Meta, log audit.Log, redactor *secret.Redactor) (*Vault, error) {
	path, err := keyPath(keyURL)
	if err != nil {
		return nil, err
	}
	check, err := readCheck(ctx, meta)
	if err != nil {
		return nil, err
	}
	master, err := readKey(path)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && check != nil:
		return nil, keyErrorf("the file %s with the master key of this database is missing; put your backup of it back. "+
			"Nothing was changed", path)
	case missing:
		master, err = makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	// The key is on disk before the check value is stored: a start that ends in between is completed by the next.
	v := &Vault{master: master, meta: meta, log: log, knowledge: knowledge{redactor: redactor, of: map[sallyport.ID]*known{}}}
	if check == nil {
		return v, master.storeCheck(ctx, meta)
	}
	ok, old := master.opens(check)
	if !ok {
		return nil, keyErrorf("the master key in %s is not the one of this database; put your backup of the right one there. "+
			"Nothing was changed", path)
	}
	v.old.Store(old)
	return v, nil
}

// Unattested reports whether the database comes from a version that attested nothing: what needs an attestation is to be attested as it is, before
// [Vault.Upgrade]. Nobody without the master key can make a newer database look like that.
func (v *Vault) Unattested() bool { return v.old.Load() }

// Seal seals secrets, by field name, for the credential as it is: its id, connector, version, public fields and whether it is local.
// A credential of which one of these is different opens nothing with them. Once they are stored,
// [Vault.Learn] is due.
func (v *Vault) Seal(_ context.Context, c sallyport.Credential, secrets map[string]secret.Text) (sallyport.Sealed, error) {
	plaintext := encodeFields(secrets)
	defer clear(plaintext)
	sealed, err := v.master.seal(binding(c), plaintext)
	if err != nil {
		return nil, sallyport.Errorf(sallyport.Internal, "the secret of credential %q could not be sealed: %w", c.Name, err)
	}
	return sealed, nil
}

// Open returns the secrets of a credential by field name, after it told the audit log. When they cannot be opened, the error (of code
// [sallyport.Unauthenticated]) says that this credential needs its secret again; it says nothing about any other credential.
func (v *Vault) Open(ctx context.Context, actor sallyport.Actor, c sallyport.Credential) (map[string]secret.Text, error) {
	detail := map[string]string{"name": c.Name, "connector": c.Connector, "version": strconv.FormatInt(c.Version, 10)}
	if err := v.log.Append(ctx, audit.Entry(actor, audit.CredentialOpen, c.ID, detail)); err != nil {
		return nil, sallyport.Errorf(sallyport.Internal,
			"the secret of credential %q was not opened, because that could not be written to the audit log: %w", c.Name, err)
	}
	secrets, err := v.open(c)
	if err != nil {
		return nil, err
	}
	v.Learn(c, secrets)
	return secrets, nil
}

// Problem is a credential whose secrets cannot be opened.
type Problem struct {
	Credential sallyport.Credential
	Err        error // a sentence that says what to do
}

// Verify tries to open the secrets of every credential, after it told the audit log, and returns those for which it failed.
func (v *Vault) Verify(ctx context.Context, actor sallyport.Actor, credentials []sallyport.Credential) ([]Problem, error) {
	detail := map[string]string{"credentials": strconv.Itoa(len(credentials))}
	if err := v.log.Append(ctx, audit.Entry(actor, audit.KeysVerify, "", detail)); err != nil {
		return nil, sallyport.Errorf(sallyport.Internal,
			"the credentials were not verified, because that could not be written to the audit log: %w", err)
	}
	var problems []Problem
	for _, c := range credentials {
		if _, err := v.open(c); err != nil {
			problems = append(problems, Problem{c, err})
		}
	}
	return problems, nil
}

// Check tells whether the secrets of a credential open, without opening them: the error is the one that Open would return. It proves that
// the row is as it was when the secrets were sealed.
func (v *Vault) Check(c sallyport.Credential) error {
	if len(c.Sealed) == 0 && len(c.Secrets) == 0 {
		return nil // it needs none
	}
	bound, err := v.bindingOf(c)
	if err == nil {
		var dataKey []byte
		dataKey, _, err = v.master.unwrap(bound, c.Sealed)
		clear(dataKey)
	}
	if err != nil {
		return needsSecret(c, err)
	}
	return nil
}

// bindingOf returns the additional data of the format in which a credential is sealed.
func (v *Vault) bindingOf(c sallyport.Credential) ([]byte, error) {
	switch {
	case len(c.Sealed) == 0:
		return nil, errCut
	case c.Sealed[0] == format:
		return binding(c), nil
	case c.Sealed[0] == oldFormat && v.old.Load():
		return oldBinding(c), nil
	}
	return nil, fmt.Errorf("%w: %d", errFormat, c.Sealed[0])
}

func (v *Vault) open(c sallyport.Credential) (map[string]secret.Text, error) {
	bound, err := v.bindingOf(c)
	if err != nil {
		return nil, needsSecret(c, err)
	}
	plaintext, err := v.master.open(bound, c.Sealed)
	if err != nil {
		return nil, needsSecret(c, err)
	}
	defer clear(plaintext)
	secrets, err := decodeFields(plaintext)
	if err != nil {
		return nil, needsSecret(c, err)
	}
	return secrets, nil
}

func needsSecret(c sallyport.Credential, cause error) error {
	reason := "its row in the database was changed outside of Sallyport, so the stored secret does not open"
	switch {
	case len(c.Sealed) == 0:
		reason = "none is stored"
	case errors.Is(cause, errForeign):
		reason = "the stored one was sealed with another master key"
	case errors.Is(cause, errFormat):
		reason = "the stored one is sealed in a format that is not accepted"
	}
	e := sallyport.Errorf(sallyport.Unauthenticated,
		"credential %q needs its secret: %s; check its address and other fields, then enter the key again with `sallyport credential rotate %q`",
		c.Name, reason, c.Name)
	e.Err = cause
	return e
}

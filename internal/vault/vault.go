// Package vault seals the secrets of credentials and opens them again.
//
// Each sealing uses a data key of its own, which is itself sealed with the master key: a Tink keyset in a file that only its owner can
// read. Both seals are bound to the credential's id, connector, address and version, so that sealed bytes open in their own row only, and for
// their own host. A secret is
// opened after the audit entry about it was written, and what was opened is known to the redactor from then on, until it is replaced or deleted.
package vault

import (
	"context"
	"errors"
	"io/fs"
	"strconv"

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
	log       audit.Log
	knowledge knowledge
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
	if check == nil {
		err = master.storeCheck(ctx, meta)
	} else if !master.opens(check) {
		err = keyErrorf("the master key in %s is not the one of this database; put your backup of the right one there. "+
			"Nothing was changed", path)
	}
	if err != nil {
		return nil, err
	}
	return &Vault{master: master, log: log, knowledge: knowledge{redactor: redactor, of: map[sallyport.ID]*known{}}}, nil
}

// Seal seals secrets, by field name, for the credential's id, connector, address and version: any other opens nothing with them. Once they are
// stored, [Vault.Learn] is due.
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

func (v *Vault) open(c sallyport.Credential) (map[string]secret.Text, error) {
	plaintext, err := v.master.open(binding(c), c.Sealed)
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
	reason := "what is stored cannot be opened"
	if len(c.Sealed) == 0 {
		reason = "none is stored"
	}
	e := sallyport.Errorf(sallyport.Unauthenticated,
		"credential %q needs its secret: %s; put the key in again with `sallyport credential rotate %q`", c.Name, reason, c.Name)
	e.Err = cause
	return e
}

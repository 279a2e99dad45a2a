package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// Retire opens the secrets of a credential that are about to be replaced, as [Vault.Open] does, and seals them anew: what it returns opens with
// OpenPrevious only, never as secrets that are sent to anyone.
func (v *Vault) Retire(ctx context.Context, actor sallyport.Actor, c sallyport.Credential) (sallyport.PreviousSecrets, error) {
	previous := sallyport.PreviousSecrets{CredentialID: c.ID, Version: c.Version}
	secrets, err := v.Open(ctx, actor, c)
	if err != nil {
		return previous, err
	}
	plaintext := encodeFields(secrets)
	defer clear(plaintext)
	previous.Sealed, err = v.master.seal(previousBinding(previous), plaintext)
	if err != nil {
		return previous, sallyport.Errorf(sallyport.Internal, "the previous secret of credential %q could not be sealed: %w", c.Name, err)
	}
	return previous, nil
}

// OpenPrevious returns previous secrets, which are for redaction only, after it told the audit log of each version. Those that can be opened
// are returned even if the error says that others cannot.
func (v *Vault) OpenPrevious(ctx context.Context, actor sallyport.Actor, all []sallyport.PreviousSecrets) (texts []secret.Text, failed error) {
	for _, p := range all {
		detail := map[string]string{"version": strconv.FormatInt(p.Version, 10), "purpose": "redaction"}
		if err := v.log.Append(ctx, audit.Entry(actor, audit.CredentialOpen, p.CredentialID, detail)); err != nil {
			return texts, sallyport.Errorf(sallyport.Internal,
				"the previous secrets of credential %s were not opened, because that could not be written to the audit log: %w", p.CredentialID, err)
		}
		secrets, err := v.openPrevious(p)
		if err != nil {
			failed = errors.Join(failed, sallyport.Errorf(sallyport.Internal,
				"the secrets of version %d of credential %s cannot be opened, so they are not redacted: %w", p.Version, p.CredentialID, err))
		}
		texts = slices.AppendSeq(texts, maps.Values(secrets))
	}
	return texts, failed
}

// LearnPrevious makes the redactor know all stored previous secrets, and forget those that are not stored any more. Those that are new are
// opened as in OpenPrevious.
func (v *Vault) LearnPrevious(ctx context.Context, actor sallyport.Actor, all []sallyport.PreviousSecrets) (failed error) {
	v.knowledge.dropPrevious(all)
	for _, p := range all {
		if v.knowledge.hasPrevious(p) {
			continue
		}
		texts, err := v.OpenPrevious(ctx, actor, []sallyport.PreviousSecrets{p})
		failed = errors.Join(failed, err)
		v.knowledge.learnPrevious(p, texts)
	}
	return failed
}

func (k *knowledge) hasPrevious(p sallyport.PreviousSecrets) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.of[p.CredentialID]
	return now != nil && now.previous[p.Version] != nil
}

func (k *knowledge) learnPrevious(p sallyport.PreviousSecrets, texts []secret.Text) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.of[p.CredentialID]
	if now == nil || now.previous[p.Version] != nil { // deleted, or learned by another request
		return
	}
	if now.previous == nil {
		now.previous = map[int64][]secret.Text{}
	}
	now.previous[p.Version] = texts
	k.redactor.Add(texts...)
}

// dropPrevious forgets previous secrets that are not among those that are stored.
func (k *knowledge) dropPrevious(stored []sallyport.PreviousSecrets) {
	type version struct {
		id     sallyport.ID
		number int64
	}
	kept := map[version]bool{}
	for _, p := range stored {
		kept[version{p.CredentialID, p.Version}] = true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, now := range k.of {
		for number, texts := range now.previous {
			if !kept[version{id, number}] {
				k.redactor.Forget(texts...)
				delete(now.previous, number)
			}
		}
	}
}

func (v *Vault) openPrevious(p sallyport.PreviousSecrets) (map[string]secret.Text, error) {
	plaintext, err := v.master.open(previousBinding(p), p.Sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	return decodeFields(plaintext)
}

// previousBinding names the row of previous secrets. It differs from the binding of every credential.
func previousBinding(p sallyport.PreviousSecrets) []byte {
	b := appendPart(appendPart(nil, "previous secrets"), p.CredentialID)
	return binary.BigEndian.AppendUint64(b, uint64(p.Version))
}

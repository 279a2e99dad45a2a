package vault

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// knowledge is the secrets of stored credentials that the redactor knows: those of the newest version that this process has seen, and those
// of the version before, which records may still hold.
type knowledge struct {
	redactor *secret.Redactor
	mu       sync.Mutex
	of       map[sallyport.ID]*known
}

// known is what is known of one credential.
type known struct {
	version          int64
	secrets, earlier []secret.Text
	previous         map[int64][]secret.Text // those that are stored, by version
}

// all returns everything that is known.
func (n *known) all() []secret.Text {
	all := slices.Concat(n.secrets, n.earlier)
	for _, texts := range n.previous {
		all = append(all, texts...)
	}
	return all
}

// Learn makes the secrets of a credential in its version known to the redactor: of one that was just stored. What is opened is learned anyway.
func (v *Vault) Learn(c sallyport.Credential, secrets map[string]secret.Text) {
	v.knowledge.learn(learned{c.ID, c.Version, slices.Collect(maps.Values(secrets))})
}

// learned is what is to be known of a credential.
type learned struct {
	id      sallyport.ID
	version int64
	secrets []secret.Text
}

func (k *knowledge) learn(all ...learned) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var add, forget []secret.Text
	for _, l := range all {
		now := k.of[l.id]
		if now == nil {
			now = new(known)
			k.of[l.id] = now
		}
		if l.version < now.version || l.version == now.version && len(now.secrets) > 0 {
			continue // it is known, or was still in use while it was replaced
		}
		add, forget = append(add, l.secrets...), append(forget, now.earlier...)
		now.version, now.secrets, now.earlier = l.version, l.secrets, now.secrets
	}
	k.redactor.Add(add...)
	k.redactor.Forget(forget...)
}

// Forget makes the redactor forget the secrets of a credential, which was deleted.
func (v *Vault) Forget(id sallyport.ID) {
	k := &v.knowledge
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(id)
}

// forget is Forget, for those who hold the lock.
func (k *knowledge) forget(id sallyport.ID) {
	if now := k.of[id]; now != nil {
		k.redactor.Forget(now.all()...)
		delete(k.of, id)
	}
}

// Known returns the secrets of a credential that the redactor knows. They are for redaction only.
func (v *Vault) Known(id sallyport.ID) []secret.Text {
	k := &v.knowledge
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.of[id]; now != nil {
		return now.all()
	}
	return nil
}

// Unknown returns which of these credentials, with their versions, the redactor knows no secrets of. Those are all that there are: what it
// knows of others it forgets.
func (v *Vault) Unknown(versions map[sallyport.ID]int64) (ids []sallyport.ID) {
	k := &v.knowledge
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, version := range versions {
		if now := k.of[id]; now == nil || now.version < version {
			ids = append(ids, id)
		}
	}
	for id := range k.of {
		if _, ok := versions[id]; !ok {
			k.forget(id)
		}
	}
	return ids
}

// LearnAll opens the secrets of credentials so that the redactor knows them, after one entry in the audit log about them all. Those that
// cannot be opened are returned, and not tried again in the same version.
func (v *Vault) LearnAll(ctx context.Context, actor sallyport.Actor, credentials []sallyport.Credential) ([]Problem, error) {
	detail := map[string]string{"credentials": strconv.Itoa(len(credentials))}
	if err := v.log.Append(ctx, audit.Entry(actor, audit.CredentialRedact, "", detail)); err != nil {
		return nil, sallyport.Errorf(sallyport.Internal,
			"the credentials were not opened for redaction, because that could not be written to the audit log: %w", err)
	}
	var problems []Problem
	all := make([]learned, len(credentials))
	for i, c := range credentials {
		secrets, err := v.open(c)
		if err != nil {
			problems = append(problems, Problem{c, err})
		}
		all[i] = learned{c.ID, c.Version, slices.Collect(maps.Values(secrets))}
	}
	v.knowledge.learn(all...)
	return problems, nil
}

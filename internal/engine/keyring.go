package engine

import (
	"context"
	"errors"
	"maps"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// Keys gives the secrets of a credential when a request needs them.
type Keys func(ctx context.Context) (map[string]secret.Text, error)

// keyring resolves a credential at each use, by reference: a rotation is seen by the next request. Only a version that was not opened yet
// is opened, and audited. It is used by one goroutine at a time.
type keyring struct {
	engine     *Engine
	actor      sallyport.Actor
	credential sallyport.ID
	of         sallyport.Credential // as the requests are made with it
	version    int64                // of what was asked for last; 0: nothing was
	proved     int64                // the last version with which a submission was taken
	opened     map[string]secret.Text
}

// Keys resolves a stored credential for one source, which is opened with it.
func (e *Engine) Keys(actor sallyport.Actor, c sallyport.Credential) Keys {
	return e.keyring(actor, c).get
}

func (e *Engine) keyring(actor sallyport.Actor, c sallyport.Credential) *keyring {
	return &keyring{engine: e, actor: actor, credential: c.ID, of: c}
}

// Trusted returns a stored credential as it may be used: that it is local counts only if it was sealed so.
func (e *Engine) Trusted(c sallyport.Credential) sallyport.Credential {
	c.Local = c.Local && e.Vault.Check(c) == nil
	return c
}

func (k *keyring) get(ctx context.Context) (map[string]secret.Text, error) {
	e := k.engine
	current, err := e.Store.CredentialVersion(ctx, k.credential)
	if err != nil || k.opened != nil && current == k.version {
		return k.opened, err
	}
	c, err := e.Store.Credential(ctx, k.credential)
	if err != nil {
		return nil, err
	}
	k.version = c.Version // also of one that cannot be opened: it is what is wrong
	// What opens is bound to the row as it is now: the requests must be made with the same one, not with what it was a moment ago.
	if c.Connector != k.of.Connector || !maps.Equal(c.Public, k.of.Public) {
		return nil, sallyport.Errorf(sallyport.Unauthenticated, "the fields of credential %q were changed while they were in use", c.Name)
	}
	opened, err := e.Vault.Open(ctx, k.actor, c)
	if err != nil {
		return nil, err
	}
	k.opened = opened
	return opened, e.Store.InTx(ctx, func(tx *store.Tx) error { return tx.TouchCredential(ctx, c.ID, sallyport.Now()) })
}

// blames tells whether an error is about the key. Nobody's key is a nil keyring.
func (k *keyring) blames(err error) bool {
	return k != nil && k.version != 0 && sallyport.CodeOf(err) == sallyport.Unauthenticated
}

// refused notes that the key was refused, for a reason, and returns that with what to do; what is "run" or "delivery". If another key was put in
// meanwhile, nothing is proved about it: rotated is true then, and nothing is noted.
func (k *keyring) refused(ctx context.Context, tx *store.Tx, cause error, reason, what string) (advice string, rotated bool, err error) {
	current, err := tx.CredentialVersion(ctx, k.credential)
	if err != nil || current != k.version {
		return "", err == nil, err
	}
	if f, ok := errors.AsType[*connector.Failure](cause); ok { // else it was not asked
		err = k.mark(ctx, tx, f.Verdict(), reason)
	}
	return reason + "; put a new one into its credential: the " + what + " goes on by itself then, from where it stands", false, err
}

// mark writes what a run or delivery proves about the key that it used: that it works, or that it was refused. A failed look at the network
// proves nothing, and neither does an old key about a new one.
func (k *keyring) mark(ctx context.Context, tx *store.Tx, verdict sallyport.Verdict, reason string) error {
	if k == nil || k.version == 0 {
		return nil
	}
	c, err := tx.Credential(ctx, k.credential)
	if err != nil || c.Verdict == verdict {
		return err
	}
	return tx.SetVerdict(ctx, c.ID, k.version, verdict, reason, sallyport.Now())
}

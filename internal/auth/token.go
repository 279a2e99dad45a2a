package auth

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
)

// The form of a token's text: people, and programs that search for secrets, know it by its beginning.
const (
	tokenPrefix = "sallyport_"
	tokenLength = len(tokenPrefix) + 26
)

// useStep is how late the last use of a token may be noted: not every request is worth a write.
const useStep = time.Minute

// Tokens knows the programs that may use the HTTP API. Its methods may be called concurrently.
type Tokens struct {
	store *store.Store
	plain CheckPlain
	wrong limiter
}

// NewTokens makes a Tokens. Names that it is given must pass plain.
func NewTokens(s *store.Store, plain CheckPlain) *Tokens { return &Tokens{store: s, plain: plain} }

// Create makes a token, and returns its text, which nobody can find out again. It expires at a time, or never if that is zero. Errors name
// the field "name", "scopes" or "expires_at".
func (t *Tokens) Create(ctx context.Context, actor sallyport.Actor, name string, scopes []sallyport.Scope, expires time.Time) (
	token sallyport.Token, text string, err error) {
	name = sallyport.NormalName(name)
	if err := sallyport.CheckName("name", name); err != nil {
		return token, "", err
	}
	if err := t.plain(ctx, "name", name); err != nil {
		return token, "", err
	}
	if scopes, err = sallyport.CheckScopes(scopes); err != nil {
		return token, "", err
	}
	token = sallyport.Token{
		ID: sallyport.NewID("tok"), Name: name, Scopes: scopes, Owner: actor.Name, CreatedAt: sallyport.Now(),
		ExpiresAt: expires.UTC().Truncate(time.Microsecond),
	}
	if token.Expired(token.CreatedAt) {
		return sallyport.Token{}, "", sallyport.FieldErrorf("expires_at", "is in the past")
	}
	if token.ExpiresAt.Year() > 9999 { // JSON cannot tell such a time
		return sallyport.Token{}, "", sallyport.FieldErrorf("expires_at", "must be before the year 10000 in UTC; leave it out for a token that never expires")
	}
	text = tokenPrefix + strings.ToLower(rand.Text())
	err = t.store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.TokenCreate, token.ID, facts(token))); err != nil {
			return err
		}
		return tx.InsertToken(ctx, token, tokenHash(text))
	})
	if err != nil {
		return sallyport.Token{}, "", err
	}
	return token, text, nil
}

// facts is what the audit log says of a token.
func facts(t sallyport.Token) map[string]string {
	return map[string]string{"name": t.Name, "scopes": sallyport.JoinScopes(t.Scopes, " ")}
}

// List returns all tokens by name, those that have expired among them.
func (t *Tokens) List(ctx context.Context) ([]sallyport.Token, error) { return t.store.Tokens(ctx) }

// Find returns a token by its name or id.
func (t *Tokens) Find(ctx context.Context, nameOrID string) (sallyport.Token, error) {
	return t.store.Token(ctx, nameOrID)
}

// Revoke removes a token: the next request with it is refused.
func (t *Tokens) Revoke(ctx context.Context, actor sallyport.Actor, nameOrID string) error {
	return t.store.InTx(ctx, func(tx *store.Tx) error {
		token, err := tx.Token(ctx, nameOrID)
		if err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.TokenRevoke, token.ID, facts(token))); err != nil {
			return err
		}
		return tx.DeleteToken(ctx, token.ID)
	})
}

// Identify returns the token that has a text. The address is where the request comes from: refusals are limited by it. A good token is
// taken however many wrong ones come from there.
func (t *Tokens) Identify(ctx context.Context, text, address string) (sallyport.Token, error) {
	token, err := t.good(ctx, text)
	if sallyport.CodeOf(err) != sallyport.Unauthenticated {
		return token, err
	}
	if err := t.wrong.take(address, "requests with a wrong token"); err != nil {
		return sallyport.Token{}, err
	}
	actor, detail := sallyport.Actor{Kind: "token", Name: token.Name}, map[string]string{"address": address}
	refused := t.store.InTx(ctx, func(tx *store.Tx) error {
		return tx.InsertAudit(ctx, audit.Entry(actor, audit.AuthRefused, token.ID, detail))
	})
	if refused != nil {
		return sallyport.Token{}, refused
	}
	return sallyport.Token{}, err
}

// good finds a token that can be used, and notes that it was. One that has expired is returned with the error.
func (t *Tokens) good(ctx context.Context, text string) (sallyport.Token, error) {
	if len(text) != tokenLength || !strings.HasPrefix(text, tokenPrefix) {
		return sallyport.Token{}, unknownToken()
	}
	token, err := t.store.TokenByHash(ctx, tokenHash(text))
	now := sallyport.Now()
	switch {
	case err != nil:
	case token.Expired(now):
		return token, sallyport.Errorf(sallyport.Unauthenticated, "the token %q has expired; make another one", token.Name)
	case now.Sub(token.LastUsedAt) >= useStep:
		token.LastUsedAt = now
		err = t.store.InTx(ctx, func(tx *store.Tx) error { return tx.TouchToken(ctx, token.ID, now) })
	}
	if sallyport.CodeOf(err) == sallyport.NotFound { // or it was revoked between the two
		err = unknownToken()
	}
	if err != nil {
		return sallyport.Token{}, err
	}
	return token, nil
}

func unknownToken() error {
	return sallyport.Errorf(sallyport.Unauthenticated, "this token is not known: it may have been revoked, or copied in part; "+
		"make another one on the page Settings, or by `sallyport token add`")
}

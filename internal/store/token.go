package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/sallyport-io/sallyport"
)

const selectTokens = "SELECT id, name, scopes, owner, created_at, expires_at, last_used_at FROM api_token"

func scanToken(r row) (t sallyport.Token, err error) {
	err = r.Scan(&t.ID, &t.Name, jsonColumn{&t.Scopes}, &t.Owner, timeColumn{&t.CreatedAt}, timeColumn{&t.ExpiresAt}, timeColumn{&t.LastUsedAt})
	return t, err
}

// Tokens returns all tokens by name, those that have expired among them.
func (r reader) Tokens(ctx context.Context) ([]sallyport.Token, error) {
	return list(ctx, r.q, scanToken, selectTokens+" ORDER BY name_key")
}

// Token returns a token by its id, or by its name, ignoring case.
func (r reader) Token(ctx context.Context, nameOrID string) (sallyport.Token, error) {
	t, err := one(ctx, r.q, sql.ErrNoRows, scanToken, selectTokens+" WHERE id = $1 OR name_key = $2 ORDER BY id <> $1", nameOrID, nameKey(nameOrID))
	if errors.Is(err, sql.ErrNoRows) {
		return t, r.noSuchName(ctx, "api_token", "token", nameOrID)
	}
	return t, err
}

// TokenByHash returns a token by the hash of its text, even if it has expired. The error names nobody else's.
func (r reader) TokenByHash(ctx context.Context, tokenHash string) (sallyport.Token, error) {
	missing := sallyport.Errorf(sallyport.NotFound, "there is no such token")
	return one(ctx, r.q, missing, scanToken, selectTokens+" WHERE token_hash = $1", tokenHash)
}

// InsertToken adds a token, with the hash of its text.
func (tx *Tx) InsertToken(ctx context.Context, t sallyport.Token, tokenHash string) error {
	scopes, err := asJSON(t.Scopes)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO api_token (id, name, name_key, token_hash, scopes, owner, created_at, expires_at, last_used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.Name, nameKey(t.Name), tokenHash, scopes, t.Owner, micros(t.CreatedAt), micros(t.ExpiresAt), micros(t.LastUsedAt))
	return nameTaken(err, "token", t.Name)
}

// TouchToken notes when a token was used.
func (tx *Tx) TouchToken(ctx context.Context, id sallyport.ID, at time.Time) error {
	return tx.execOne(ctx, notFound("token", id), "UPDATE api_token SET last_used_at = $1 WHERE id = $2", micros(at), id)
}

// DeleteToken removes a token: it is worth nothing from now on.
func (tx *Tx) DeleteToken(ctx context.Context, id sallyport.ID) error {
	return tx.execOne(ctx, notFound("token", id), "DELETE FROM api_token WHERE id = $1", id)
}

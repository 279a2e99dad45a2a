package store

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
)

const selectUsers = "SELECT id, name, password, created_at FROM person"

func scanUser(r row) (u sallyport.User, err error) {
	err = r.Scan(&u.ID, &u.Name, &u.Password, timeColumn{&u.CreatedAt})
	return u, err
}

// User returns a user by its id.
func (r reader) User(ctx context.Context, id sallyport.ID) (sallyport.User, error) {
	return one(ctx, r.q, notFound("user", id), scanUser, selectUsers+" WHERE id = $1", id)
}

// UserByName returns a user by its name, ignoring case. The error names nobody else.
func (r reader) UserByName(ctx context.Context, name string) (sallyport.User, error) {
	missing := sallyport.Errorf(sallyport.NotFound, "there is no user of that name")
	return one(ctx, r.q, missing, scanUser, selectUsers+" WHERE name_key = $1", nameKey(name))
}

// Users returns all users by name.
func (r reader) Users(ctx context.Context) ([]sallyport.User, error) {
	return list(ctx, r.q, scanUser, selectUsers+" ORDER BY name_key")
}

// HasUsers tells whether anybody may sign in.
func (r reader) HasUsers(ctx context.Context) (bool, error) {
	n, err := one(ctx, r.q, nil, single[int64], "SELECT COUNT(*) FROM person")
	return n > 0, err
}

// InsertUser adds a user.
func (tx *Tx) InsertUser(ctx context.Context, u sallyport.User) error {
	_, err := tx.exec(ctx, "INSERT INTO person (id, name, name_key, password, created_at) VALUES ($1, $2, $3, $4, $5)",
		u.ID, u.Name, nameKey(u.Name), u.Password, micros(u.CreatedAt))
	return nameTaken(err, "user", u.Name)
}

// SetPassword replaces the hash of a user's password.
func (tx *Tx) SetPassword(ctx context.Context, id sallyport.ID, hash string) error {
	return tx.execOne(ctx, notFound("user", id), "UPDATE person SET password = $1 WHERE id = $2", hash, id)
}

// PutSetupLink makes the only link by which the first user is made; one that was there before is worth nothing any more.
func (tx *Tx) PutSetupLink(ctx context.Context, tokenHash string, expires time.Time) error {
	if _, err := tx.exec(ctx, "DELETE FROM setup_link"); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "INSERT INTO setup_link (token_hash, expires_at) VALUES ($1, $2)", tokenHash, micros(expires))
	return err
}

// SetupLink fails unless the link is there and has not expired.
func (r reader) SetupLink(ctx context.Context, tokenHash string, now time.Time) error {
	_, err := one(ctx, r.q, noSetupLink(), single[int64], "SELECT 1 FROM setup_link WHERE token_hash = $1 AND expires_at > $2",
		tokenHash, micros(now))
	return err
}

// UseSetupLink takes a link away; it fails if the link is not there or has expired. Of several that try at once, one succeeds.
func (tx *Tx) UseSetupLink(ctx context.Context, tokenHash string, now time.Time) error {
	return tx.execOne(ctx, noSetupLink(), "DELETE FROM setup_link WHERE token_hash = $1 AND expires_at > $2", tokenHash, micros(now))
}

func noSetupLink() error {
	return sallyport.Errorf(sallyport.NotFound, "this set-up link was used already, or is too old")
}

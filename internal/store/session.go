package store

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
)

// Session is what is kept of a signed-in browser. Its token is known only to that browser.
type Session struct {
	Data    []byte
	User    sallyport.ID // who is signed in; "": nobody
	Expires time.Time
}

// Session returns a session that has not expired, by the hash of its token.
func (r reader) Session(ctx context.Context, tokenHash string, now time.Time) (Session, error) {
	missing := sallyport.Errorf(sallyport.NotFound, "there is no such session")
	return one(ctx, r.q, missing, scanSession, "SELECT data, user_id, expires_at FROM session WHERE token_hash = $1 AND expires_at > $2",
		tokenHash, micros(now))
}

func scanSession(r row) (s Session, err error) {
	err = r.Scan(&s.Data, &s.User, timeColumn{&s.Expires})
	return s, err
}

// PutSession adds or replaces a session.
func (tx *Tx) PutSession(ctx context.Context, tokenHash string, s Session) error {
	_, err := tx.exec(ctx, `INSERT INTO session (token_hash, data, user_id, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (token_hash) DO UPDATE SET data = excluded.data, user_id = excluded.user_id, expires_at = excluded.expires_at`,
		tokenHash, s.Data, s.User, micros(s.Expires))
	return err
}

// DeleteSession removes a session, if it is there.
func (tx *Tx) DeleteSession(ctx context.Context, tokenHash string) error {
	_, err := tx.exec(ctx, "DELETE FROM session WHERE token_hash = $1", tokenHash)
	return err
}

// DeleteSessionsOf ends all sessions of a user.
func (tx *Tx) DeleteSessionsOf(ctx context.Context, user sallyport.ID) error {
	_, err := tx.exec(ctx, "DELETE FROM session WHERE user_id = $1", user)
	return err
}

// DeleteExpiredSessions removes the sessions that nobody can use any more.
func (tx *Tx) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "DELETE FROM session WHERE expires_at <= $1", micros(now))
	return err
}

package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// How long a browser stays signed in: without a request, and at most.
const (
	idleTimeout = 12 * time.Hour
	lifetime    = 7 * 24 * time.Hour
)

// idleStep is how late a request may move the end of an idle session: not every page view is worth a write.
const idleStep = time.Minute

// What a session holds.
const (
	keyUser   = "user"   // the id of who signed in
	keyNotice = "notice" // a sentence for the next page
)

// cookieName is the name of a cookie. Over https it cannot be planted by another host; without, the port tells it from that of another
// server on this machine, which gets and sets cookies of the same host.
func (c Config) cookieName(what string) string {
	switch {
	case c.Secure:
		return "__Host-sallyport_" + what
	case c.Port != 0:
		return fmt.Sprintf("sallyport_%s_%d", what, c.Port)
	}
	return "sallyport_" + what
}

// newSessions does without scs.New, which begins to clean a store in memory that is not used here.
func newSessions(c Config) *scs.SessionManager {
	return &scs.SessionManager{
		Store: sessionStore{c.Store}, Codec: jsonCodec{}, HashTokenInStore: true, IdleTimeout: idleTimeout, Lifetime: lifetime,
		Cookie: scs.SessionCookie{Name: c.cookieName("session"), Path: "/", HttpOnly: true, Persist: true, SameSite: http.SameSiteLaxMode, Secure: c.Secure},
		ErrorFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			c.Log.ErrorContext(r.Context(), "a session cannot be kept", "error", err)
			http.Error(w, "The session cannot be read or kept. Try again in a moment.", http.StatusInternalServerError)
		},
	}
}

// sessionStore keeps sessions in the database, by the hashes of their tokens.
type sessionStore struct{ db *store.Store }

// FindCtx returns what is kept under a token's hash.
func (s sessionStore) FindCtx(ctx context.Context, tokenHash string) ([]byte, bool, error) {
	found, err := s.db.Session(ctx, tokenHash, sallyport.Now())
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return nil, false, nil
	}
	return found.Data, err == nil, err
}

// CommitCtx keeps a session, unless nothing changed but that it was used a moment ago.
func (s sessionStore) CommitCtx(ctx context.Context, tokenHash string, data []byte, expires time.Time) error {
	kept, err := s.db.Session(ctx, tokenHash, sallyport.Now())
	if err == nil && bytes.Equal(kept.Data, data) && expires.Sub(kept.Expires) < idleStep {
		return nil
	}
	_, values, err := jsonCodec{}.Decode(data)
	if err != nil {
		return err
	}
	user, _ := values[keyUser].(string) // "" before anybody signed in
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		return tx.PutSession(ctx, tokenHash, store.Session{Data: data, User: sallyport.ID(user), Expires: expires})
	})
}

// DeleteCtx ends a session.
func (s sessionStore) DeleteCtx(ctx context.Context, tokenHash string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error { return tx.DeleteSession(ctx, tokenHash) })
}

// Find, Commit and Delete are for callers without a context, of which there are none.
func (s sessionStore) Find(tokenHash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), tokenHash)
}

// Commit is CommitCtx.
func (s sessionStore) Commit(tokenHash string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), tokenHash, data, expires)
}

// Delete is DeleteCtx.
func (s sessionStore) Delete(tokenHash string) error {
	return s.DeleteCtx(context.Background(), tokenHash)
}

// jsonCodec writes the same session in the same bytes each time.
type jsonCodec struct{}

type encoded struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

// Encode writes a session.
func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(encoded{deadline, values})
}

// Decode reads a session.
func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	e := encoded{Values: map[string]any{}}
	err := json.Unmarshal(b, &e)
	return e.Deadline, e.Values, err
}

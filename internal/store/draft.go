package store

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
)

// Draft is a flow that is being made at the pages. Its user alone may see it.
type Draft struct {
	ID        sallyport.ID
	UserID    sallyport.ID
	Version   int64  // counts up with every change
	Content   string // JSON
	Sample    string // JSON: what a test of its source showed; "null" before the first
	UpdatedAt time.Time
}

const selectDrafts = "SELECT id, user_id, version, content, sample, updated_at FROM draft"

func scanDraft(r row) (d Draft, err error) {
	err = r.Scan(&d.ID, &d.UserID, &d.Version, &d.Content, &d.Sample, timeColumn{&d.UpdatedAt})
	return d, err
}

// Draft returns a draft of a user.
func (r reader) Draft(ctx context.Context, userID, id sallyport.ID) (Draft, error) {
	return one(ctx, r.q, notFound("draft", id), scanDraft, selectDrafts+" WHERE id = $1 AND user_id = $2", id, userID)
}

// Drafts returns the newest drafts of a user.
func (r reader) Drafts(ctx context.Context, userID sallyport.ID, limit int) ([]Draft, error) {
	return list(ctx, r.q, scanDraft, selectDrafts+" WHERE user_id = $1 ORDER BY updated_at DESC LIMIT $2", userID, limit)
}

// InsertDraft adds a draft, unless there is one of its id.
func (tx *Tx) InsertDraft(ctx context.Context, d Draft) error {
	_, err := tx.exec(ctx, "INSERT INTO draft (id, user_id, version, content, sample, updated_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
		d.ID, d.UserID, d.Version, d.Content, d.Sample, micros(d.UpdatedAt))
	return err
}

// UpdateDraft writes the content of a draft, if the stored version is still that of d, and counts the version up.
func (tx *Tx) UpdateDraft(ctx context.Context, d Draft) error {
	n, err := tx.exec(ctx, "UPDATE draft SET version = version + 1, content = $1, updated_at = $2 WHERE id = $3 AND user_id = $4 AND version = $5",
		d.Content, micros(d.UpdatedAt), d.ID, d.UserID, d.Version)
	return tx.draftTouched(ctx, d, n, err)
}

// SetDraftSample notes what a test of a draft's source showed. It is no change of the draft.
func (tx *Tx) SetDraftSample(ctx context.Context, userID, id sallyport.ID, sample string) error {
	return tx.execOne(ctx, notFound("draft", id), "UPDATE draft SET sample = $1 WHERE id = $2 AND user_id = $3", sample, id, userID)
}

// DeleteDraft removes a draft, if the stored version is still that of d.
func (tx *Tx) DeleteDraft(ctx context.Context, d Draft) error {
	n, err := tx.exec(ctx, "DELETE FROM draft WHERE id = $1 AND user_id = $2 AND version = $3", d.ID, d.UserID, d.Version)
	return tx.draftTouched(ctx, d, n, err)
}

func (tx *Tx) draftTouched(ctx context.Context, d Draft, n int64, err error) error {
	if err != nil || n == 1 {
		return err
	}
	if _, err := tx.Draft(ctx, d.UserID, d.ID); err != nil {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "this draft was changed in another window; nothing was saved here")
}

// DeleteDraftsBefore removes the drafts of a user that were not touched since.
func (tx *Tx) DeleteDraftsBefore(ctx context.Context, userID sallyport.ID, since time.Time) error {
	_, err := tx.exec(ctx, "DELETE FROM draft WHERE user_id = $1 AND updated_at < $2", userID, micros(since))
	return err
}

// DeleteOldestDrafts removes the drafts of a user but for the newest ones.
func (tx *Tx) DeleteOldestDrafts(ctx context.Context, userID sallyport.ID, keep int) error {
	_, err := tx.exec(ctx, "DELETE FROM draft WHERE user_id = $1 AND id NOT IN (SELECT id FROM draft WHERE user_id = $1 ORDER BY updated_at DESC LIMIT $2)", userID, keep)
	return err
}

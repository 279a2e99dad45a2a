package store

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
)

// KeyedRequest is a request that must not be done twice, and the answer that it got.
type KeyedRequest struct {
	KeyHash     string // of the key by which it is known again
	Fingerprint string // of what it asked
	Status      int    // of the answer; 0: there is none yet
	Location    string
	Body        []byte
	At          time.Time
}

func scanRequest(r row) (q KeyedRequest, err error) {
	err = r.Scan(&q.KeyHash, &q.Fingerprint, &q.Status, &q.Location, &q.Body, timeColumn{&q.At})
	if len(q.Body) == 0 { // the databases differ in what nothing is
		q.Body = nil
	}
	return q, err
}

// KeyedRequest returns a request by the hash of its key.
func (r reader) KeyedRequest(ctx context.Context, keyHash string) (KeyedRequest, error) {
	missing := sallyport.Errorf(sallyport.NotFound, "there is no such request")
	return one(ctx, r.q, missing, scanRequest, "SELECT key_hash, fingerprint, status, location, body, created_at FROM idempotency WHERE key_hash = $1", keyHash)
}

// InsertKeyedRequest notes that a request is about to be done. It returns false, and does nothing, if it is known already.
func (tx *Tx) InsertKeyedRequest(ctx context.Context, q KeyedRequest) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO idempotency (key_hash, fingerprint, status, location, body, created_at) VALUES ($1, $2, 0, '', $3, $4)
		ON CONFLICT (key_hash) DO NOTHING`, q.KeyHash, q.Fingerprint, []byte{}, micros(q.At))
	return n == 1, err
}

// AnswerKeyedRequest keeps the answer of a request.
func (tx *Tx) AnswerKeyedRequest(ctx context.Context, q KeyedRequest) error {
	body := append([]byte{}, q.Body...)
	_, err := tx.exec(ctx, "UPDATE idempotency SET status = $1, location = $2, body = $3 WHERE key_hash = $4", q.Status, q.Location, body, q.KeyHash)
	return err
}

// DeleteKeyedRequest forgets a request.
func (tx *Tx) DeleteKeyedRequest(ctx context.Context, keyHash string) error {
	_, err := tx.exec(ctx, "DELETE FROM idempotency WHERE key_hash = $1", keyHash)
	return err
}

// DeleteKeyedRequestsBefore forgets the requests that began before a time.
func (tx *Tx) DeleteKeyedRequestsBefore(ctx context.Context, at time.Time) error {
	_, err := tx.exec(ctx, "DELETE FROM idempotency WHERE created_at < $1", micros(at))
	return err
}

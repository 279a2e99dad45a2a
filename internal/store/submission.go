package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/sallyport-io/sallyport"
)

// maxSubmissions bounds how many submissions are read at once.
const maxSubmissions = 500

const selectSubmissions = "SELECT id, destination_id, value, seq, place, state, ref, at FROM submission"

func scanSubmission(r row) (s sallyport.Submission, err error) {
	err = r.Scan(&s.ID, &s.DestinationID, &s.Value, &s.Seq, &s.Place, &s.State, &s.Ref, timeColumn{&s.At})
	return s, err
}

// valueKey stands for a value, which may be longer than an index takes.
func valueKey(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:20])
}

// Submission returns the last submission of a value to a destination. Its State is "" if there is none.
func (r reader) Submission(ctx context.Context, destinationID sallyport.ID, value string) (sallyport.Submission, error) {
	found, err := list(ctx, r.q, scanSubmission, selectSubmissions+" WHERE destination_id = $1 AND value_key = $2", destinationID, valueKey(value))
	if err != nil || len(found) == 0 {
		return sallyport.Submission{}, err
	}
	return found[0], nil
}

// Submissions returns the first submissions to a destination that are in a state, in order, after one with an id.
func (r reader) Submissions(ctx context.Context, destinationID sallyport.ID, state sallyport.SubmissionState, after int64) ([]sallyport.Submission, error) {
	return list(ctx, r.q, scanSubmission, selectSubmissions+
		" WHERE destination_id = $1 AND state = $2 AND id > $3 ORDER BY id LIMIT $4", destinationID, state, after, maxSubmissions)
}

// UnclearSubmissions counts the submissions to a destination, up to the last one, of which in a row it is not known what became of them.
func (r reader) UnclearSubmissions(ctx context.Context, destinationID sallyport.ID) (int, error) {
	return one(ctx, r.q, nil, single[int], `SELECT count(*) FROM submission WHERE destination_id = $1 AND state = 'unclear' AND at >
		(SELECT coalesce(max(at), 0) FROM submission WHERE destination_id = $1 AND state IN ('submitted', 'answered', 'refused'))`, destinationID)
}

// SaveSubmission writes what is known of the last submission of a value. It is on the disk when SaveSubmission returns. A delivery that a
// later one has taken over, which has another fence, writes nothing: the error is [ErrFenced].
func (s *Store) SaveSubmission(ctx context.Context, v sallyport.Submission, fence int64) error {
	return s.InTx(ctx, func(tx *Tx) error {
		err := tx.execOne(ctx, ErrFenced, "UPDATE destination SET fence = fence WHERE id = $1 AND fence = $2", v.DestinationID, fence)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO submission (destination_id, value_key, value, seq, place, state, ref, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (destination_id, value_key) DO UPDATE SET seq = excluded.seq, place = excluded.place, state = excluded.state,
			ref = excluded.ref, at = excluded.at`,
			v.DestinationID, valueKey(v.Value), v.Value, v.Seq, v.Place, v.State, readable(v.Ref), micros(v.At))
		return err
	})
}

// DropSubmission forgets a submission that was not made.
func (s *Store) DropSubmission(ctx context.Context, destinationID sallyport.ID, value string) error {
	return s.InTx(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM submission WHERE destination_id = $1 AND value_key = $2", destinationID, valueKey(value))
		return err
	})
}

// AnswerSubmissions says that what came of submissions is kept.
func (tx *Tx) AnswerSubmissions(ctx context.Context, ids []int64) error {
	for _, id := range ids {
		if _, err := tx.exec(ctx, "UPDATE submission SET state = $1 WHERE id = $2", sallyport.Answered, id); err != nil {
			return err
		}
	}
	return nil
}

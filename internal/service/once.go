package service

import (
	"context"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// RememberAnswers is how long a request is known again.
const RememberAnswers = 24 * time.Hour

// KeyedRequest is a request that is done once, however often it is sent with its key.
type KeyedRequest struct {
	Key         string // names it; what is kept of both is only as good as a hash
	Fingerprint string // of what it asks
}

// Answer is what a request got.
type Answer struct {
	Status   int
	Location string
	Body     []byte // nil: it is not kept
}

// BeginRequest tells what became of a request that was sent before with the same key, or returns nil: then it is to be done, and [Service.FinishRequest]
// must follow.
func (s *Service) BeginRequest(ctx context.Context, r KeyedRequest) (*Answer, error) {
	now := sallyport.Now()
	begun := false
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if err := tx.DeleteKeyedRequestsBefore(ctx, now.Add(-RememberAnswers)); err != nil {
			return err
		}
		begun, err = tx.InsertKeyedRequest(ctx, store.KeyedRequest{KeyHash: r.Key, Fingerprint: r.Fingerprint, At: now})
		return err
	})
	if err != nil || begun {
		return nil, err
	}
	known, err := s.Store.KeyedRequest(ctx, r.Key)
	switch {
	case sallyport.CodeOf(err) == sallyport.NotFound:
		return nil, sallyport.Errorf(sallyport.Conflict, "the same request has just failed; send it again")
	case err != nil:
		return nil, err
	case known.Fingerprint != r.Fingerprint:
		return nil, sallyport.FieldErrorf("Idempotency-Key", "was sent with another request before; use a new key for a new request")
	case known.Status == 0:
		return nil, sallyport.Errorf(sallyport.Conflict, "the same request is being done, or was broken off; look what became of it before you send it with a new key")
	case len(known.Body) == 0 && known.Status != http.StatusNoContent:
		return nil, sallyport.Errorf(sallyport.Conflict, "this request was done already, and its answer is not kept; send it with a new key to do it again")
	}
	return &Answer{Status: known.Status, Location: known.Location, Body: known.Body}, nil
}

// FinishRequest keeps the answer of a request that was begun; nil frees its key, as nothing was done.
func (s *Service) FinishRequest(ctx context.Context, r KeyedRequest, a *Answer) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if a == nil {
			return tx.DeleteKeyedRequest(ctx, r.Key)
		}
		return tx.AnswerKeyedRequest(ctx, store.KeyedRequest{KeyHash: r.Key, Status: a.Status, Location: a.Location, Body: a.Body})
	})
}

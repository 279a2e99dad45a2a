package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// pulls knows when calls were made.
type pulls interface {
	Pulled(ctx context.Context, credential sallyport.ID, call string) (time.Time, error)
}

// MayPull is the error for a source that is pulled too early: its endpoint wants an interval, and the same call was made with the same
// credential within it. The error says when it is possible again.
func (e *Engine) MayPull(ctx context.Context, known pulls, s sallyport.Source) error {
	_, endpoint, err := e.endpoint(s)
	if err != nil || endpoint.MinInterval == 0 || s.Credential == "" {
		return err
	}
	call, err := callOf(s)
	if err != nil {
		return err
	}
	last, err := known.Pulled(ctx, s.Credential, call)
	next := last.Add(time.Duration(endpoint.MinInterval))
	if err != nil || last.IsZero() || !next.After(sallyport.Now()) {
		return err
	}
	return &sallyport.Error{Code: sallyport.Limited, Until: next, Message: fmt.Sprintf(
		"%s may be pulled every %s, and was last at %s with this credential and these parameters; the next pull is possible at %s",
		endpoint.ID, endpoint.MinInterval, last.Format(time.RFC3339), next.Format(time.RFC3339))}
}

// callOf stands for an endpoint with parameters.
func callOf(s sallyport.Source) (string, error) {
	params, err := json.Marshal(s.Params)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(s.Endpoint + "\x00" + string(params)))
	return hex.EncodeToString(sum[:]), nil
}

// mayBegin makes sure that a run does not begin too early, and notes when it begins.
func (in *ingestion) mayBegin(ctx context.Context) error {
	in.begun = sallyport.Now()
	if in.run.Pages > 0 || in.run.Cursor != "" {
		return nil
	}
	return in.MayPull(ctx, in.Store, in.flow.Source)
}

// pulled notes that the source was read to its end, if that is of interest to the next run.
func (in *ingestion) pulled(ctx context.Context, tx *store.Tx) error {
	_, endpoint, err := in.endpoint(in.flow.Source)
	if err != nil || endpoint.MinInterval == 0 || in.flow.Source.Credential == "" {
		return err
	}
	call, err := callOf(in.flow.Source)
	if err != nil {
		return err
	}
	at := in.begun
	if at.IsZero() { // an earlier execution read it to its end
		at = in.run.StartedAt
	}
	return tx.SetPulled(ctx, in.flow.Source.Credential, call, at)
}

package engine

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// QuotaChanged wakes what sleeps until the quota of a credential allows more: it may do so now.
func (e *Engine) QuotaChanged(ctx context.Context, tx *store.Tx, credential sallyport.ID) error {
	return e.wake(ctx, tx, credential, sallyport.Run.WaitsForQuota, tx.WakeDelivery)
}

// KeyReplaced lets go on what waits for a key of a credential: runs at their cursor, deliveries at their position.
func (e *Engine) KeyReplaced(ctx context.Context, tx *store.Tx, credential sallyport.ID) error {
	return e.wake(ctx, tx, credential, sallyport.Run.WaitsForKey, tx.ClearRefusal)
}

// wake lets go on those of the runs and deliveries that use a credential which wait for something that has come now: the runs of which waits
// says so, and the deliveries to a destination that woken makes ready. In a paused flow deliveries go on as ever, a run when it is resumed.
func (e *Engine) wake(
	ctx context.Context, tx *store.Tx, credential sallyport.ID,
	waits func(sallyport.Run) bool, woken func(context.Context, sallyport.ID) (bool, error),
) error {
	flows, err := tx.Flows(ctx)
	if err != nil {
		return err
	}
	for _, f := range flows {
		if f.Source.Credential == credential {
			if err := e.wakeRun(ctx, tx, f.ID, waits); err != nil {
				return err
			}
		}
		for _, d := range f.Destinations {
			if d.Credential != credential {
				continue
			}
			ready, err := woken(ctx, d.ID)
			if err == nil && ready {
				err = e.enqueue(ctx, tx, deliverArgs{d.ID}, true)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// wakeRun queues the unfinished run of a flow, if there is one that waits.
func (e *Engine) wakeRun(ctx context.Context, tx *store.Tx, flow sallyport.ID, waits func(sallyport.Run) bool) error {
	run, err := tx.UnfinishedRun(ctx, flow)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return nil
	}
	if err != nil || !waits(run) {
		return err
	}
	run.State, run.WaitUntil, run.Code, run.Error = sallyport.RunQueued, time.Time{}, "", ""
	if err := tx.UpdateRun(ctx, run); err != nil {
		return err
	}
	return e.enqueue(ctx, tx, ingestArgs{flow}, true)
}

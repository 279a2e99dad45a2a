package engine

import (
	"context"
	"fmt"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

// minVanishing is how many records must be known before a share of them is too many to vanish at once.
const minVanishing = 20

// holds tells whether the run must not deliver yet, because too many records would vanish if it ended now. The number of those only falls
// while it pulls, so a run that let its batches go never holds any again.
func (in *ingestion) holds() bool {
	if !in.complete() || in.run.Hold == sallyport.HoldAccepted || in.run.Hold == "" && in.run.Pages > 0 {
		return false
	}
	vanishing, known, percent := in.vanishing()
	return percent > 0 && known >= minVanishing && vanishing*100 > known*percent
}

// vanishing is how many of how many known records vanish if the run ends now, and how many percent of them may.
func (in *ingestion) vanishing() (vanishing, known, percent int) {
	t := &in.tracker
	return t.index.Vanishing(in.confirm()), t.index.Known(), t.VanishLimit(in.Config.VanishLimit)
}

// confirm is how many complete pulls in a row must miss a record before it has vanished.
func (in *ingestion) confirm() int { return in.tracker.Confirm(in.Config.Confirm, in.seen() == 0) }

// hold ends the pull, and lets its run wait until somebody accepts or rejects what it would do.
func (in *ingestion) hold(ctx context.Context, tx *store.Tx, run *sallyport.Run) error {
	if err := in.keys.mark(ctx, tx, sallyport.VerdictValid, fmt.Sprintf("accepted in run %d", run.ID)); err != nil {
		return err
	}
	if err := in.pulled(ctx, tx); err != nil {
		return err
	}
	vanishing, known, _ := in.vanishing()
	name := connector.QuotedWord(in.flow.Name)
	run.State, run.Code = sallyport.RunHeld, sallyport.Limited
	run.Error = fmt.Sprintf("the pull would mark %s of %s records as vanished; nothing was delivered: sallyport flow accept %s or sallyport flow reject %s",
		sallyport.Thousands(vanishing), sallyport.Thousands(known), name, name)
	in.Log.WarnContext(ctx, "pull held", "flow", in.flow.Name, "run", run.ID, "vanishing", vanishing, "known", known)
	if err := tx.UpdateRun(ctx, *run); err != nil {
		return err
	}
	return complete(ctx, tx, in.job)
}

// release lets go what a run holds, if it holds anything: its source has failed, so nothing vanishes.
func (e *Engine) release(ctx context.Context, tx *store.Tx, run *sallyport.Run) error {
	if run.Hold == "" {
		return nil
	}
	flow, err := tx.Flow(ctx, run.FlowID)
	if err != nil {
		return err
	}
	schema, err := tx.HeldSchema(ctx, run.ID)
	if err != nil {
		return err
	}
	if schema != nil { // a replay from quarantine may have found more meanwhile
		observer := dataset.NewObserver(*schema)
		observer.Learn(flow.Dataset.Schema)
		*schema = observer.Schema()
	}
	released, err := tx.ReleaseHeld(ctx, *run, flow.Dataset.ID, schema)
	if err != nil {
		return err
	}
	run.Hold, run.LastSeq = released.Hold, released.LastSeq
	return e.EnqueueDeliveries(ctx, tx, flow.ID)
}

// AcceptPull lets a run go on that is held, without a request: what it pulled is delivered.
func (e *Engine) AcceptPull(ctx context.Context, tx *store.Tx, run sallyport.Run) (sallyport.Run, error) {
	if err := tx.AcceptHeld(ctx, run.ID); err != nil {
		return run, err
	}
	run.State, run.Code, run.Error = sallyport.RunQueued, "", ""
	if err := tx.UpdateRun(ctx, run); err != nil {
		return run, err
	}
	return run, e.enqueue(ctx, tx, ingestArgs{run.FlowID}, true)
}

// RejectPull drops what a run has pulled that is held, as if that had never been pulled.
func (e *Engine) RejectPull(ctx context.Context, tx *store.Tx, flow sallyport.Flow, run sallyport.Run) (sallyport.Run, error) {
	run, err := tx.DropHeld(ctx, run, flow.Dataset.ID)
	if err != nil {
		return run, err
	}
	run.State, run.Code, run.EndedAt = sallyport.RunFailed, sallyport.Conflict, sallyport.Now()
	run.Error = "the pull was rejected; nothing of it was delivered, and the next run pulls again"
	return run, tx.UpdateRun(ctx, run)
}

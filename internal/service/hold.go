package service

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
)

// AcceptPull delivers the pull of a flow that is held, exactly as it was pulled, with the records that vanish by it. It only queues the work:
// [Service.Follow] works it, or a server.
func (s *Service) AcceptPull(ctx context.Context, actor sallyport.Actor, flowName string) (sallyport.Run, error) {
	return s.decidePull(ctx, actor, audit.FlowAccept, flowName, func(tx *store.Tx, flow sallyport.Flow, run sallyport.Run) (sallyport.Run, error) {
		if flow.State == sallyport.FlowPaused {
			return run, sallyport.Errorf(sallyport.Conflict, "flow %q is paused; resume it first", flow.Name)
		}
		return s.Engine.AcceptPull(ctx, tx, run)
	})
}

// RejectPull drops the pull of a flow that is held: nothing of it is delivered, and the next run pulls again.
func (s *Service) RejectPull(ctx context.Context, actor sallyport.Actor, flowName string) (sallyport.Run, error) {
	return s.decidePull(ctx, actor, audit.FlowReject, flowName, func(tx *store.Tx, flow sallyport.Flow, run sallyport.Run) (sallyport.Run, error) {
		return s.Engine.RejectPull(ctx, tx, flow, run)
	})
}

func (s *Service) decidePull(ctx context.Context, actor sallyport.Actor, action, flowName string,
	decide func(*store.Tx, sallyport.Flow, sallyport.Run) (sallyport.Run, error)) (run sallyport.Run, err error) {
	flow, err := s.Flow(ctx, flowName)
	if err != nil {
		return run, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		run, err = tx.UnfinishedRun(ctx, flow.ID)
		if err != nil && sallyport.CodeOf(err) != sallyport.NotFound {
			return err
		}
		if err != nil || run.State != sallyport.RunHeld {
			return sallyport.Errorf(sallyport.Conflict, "flow %q has no pull that is held", flow.Name)
		}
		detail := map[string]string{"name": flow.Name, "held": run.Error}
		if err := tx.InsertAudit(ctx, audit.Entry(actor, action, flow.ID, detail)); err != nil {
			return err
		}
		run, err = decide(tx, flow, run)
		return err
	})
	return run, err
}

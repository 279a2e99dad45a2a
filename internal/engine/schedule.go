package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/schedule"
	"github.com/sallyport-io/sallyport/internal/store"
)

// tick is how often the schedule is looked at.
const tick = time.Second

// Schedule begins the runs that are due, until ctx ends. Times that were missed while nothing ran are made up for by one run.
func (e *Engine) Schedule(ctx context.Context) {
	s := scheduler{Engine: e, known: map[sallyport.Schedule]timing{}}
	for ticker := time.NewTicker(tick); ; {
		if err := s.tick(ctx, sallyport.Now()); err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "the schedule could not be processed; the next attempt is in a second", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ticker.Stop()
			return
		}
	}
}

// scheduler looks at the schedules of all flows, second by second.
type scheduler struct {
	*Engine
	known   map[sallyport.Schedule]timing
	dropped time.Time // when expired secrets were deleted last
}

// timing is a schedule, and its next time for every moment from from until then.
type timing struct {
	*schedule.Plan
	from, next time.Time
}

// maxKnown bounds the schedules that are kept parsed.
const maxKnown = 10_000

// next returns when a schedule is due after now.
func (s *scheduler) next(of sallyport.Schedule, now time.Time) (time.Time, error) {
	t, ok := s.known[of]
	if ok && !now.Before(t.from) && now.Before(t.next) && of.Cron != "" {
		return t.next, nil
	}
	if !ok {
		plan, err := schedule.Parse(of)
		if err != nil {
			return time.Time{}, err
		}
		if len(s.known) >= maxKnown {
			clear(s.known)
		}
		t.Plan = plan
	}
	t.from, t.next = now, t.Plan.Next(now)
	s.known[of] = t
	return t.next, nil
}

// tick begins the runs that are due now, and corrects what a clock that was wrong has left. A flow whose run is still unfinished goes on
// with that one. A flow that cannot be run does not keep the others back.
func (s *scheduler) tick(ctx context.Context, now time.Time) error {
	failed := s.wakeEarly(ctx, now)
	if now.Sub(s.dropped).Abs() >= time.Hour {
		failed, s.dropped = errors.Join(failed, s.dropPrevious(ctx, now)), now
	}
	flows, err := s.Store.ScheduledFlows(ctx)
	failed = errors.Join(failed, err)
	for _, f := range flows {
		if err := s.look(ctx, f, now); err != nil {
			failed = errors.Join(failed, fmt.Errorf("flow %s: %w", f.Flow, err))
		}
	}
	return failed
}

// look does what the schedule of a flow wants now. A next time that is later than the one from now was computed by a clock that was wrong.
func (s *scheduler) look(ctx context.Context, f store.ScheduledFlow, now time.Time) error {
	next, err := s.next(f.Schedule, now)
	switch {
	case err != nil:
		return s.Store.InTx(ctx, func(tx *store.Tx) error { return s.suspend(ctx, tx, f, err) })
	case !f.NextRunAt.After(now):
		return s.Store.InTx(ctx, func(tx *store.Tx) error { return s.runScheduled(ctx, tx, f.Flow, now) })
	case f.NextRunAt.After(next):
		s.Log.WarnContext(ctx, "the next run was too far ahead, as the clock was changed; corrected", "flow", f.Flow, "was", f.NextRunAt, "next", next)
		return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.SetNextRun(ctx, f.Source, next) })
	}
	return nil
}

// suspend pauses a flow whose stored schedule is not valid.
func (s *scheduler) suspend(ctx context.Context, tx *store.Tx, f store.ScheduledFlow, cause error) error {
	flow, err := tx.Flow(ctx, f.Flow)
	if err != nil || flow.State != sallyport.FlowActive || flow.Source.Schedule == nil || *flow.Source.Schedule != f.Schedule {
		return err
	}
	reason := fmt.Sprintf("its schedule is not valid: %v; change the schedule, then resume the flow", cause)
	s.Log.WarnContext(ctx, "flow paused", "flow", flow.Name, "reason", reason)
	entry := audit.Entry(sallyport.Actor{Kind: "schedule", Name: flow.Name}, audit.FlowPause, flow.ID, map[string]string{"name": flow.Name, "reason": reason})
	if err := tx.InsertAudit(ctx, entry); err != nil {
		return err
	}
	return tx.SetFlowState(ctx, flow.ID, sallyport.FlowPaused, reason)
}

func (e *Engine) runScheduled(ctx context.Context, tx *store.Tx, id sallyport.ID, now time.Time) error {
	flow, err := tx.Flow(ctx, id)
	if err != nil || flow.State != sallyport.FlowActive {
		return err
	}
	due, err := e.TakeTurn(ctx, tx, &flow, now)
	if err != nil || !due { // another process was faster
		return err
	}
	next := flow.Source.NextRunAt
	if rejected, err := e.keyRejected(ctx, tx, flow); err != nil || rejected {
		e.Log.WarnContext(ctx, "a run is due, but its key was rejected; replace the key", "flow", flow.Name, "next", next)
		return err
	}
	if run, err := tx.UnfinishedRun(ctx, id); err == nil && run.WaitsForHost() {
		e.Log.InfoContext(ctx, "a run is due, but the last one still waits for its system", "flow", flow.Name, "run", run.ID, "next", next)
		return nil
	}
	if run, err := tx.UnfinishedRun(ctx, id); err == nil && run.State == sallyport.RunHeld {
		e.Log.WarnContext(ctx, "a run is due, but the last pull is held: accept or reject it", "flow", flow.Name, "run", run.ID, "next", next)
		return nil
	}
	run, _, err := e.StartRun(ctx, tx, id)
	e.Log.InfoContext(ctx, "run is due", "flow", flow.Name, "run", run.ID, "next", next)
	return err
}

// TakeTurn moves the schedule of a flow on if it is due: the run that begins now is the one, whoever began it.
func (e *Engine) TakeTurn(ctx context.Context, tx *store.Tx, flow *sallyport.Flow, now time.Time) (due bool, err error) {
	if flow.Source.NextRunAt.IsZero() || flow.Source.NextRunAt.After(now) {
		return false, nil
	}
	flow.Source.NextRunAt = time.Time{}
	if flow.Source.Schedule != nil {
		plan, err := schedule.Parse(*flow.Source.Schedule)
		if err != nil {
			return false, err
		}
		flow.Source.NextRunAt = plan.Next(now)
	}
	return true, tx.SetNextRun(ctx, flow.Source.ID, flow.Source.NextRunAt)
}

// keyRejected tells whether the credential of a flow's source is known to be refused: another call would be wasted.
func (e *Engine) keyRejected(ctx context.Context, tx *store.Tx, flow sallyport.Flow) (bool, error) {
	if flow.Source.Credential == "" {
		return false, nil
	}
	c, err := tx.Credential(ctx, flow.Source.Credential)
	return c.Verdict == sallyport.VerdictRejected, err
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/robfig/cron/v3"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// tick is how often the schedule is looked at.
const tick = time.Second

// Next returns the first time after t at which a schedule is due, or zero for none. A cron expression is read in the schedule's zone, so
// that 8 o'clock stays 8 o'clock when the clocks change.
func Next(s *sallyport.Schedule, t time.Time) (time.Time, error) {
	switch {
	case s == nil:
		return time.Time{}, nil
	case s.Cron == "":
		return t.Add(time.Duration(s.Every)).UTC(), nil
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return time.Time{}, sallyport.FieldErrorf("schedule.zone", "%q is no time zone; write one such as Europe/Vienna", s.Zone)
	}
	expression, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return time.Time{}, sallyport.FieldErrorf("schedule.cron", "%q is no cron expression of five fields: %w", s.Cron, err)
	}
	next := expression.Next(t.In(zone))
	if next.IsZero() {
		return next, sallyport.FieldErrorf("schedule.cron", "%q is never due", s.Cron)
	}
	return next.UTC(), nil
}

// First returns when a schedule is due for the first time after it was made at t: at once if it is an interval.
func First(s *sallyport.Schedule, t time.Time) (time.Time, error) {
	if s != nil && s.Cron == "" {
		return t.UTC(), nil
	}
	return Next(s, t)
}

// Schedule begins the runs that are due, until ctx ends. Times that were missed while nothing ran are made up for by one run.
func (e *Engine) Schedule(ctx context.Context) {
	for ticker := time.NewTicker(tick); ; {
		if err := e.runDue(ctx, sallyport.Now()); err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "the schedule could not be worked; it is tried again", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ticker.Stop()
			return
		}
	}
}

// runDue begins the runs that are due now. A flow whose run is still unfinished goes on with that one. One that cannot be begun does not
// keep the others back.
func (e *Engine) runDue(ctx context.Context, now time.Time) error {
	due, err := e.Store.DueFlows(ctx, now)
	for _, id := range due {
		failed := e.Store.InTx(ctx, func(tx *store.Tx) error { return e.runScheduled(ctx, tx, id, now) })
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("flow %s: %w", id, failed))
		}
	}
	return err
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
		e.Log.WarnContext(ctx, "run is due, but its key was rejected; put a new one in", "flow", flow.Name, "next", next)
		return err
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
	if flow.Source.NextRunAt, err = Next(flow.Source.Schedule, now); err != nil {
		return false, err
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

package service

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector/instant"
	"github.com/sallyport-io/sallyport/internal/connector/window"
	"github.com/sallyport-io/sallyport/internal/store"
)

// ResetFlow makes the next run of a flow pull everything from a time on, also what was delivered before: an RFC 3339 time, a date, or one such as
// now-30d. It is a conflict while a run pulls: the run would move the cursor.
func (s *Service) ResetFlow(ctx context.Context, actor sallyport.Actor, name, since string) (sallyport.Flow, error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return f, err
	}
	if _, err := s.goesOn(f); err != nil {
		return f, err
	}
	to, err := past("since", since)
	if err != nil {
		return f, err
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.FlowReset, Object: f.ID, Detail: map[string]string{"name": f.Name, "since": stamp(to)}}
	err = s.audited(ctx, entry, func(tx *store.Tx) error {
		run, err := tx.UnfinishedRun(ctx, f.ID)
		switch {
		case err == nil && !run.Pulled:
			return sallyport.Errorf(sallyport.Conflict, "run %d of %q is not finished: wait for its end, then reset the flow", run.ID, f.Name)
		case err != nil && sallyport.CodeOf(err) != sallyport.NotFound:
			return err
		}
		if err := tx.SetResume(ctx, f.Source.ID, window.At(to)); err != nil {
			return err
		}
		f, err = tx.Flow(ctx, f.ID)
		return err
	})
	return f, err
}

// FillGap starts a run that pulls what was added from one time to another, and does not move the flow's cursor. Without until the gap ends now. It only
// queues the work, as StartRun does.
func (s *Service) FillGap(ctx context.Context, actor sallyport.Actor, name, from, until string) (run sallyport.Run, err error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return run, err
	}
	begin, end, err := s.gap(f, from, until)
	if err != nil {
		return run, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if unfinished, err := tx.UnfinishedRun(ctx, f.ID); err == nil {
			return sallyport.Errorf(sallyport.Conflict, "run %d of %q is not finished: wait for its end, then fill the gap", unfinished.ID, f.Name)
		}
		if err := s.mayRun(ctx, tx, f); err != nil {
			return err
		}
		if run, _, err = s.startRun(ctx, tx, actor, &f); err != nil {
			return err
		}
		if err := tx.SetWindow(ctx, run.ID, begin, end); err != nil {
			return err
		}
		run, err = tx.Run(ctx, run.ID)
		return err
	})
	return run, err
}

// gap reads the bounds of a gap in what a flow pulled.
func (s *Service) gap(f sallyport.Flow, from, until string) (begin, end time.Time, err error) {
	bounded, err := s.goesOn(f)
	if err == nil && f.State == sallyport.FlowPaused {
		err = sallyport.Errorf(sallyport.Conflict, "flow %q is paused; resume it first", f.Name)
	}
	if err != nil {
		return begin, end, err
	}
	if begin, err = past("from", from); err != nil {
		return begin, end, err
	}
	end = sallyport.Now()
	if until != "" {
		if end, err = past("until", until); err != nil {
			return begin, end, err
		}
		if !bounded {
			return begin, end, sallyport.FieldErrorf("until", "cannot be sent: the request of %q has no {until}, and since.field names no time in its records", f.Name)
		}
	}
	if !begin.Before(end) {
		return begin, end, sallyport.FieldErrorf("until", "must be after from (%s)", stamp(begin))
	}
	return begin, end, nil
}

// goesOn refuses a flow whose runs do not go on at the last one; bounded says that a window of it can end before now.
func (s *Service) goesOn(f sallyport.Flow) (bounded bool, err error) {
	since, bounded, err := s.Engine.Since(f.Source)
	if err == nil && since == (sallyport.Since{}) {
		err = sallyport.Errorf(sallyport.Conflict, "each run of %q pulls everything: only a request with since goes on at a time", f.Name)
	}
	return bounded || since.Field != "", err
}

// past reads a time that is not in the future.
func past(field, text string) (time.Time, error) {
	now := sallyport.Now()
	t, err := instant.Resolve(text, now)
	switch {
	case err != nil:
		return t, sallyport.FieldErrorf(field, "%w", err)
	case t.After(now):
		return t, sallyport.FieldErrorf(field, "%s is in the future", stamp(t))
	case t.Unix() <= 0:
		return t, sallyport.FieldErrorf(field, "must be after 1970")
	}
	return t.Truncate(time.Microsecond), nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

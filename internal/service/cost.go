package service

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/schedule"
	"github.com/sallyport-io/sallyport/internal/store"
)

const (
	pastRuns    = 5  // whose calls are averaged
	daysOfMonth = 30 // that a month is taken for
)

// known is a store or a transaction.
type known interface {
	Credential(ctx context.Context, id sallyport.ID) (sallyport.Credential, error)
	Spends(ctx context.Context, credential sallyport.ID) ([]store.Spend, error)
	Runs(ctx context.Context, flow sallyport.ID, state sallyport.RunState, limit int, before int64) ([]sallyport.Run, error)
	Quota(ctx context.Context, id sallyport.ID) ([]sallyport.QuotaWindow, error)
	QuotaPortions(ctx context.Context, id sallyport.ID) ([]sallyport.QuotaPortion, error)
}

// FlowCost estimates what a flow spends, by its last runs and its schedule.
func (s *Service) FlowCost(ctx context.Context, name string) (Cost, error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return Cost{}, err
	}
	return s.cost(ctx, s.Store, f, nil)
}

// DraftCost estimates what a flow will spend that is being made or changed, by the test of its source.
func (s *Service) DraftCost(ctx context.Context, d *Draft) (Cost, error) {
	f := sallyport.Flow{ID: d.Changes, Name: d.Name, Source: sallyport.Source{
		Connector: d.Connector, Credential: d.Credential, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request, Schedule: d.Schedule,
	}}
	var sample *Sample
	if d.Sample != nil && d.Sample.Pages > 0 {
		sample = &Sample{Pages: d.Sample.Pages, More: d.Sample.More}
	}
	return s.cost(ctx, s.Store, f, sample)
}

// FlowCosts estimates what the flows of flow files spend or, where they are not applied yet, will spend.
func (s *Service) FlowCosts(ctx context.Context, actor sallyport.Actor, files []FlowFile) (all []Cost, err error) {
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		for _, file := range files {
			specs, err := file.specs()
			if err != nil {
				return err
			}
			for _, spec := range specs {
				f, err := resolver{Service: s, tx: tx, actor: actor}.flow(ctx, spec)
				if err != nil {
					return err
				}
				if old, err := tx.FlowByName(ctx, f.Name); err == nil {
					f.ID = old.ID
				}
				c, err := s.cost(ctx, tx, *f, nil)
				if err != nil {
					return err
				}
				all = append(all, c)
			}
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return all, err
}

// cost estimates what a flow spends, and compares it with the budget.
func (s *Service) cost(ctx context.Context, r known, f sallyport.Flow, sample *Sample) (Cost, error) {
	c, err := s.expense(ctx, r, f, sample)
	if err != nil || f.Source.Credential == "" {
		return c, err
	}
	credential, err := r.Credential(ctx, f.Source.Credential)
	if err != nil {
		return c, err
	}
	c.Credential = credential.Name
	others, err := r.Spends(ctx, credential.ID)
	if err != nil {
		return c, err
	}
	for _, other := range others {
		if other.FlowID == f.ID {
			continue
		}
		runs, err := runsPerDay(other.Schedule, sallyport.Now())
		if err != nil {
			return c, err
		}
		c.Others += int64(math.Ceil(float64(max(1, other.Pages)) * runs))
	}
	windows, err := quota.Read(ctx, r, credential.ID, s.Engine.Quota.Now())
	c.Warning = c.warning(windows)
	return c, err
}

// expense estimates what a flow spends, by itself.
func (s *Service) expense(ctx context.Context, r known, f sallyport.Flow, sample *Sample) (Cost, error) {
	c := Cost{Flow: f.Name, PerRun: 1, AtLeast: true, Basis: "it has not run yet"}
	paging, err := s.Engine.Paging(f.Source)
	if err != nil {
		return c, err
	}
	if paging == sallyport.PagingSingle {
		c.AtLeast, c.Basis = false, "it reads one page"
	} else if sample != nil {
		c.PerRun, c.AtLeast, c.Basis = int64(sample.Pages), sample.More, "by the test"
	}
	if f.ID != "" {
		runs, err := r.Runs(ctx, f.ID, "", 2*pastRuns, 0)
		if err != nil {
			return c, err
		}
		if n, average := averagePages(runs); n > 0 {
			c.PerRun, c.AtLeast, c.Basis = average, false, fmt.Sprintf("by the last %d runs", n)
			if n == 1 {
				c.Basis = "by the last run"
			}
		}
	}
	c.RunsPerDay, err = runsPerDay(f.Source.Schedule, sallyport.Now())
	c.PerDay = int64(math.Ceil(float64(c.PerRun) * c.RunsPerDay))
	return c, err
}

// averagePages returns how many of the last runs came to their end, and how many pages these read, rounded up.
func averagePages(runs []sallyport.Run) (n, average int64) {
	pages := int64(0)
	for _, run := range runs {
		if n < pastRuns && run.Pages > 0 && (run.State == sallyport.RunSucceeded || run.State == sallyport.RunDelivering) {
			n, pages = n+1, pages+run.Pages
		}
	}
	if n == 0 {
		return 0, 0
	}
	return n, (pages + n - 1) / n
}

// runsPerDay counts how often a schedule is due: on the day after t if that is often, else in the month after it.
func runsPerDay(of *sallyport.Schedule, t time.Time) (float64, error) {
	switch {
	case of == nil:
		return 0, nil
	case of.Cron == "":
		return (24 * time.Hour).Seconds() / time.Duration(of.Every).Seconds(), nil
	}
	plan, err := schedule.Parse(*of)
	if err != nil {
		return 0, nil // its flow is not run
	}
	day, last := t.AddDate(0, 0, 1), t.AddDate(0, 0, daysOfMonth)
	for n := 0; ; n++ {
		next := plan.Next(t)
		switch {
		case next.After(day) && !t.After(day) && n >= daysOfMonth:
			return float64(n), nil
		case next.After(last):
			return float64(n) / daysOfMonth, nil
		}
		t = next
	}
}

// warning says why a flow does not fit a budget.
func (c Cost) warning(windows []quota.Window) string {
	var parts []string
	for _, w := range windows {
		days := map[string]int64{sallyport.WindowDay: 1, sallyport.WindowMonth: daysOfMonth}[w.Window]
		budget := w.Limit - w.Reserved
		if days == 0 || w.Limit == 0 {
			continue
		}
		allows := fmt.Sprintf("runs may make %s a %s", calls(budget), w.Window)
		switch mine, others := c.PerDay*days, c.Others*days; {
		case c.PerRun > budget:
			parts = append(parts, fmt.Sprintf("a run makes about %s, and %s: it would wait in between", calls(c.PerRun), allows))
		case mine > budget:
			parts = append(parts, fmt.Sprintf("it would make about %s a %s, and %s", calls(mine), w.Window, allows))
		case mine > 0 && mine+others > budget:
			parts = append(parts, fmt.Sprintf("it would make about %s a %s beside %s of other flows, and %s", calls(mine), w.Window, calls(others), allows))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("the budget of credential %q is too small for this: %s", c.Credential, strings.Join(parts, "; "))
}

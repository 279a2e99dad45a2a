package quota_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/quota"
)

// crowd is flows in processes that share a credential.
type crowd struct {
	processes, flows int
	latency          time.Duration // up to this
}

// run makes so many look-ups, and returns how long it took.
func (c crowd) run(t testing.TB, p *place, calls int64) time.Duration {
	p.latency = func() time.Duration { return rand.N(max(1, c.latency)) }
	var done sync.WaitGroup
	var made atomic.Int64
	begin := time.Now()
	for range c.processes {
		q := quota.New(p.open(), slog.Default())
		defer p.close(q)
		for range c.flows {
			done.Go(func() {
				source := p.source(q.ForRun(credential, p.definition.Limits))
				for made.Add(1) <= calls {
					if err := patient(t.Context(), source); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	done.Wait()
	return time.Since(begin)
}

// patient looks up, and waits as a run does.
func patient(ctx context.Context, source *rest.Source) error {
	for {
		err := look(ctx, source)
		if err == nil {
			return nil
		}
		until, ok := waits(err)
		if !ok {
			return err
		}
		select {
		case <-time.After(time.Until(until)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// TestSecondIsUsedAndNeverOverrun shares 50 calls a second among flows of one or more processes: none is refused, and hardly any is left out.
func TestSecondIsUsedAndNeverOverrun(t *testing.T) {
	for name, test := range map[string]struct {
		crowd
		calls int64
		limit int64   // set by hand; 0: that of the sandbox
		least float64 // of what is allowed
	}{
		"one flow":                  {crowd{1, 1, 10 * time.Millisecond}, 3000, 0, 0.98},
		"eight flows":               {crowd{1, 8, 20 * time.Millisecond}, 3000, 0, 0.98},
		"eight processes":           {crowd{8, 1, 20 * time.Millisecond}, 1500, 0, 0.94},
		"processes of several":      {crowd{3, 4, 20 * time.Millisecond}, 1500, 0, 0.94},
		"more processes than calls": {crowd{4, 2, 10 * time.Millisecond}, 40, 2, 0.3},
		"far away":                  {crowd{2, 16, 300 * time.Millisecond}, 1500, 0, 0.7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t, "feed")
				limit := cmp.Or(test.limit, 50)
				if test.limit > 0 {
					p.set(quota.Change{Limits: map[string]int64{sallyport.WindowSecond: limit}})
				}
				took := test.run(t, p, test.calls)
				if p.refused.Load() > 0 || p.asked.Load() != test.calls {
					t.Errorf("%d of %d calls were refused, want 0 of %d", p.refused.Load(), p.asked.Load(), test.calls)
				}
				p.never(int(limit))
				used := float64(test.calls) / float64(limit) / took.Seconds()
				t.Logf("%.1f %% used in %s", 100*used, took)
				if used < test.least {
					t.Errorf("%.1f %% of what is allowed was used", 100*used)
				}
			})
		})
	}
}

func waits(err error) (time.Time, bool) {
	f, ok := errors.AsType[*connector.Failure](err)
	if !ok || f.Until.IsZero() {
		return time.Time{}, false
	}
	return f.Until, true
}

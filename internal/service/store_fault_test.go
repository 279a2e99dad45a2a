package service_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestFaultThatStays lets the database fail for ever where a run or a delivery writes: it is tried again, but it ends, and says why. When the
// database is well again, the next run has every record once.
func TestFaultThatStays(t *testing.T) {
	for name, c := range map[string]struct{ breaks, heals string }{
		"run":      {"ALTER TABLE batch RENAME TO gone", "ALTER TABLE gone RENAME TO batch"},
		"delivery": {"CREATE TRIGGER full BEFORE UPDATE OF position ON destination BEGIN SELECT RAISE(ABORT, 'the disk is full'); END", "DROP TRIGGER full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
			p.change(c.breaks)
			p.impatient()
			run := p.run()
			if run.State != sallyport.RunFailed || !strings.Contains(run.Error, "the database of Sallyport failed 5 times") {
				t.Errorf("run %s (%s): %s", run.State, run.Code, run.Error)
			}
			p.change(c.heals)
			p.api.asked = nil
			if name == "delivery" { // all is kept: it only has to be delivered
				if _, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {}); err != nil {
					t.Error(err)
				}
			} else if run := p.run(); run.State != sallyport.RunSucceeded {
				t.Errorf("then run %s: %s", run.State, run.Error)
			}
			if kept, there := p.kept(), p.delivered("out.ndjson"); kept != 10 || there != 10 {
				t.Errorf("%d records are kept and %d delivered, want 10", kept, there)
			}
		})
	}
}

// TestPanicEndsTheRun lets a run panic whenever it goes on after a page that broke off: it is tried again, but it ends, and says so without
// what it panicked with, where that is a key.
func TestPanicEndsTheRun(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		io.WriteString(w, `{"list": [{"id": 0}, `)
		panic(http.ErrAbortHandler)
	}})
	p.Service.Engine.Sleep = func(context.Context, time.Duration) error { panic("with " + firstKey) }
	p.impatient()
	run := p.run()
	if run.State != sallyport.RunFailed || run.Code != sallyport.Internal || !strings.Contains(run.Error, "Sallyport itself failed 5 times") {
		t.Errorf("run %s (%s): %s", run.State, run.Code, run.Error)
	}
	var queued string
	if err := p.Service.Store.SQL().QueryRow("SELECT group_concat(errors) FROM river_job").Scan(&queued); err != nil || strings.Contains(queued, firstKey) {
		t.Errorf("the queue has %s, %v", queued, err)
	}
	if log := p.log.String(); strings.Contains(run.Error+log, firstKey) || !strings.Contains(log, "store_fault_test.go") {
		t.Errorf("the run says %q, the log %s", run.Error, log)
	}
}

// change does something to the program's own database.
func (p *place) change(statement string) {
	p.Helper()
	if _, err := p.Service.Store.SQL().Exec(statement); err != nil {
		p.Error(err)
	}
}

// impatient lets no job wait for its next attempt, until the test ends.
func (p *place) impatient() {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
				p.change("UPDATE river_job SET state = 'available', scheduled_at = CURRENT_TIMESTAMP WHERE state = 'retryable'")
			}
		}
	}()
	p.Cleanup(func() { close(ended); <-done })
}

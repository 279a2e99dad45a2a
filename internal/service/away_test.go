package service_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/store"
)

func fails(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }

// again lets the sleeping job of a run begin, as the clock would.
func (p *place) again() sallyport.Run {
	p.Helper()
	p.change("UPDATE river_job SET state = 'available', scheduled_at = datetime('now', 'subsec', '-1 second') WHERE state IN ('available', 'scheduled')")
	before := p.last()
	if _, err := p.Service.Engine.Start(p.Context()); err != nil {
		p.Fatal(err)
	}
	defer func() {
		if err := p.Service.Engine.Stop(context.WithoutCancel(p.Context())); err != nil {
			p.Error(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if run := p.last(); run.State.Finished() || run.State == sallyport.RunWaiting && run.Attempts != before.Attempts {
			return run
		}
	}
	p.Fatal("the run does not go on")
	return before
}

func (p *place) last() sallyport.Run {
	p.Helper()
	runs, err := p.Service.Runs(p.Context(), "f", "", 1, 0)
	if err != nil || len(runs) != 1 {
		p.Fatal(runs, err)
	}
	return runs[0]
}

// TestOutage: a system that is away makes the run wait with its cursor. Each attempt is one request, the pauses double up to half an hour, also
// over a restart, and when the system is back the run continues at its page: nothing is pulled twice.
func TestOutage(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": list(10, 10, 10, "2"), "2": fails})
	run := p.run()
	if asked := strings.Join(p.api.asked, " "); asked != "0 1 2 2 2 2 2" {
		t.Errorf("requests: %s", asked)
	}
	for attempt, minutes := range []int{1, 2, 4, 8, 16, 30, 30} {
		wait := time.Until(run.WaitUntil).Round(time.Minute)
		if !run.WaitsForHost() || run.Attempts != int64(attempt+1) || wait != time.Duration(minutes)*time.Minute || run.Pages != 2 {
			t.Fatalf("attempt %d: the run is %s after %d attempts and %d pages, for %s: %s", attempt+1, run.State, run.Attempts, run.Pages, wait, run.Error)
		}
		if up := time.Until(run.GivesUpAt).Round(time.Hour); up != 12*time.Hour {
			t.Errorf("it gives up in %s", up)
		}
		p.api.asked = nil
		if run = p.again(); len(p.api.asked) != 1 {
			t.Errorf("attempt %d makes the requests %v", attempt+2, p.api.asked)
		}
	}
	p.api.pages["2"], p.api.asked = list(20, 10, 10, ""), nil
	if run = p.again(); run.State != sallyport.RunSucceeded || run.Records != 30 || p.kept() != 30 || len(p.api.asked) != 1 {
		t.Errorf("the run is %s with %d records after the requests %v", run.State, run.Records, p.api.asked)
	}
	if run.Attempts != 0 || !run.GivesUpAt.IsZero() {
		t.Errorf("after progress %d attempts are left, until %s", run.Attempts, run.GivesUpAt)
	}
}

// TestOutageThatOutlastsPatience fails, and says so.
func TestOutageThatOutlastsPatience(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": fails})
	p.run()
	p.change("UPDATE run SET gives_up_at = 1")
	run := p.again()
	if run.State != sallyport.RunFailed || run.Code != sallyport.Upstream || !strings.Contains(run.Error, "gave up after 2 attempts") || p.kept() != 10 {
		t.Errorf("the run is %s (%s): %s", run.State, run.Code, run.Error)
	}
}

// TestOutageAndThenProgress: patience and pauses begin anew with every page.
func TestOutageAndThenProgress(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": fails, "1": fails})
	p.run()
	p.again()
	p.api.pages["0"] = list(0, 10, 10, "1")
	if run := p.again(); !run.WaitsForHost() || run.Attempts != 1 || run.Pages != 1 {
		t.Errorf("the run is %s after %d attempts and %d pages", run.State, run.Attempts, run.Pages)
	}
}

// TestRunByHandTriesAtOnce: whoever starts a flow whose run waits for its system sees at once whether it is back.
func TestRunByHandTriesAtOnce(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": fails})
	first := p.run()
	p.api.asked = nil
	if run := p.run(); run.ID != first.ID || !run.WaitsForHost() || run.Attempts != 2 || len(p.api.asked) != 1 {
		t.Errorf("run %d is %s after %d attempts, with the requests %v", run.ID, run.State, run.Attempts, p.api.asked)
	}
	p.api.pages["0"] = list(0, 10, 10, "")
	if run := p.run(); run.ID != first.ID || run.State != sallyport.RunSucceeded {
		t.Errorf("run %d is %s", run.ID, run.State)
	}
}

// TestNoConnection: by hand a first request that cannot connect fails at once; by its schedule the run waits.
func TestNoConnection(t *testing.T) {
	for _, byHand := range []bool{true, false} {
		p := newPlace(t, nil)
		p.server.Close()
		if byHand {
			if run := p.run(); run.State != sallyport.RunFailed || run.Code != sallyport.Upstream {
				t.Errorf("by hand the run is %s (%s)", run.State, run.Error)
			}
			continue
		}
		flow := p.flow("f")
		if err := p.Service.Store.InTx(t.Context(), func(tx *store.Tx) error {
			_, _, err := p.Service.Engine.StartRun(t.Context(), tx, flow.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if run := p.again(); !run.WaitsForHost() {
			t.Errorf("by its schedule the run is %s (%s)", run.State, run.Error)
		}
	}
}

// TestPauseDuringAnOutage: a paused flow is not requested, and when it is resumed its run continues at once, with all its patience.
func TestPauseDuringAnOutage(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": fails})
	first := p.run()
	state := func(s sallyport.FlowState) {
		if err := p.Service.SetFlowState(t.Context(), actor, "f", s); err != nil {
			t.Fatal(err)
		}
	}
	state(sallyport.FlowPaused)
	p.change("UPDATE run SET gives_up_at = 1")
	p.api.pages["1"] = list(10, 10, 10, "")
	state(sallyport.FlowActive)
	if run := p.run(); run.ID != first.ID || run.State != sallyport.RunSucceeded || p.kept() != 20 {
		t.Errorf("run %d is %s: %s", run.ID, run.State, run.Error)
	}
}

// TestBarrenPagesOverExecutions: that pages in a row had nothing new is known after a restart.
func TestBarrenPagesOverExecutions(t *testing.T) {
	pages := map[string]func(http.ResponseWriter){}
	for i := range 40 {
		pages[fmt.Sprint(i)] = list(0, 0, 0, fmt.Sprint(i+1))
	}
	pages["6"] = fails
	p := newPlace(t, pages)
	p.run()
	pages["6"] = list(0, 0, 0, "7")
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Pages != 10 || run.Incomplete == "" {
		t.Errorf("the run is %s after %d pages, incomplete: %q", run.State, run.Pages, run.Incomplete)
	}
}

// TestChangesDuringAnOutage: while its run waits for a system that is away, a flow can be changed and deleted, and its key replaced.
func TestChangesDuringAnOutage(t *testing.T) {
	start := func(t *testing.T) (*place, sallyport.Run) {
		p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": fails})
		first := p.run()
		if !first.WaitsForHost() {
			t.Fatalf("the run is %s", first.State)
		}
		p.api.pages["1"], p.api.asked = list(10, 10, 10, ""), nil
		return p, first
	}
	t.Run("the key is replaced", func(t *testing.T) {
		p, first := start(t)
		p.api.key = "the-second-key-of-the-api"
		keys := map[string]secret.Text{"value": secret.New(p.api.key)}
		if _, err := p.Service.RotateCredential(t.Context(), actor, "api", keys, service.WithoutTesting); err != nil {
			t.Fatal(err)
		}
		if run := p.last(); !run.WaitsForHost() || len(p.api.asked) != 0 {
			t.Errorf("with a new key the run is %s, after the requests %v", run.State, p.api.asked)
		}
		if run := p.again(); run.ID != first.ID || run.State != sallyport.RunSucceeded || p.kept() != 20 || fmt.Sprint(p.api.asked) != "[1]" {
			t.Errorf("run %d is %s after the requests %v: %s", run.ID, run.State, p.api.asked, run.Error)
		}
	})
	t.Run("a destination is added", func(t *testing.T) {
		p, first := start(t)
		p.apply(fmt.Sprintf(`{name: lines, connector: file, config: {path: %s/out.ndjson}}, {name: more, connector: file, config: {path: %s/more.ndjson}}`, p.dir, p.dir))
		if run := p.again(); run.ID != first.ID || run.State != sallyport.RunSucceeded || fmt.Sprint(p.api.asked) != "[1]" || p.delivered("more.ndjson") != 20 {
			t.Errorf("run %d is %s after the requests %v: %s", run.ID, run.State, p.api.asked, run.Error)
		}
	})
	t.Run("the flow is deleted", func(t *testing.T) {
		p, _ := start(t)
		if err := p.Service.DeleteFlow(t.Context(), actor, "f", time.Time{}); err != nil {
			t.Fatal(err)
		}
		p.change("UPDATE river_job SET state = 'available', scheduled_at = datetime('now', 'subsec', '-1 second') WHERE state = 'scheduled'")
		p.apply(fmt.Sprintf(`{name: lines, connector: file, config: {path: %s/other.ndjson}}`, p.dir))
		if run := p.run(); run.State != sallyport.RunSucceeded || p.kept() != 20 || fmt.Sprint(p.api.asked) != "[0 1]" {
			t.Errorf("run %d of the new flow is %s after the requests %v: %s", run.ID, run.State, p.api.asked, run.Error)
		}
	})
}

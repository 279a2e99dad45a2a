package service_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestRevokedKey revokes the key of a scheduled flow in the midst of its run, which is told so by one call. No other is made, also not when it
// or another flow of that key is due. With a new key the run goes on by itself, from where it stood.
func TestRevokedKey(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60, PageSize: 20})
	f.keyed("P")
	var once sync.Once
	revoke := func(r *http.Request) {
		if r.URL.Query().Get("page") == "1" {
			once.Do(f.sandbox.RevokeKeys)
		}
	}
	f.before.Store(&revoke)
	file := `flow: pages
source: {connector: pulsedive, credential: P, endpoint: feed.indicators, params: {fid: 1}, schedule: {every: 1h}}
`
	if err := f.applyFile("%s", file); err != nil {
		t.Fatal(err)
	}
	end := f.serves()
	defer end()
	f.waitFor("pages", sallyport.Run.WaitsForKey)
	if err := f.applyFile("%s", strings.NewReplacer("pages", "again", "1h", "2h").Replace(file)); err != nil {
		t.Fatal(err)
	}
	f.dueAgain("pages")
	f.dueAgain("again")
	if n := f.asked(""); n != 2 {
		t.Errorf("%d requests, want a good one and a refused one", n)
	}
	waiting := f.waitFor("pages", sallyport.Run.WaitsForKey)
	if waiting.Code != sallyport.Unauthenticated || !strings.Contains(waiting.Error, "the run goes on by itself") || waiting.Records != 20 {
		t.Errorf("run %s (%s) with %d records: %s", waiting.State, waiting.Code, waiting.Records, waiting.Error)
	}
	f.rotate("P")
	succeeded := func(r sallyport.Run) bool { return r.State == sallyport.RunSucceeded }
	if run := f.waitFor("pages", succeeded); run.ID != waiting.ID || run.Records != 60 {
		t.Errorf("run %d with %d records, after run %d", run.ID, run.Records, waiting.ID)
	}
	if n := f.asked(""); n != 2 || f.once("pages", "iid") != 60 {
		t.Errorf("%d requests with the new key, want 2", n)
	}
	if c, err := f.Service.Credential(t.Context(), "P"); err != nil || c.Verdict != sallyport.VerdictValid {
		t.Errorf("the new key is %s: %v", c.Verdict, err)
	}
}

// serves works what is queued and due, as a server does, until end is called.
func (f faulty) serves() (end func()) {
	f.Helper()
	if _, err := f.Service.Engine.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(f.Context())
	done := make(chan struct{})
	go func() {
		f.Service.Engine.Schedule(ctx)
		close(done)
	}()
	return func() {
		stop()
		<-done
		if err := f.Service.Engine.Stop(context.WithoutCancel(f.Context())); err != nil {
			f.Error(err)
		}
	}
}

// waitFor waits until the newest run of a flow is as wanted.
func (f faulty) waitFor(flow string, wanted func(sallyport.Run) bool) sallyport.Run {
	f.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		runs, err := f.Service.Runs(f.Context(), flow, "", 1, 0)
		if err != nil {
			f.Fatal(err)
		}
		if len(runs) == 1 && wanted(runs[0]) {
			return runs[0]
		}
		if time.Now().After(deadline) {
			f.Fatalf("the runs of %s are %+v", flow, runs)
		}
	}
}

// dueAgain lets a flow be due, and waits until the schedule has seen it.
func (f faulty) dueAgain(flow string) {
	f.Helper()
	_, err := f.Service.Store.SQL().Exec("UPDATE source SET next_run_at = 1 WHERE flow_id = (SELECT id FROM flow WHERE name = $1)", flow)
	if err != nil {
		f.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		flow, err := f.Service.Flow(f.Context(), flow)
		if err != nil {
			f.Fatal(err)
		}
		if flow.Source.NextRunAt.After(sallyport.Now()) {
			return
		}
		if time.Now().After(deadline) {
			f.Fatal("the schedule does not see that the flow is due")
		}
	}
}

// TestGoodKeyWakesWhatItStopped fails one destination for its key and one for its disk, and pauses the flow. Once the key is good, the first
// goes on, and not the other. A destination that failed for something else than its key waits for the next run, too.
func TestGoodKeyWakesWhatItStopped(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60})
	f.lists("a.example", "b.example", "c.example", "d.example", "e.example")
	f.keyed("P")
	err := f.applyFile(`flow: two
source: {connector: rest, credential: api, request: {url: /, query: {page: "0"}, records: "$.results[*]"}}
destinations: [{name: scan, connector: pulsedive, credential: P}, {name: lines, connector: file, config: {path: %s}}]
`, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f.failsWith(401)
	f.runOf("two")
	f.stopped(keyRefused, "not a regular file")
	state := func(state sallyport.FlowState) {
		if err := f.Service.SetFlowState(t.Context(), actor, "two", state); err != nil {
			t.Fatal(err)
		}
	}
	state(sallyport.FlowPaused)
	if p, err := f.Service.TestCredential(t.Context(), actor, "P"); p.Verdict != sallyport.VerdictValid {
		t.Fatal(p, err)
	}
	f.stopped("", "not a regular file")
	state(sallyport.FlowActive)
	f.failsWith(500)
	if _, err := f.Service.Deliver(t.Context(), actor, "two", func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	f.stopped("HTTP 500", "not a regular file")
	f.rotate("P")
	f.stopped("HTTP 500", "not a regular file")
}

// TestSilentTestLeavesTheVerdict tests a key that was refused while the system is down, or limits everybody. It stays refused: a schedule must
// not ask with it again. When the system takes it after all, it is good.
func TestSilentTestLeavesTheVerdict(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60})
	f.keyed("P")
	for _, c := range []struct {
		fault sandbox.Fault
		probe sallyport.Verdict
		want  sallyport.Verdict
	}{
		{sandbox.Fault{Status: 401}, sallyport.VerdictRejected, sallyport.VerdictRejected},
		{sandbox.Fault{Status: 500}, sallyport.VerdictUnreachable, sallyport.VerdictRejected},
		{sandbox.Fault{Kind: "slow"}, sallyport.VerdictValid, sallyport.VerdictValid},
		{sandbox.Fault{Status: 500}, sallyport.VerdictUnreachable, sallyport.VerdictUnreachable},
		{sandbox.Fault{Status: 401}, sallyport.VerdictRejected, sallyport.VerdictRejected},
		{sandbox.Fault{Status: 429, Window: "month"}, sallyport.VerdictLimited, sallyport.VerdictRejected},
	} {
		f.sandbox.ClearFaults()
		if err := f.sandbox.Fault(c.fault); err != nil {
			t.Fatal(err)
		}
		if p, err := f.Service.TestCredential(t.Context(), actor, "P"); p.Verdict != c.probe {
			t.Fatalf("%+v: the test says %s, want %s: %v", c.fault, p.Verdict, c.probe, err)
		}
		if got, err := f.Service.Credential(t.Context(), "P"); err != nil || got.Verdict != c.want {
			t.Errorf("%+v: the verdict is %s, want %s: %v", c.fault, got.Verdict, c.want, err)
		}
	}
}

// failsWith lets every submission fail with a status.
func (f faulty) failsWith(status int) {
	f.Helper()
	f.sandbox.ClearFaults()
	if err := f.sandbox.Fault(sandbox.Fault{Status: status, Match: "POST /api/analyze.php"}); err != nil {
		f.Fatal(err)
	}
}

// stopped wants the destinations of the flow "two" to have failed with an error each, or with "" not to have failed.
func (f faulty) stopped(want ...string) {
	f.Helper()
	flow, err := f.Service.Flow(f.Context(), "two")
	if err != nil {
		f.Fatal(err)
	}
	for i, d := range flow.Destinations {
		if !strings.Contains(d.Error, want[i]) || (d.Error == "") != (want[i] == "") {
			f.Errorf("%s: %q, want %q", d.Name, d.Error, want[i])
		}
	}
}

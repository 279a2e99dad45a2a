package service_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestDeliveryWaits uses up the quota of a destination: its delivery says until when it waits, and so does its run; who follows is not kept
// longer than they want to wait, and more quota wakes it.
func TestDeliveryWaits(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60})
	f.lists("a.example", "b.example", "c.example")
	cell := f.submitting()
	f.allowOf(cell, 1)
	run := f.runOf(cell)
	left := time.Until(run.WaitUntil)
	if run.State != sallyport.RunDelivering || left < 0 || left > 62*24*time.Hour || f.asked("POST") != 1 {
		t.Fatalf("run %s until %s: %s", run.State, run.WaitUntil, run.Error)
	}
	shown, err := f.Service.Run(t.Context(), run.ID)
	if err != nil || len(shown.Deliveries) != 1 || !shown.WaitUntil.Equal(run.WaitUntil) {
		t.Fatalf("%+v: %v", shown, err)
	}
	if d := shown.Deliveries[0]; d.State != sallyport.RunWaiting || !strings.Contains(d.Error, "the quota for this month is used up") || !d.WaitUntil.Equal(run.WaitUntil) {
		t.Errorf("delivery %s until %s: %s", d.State, d.WaitUntil, d.Error)
	}
	if runs, err := f.Service.Runs(t.Context(), cell, "", 1, 0); err != nil || !runs[0].WaitUntil.Equal(run.WaitUntil) {
		t.Errorf("%+v: %v", runs, err)
	}
	if _, err := f.Service.Deliver(t.Context(), actor, cell, func(service.Progress) {}); sallyport.CodeOf(err) != sallyport.Limited {
		t.Errorf("the deliveries ended with %v", err)
	}
	f.allowOf(cell, 10)
	if again := f.runOf(cell); again.ID != run.ID || again.State != sallyport.RunSucceeded || !again.WaitUntil.IsZero() {
		t.Errorf("run %d, then run %d %s: %s", run.ID, again.ID, again.State, again.Error)
	}
	if n := f.asked("POST"); n != 2 {
		t.Errorf("%d submissions after the wait, want 2", n)
	}
}

// TestQuotaRaisedAtOnce raises a quota in the very moment in which a run or a delivery begins to wait for it: that wakes it all the same.
func TestQuotaRaisedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60, PageSize: 20})
	f.lists("a.example", "b.example", "c.example")
	for name, flow := range map[string]func(faulty) string{
		"run":      func(f faulty) string { return f.flowOf(kinds["pages"]) },
		"delivery": faulty.submitting,
	} {
		t.Run(name, func(t *testing.T) {
			f := f.with(t)
			cell := flow(f)
			f.allowOf(cell, 1)
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			run, _, err := f.Service.StartRun(ctx, actor, cell)
			if err != nil {
				t.Fatal(err)
			}
			raise := sync.OnceFunc(func() { f.allowOf(cell, 10) })
			run, err = f.Service.Follow(ctx, run.ID, 62*24*time.Hour, func(p service.Progress) {
				if !p.Run.WaitUntil.IsZero() {
					raise()
				}
			})
			if err != nil || run.State != sallyport.RunSucceeded {
				t.Errorf("run %s until %s: %v", run.State, run.WaitUntil, err)
			}
		})
	}
}

// allowOf sets what a month allows of a credential.
func (f faulty) allowOf(credential string, calls int64) {
	f.Helper()
	err := f.Service.SetQuota(f.Context(), actor, credential, service.QuotaChange{Limits: map[string]int64{sallyport.WindowMonth: calls}})
	if err != nil {
		f.Fatal(err)
	}
}

// TestKeptIsDeliveredBeforeTheWait uses up the quota within a run: who follows it no longer than that finds all that was pulled delivered.
func TestKeptIsDeliveredBeforeTheWait(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60, PageSize: 20})
	cell := f.cell()
	f.keyed(cell)
	var destinations strings.Builder
	for i := range 40 { // more than are worked at once
		fmt.Fprintf(&destinations, "  - {name: t%d, connector: sqlite, config: {path: %q, table: t}}\n", i, filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", i)))
	}
	if err := f.applyFile("flow: %[1]s\nsource: {connector: pulsedive, credential: %[1]s, %[2]s}\ndestinations:\n%[3]s", cell, kinds["pages"].source, &destinations); err != nil {
		t.Fatal(err)
	}
	f.allowOf(cell, 1)
	run := f.runOf(cell)
	flow, err := f.Service.Flow(t.Context(), cell)
	if err != nil || run.State != sallyport.RunWaiting || run.Records == 0 || flow.Dataset.LastSeq == 0 {
		t.Fatalf("run %s with %d records in %d batches: %v", run.State, run.Records, flow.Dataset.LastSeq, err)
	}
	for _, d := range flow.Destinations {
		if d.Position != flow.Dataset.LastSeq || d.Records != run.Records {
			t.Errorf("%s has %d of %d records", d.Name, d.Records, run.Records)
		}
	}
}

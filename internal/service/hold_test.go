package service_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// numbered are records with ids, as one page.
func numbered(first, last int, more string) (page []string) {
	for id := first; id <= last; id++ {
		page = append(page, fmt.Sprintf(`{"id":%d%s}`, id, more))
	}
	return page
}

// deliver is follow for a flow that delivers to a file.
func (p *place) deliver(emit string) {
	p.Helper()
	p.follow(emit+fmt.Sprintf("\n  confirm: 1\ndestinations: [{name: lines, connector: file, config: {path: %q}}]", filepath.Join(p.dir, "held.ndjson")), "id")
}

// lines are those of the file that deliver writes.
func (p *place) lines() []string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "held.ndjson"))
	if err != nil {
		p.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestSecondPullConfirms moves records between the pages of a list while it is read: they are missing once, and neither vanish nor return.
func TestSecondPullConfirms(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes\n  confirm: 2", "id")
	p.serve([]string{`{"id":1}`, `{"id":2}`}, []string{`{"id":3}`, `{"id":4}`})
	p.wantEvents(numberedEvents("new", 1, 4)...)
	p.serve([]string{`{"id":1}`, `{"id":2}`}, []string{`{"id":4}`}) // 3 moved to the first page
	if run := p.wantEvents(); run.Changes != (sallyport.Changes{Unchanged: 3, Missing: 1}) {
		t.Errorf("%+v", run.Changes)
	}
	p.serve([]string{`{"id":3}`, `{"id":1}`}, []string{`{"id":4}`})
	p.wantEvents()
	p.serve([]string{`{"id":3,"a":1}`}, []string{`{"id":4}`})
	p.wantEvents(`{"_change":"changed","id":3,"a":1}`, `{"_change":"vanished","id":2}`)
	p.serve([]string{`{"id":3,"a":1}`}, []string{`{"id":4}`})
	p.wantEvents(`{"_change":"vanished","id":1}`)
}

func numberedEvents(change string, first, last int) (events []string) {
	for _, record := range numbered(first, last, "") {
		events = append(events, `{"_change":"`+change+`",`+record[1:])
	}
	slices.Sort(events)
	return events
}

// TestConfirmFitsTheSource wants two pulls for a list in pages and one for a single response, unless somebody says something else.
func TestConfirmFitsTheSource(t *testing.T) {
	for _, c := range []struct {
		paging, confirm string
		pulls           int
	}{
		{"{type: single}", "", 1}, {"{type: next_value, value: $.next, query: page}", "", 2},
		{"{type: single}", "\n  confirm: 2", 2}, {"{type: next_value, value: $.next, query: page}", "\n  confirm: 1", 1},
		{"{type: single}", "\n  confirm: 3", 3},
	} {
		p := newPlace(t, nil)
		err := p.applyFile(`flow: f
source:
  connector: rest
  credential: api
  request: {url: /, query: {page: "0"}, records: "$.results[*]", paging: %s, key: [id]}
  emit: changes%s
`, c.paging, c.confirm)
		if err != nil {
			t.Fatal(err)
		}
		p.serve([]string{`{"id":1}`, `{"id":2}`})
		p.wantEvents(numberedEvents("new", 1, 2)...)
		p.serve([]string{`{"id":1}`})
		for range c.pulls - 1 {
			p.wantEvents()
		}
		p.wantEvents(`{"_change":"vanished","id":2}`)
	}
}

// TestHeldPull wants a pull that would let too many records vanish to wait for a decision, whatever comes meanwhile.
func TestHeldPull(t *testing.T) {
	p := newPlace(t, nil)
	p.deliver("emit: changes")
	p.serve(numbered(1, 20, ""))
	p.wantEvents(numberedEvents("new", 1, 20)...)
	p.serve(numbered(1, 10, "")) // half of them: that is no more than the limit
	p.wantEvents(numberedEvents("vanished", 11, 20)...)
	p.serve(numbered(1, 20, ""))
	p.wantEvents(numberedEvents("returned", 11, 20)...)
	delivered := p.lines()

	p.serve([]string{`{"id":21}`, `{"id":1,"a":1}`, `"text"`}, numbered(2, 9, ""))
	p.api.pages["0"] = func(w http.ResponseWriter) { fmt.Fprint(w, `{"results":[{"id":21},{"id":1,"a":1}],"next":1}`) }
	const why = "the pull would mark 11 of 20 records as vanished; nothing was delivered: sallyport flow accept f or sallyport flow reject f"
	run := p.wantEvents()
	if run.State != sallyport.RunHeld || run.Error != why || run.Code != sallyport.Limited || run.Changes.Vanished != 0 {
		t.Fatalf("run %s (%s): %s", run.State, run.Code, run.Error)
	}
	again, resumed, err := p.Service.StartRun(t.Context(), actor, "f")
	if err != nil || !resumed || again.ID != run.ID || again.State != sallyport.RunHeld {
		t.Errorf("the next run is %+v, %t, %v", again, resumed, err)
	}
	p.api.asked = nil
	p.restart()
	if run := p.wantEvents(); run.State != sallyport.RunHeld || run.Error != why {
		t.Errorf("after a restart, the run is %s: %s", run.State, run.Error)
	}
	if diff := cmp.Diff(delivered, p.lines()); diff != "" || len(p.api.asked) > 0 {
		t.Errorf("held, but %d requests were made, and delivered: %s", len(p.api.asked), diff)
	}

	if run, err = p.Service.AcceptPull(t.Context(), actor, "f"); err != nil || run.State != sallyport.RunQueued {
		t.Fatalf("accepted: run %s, %v", run.State, err)
	}
	want := append(numberedEvents("vanished", 10, 20), `{"_change":"new","id":21}`, `{"_change":"changed","id":1,"a":1}`)
	slices.Sort(want)
	if run := p.wantEvents(want...); run.State != sallyport.RunSucceeded || run.Changes != (sallyport.Changes{New: 1, Changed: 1, Vanished: 11, Unchanged: 8}) {
		t.Errorf("run %s (%s): %+v", run.State, run.Error, run.Changes)
	}
	if got := p.lines(); len(got) != len(delivered)+13 || len(p.api.asked) > 0 {
		t.Errorf("%d lines were delivered after %d requests", len(got)-len(delivered), len(p.api.asked))
	}
	p.wantEvents()
}

// TestRejectedPull leaves everything as it was before the pull: what was new in it is new again in the next one.
func TestRejectedPull(t *testing.T) {
	p := newPlace(t, nil)
	p.deliver("emit: changes")
	p.serve(numbered(1, 30, ""))
	p.wantEvents(numberedEvents("new", 1, 30)...)
	p.serve([]string{`{"id":31,"field":"unheard of"}`, `{"id":1,"a":1}`})
	p.api.pages["0"] = func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"results":[{"id":31,"field":"unheard of"},{"id":1,"a":1}],"next":null}`)
	}
	if run := p.wantEvents(); run.State != sallyport.RunHeld {
		t.Fatalf("run %s: %s", run.State, run.Error)
	}
	before, err := p.Service.Dataset(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Service.RejectPull(t.Context(), actor, "f")
	if err != nil || run.State != sallyport.RunFailed || run.Records != 0 || run.Changes != (sallyport.Changes{}) {
		t.Errorf("rejected: run %s with %d records, %v", run.State, run.Records, err)
	}
	after, err := p.Service.Dataset(t.Context(), "f")
	if diff := cmp.Diff(before, after); err != nil || diff != "" || slices.Contains(after.Schema.Names(), "field") {
		t.Errorf("the dataset moved: %s, %v", diff, err)
	}
	for _, decide := range []func(context.Context, sallyport.Actor, string) (sallyport.Run, error){p.Service.AcceptPull, p.Service.RejectPull} {
		if _, err := decide(t.Context(), actor, "f"); sallyport.CodeOf(err) != sallyport.Conflict {
			t.Errorf("decided twice: %v", err)
		}
	}
	p.serve(numbered(1, 31, ""))
	p.wantEvents(`{"_change":"new","id":31}`)
}

// TestLimitOfTheSource lets a source say how much may vanish.
func TestLimitOfTheSource(t *testing.T) {
	for limit, held := range map[string]bool{"off": false, "90%": false, "10%": true} {
		p := newPlace(t, nil)
		p.follow("emit: changes\n  vanish_limit: "+limit, "id")
		p.serve(numbered(1, 40, ""))
		p.wantEvents(numberedEvents("new", 1, 40)...)
		p.serve(numbered(1, 30, ""))
		want := numberedEvents("vanished", 31, 40)
		if held {
			want = nil
		}
		if run := p.wantEvents(want...); (run.State == sallyport.RunHeld) != held {
			t.Errorf("%s: run %s", limit, run.State)
		}
	}
}

// TestFailedPullDeliversWhatItHolds breaks off a pull that is held back: nothing vanishes, and what it had is delivered.
func TestFailedPullDeliversWhatItHolds(t *testing.T) {
	p := newPlace(t, nil)
	p.deliver("emit: changes")
	p.serve(numbered(1, 30, ""))
	p.wantEvents(numberedEvents("new", 1, 30)...)
	p.serve([]string{`{"id":31}`}, nil)
	p.api.pages["1"] = func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }
	if run := p.wantEvents(`{"_change":"new","id":31}`); run.State != sallyport.RunFailed {
		t.Errorf("run %s", run.State)
	}
	if got := p.lines(); len(got) != 31 {
		t.Errorf("%d lines are delivered", len(got))
	}
	p.serve(numbered(1, 31, ""))
	p.wantEvents()
}

// TestChangedFlowDropsItsHeldPull begins again: what the held pull knew is forgotten with it.
func TestChangedFlowDropsItsHeldPull(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve(numbered(1, 30, ""))
	p.wantEvents(numberedEvents("new", 1, 30)...)
	p.serve([]string{`{"id":31}`})
	p.wantEvents()
	p.follow("emit: all", "id")
	p.follow("emit: changes", "id")
	p.serve(numbered(1, 31, ""))
	p.wantEvents(`{"_change":"new","id":31}`)
}

// TestUnreadableRecordsLetNothingVanish puts a value that is no record where one was.
func TestUnreadableRecordsLetNothingVanish(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1}`, `{"id":2}`})
	p.wantEvents(numberedEvents("new", 1, 2)...)
	p.serve([]string{`{"id":1}`, `null`})
	if run := p.wantEvents(); run.Incomplete != "some of its records cannot be read; they are in quarantine" {
		t.Errorf("incomplete: %q", run.Incomplete)
	}
}

// TestSettingsOfVanishingAreChecked refuses what has no effect or cannot be.
func TestSettingsOfVanishingAreChecked(t *testing.T) {
	p := newPlace(t, nil)
	const request = "request: {url: /, records: \"$[*]\", key: [id], paging: {type: single}}"
	for settings, want := range map[string]string{
		request + "\n  emit: changes\n  confirm: 4":       "source.confirm: is 4; use 1 to 3",
		request + "\n  emit: changes\n  vanish_limit: 50": `source.vanish_limit: invalid share "50": use a whole number from 1% to 99%, for example 50%, or off`,
		request + "\n  confirm: 1":                        "source.confirm: has no effect, because records are not compared",
		request + "\n  emit: changes\n  confrim: 1":       `did you mean "confirm"?`,
		"request: {url: /, format: taxii, records: \"$.objects[*]\", key: [id], paging: {type: taxii}}\n  emit: changes\n  vanish_limit: off": "source.vanish_limit: has no effect, because a pull of this source does not give everything",
	} {
		file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, "flow: g\nsource:\n  connector: rest\n  credential: api\n  %s\n", settings)}
		_, err := p.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{file}, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", settings, err)
		}
	}
	p.follow("emit: changes\n  confirm: 3\n  vanish_limit: off", "id")
	exported, err := p.Service.ExportFlow(t.Context(), "f")
	if err != nil || !strings.Contains(string(exported), "confirm: 3\n  vanish_limit: ") {
		t.Errorf("exported: %s, %v", exported, err)
	}
	if d, err := p.Service.ChangeFlow(t.Context(), p.user("Ada"), "f"); err != nil || d.Confirm != 3 || d.VanishLimit != "off" {
		t.Errorf("a flow that is changed at the pages forgets them: %+v, %v", d, err)
	}
}

// TestScheduledRunsDoNotPileUp lets a flow be due while its pull is held.
func TestScheduledRunsDoNotPileUp(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes\n  schedule: {every: 1h}", "id")
	p.serve(numbered(1, 30, ""))
	p.wantEvents(numberedEvents("new", 1, 30)...)
	p.serve([]string{`{"id":1}`})
	held := p.wantEvents()
	p.api.asked = nil
	if _, err := p.Service.Store.SQL().Exec("UPDATE source SET next_run_at = 1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go p.Service.Engine.Schedule(ctx)
	for {
		flow, err := p.Service.Flow(ctx, "f")
		if err != nil {
			t.Fatal(err)
		}
		if flow.Source.NextRunAt.After(time.Now()) {
			break
		}
	}
	runs, err := p.Service.Runs(ctx, "f", "", 10, 0)
	if err != nil || len(runs) != 2 || runs[0].ID != held.ID || runs[0].State != sallyport.RunHeld || len(p.api.asked) > 0 {
		t.Errorf("%d runs, the newest is %s, %d requests, %v", len(runs), runs[0].State, len(p.api.asked), err)
	}
}

package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// journal is a system whose records have a time: it gives those of [from, to) in pages of two, the oldest first.
type journal struct {
	*place
	times  []time.Time
	asked  []string // the windows, "+" for their later pages
	before func()   // is called before each response
}

// newJournal starts it, with a flow j that pulls it by time.
func newJournal(t *testing.T, since string) *journal {
	j := &journal{place: newPlace(t, nil), before: func() {}}
	j.server.Config.Handler = j
	file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, `flow: f
source:
  connector: rest
  credential: api
  request:
    url: /
    query: {from: "{since}", to: "{until}"}
    records: "$.results[*]"
    paging: {type: next_value, value: $.next, query: page}
    key: [id]
    since: %s
`, since)}
	if _, err := j.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{file}, false); err != nil {
		t.Fatal(err)
	}
	return j
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	window := query.Get("from") + " " + query.Get("to")
	if query.Get("page") != "" {
		window = "+"
	}
	j.asked = append(j.asked, window)
	j.before()
	first := 0
	fmt.Sscan(query.Get("page"), &first)
	var found []map[string]any
	for i, t := range j.times {
		text := t.UTC().Format(time.RFC3339)
		if text >= query.Get("from") && text < query.Get("to") {
			found = append(found, map[string]any{"id": i, "at": text})
		}
	}
	answer := map[string]any{"results": append([]map[string]any{}, found[min(first, len(found)):min(first+2, len(found))]...)}
	if first+2 < len(found) {
		answer["next"] = first + 2
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// ids are those of the records that are kept, in order.
func (j *journal) ids() string {
	j.Helper()
	d, err := j.Service.Dataset(j.Context(), "f")
	if err != nil {
		j.Fatal(err)
	}
	var ids []string
	for record, err := range j.Service.Records(j.Context(), d.ID) {
		var r struct{ ID int }
		if err == nil {
			err = json.Unmarshal(record, &r)
		}
		if err != nil {
			j.Fatal(err)
		}
		ids = append(ids, fmt.Sprint(r.ID))
	}
	return strings.Join(ids, " ")
}

// expect runs the flow and looks at what is kept then.
func (j *journal) expect(run sallyport.Run, ids string) {
	j.Helper()
	if got := j.ids(); got != ids || run.State != sallyport.RunSucceeded {
		j.Errorf("run %d %s (%s): %q is kept, not %q; requested %q", run.ID, run.State, run.Error, got, ids, j.asked)
	}
	j.asked = nil
}

func (j *journal) pulledTo() time.Time {
	j.Helper()
	f, err := j.Service.Flow(j.Context(), "f")
	if err != nil {
		j.Fatal(err)
	}
	return f.Source.PulledTo()
}

// ago is a time on a full second.
func ago(hours int) time.Time {
	return time.Now().Add(-time.Duration(hours) * time.Hour).Truncate(time.Second)
}

func TestRunsGoOnAtTheLastOne(t *testing.T) {
	j := newJournal(t, `{field: at, start: now-10d, overlap: 3h}`)
	newest := ago(5)
	j.times = []time.Time{ago(9), ago(8), newest, newest} // two of one time on a border of pages
	j.expect(j.run(), "0 1 2 3")
	j.times = append(j.times, newest, ago(7), ago(1)) // added meanwhile, two of them late
	j.expect(j.run(), "0 1 2 3 4 5 6")
	j.expect(j.run(), "0 1 2 3 4 5 6")
	if !j.pulledTo().Equal(j.times[6]) {
		t.Errorf("pulled to %v", j.pulledTo())
	}
}

// TestARunIsCutOffInAWindow ends the process, as far as the store can tell, in the middle of the history. What it had committed stays, and nothing comes twice.
func TestARunIsCutOffInAWindow(t *testing.T) {
	j := newJournal(t, `{start: now-100d, step: 10d, overlap: 1h}`)
	var want []string
	for i := range 50 {
		j.times, want = append(j.times, ago(24*99-48*i)), append(want, fmt.Sprint(i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	j.before = func() {
		if len(j.asked) == 8 { // the second page of a window
			cancel()
		}
	}
	run, _, err := j.Service.StartRun(ctx, actor, "f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Service.Follow(ctx, run.ID, time.Second, func(service.Progress) {}); err == nil {
		t.Fatal("the run was not cut off")
	}
	j.expect(j.run(), strings.Join(want, " "))
	if windows := slices.DeleteFunc(j.asked, func(text string) bool { return text == "+" }); len(windows) > 12 {
		t.Errorf("windows were requested again: %q", windows)
	}
	if age := time.Since(j.pulledTo()); age > time.Hour {
		t.Errorf("pulled to %v", j.pulledTo())
	}
}

func TestAGapIsFilled(t *testing.T) {
	j := newJournal(t, `{field: at, start: now-2h}`)
	j.times = []time.Time{ago(30), ago(20), ago(10), ago(1)}
	j.expect(j.run(), "3")
	before := j.pulledTo()
	run, err := j.Service.FillGap(t.Context(), actor, "f", ago(25).Format(time.RFC3339), ago(5).Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Service.FillGap(t.Context(), actor, "f", "now-1h", ""); sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("a second run beside the first: %v", err)
	}
	if run, err = j.Service.Follow(t.Context(), run.ID, time.Second, func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	j.expect(run, "3 1 2")
	if !j.pulledTo().Equal(before) || run.From.IsZero() || run.Until.IsZero() {
		t.Errorf("pulled to %v, not %v; %+v", j.pulledTo(), before, run)
	}
	for _, bad := range [][2]string{{"now-1h", "now-2h"}, {"soon", ""}, {"2999-01-01", ""}, {"now-1h", "then"}} {
		if _, err := j.Service.FillGap(t.Context(), actor, "f", bad[0], bad[1]); sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("a gap of %q: %v", bad, err)
		}
	}
}

func TestResetPullsAgain(t *testing.T) {
	j := newJournal(t, `{field: at, start: now-2h, overlap: 1h}`)
	j.times = []time.Time{ago(30), ago(10), ago(1)}
	j.expect(j.run(), "2")
	if _, err := j.Service.ResetFlow(t.Context(), actor, "f", "2999-01-01"); sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("reset to the future: %v", err)
	}
	if _, err := j.Service.ResetFlow(t.Context(), actor, "f", "now-20h"); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(j.pulledTo()).Round(time.Hour); age != 20*time.Hour {
		t.Errorf("reset to %v", j.pulledTo())
	}
	if _, _, err := j.Service.StartRun(t.Context(), actor, "f"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Service.ResetFlow(t.Context(), actor, "f", "now-40h"); sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("reset while a run pulls: %v", err)
	}
	j.expect(j.run(), "2 1 2")
	entries, err := j.Service.Audit(t.Context(), "", "flow.reset", 10, 0)
	if err != nil || !slices.ContainsFunc(entries, func(e sallyport.AuditEntry) bool { return e.Action == "flow.reset" && e.Detail["since"] != "" }) {
		t.Errorf("the audit log has no reset: %v, %v", entries, err)
	}
}

func TestATimeThatCannotBeReadGoesToQuarantine(t *testing.T) {
	j := newJournal(t, `{field: at, start: now-2h}`)
	j.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"results":[{"id":1,"at":%q},{"id":2,"at":"soon"}]}`, ago(1).Format(time.RFC3339))
	})
	for range 2 { // the second time it is known
		run := j.run()
		j.expect(run, "1")
		if run.ID == 1 && run.Quarantined != 1 || run.ID == 2 && run.Quarantined != 0 {
			t.Errorf("run %d has %d in quarantine", run.ID, run.Quarantined)
		}
	}
}

// TestSinceIsTakenAway lets a flow read the whole list again: the cursor of its time is of no use.
func TestSinceIsTakenAway(t *testing.T) {
	j := newJournal(t, `{field: at, start: now-2h}`)
	j.times = []time.Time{ago(1)}
	j.expect(j.run(), "0")
	j.api.pages = map[string]func(http.ResponseWriter){"0": list(0, 1, 1, "")}
	j.server.Config.Handler = j.api
	j.apply("")
	j.expect(j.run(), "0 0")
	if _, err := j.Service.ResetFlow(t.Context(), actor, "f", "now-1h"); sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("a flow without since is reset: %v", err)
	}
}

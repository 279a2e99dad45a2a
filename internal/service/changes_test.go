package service_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// follow lets the flow f have a key, and keep what the setting says. One pull is enough for a record to vanish, unless the setting says more.
func (p *place) follow(emit, key string) {
	p.Helper()
	if strings.Contains(emit, "emit:") && !strings.Contains(emit, "confirm") {
		emit += "\n  confirm: 1"
	}
	file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, `flow: f
source:
  connector: rest
  credential: api
  request: {url: /, query: {page: "0"}, records: "$.results[*]", paging: {type: next_value, value: $.next, query: page}, key: [%s]}
  %s
`, key, emit)}
	if _, err := p.Service.ApplyFlows(p.Context(), actor, []service.FlowFile{file}, false); err != nil {
		p.Fatal(err)
	}
}

// serve lets the API give pages of these records.
func (p *place) serve(pages ...[]string) {
	all := map[string]func(http.ResponseWriter){}
	for i, records := range pages {
		next := "null"
		if i+1 < len(pages) {
			next = fmt.Sprint(i + 1)
		}
		all[fmt.Sprint(i)] = func(w http.ResponseWriter) {
			fmt.Fprintf(w, `{"results":[%s],"next":%s}`, strings.Join(records, ","), next)
		}
	}
	p.api.mu.Lock()
	defer p.api.mu.Unlock()
	p.api.pages = all
}

// events runs the flow and returns what the run kept, sorted.
func (p *place) events() (kept []string, run sallyport.Run) {
	p.Helper()
	d, err := p.Service.Dataset(p.Context(), "f")
	if err != nil {
		p.Fatal(err)
	}
	run = p.run()
	n := int64(0)
	for record, err := range p.Service.Records(p.Context(), d.ID) {
		if err != nil {
			p.Fatal(err)
		}
		if n++; n > d.Records {
			kept = append(kept, string(record))
		}
	}
	slices.Sort(kept)
	return kept, run
}

func (p *place) wantEvents(want ...string) (run sallyport.Run) {
	p.Helper()
	got, run := p.events()
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("events: want (-), got (+):\n%s", diff)
	}
	return run
}

// TestEveryChangeIsAnEvent goes through all that may become of a record.
func TestEveryChangeIsAnEvent(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1,"a":["x","y"]}`, `{"id":2}`}, []string{`{"id":3,"retired":null}`, `{"x":"no key"}`})
	run := p.wantEvents(`{"_change":"new","id":1,"a":["x","y"]}`, `{"_change":"new","id":2}`, `{"_change":"new","id":3,"retired":null}`, `{"_change":"new","x":"no key"}`)
	if want := (sallyport.Changes{New: 4}); run.Seen != 4 || run.Records != 4 || run.Changes != want {
		t.Errorf("%d seen, %d kept: %+v", run.Seen, run.Records, run.Changes)
	}
	p.serve([]string{`{"a":["y","x"],"id":1}`, `{"id":"2"}`, `{"x":"no key"}`}, []string{`{"id":3}`})
	run = p.wantEvents(`{"_change":"changed","id":"2"}`)
	if want := (sallyport.Changes{Changed: 1, Unchanged: 3}); run.Seen != 4 || run.Changes != want {
		t.Errorf("%d seen: %+v", run.Seen, run.Changes)
	}
	p.serve([]string{`{"id":3,"retired":"No recent activity"}`, `{"id":"2"}`, `{"id":2,"b":1}`, `{"id":2,"b":1}`})
	p.wantEvents(`{"_change":"changed","id":2,"b":1}`, `{"_change":"retired","id":3,"retired":"No recent activity"}`,
		`{"_change":"vanished","id":1,"a":["x","y"]}`, `{"_change":"vanished","x":"no key"}`)
	p.serve([]string{`{"id":1,"a":7}`, `{"id":3}`})
	p.wantEvents(`{"_change":"returned","id":1,"a":7}`, `{"_change":"returned","id":3}`, `{"_change":"vanished","id":2,"b":1}`)
	p.serve([]string{`{"id":1,"a":7}`, `{"id":3}`})
	p.wantEvents()
	p.serve(nil)
	p.wantEvents(`{"_change":"vanished","id":1,"a":7}`, `{"_change":"vanished","id":3}`)
	p.wantEvents()
}

// TestKeepsWhatIsAskedFor wants every record with its change, every record as it came, and that a change of the settings begins anew.
func TestKeepsWhatIsAskedFor(t *testing.T) {
	p := newPlace(t, nil)
	p.serve([]string{`{"id":1,"n":1}`, `{"id":2,"n":2}`})
	p.follow("emit: all", "id")
	p.wantEvents(`{"_change":"new","id":1,"n":1}`, `{"_change":"new","id":2,"n":2}`)
	p.wantEvents(`{"_change":"unchanged","id":1,"n":1}`, `{"_change":"unchanged","id":2,"n":2}`)
	p.follow("emit: changes", "id")
	p.wantEvents()
	p.follow("emit: changes", "n")
	p.wantEvents(`{"_change":"new","id":1,"n":1}`, `{"_change":"new","id":2,"n":2}`)
	p.follow("", "n")
	if run := p.wantEvents(`{"id":1,"n":1}`, `{"id":2,"n":2}`); run.Changes != (sallyport.Changes{}) || run.Seen != 2 {
		t.Errorf("changes were looked for: %+v", run)
	}
	p.follow("emit: changes", "n")
	p.wantEvents(`{"_change":"new","id":1,"n":1}`, `{"_change":"new","id":2,"n":2}`)
}

// TestNestedKey finds what changed by a key in an object, and refuses one that no record has before anything is kept.
func TestNestedKey(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "meta.ix")
	p.serve([]string{`{"meta":{"id":1},"v":"a"}`, `{"meta":{"id":2},"v":"b"}`})
	if run := p.wantEvents(); run.State != sallyport.RunFailed || !strings.Contains(run.Error, `none of the first records has the field "meta.ix"; did you mean "meta.id"?`) {
		t.Errorf("run %s: %s", run.State, run.Error)
	}
	p.follow("emit: changes", "meta.id")
	p.wantEvents(`{"_change":"new","meta":{"id":1},"v":"a"}`, `{"_change":"new","meta":{"id":2},"v":"b"}`)
	p.serve([]string{`{"v":"b","meta":{"id":2.0}}`, `{"meta":{"id":1},"v":"other"}`})
	p.wantEvents(`{"_change":"changed","meta":{"id":1},"v":"other"}`)
}

// TestFailedRunLetsNothingVanish breaks a run off: what it took in counts, what it did not come to has not vanished.
func TestFailedRunLetsNothingVanish(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1}`}, []string{`{"id":2}`}, []string{`{"id":3}`})
	p.wantEvents(`{"_change":"new","id":1}`, `{"_change":"new","id":2}`, `{"_change":"new","id":3}`)
	p.serve([]string{`{"id":1,"a":1}`}, nil)
	p.api.pages["1"] = func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }
	if run := p.wantEvents(`{"_change":"changed","id":1,"a":1}`); run.State != sallyport.RunFailed {
		t.Errorf("run %s", run.State)
	}
	p.serve([]string{`{"id":1,"a":1}`}, []string{`{"id":2}`})
	p.wantEvents(`{"_change":"vanished","id":3}`)
}

// TestIncompletePullLetsNothingVanish pulls what is said to be a part.
func TestIncompletePullLetsNothingVanish(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1}`, `{"id":2}`})
	p.wantEvents(`{"_change":"new","id":1}`, `{"_change":"new","id":2}`)
	p.serve([]string{`{"id":1,"a":1}`}, nil)
	first := p.api.pages["0"]
	p.api.pages["0"] = func(w http.ResponseWriter) {
		first(w)
		if _, err := p.Service.Store.SQL().Exec(`UPDATE run SET incomplete = 'the plan ends the list' WHERE state = 'running'`); err != nil {
			t.Error(err)
		}
	}
	if run := p.wantEvents(`{"_change":"changed","id":1,"a":1}`); run.State != sallyport.RunSucceeded || run.Incomplete != "the plan ends the list" {
		t.Errorf("run %s, incomplete: %s", run.State, run.Incomplete)
	}
	p.serve([]string{`{"id":1,"a":1}`})
	p.wantEvents(`{"_change":"vanished","id":2}`)
}

// TestBrokenPageIsNoPull judges records of a page that is broken off, and wants them judged again.
func TestBrokenPageIsNoPull(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1}`})
	p.api.pages["0"] = func(w http.ResponseWriter) { fmt.Fprint(w, `{"results":[{"id":1},{"id":2},{"id"`) }
	if run := p.wantEvents(); run.State != sallyport.RunWaiting || run.Seen != 0 {
		t.Errorf("run %s with %d seen", run.State, run.Seen)
	}
	p.serve([]string{`{"id":1}`, `{"id":2}`})
	p.wantEvents(`{"_change":"new","id":1}`, `{"_change":"new","id":2}`)
}

// TestLargePagesOfChanges reads pages that are staged while they are read, of which the second is broken off once.
func TestLargePagesOfChanges(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	page := func(first int) (records []string) {
		for i := range 1000 {
			records = append(records, fmt.Sprintf(`{"id":%d,"text":"%s"}`, first+i, strings.Repeat("x", large)))
		}
		return records
	}
	p.serve(page(0), page(1000))
	whole := p.api.pages["1"]
	p.api.pages["1"] = func(w http.ResponseWriter) { fmt.Fprintf(w, `{"results":[%s`, strings.Join(page(1000), ",")) }
	if kept, run := p.events(); len(kept) != 1000 || run.State != sallyport.RunWaiting || run.Changes.New != 1000 {
		t.Errorf("%d are kept of a run %s: %+v", len(kept), run.State, run.Changes)
	}
	p.api.pages["1"] = whole
	if kept, run := p.events(); len(kept) != 1000 || run.Changes != (sallyport.Changes{New: 2000}) {
		t.Errorf("%d are kept: %+v", len(kept), run.Changes)
	}
	p.serve(page(500))
	if kept, run := p.events(); len(kept) != 1000 || run.Changes != (sallyport.Changes{Vanished: 1000, Unchanged: 1000}) {
		t.Errorf("%d are kept: %+v", len(kept), run.Changes)
	}
}

// TestLimitedRunRemembersWhatItSaw lets a run wait for its quota between two pages: what it saw before has not vanished after.
func TestLimitedRunRemembersWhatItSaw(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1}`}, []string{`{"id":2}`}, []string{`{"id":3}`})
	p.wantEvents(`{"_change":"new","id":1}`, `{"_change":"new","id":2}`, `{"_change":"new","id":3}`)
	p.serve([]string{`{"id":1}`, `{"id":4}`}, []string{`{"id":3}`})
	rest := p.api.pages["1"]
	p.api.pages["1"] = func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	p.wantEvents(`{"_change":"new","id":4}`)
	p.api.pages["1"] = rest
	p.wake()
	p.wantEvents(`{"_change":"vanished","id":2}`)
	p.serve([]string{`{"id":1}`, `{"id":4}`, `{"id":3}`})
	p.wantEvents()
}

// TestRandomPulls changes a world at random and compares the events with those of a model.
func TestRandomPulls(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	random := rand.New(rand.NewPCG(1, 2))
	known, now := map[int]int{}, map[int]int{}
	for range 12 {
		for range 40 {
			if id := random.IntN(60); random.IntN(3) == 0 {
				delete(now, id)
			} else {
				now[id] = random.IntN(3)
			}
		}
		pages, want := make([][]string, 1+random.IntN(4)), []string{}
		event := func(change sallyport.Change, id, n int) {
			want = append(want, fmt.Sprintf(`{"_change":"%s","id":%d,"n":%d}`, change, id, n))
		}
		for id, n := range now {
			page := random.IntN(len(pages))
			pages[page] = append(pages[page], fmt.Sprintf(`{"id":%d,"n":%d}`, id, n))
			switch before, ok := known[id]; {
			case !ok:
				event(sallyport.ChangeNew, id, n)
			case before < 0:
				event(sallyport.ChangeReturned, id, n)
			case before != n:
				event(sallyport.ChangeChanged, id, n)
			}
		}
		for id, n := range known {
			if _, ok := now[id]; !ok && n >= 0 {
				event(sallyport.ChangeVanished, id, n)
				known[id] = -1
			}
		}
		maps.Copy(known, now)
		slices.Sort(want)
		p.serve(pages...)
		got, _ := p.events()
		if diff := cmp.Diff(want, append([]string{}, got...)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestEmitIsChecked refuses what cannot be.
func TestEmitIsChecked(t *testing.T) {
	p := newPlace(t, nil)
	for emit, want := range map[string]string{"emit: change": `did you mean "changes"`, "emit: changes": "name its fields under request.key"} {
		file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, "flow: g\nsource:\n  connector: rest\n  credential: api\n  request: {url: /}\n  %s\n", emit)}
		_, err := p.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{file}, false)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "flow.yaml:6:") {
			t.Errorf("%s: %v", emit, err)
		}
	}
	p.follow("emit: all", "id")
	exported, err := p.Service.ExportFlow(t.Context(), "f")
	if err != nil || !strings.Contains(string(exported), "emit: all") {
		t.Errorf("exported: %s, %v", exported, err)
	}
	if d, err := p.Service.ChangeFlow(t.Context(), p.user("Ada"), "f"); err != nil || d.Emit != sallyport.EmitAll {
		t.Errorf("a flow that is changed at the pages forgets what it keeps: %+v, %v", d, err)
	}
	flow, err := p.Service.Flow(t.Context(), "f")
	if text, _ := json.Marshal(flow.Source); err != nil || !strings.Contains(string(text), `"emit":"all"`) {
		t.Errorf("shown: %s, %v", text, err)
	}
}

// TestEndedSourceIsNotAskedAgain lets the database fail when the last page is committed and what follows is not: the source has ended, and is
// not read from its beginning again.
func TestEndedSourceIsNotAskedAgain(t *testing.T) {
	p := newPlace(t, nil)
	p.follow("emit: changes", "id")
	p.serve([]string{`{"id":1}`, `{"id":2}`})
	p.wantEvents(`{"_change":"new","id":1}`, `{"_change":"new","id":2}`)
	p.serve([]string{`{"id":2}`, `{"id":3}`})
	p.api.asked = nil
	exec := func(statement string) {
		if _, err := p.Service.Store.SQL().Exec(statement); err != nil {
			t.Error(err)
		}
	}
	exec(`CREATE TRIGGER broken BEFORE UPDATE OF state ON run WHEN NEW.state = 'delivering' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	run, _, err := p.Service.StartRun(t.Context(), actor, "f")
	if err != nil {
		t.Fatal(err)
	}
	run, err = p.Service.Follow(t.Context(), run.ID, time.Second, func(progress service.Progress) {
		if progress.Run.Pulled {
			exec("DROP TRIGGER IF EXISTS broken")
		}
	})
	if err != nil || run.State != sallyport.RunSucceeded || run.Changes != (sallyport.Changes{New: 1, Vanished: 1, Unchanged: 1}) || run.Seen != 2 {
		t.Errorf("run %s, %d seen: %+v, %v", run.State, run.Seen, run.Changes, err)
	}
	if diff := cmp.Diff([]string{"0"}, p.api.asked); diff != "" {
		t.Errorf("pages asked: %s", diff)
	}
}

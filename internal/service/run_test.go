package service_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

const large = 10_000 // bytes of a record of which a thousand are staged

// TestLargePages reads pages that are larger than what one transaction commits: they are staged, and visible only whole.
func TestLargePages(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){
		"0": list(0, 10, 10, "1"), "1": list(10, 1000, large, "2"), "2": list(1010, 5, 10, ""),
	})
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 1015 || run.Pages != 3 {
		t.Errorf("run %s: %d records in %d pages: %s", run.State, run.Records, run.Pages, run.Error)
	}
	if n := p.kept(); n != 1015 {
		t.Errorf("%d records are kept", n)
	}
	if n := p.delivered("out.ndjson"); n != 1015 {
		t.Errorf("%d records are delivered", n)
	}
}

// delivered counts the lines of a file.
func (p *place) delivered(name string) int {
	p.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.Fatal(err)
	}
	return strings.Count(string(content), "\n")
}

// TestBrokenPageLeavesTheOthers breaks a run off within a large page: the pages before it are kept and delivered, nothing of the broken one
// is, and the run goes on there once the page can be read.
func TestBrokenPageLeavesTheOthers(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "large": large} {
		t.Run(name, func(t *testing.T) {
			broken := func(w http.ResponseWriter) { w.Write(records(20, 1000, size)) } // cut off on purpose
			p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, size, "1"), "1": list(10, 10, size, "2"), "2": broken})
			run := p.run()
			if run.State != sallyport.RunWaiting || run.Code != sallyport.Upstream || run.Records != 20 || run.Pages != 2 {
				t.Errorf("run %s (%s): %d records in %d pages: %s", run.State, run.Code, run.Records, run.Pages, run.Error)
			}
			if n := p.kept(); n != 20 {
				t.Errorf("%d records are kept, want those of the two whole pages", n)
			}
			if n := p.delivered("out.ndjson"); n != 20 {
				t.Errorf("%d records are delivered, want those that are kept", n)
			}
			p.api.pages["2"] = list(0, 1, 10, "")
			p.api.asked = nil
			if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 21 {
				t.Errorf("the next run %s with %d records: %s", run.State, run.Records, run.Error)
			}
			if diff := cmp.Diff([]string{"2"}, p.api.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPageThatBreaksOffIsReadAgain loses the connection twice in the middle of a page. The run goes on as if nothing had happened: every
// record is kept once, and is what it was before.
func TestPageThatBreaksOffIsReadAgain(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "large": large} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			second := func(w http.ResponseWriter) {
				if tries++; tries > 2 {
					list(10, 1000, size, "2")(w)
					return
				}
				w.Write(records(10, 800, size)) // cut off on purpose
			}
			p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, size, "1"), "1": second, "2": list(1010, 10, size, "")})
			p.follow("emit: changes", "id")
			run := p.run()
			if run.State != sallyport.RunSucceeded || run.Records != 1020 || run.Pages != 3 || run.Changes != (sallyport.Changes{New: 1020}) {
				t.Errorf("run %s with %d records in %d pages, %+v: %s", run.State, run.Records, run.Pages, run.Changes, run.Error)
			}
			different := map[string]bool{}
			for record, err := range p.Service.Records(t.Context(), p.flow("f").Dataset.ID) {
				if err != nil {
					t.Fatal(err)
				}
				different[string(record)] = true
			}
			if len(different) != 1020 {
				t.Errorf("%d different records are kept", len(different))
			}
			if diff := cmp.Diff([]string{"0", "1", "1", "1", "2"}, p.api.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLimitedRunGoesOnWhereItStood lets a run wait for its quota: it says until when, and goes on at the very page.
func TestLimitedRunGoesOnWhereItStood(t *testing.T) {
	limited := func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": limited})
	run := p.run()
	if run.State != sallyport.RunWaiting || run.Code != sallyport.Limited || run.Records != 10 || run.WaitUntil.Sub(sallyport.Now()).Minutes() < 50 {
		t.Fatalf("run %s (%s) with %d records until %s: %s", run.State, run.Code, run.Records, run.WaitUntil, run.Error)
	}
	p.api.pages["1"] = list(10, 10, 10, "")
	p.api.asked = nil
	p.wake()
	if again := p.run(); again.ID != run.ID || again.State != sallyport.RunSucceeded || again.Records != 20 || again.Error != "" {
		t.Errorf("run %d, then run %d %s with %d records: %s", run.ID, again.ID, again.State, again.Records, again.Error)
	}
	if diff := cmp.Diff([]string{"1"}, p.api.asked); diff != "" {
		t.Errorf("pages asked again: %s", diff)
	}
	p.kept()
}

// wake lets sleeping jobs be due, as if the time had come.
func (p *place) wake() {
	p.Helper()
	for _, statement := range []string{
		`UPDATE river_job SET state = 'available', scheduled_at = CURRENT_TIMESTAMP WHERE state = 'scheduled'`,
		`UPDATE run SET wait_until = 1 WHERE state = 'waiting' AND wait_until > 0`,
		`UPDATE delivery SET wait_until = 1 WHERE state = 'waiting'`,
	} {
		if _, err := p.Service.Store.SQL().Exec(statement); err != nil {
			p.Fatal(err)
		}
	}
}

// TestRotationIsSeenByTheNextRequest changes the key at the API and here while a run is between two pages.
func TestRotationIsSeenByTheNextRequest(t *testing.T) {
	const secondKey = "the-second-key-of-the-api"
	p := newPlace(t, nil)
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": func(w http.ResponseWriter) {
			p.api.key = secondKey
			_, err := p.Service.RotateCredential(t.Context(), actor, "api", map[string]secret.Text{"value": secret.New(secondKey)}, service.WithoutTesting)
			if err != nil {
				t.Error(err)
			}
			list(0, 10, 10, "1")(w)
		},
		"1": list(10, 10, 10, ""),
	}
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 20 {
		t.Errorf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	use, err := p.Service.Credential(t.Context(), "api")
	if err != nil || use.Version != 2 || use.Verdict != sallyport.VerdictValid {
		t.Errorf("credential version %d is %s: %v", use.Version, use.Verdict, err)
	}
}

// TestRejectedKeyIsAskedOnce wants one request for a wrong key, and the credential marked.
func TestRejectedKeyIsAskedOnce(t *testing.T) {
	p := newPlace(t, nil)
	p.api.key = "another-key-than-the-stored-one"
	run := p.run()
	if !run.WaitsForKey() || run.Code != sallyport.Unauthenticated || len(p.api.asked) != 1 {
		t.Errorf("run %s (%s) after %d requests: %s", run.State, run.Code, len(p.api.asked), run.Error)
	}
	use, err := p.Service.Credential(t.Context(), "api")
	if err != nil || use.Verdict != sallyport.VerdictRejected {
		t.Errorf("the credential is %s: %v", use.Verdict, err)
	}
}

// TestChangedSourceEndsItsRun changes what a waiting run reads: its cursor would be wrong.
func TestChangedSourceEndsItsRun(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){
		"0": list(0, 10, 10, "1"),
		"1": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		},
	})
	run := p.run()
	if run.State != sallyport.RunWaiting {
		t.Fatalf("run %s", run.State)
	}
	file := service.FlowFile{Name: "flow.yaml", Data: []byte("flow: f\nsource: {connector: rest, credential: api, request: {url: /other, records: '$'}}\n")}
	if _, err := p.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{file}, false); err != nil {
		t.Fatal(err)
	}
	detail, err := p.Service.Run(t.Context(), run.ID)
	if err != nil || detail.State != sallyport.RunFailed || detail.Code != sallyport.Conflict {
		t.Errorf("run %s (%s): %v", detail.State, detail.Code, err)
	}
}

// TestNewDestinationIsFilledFromWhatIsKept adds a destination after a run: it gets every record without a call.
func TestNewDestinationIsFilledFromWhatIsKept(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 2000, 1000, "")})
	p.run()
	p.api.asked = nil
	other := filepath.Join(p.dir, "other.ndjson")
	p.apply(`{name: lines, connector: file, config: {path: ` + filepath.Join(p.dir, "out.ndjson") + `}}, {name: other, connector: file, config: {path: ` + other + `}}`)
	destinations, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {})
	if err != nil || len(destinations) != 2 || destinations[0].Records != 2000 || destinations[1].Records != 2000 {
		t.Fatalf("%+v: %v", destinations, err)
	}
	if len(p.api.asked) != 0 {
		t.Errorf("%d calls were made", len(p.api.asked))
	}
	if n := p.delivered("other.ndjson"); n != 2000 {
		t.Errorf("%d records are delivered", n)
	}
}

// TestOldKeyProvesNothingAboutTheNew lets a request with the old key be refused while a new one is put in: the run goes on with that.
func TestOldKeyProvesNothingAboutTheNew(t *testing.T) {
	const secondKey = "the-second-key-of-the-api"
	p := newPlace(t, nil)
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": list(0, 10, 10, "1"),
		"1": func(w http.ResponseWriter) {
			if p.api.key == secondKey {
				list(10, 10, 10, "")(w)
				return
			}
			p.api.key = secondKey
			_, err := p.Service.RotateCredential(t.Context(), actor, "api", map[string]secret.Text{"value": secret.New(secondKey)}, service.WithoutTesting)
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusUnauthorized)
		},
	}
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 20 {
		t.Errorf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	if use, err := p.Service.Credential(t.Context(), "api"); err != nil || use.Verdict != sallyport.VerdictValid {
		t.Errorf("the credential is %s: %v", use.Verdict, err)
	}
}

// TestFlowChangesWhileItRuns changes the destination of a flow between two pages: who delivered the old way makes room for the new.
func TestFlowChangesWhileItRuns(t *testing.T) {
	p := newPlace(t, nil)
	table := `{name: table, connector: sqlite, config: {path: ` + filepath.Join(p.dir, "t.db") + `, table: t, mode: %s, key: [id]}}`
	p.apply(strings.ReplaceAll(table, "%s", "append"))
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": list(0, 10, 10, "1"),
		"1": func(w http.ResponseWriter) {
			p.apply(strings.ReplaceAll(table, "%s", "upsert"))
			list(10, 10, 10, "2")(w)
		},
		"2": list(20, 10, 10, ""),
	}
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 30 {
		t.Errorf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	flow, err := p.Service.Flow(t.Context(), "f")
	if err != nil || len(flow.Destinations) != 1 || flow.Destinations[0].Records != 30 {
		t.Errorf("destinations %+v: %v", flow.Destinations, err)
	}
}

// TestRenamedDestinationGoesOn gives a destination another name: it is the same place.
func TestRenamedDestinationGoesOn(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
	p.run()
	p.apply(`{name: renamed, connector: file, config: {path: ` + filepath.Join(p.dir, "out.ndjson") + `}}`)
	destinations, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {})
	if err != nil || len(destinations) != 1 || destinations[0].Name != "renamed" || destinations[0].Records != 10 {
		t.Errorf("%+v: %v", destinations, err)
	}
	if n := p.delivered("out.ndjson"); n != 10 {
		t.Errorf("%d records are delivered", n)
	}
}

// TestFaultOfTheDatabaseIsNotTheRuns lets the database refuse a page: the run is not lost, and asks for that page again.
func TestFaultOfTheDatabaseIsNotTheRuns(t *testing.T) {
	p := newPlace(t, nil)
	exec := func(statement string) {
		if _, err := p.Service.Store.SQL().Exec(statement); err != nil {
			t.Error(err)
		}
	}
	asked := 0
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": list(0, 10, 10, "1"),
		"1": func(w http.ResponseWriter) {
			if asked++; asked == 2 {
				exec("DROP TRIGGER full")
			}
			list(10, 10, 10, "")(w)
		},
	}
	exec("CREATE TRIGGER full BEFORE INSERT ON batch WHEN NEW.seq = 2 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 20 || asked != 2 {
		t.Errorf("run %s with %d records after %d requests: %s", run.State, run.Records, asked, run.Error)
	}
	p.kept()
}

// TestPausedRunGoesOnWhenResumed pauses a flow between two pages.
func TestPausedRunGoesOnWhenResumed(t *testing.T) {
	p := newPlace(t, nil)
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": list(0, 10, 10, "1"),
		"1": func(w http.ResponseWriter) {
			if err := p.Service.SetFlowState(t.Context(), actor, "f", sallyport.FlowPaused); err != nil {
				t.Error(err)
			}
			list(10, 10, 10, "2")(w)
		},
		"2": list(20, 10, 10, ""),
	}
	run, _, err := p.Service.StartRun(t.Context(), actor, "f")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Service.Follow(t.Context(), run.ID, time.Second, func(service.Progress) {})
	if sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("following a paused flow ended with %v", err)
	}
	p.api.pages["1"] = list(10, 10, 10, "2")
	if err := p.Service.SetFlowState(t.Context(), actor, "f", sallyport.FlowActive); err != nil {
		t.Fatal(err)
	}
	if again := p.run(); again.ID != run.ID || again.State != sallyport.RunSucceeded || again.Records != 30 {
		t.Errorf("run %d, then run %d %s with %d records", run.ID, again.ID, again.State, again.Records)
	}
	p.kept()
}

// TestFollowingTwice follows a run in two places of one process: the first to be done does not stop the work of the other.
func TestFollowingTwice(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": list(10, 10, 10, "2"), "2": list(20, 10, 10, "")})
	run, _, err := p.Service.StartRun(t.Context(), actor, "f")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan sallyport.Run, 2)
	for range 2 {
		go func() {
			run, err := p.Service.Follow(t.Context(), run.ID, time.Second, func(service.Progress) {})
			if err != nil {
				t.Error(err)
			}
			ended <- run
		}()
	}
	for range 2 {
		if run := <-ended; run.State != sallyport.RunSucceeded || run.Records != 30 {
			t.Errorf("run %s with %d records", run.State, run.Records)
		}
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, p.api.asked); diff != "" {
		t.Error(diff)
	}
}

// TestRunByHandIsTheOneThatIsDue runs a flow by hand that is due. A server that looks at the schedule later does not pull once more.
func TestRunByHandIsTheOneThatIsDue(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
	p.follow("schedule: {every: 8h}", "id")
	if due := p.flow("f").Source.NextRunAt; due.After(sallyport.Now()) {
		t.Fatalf("it is due at %s only", due)
	}
	p.run()
	next := p.flow("f").Source.NextRunAt
	if hours := next.Sub(sallyport.Now()).Hours(); hours < 7.9 || hours > 8 {
		t.Errorf("it is due again in %.1f hours", hours)
	}
	p.run()
	if again := p.flow("f").Source.NextRunAt; !again.Equal(next) {
		t.Errorf("a run between two times moves the next one from %s to %s", next, again)
	}
}

// TestRefusedFlows are flows that must not be applied, though each of their parts is right.
func TestRefusedFlows(t *testing.T) {
	p := newPlace(t, nil)
	const source = "source: {connector: rest, credential: api, request: {url: /, records: '$', query: {%s}}}\n"
	plain := strings.ReplaceAll(source, "%s", "")
	for name, c := range map[string]struct{ file, want string }{
		"a key in the query": {"flow: g\n" + strings.ReplaceAll(source, "%s", "key: my-own-key"), "key"},
		"twice":              {"flow: g\n" + plain + "---\nflow: G\n" + plain, "described twice"},
		"its own database": {
			"flow: g\n" + plain + "destinations: [{name: t, connector: sqlite, config: {table: run, mode: append, path: " + filepath.Join(p.data, "sallyport.db") + "}}]\n",
			"a file of Sallyport itself",
		},
		"one table in two spellings": {
			"flow: g\n" + plain + "destinations: [{name: a, connector: sqlite, config: {table: t, mode: append, path: " + filepath.Join(p.dir, "x.db") +
				"}}, {name: b, connector: sqlite, config: {table: T, mode: append, path: " + filepath.Join(p.dir, "x.db") + "}}]\n",
			"two must not share",
		},
	} {
		_, err := p.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{{Name: "g.yaml", Data: []byte(c.file)}}, false)
		if code := sallyport.CodeOf(err); code != sallyport.Invalid || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "g.yaml:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package service_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/store"
)

// upstream is a made-up Pulsedive: what it was asked, and what it answers.
type upstream struct {
	mu     sync.Mutex
	asked  []string // method, path and some of the query
	answer func(w http.ResponseWriter, r *http.Request)
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	query := r.URL.Query()
	u.asked = append(u.asked, strings.TrimSpace(r.Method+" "+query.Get("qid")+query.Get("added_after")+query.Get("next")))
	u.answer(w, r)
}

// withUpstream has a flow "p" that reads an endpoint of a made-up Pulsedive.
func withUpstream(t *testing.T, source string, answer func(http.ResponseWriter, *http.Request)) (*place, *upstream) {
	t.Helper()
	p, u := newPlace(t, nil), &upstream{answer: answer}
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	_, err := p.Service.CreateCredential(t.Context(), actor, service.CredentialDraft{
		Name: "pd", Connector: "pulsedive", Public: map[string]string{"address": server.URL}, Secrets: map[string]secret.Text{"key": secret.New(firstKey)},
	}, service.WithoutTesting)
	if err == nil {
		err = p.applySource(source)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, u
}

func (p *place) applySource(source string) error {
	file := service.FlowFile{Name: "p.yaml", Data: fmt.Appendf(nil, "flow: p\nsource: {connector: pulsedive, credential: pd, %s}\n", source)}
	_, err := p.Service.ApplyFlows(p.Context(), actor, []service.FlowFile{file}, false)
	return err
}

// runP runs the flow "p".
func (p *place) runP() sallyport.Run {
	p.Helper()
	run, _, err := p.Service.StartRun(p.Context(), actor, "p")
	if err != nil {
		p.Fatal(err)
	}
	return p.followP(run.ID)
}

func (p *place) followP(id int64) sallyport.Run {
	p.Helper()
	run, err := p.Service.Follow(p.Context(), id, time.Second, func(service.Progress) {})
	if err != nil {
		p.Fatal(err)
	}
	return run
}

// recordsP are the records of the flow "p".
func (p *place) recordsP() (all []string) {
	p.Helper()
	d, err := p.Service.Dataset(p.Context(), "p")
	if err != nil {
		p.Fatal(err)
	}
	for record, err := range p.Service.Records(p.Context(), d.ID) {
		if err != nil {
			p.Fatal(err)
		}
		all = append(all, string(record))
	}
	return all
}

// TestExportKeepsItsInterval pulls the export, and then too early: by hand that is an error, a run that begins nevertheless waits.
func TestExportKeepsItsInterval(t *testing.T) {
	body := "id,risk\n1,high:retired\n2\n"
	p, u := withUpstream(t, `endpoint: csv.export, params: {fields: "id,risk"}`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		fmt.Fprint(w, body)
	})
	body = "id,risk\n1,\"hi"
	if run := p.runP(); run.State != sallyport.RunWaiting || run.Code != sallyport.Upstream || !strings.Contains(run.Error, "breaks off") {
		t.Fatalf("an answer cut off: run %s: %s", run.State, run.Error)
	}
	body = "id,type\n1,ip\n"
	if run := p.runP(); run.State != sallyport.RunFailed || !strings.Contains(run.Error, `no column "risk"`) || len(p.recordsP()) != 0 {
		t.Fatalf("a missing column: run %s: %s", run.State, run.Error)
	}
	body = "id,risk\n1,high:retired\n2\n"
	if run := p.runP(); run.State != sallyport.RunSucceeded || run.Records != 1 || run.Quarantined != 1 {
		t.Fatalf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	quarantined, err := p.Service.Store.Quarantine(t.Context(), "", "", 1, 0)
	if err != nil || len(quarantined) != 1 || string(quarantined[0].Record) != `["2"]` || !strings.Contains(quarantined[0].Reason, "1 cells, and the table has 2 columns") {
		t.Errorf("quarantine: %+v, %v", quarantined, err)
	}
	calls := len(u.asked)
	_, _, err = p.Service.StartRun(t.Context(), actor, "p")
	limit, ok := errors.AsType[*sallyport.Error](err)
	if !ok || limit.Code != sallyport.Limited || time.Until(limit.Until).Hours() < 7.9 || !strings.Contains(err.Error(), "csv.export may be pulled every 8h") {
		t.Errorf("too early by hand: %v", err)
	}
	if err := p.applySource(`endpoint: csv.export, params: {fields: "id,risk"}, schedule: {every: 8h}`); err != nil {
		t.Fatal(err)
	}
	flow, err := p.Service.Flow(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	var run sallyport.Run
	err = p.Service.Store.InTx(t.Context(), func(tx *store.Tx) (err error) { // as the schedule does
		run, _, err = p.Service.Engine.StartRun(t.Context(), tx, flow.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if run = p.followP(run.ID); run.State != sallyport.RunWaiting || run.Code != sallyport.Limited || !run.WaitUntil.Equal(limit.Until) || len(u.asked) != calls {
		t.Errorf("too early by schedule: run %s (%s) until %s after %d calls: %s", run.State, run.Code, run.WaitUntil, len(u.asked)-calls, run.Error)
	}
	if err := p.applySource(`endpoint: csv.export, params: {fields: "id,risk", retired: false}`); err != nil {
		t.Fatal(err)
	}
	if run := p.runP(); run.State != sallyport.RunSucceeded {
		t.Errorf("with other parameters: run %s: %s", run.State, run.Error)
	}
	for schedule, want := range map[string]string{
		"{every: 7h}": "must be at least 8h", `{cron: "0 */4 * * *"}`: "is due again after 4h0m0s", `{cron: "0 0,7 * * *"}`: "is due again after 7h0m0s",
		`{cron: "0 */8 * * *", zone: Europe/Vienna}`: "",
	} {
		err := p.applySource(`endpoint: csv.export, schedule: ` + schedule)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", schedule, err)
		}
	}
}

// TestExportTellsWhatVanished pulls an export from which a row is gone, and then is there again.
func TestExportTellsWhatVanished(t *testing.T) {
	const first, second = "1,high\n", "2,low\n"
	body := first + second
	p, _ := withUpstream(t, `endpoint: csv.export, params: {fields: "id,risk"}`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		fmt.Fprint(w, "id,risk\n"+body)
	})
	d, err := p.Service.Catalogue.Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Endpoint("csv.export")
	if err != nil {
		t.Fatal(err)
	}
	e.MinInterval = 0
	for _, pull := range []struct {
		body string
		want sallyport.Changes
	}{
		{first + second, sallyport.Changes{New: 2}},
		{first, sallyport.Changes{Unchanged: 1, Vanished: 1}},
		{second + first, sallyport.Changes{Unchanged: 1, Returned: 1}},
	} {
		body = pull.body
		if run := p.runP(); run.State != sallyport.RunSucceeded || run.Changes != pull.want {
			t.Errorf("%q: run %s: %+v, want %+v", pull.body, run.State, run.Changes, pull.want)
		}
	}
}

// TestCollectionGoesOnFromRunToRun pulls a TAXII collection in several runs, one of which breaks off.
func TestCollectionGoesOnFromRunToRun(t *testing.T) {
	const page = `{"more":%t,"next":"%s","objects":[%s]}`
	object := func(n int) string { return fmt.Sprintf(`{"id":"indicator--%d","modified":"2026"}`, n) }
	cut, second := true, 2
	p, u := withUpstream(t, `endpoint: taxii.objects`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		w.Header().Set("X-TAXII-Date-Added-Last", fmt.Sprintf("2026-01-01T00:00:0%d.000Z", second))
		switch query := r.URL.Query(); {
		case query.Get("next") == "" && query.Get("added_after") == "":
			w.Header().Set("X-TAXII-Date-Added-Last", "2026-01-01T00:00:01.000Z")
			fmt.Fprintf(w, page, true, "a|1", object(1))
		case cut:
			fmt.Fprint(w, `{"more":false,"objects":[`+object(1)+`,`+object(second)+`,`)
		default:
			fmt.Fprintf(w, page, false, "", object(1)+","+object(second))
		}
	})
	if run := p.runP(); run.State != sallyport.RunWaiting || run.Records != 1 || !strings.Contains(run.Error, "breaks off") {
		t.Fatalf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	cut = false
	if run := p.runP(); run.State != sallyport.RunSucceeded || run.Records != 2 {
		t.Fatalf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	if run := p.runP(); run.State != sallyport.RunSucceeded || run.Records != 0 {
		t.Errorf("without anything new: run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	second = 3
	if run := p.runP(); run.State != sallyport.RunSucceeded || run.Records != 1 {
		t.Errorf("with one more: run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	if diff := cmp.Diff([]string{object(1), object(2), object(3)}, p.recordsP()); diff != "" {
		t.Error(diff)
	}
	want := []string{"GET", "GET a|1", "GET a|1", "GET a|1", "GET a|1", "GET a|1", "GET a|1", "GET 2026-01-01T00:00:01.000Z", "GET 2026-01-01T00:00:01.000Z"}
	if diff := cmp.Diff(want, u.asked); diff != "" {
		t.Error(diff)
	}
	if err := p.applySource(`endpoint: taxii.objects, params: {limit: 500}`); err != nil {
		t.Fatal(err)
	}
	if run := p.runP(); run.State != sallyport.RunSucceeded || u.asked[len(want)] != "GET" {
		t.Errorf("with other parameters: run %s, asked for %v", run.State, u.asked[len(want):])
	}
	if err := p.applySource(`endpoint: taxii.objects, params: {limit: 1001}`); err == nil || !strings.Contains(err.Error(), "source.params.limit") {
		t.Errorf("a limit of 1001: %v", err)
	}
}

// TestScanIsSubmittedOnce stops a run while it asks for a result, and finds one that was killed while it submitted.
func TestScanIsSubmittedOnce(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	polls := 0
	p, u := withUpstream(t, `endpoint: scan.indicator, params: {value: example.com}`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"success":"Added request to queue.","qid":7}`)
			return
		}
		if polls++; polls == 3 {
			stop()
			<-r.Context().Done() // so that it is stopped before it goes on
		}
		if polls < 5 {
			fmt.Fprint(w, `{"qid":7,"status":"processing","error":"Request(s) still processing."}`)
			return
		}
		fmt.Fprint(w, `{"data":{"iid":1,"indicator":"example.com"},"status":"done"}`)
	})
	p.pollAtOnce()
	_, err := p.Service.TestSource(t.Context(), actor, service.SourceDraft{
		Connector: "pulsedive", Credential: "pd", Endpoint: "scan.indicator", Params: map[string]any{"value": "example.com"},
	})
	if sallyport.CodeOf(err) != sallyport.Conflict || !strings.Contains(err.Error(), "has no sample") || len(u.asked) != 0 {
		t.Errorf("a sample: %v after %v", err, u.asked)
	}
	run, _, err := p.Service.StartRun(t.Context(), actor, "p")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Service.Follow(ctx, run.ID, time.Second, func(service.Progress) {}); !errors.Is(err, context.Canceled) {
		t.Fatalf("the run was not stopped: %v", err)
	}
	if again := p.runP(); again.ID != run.ID || again.State != sallyport.RunSucceeded || again.Records != 1 {
		t.Errorf("run %d, then run %d %s with %d records: %s", run.ID, again.ID, again.State, again.Records, again.Error)
	}
	if diff := cmp.Diff([]string{"POST", "GET 7", "GET 7", "GET 7", "GET 7", "GET 7"}, u.asked); diff != "" {
		t.Error(diff)
	}

	u.asked = nil
	if run, _, err = p.Service.StartRun(t.Context(), actor, "p"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Service.Store.SQL().Exec(`UPDATE run SET cursor = 'sending', pages = 1 WHERE id = $1`, run.ID); err != nil {
		t.Fatal(err)
	}
	if run := p.followP(run.ID); run.State != sallyport.RunFailed || run.Code != sallyport.Upstream || !strings.Contains(run.Error, "It is not known") || len(u.asked) != 0 {
		t.Errorf("after a kill: run %s (%s) after %v: %s", run.State, run.Code, u.asked, run.Error)
	}
	if run := p.runP(); run.State != sallyport.RunSucceeded || u.asked[0] != "POST" {
		t.Errorf("the next run: %s after %v: %s", run.State, u.asked, run.Error)
	}
}

// pollAtOnce shortens the pauses of a scan.
func (p *place) pollAtOnce() {
	p.Helper()
	d, err := p.Service.Catalogue.Definition("pulsedive")
	if err != nil {
		p.Fatal(err)
	}
	e, err := d.Endpoint("scan.indicator")
	if err != nil {
		p.Fatal(err)
	}
	e.Poll.Every = sallyport.Duration(time.Millisecond)
}

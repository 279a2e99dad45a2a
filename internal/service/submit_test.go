package service_test

import (
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
)

// scanner takes submissions, and has an answer to each at the second time it is asked. Before that the answers break off so many times.
type scanner struct {
	breaks    int
	endless   string // the qid that is never done
	mu        sync.Mutex
	submitted []string       // the form of each, without the key
	polled    map[string]int // by qid
	says      map[string]func(http.ResponseWriter)
}

func (s *scanner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		r.ParseForm() // a fault shows in the value
		s.submitted = append(s.submitted, fmt.Sprintf("%s %s%s", r.PostForm.Get("value"), r.PostForm.Get("probe"), r.PostForm.Get("submit")))
		if says, ok := s.says[r.PostForm.Get("value")]; ok {
			says(w)
			return
		}
		fmt.Fprintf(w, `{"success":"Added request to queue.","qid":%d}`, 100+len(s.submitted))
		return
	}
	qid := r.URL.Query().Get("qid")
	s.polled[qid]++
	switch n := s.polled[qid]; {
	case n == 1 || qid == s.endless:
		fmt.Fprintf(w, `{"qid":%s,"status":"processing","error":"Request(s) still processing."}`, qid)
		return
	case n < 2+s.breaks:
		w.Header().Set("Content-Length", "1000") // cut off on purpose
	}
	fmt.Fprintf(w, `{"success":"ok","qid":%s,"status":"done","data":{"iid":%s,"risk":"low"}}`, qid, qid)
}

func (s *scanner) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	submitted := s.submitted
	s.submitted = nil
	return submitted
}

// newScans is a flow whose indicators are submitted to a scanner, with answers that are asked for quickly.
func newScans(t *testing.T, indicators string) (*place, *scanner) {
	t.Helper()
	s := &scanner{polled: map[string]int{}, says: map[string]func(http.ResponseWriter){}}
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"results":[%s],"next":null}`, indicators)
	}})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	_, err := p.Service.CreateCredential(t.Context(), actor, service.CredentialDraft{
		Name: "P", Connector: "pulsedive", Public: map[string]string{"address": server.URL}, Secrets: map[string]secret.Text{"key": secret.New(firstKey)},
	}, service.WithoutTesting)
	if err != nil {
		t.Fatal(err)
	}
	err = p.applyFile("flow: answered\nsource: {connector: pulsedive, credential: P, endpoint: scan.answers, params: {flow: f, destination: scan, every: 1s}}\n")
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

const scanDestination = `{name: scan, connector: pulsedive, credential: P, config: {answers: answered, %s}}`

// answered waits until the run that asks for answers has ended, and returns the answers.
func (p *place) answered() []string {
	p.Helper()
	run, _, err := p.Service.StartRun(p.Context(), actor, "answered")
	if err != nil {
		p.Fatal(err)
	}
	if run, err = p.Service.Follow(p.Context(), run.ID, time.Second, func(service.Progress) {}); err != nil || run.State != sallyport.RunSucceeded {
		p.Fatalf("run %s: %s %v", run.State, run.Error, err)
	}
	return p.states("answered")
}

// TestSubmit submits the indicators of a dataset once, whatever their number and spelling, and keeps what comes of them.
func TestSubmit(t *testing.T) {
	p, s := newScans(t, `{"indicator":"hxxp://A.example[.]com/"},{"indicator":"b.example.com"},{"indicator":"10.0.0.1"},{"id":4},{"indicator":"B.example.com"}`)
	p.apply(fmt.Sprintf(scanDestination, "probe: true"))
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Quarantined != 2 {
		t.Errorf("run %s with %d in quarantine: %s", run.State, run.Quarantined, run.Error)
	}
	if diff := cmp.Diff([]string{"http://a.example.com/ 10", "b.example.com 10"}, s.take()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"http://a.example.com/ done", "b.example.com done"}, p.answered()); diff != "" {
		t.Error(diff)
	}
	p.run() // the dataset has them once more
	if again := s.take(); again != nil || len(p.answered()) != 2 {
		t.Errorf("submitted again: %q", again)
	}
}

// TestAnswersAreFree submits as much as the quota allows: asking for the answers takes nothing from it.
func TestAnswersAreFree(t *testing.T) {
	p, s := newScans(t, `{"indicator":"a.example.com"},{"indicator":"b.example.com"}`)
	p.apply(fmt.Sprintf(scanDestination, "field: indicator"))
	err := p.Service.SetQuota(p.Context(), actor, "P", service.QuotaChange{Limits: map[string]int64{sallyport.WindowDay: 2}})
	if err != nil {
		t.Fatal(err)
	}
	p.run()
	if diff := cmp.Diff([]string{"a.example.com done", "b.example.com done"}, p.answered()); diff != "" || len(s.take()) != 2 {
		t.Error(diff)
	}
}

// TestAnswersThatBreakOff loses the connection once with each of many answers, or for ever with one, behind one that is not done.
func TestAnswersThatBreakOff(t *testing.T) {
	var many []string
	for i := range 8 {
		many = append(many, fmt.Sprintf(`{"indicator":"%c.example.com"}`, 'a'+i))
	}
	p, s := newScans(t, strings.Join(many, ","))
	s.breaks = 1
	p.apply(fmt.Sprintf(scanDestination, "field: indicator"))
	p.run()
	if answered := p.answered(); len(answered) != len(many) {
		t.Errorf("answered: %q", answered)
	}

	p, s = newScans(t, `{"indicator":"a.example.com"},{"indicator":"b.example.com"}`)
	s.breaks, s.endless = 1000, "101"
	p.apply(fmt.Sprintf(scanDestination, "field: indicator"))
	p.run()
	run := p.runOf("answered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if run.State != sallyport.RunWaiting || run.Code != sallyport.Upstream || s.polled["102"] != 1+5 {
		t.Errorf("run %s after %d looks: %s", run.State, s.polled["102"], run.Error)
	}
}

// TestAnswersHaveAShape wants what comes of a scan in the form of an indicator, and its original beside it if that is asked for.
func TestAnswersHaveAShape(t *testing.T) {
	p, _ := newScans(t, `{"indicator":"a.example.com"}`)
	err := p.applyFile("flow: answered\nsource: {connector: pulsedive, credential: P, endpoint: scan.answers, params: {flow: f, destination: scan, every: 1s}, raw: true}\n")
	if err != nil {
		t.Fatal(err)
	}
	p.apply(fmt.Sprintf(scanDestination, "field: indicator"))
	p.run()
	p.answered()
	d, err := p.Service.Dataset(p.Context(), "answered")
	if err != nil {
		t.Fatal(err)
	}
	for record, err := range p.Service.Records(p.Context(), d.ID) {
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"iid":101,"indicator":null`, `"risk":"low","retired":false`, `"links":{}`, `"_raw":{"iid":101,"risk":"low"}}`} {
			if !strings.Contains(string(record), want) {
				t.Errorf("%s has no %s", record, want)
			}
		}
	}
}

// TestSubmitRefused has each kind of failure: what certainly was not submitted is told from what may have been.
func TestSubmitRefused(t *testing.T) {
	p, s := newScans(t, `{"indicator":"a.example.com"},{"indicator":"b.example.com"},{"indicator":"c.example.com"},{"indicator":"d.example.com"}`)
	s.says["a.example.com"] = func(w http.ResponseWriter) { w.WriteHeader(400); fmt.Fprint(w, `{"error":"Invalid value."}`) }
	s.says["b.example.com"] = func(w http.ResponseWriter) { w.WriteHeader(502) }
	limited := func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	}
	s.says["c.example.com"] = limited
	p.apply(fmt.Sprintf(scanDestination, "field: indicator"))
	if run := p.run(); run.State != sallyport.RunDelivering || run.WaitUntil.IsZero() {
		t.Errorf("run %s until %s: %s", run.State, run.WaitUntil, run.Error)
	}
	delete(s.says, "c.example.com")
	p.wake()
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Errorf("run %s: %s", run.State, run.Error)
	}
	want := []string{"a.example.com 00", "b.example.com 00", "c.example.com 00", "c.example.com 00", "d.example.com 00"}
	if diff := cmp.Diff(want, s.take()); diff != "" {
		t.Error(diff)
	}
	all, err := p.Service.Quarantine(t.Context(), "f", "", 10, 0)
	if err != nil || len(all) != 2 || !strings.Contains(all[1].Reason, "Invalid value") || !strings.Contains(all[0].Reason, "not known whether") {
		t.Errorf("%+v %v", all, err)
	}
	delete(s.says, "b.example.com")
	p.replay(service.Selection{Flow: "f"}) // a person looked, and wants them submitted
	if diff := cmp.Diff([]string{"a.example.com 00", "b.example.com 00"}, s.take()); diff != "" {
		t.Error(diff)
	}
}

// TestAnswersFlowIsMade applies a flow with such a destination: what takes the answers is made with it.
func TestAnswersFlowIsMade(t *testing.T) {
	p, _ := newScans(t, "")
	p.apply(`{name: look, connector: pulsedive, credential: P}`)
	f, err := p.Service.Flow(t.Context(), "f look answers")
	if err != nil || f.Source.Endpoint != "scan.answers" || f.Source.Params["destination"] != "look" {
		t.Errorf("%+v: %v", f.Source, err)
	}
	for params, want := range map[string]string{"probe: maybe": "true or false", "fild: x": `did you mean "field"`, "again_after: x": "no duration"} {
		text := "flow: g\nsource: {connector: rest, credential: api, request: {url: /}}\ndestinations: [{name: s, connector: pulsedive, credential: P, config: {" + params + "}}]\n"
		if err := p.applyFile("%s", text); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", params, err)
		}
	}
}

// TestAnswersFollowARename renames a destination: the flow that keeps the results of its submissions stays the same one.
func TestAnswersFollowARename(t *testing.T) {
	p, _ := newScans(t, `{"indicator":"a.example.com"}`)
	p.apply(`{name: scan, connector: pulsedive, credential: P, config: {probe: true}}`)
	p.apply(`{name: thorough, connector: pulsedive, credential: P, config: {probe: true}}`)
	flows, err := p.Service.Flows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]any{}
	for _, f := range flows {
		if f.Source.Endpoint == "scan.answers" {
			asked[f.Name] = f.Source.Params["destination"]
		}
	}
	want := map[string]any{"answered": "thorough"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

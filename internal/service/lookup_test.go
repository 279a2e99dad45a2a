package service_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// pulsedive answers about indicators, after it has said no to those that it is told to.
type pulsedive struct {
	mu      sync.Mutex
	asked   []string
	limited string // the indicator at which it is too much
}

func (p *pulsedive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	value := r.URL.Query().Get("indicator")
	p.asked = append(p.asked, value)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case value == p.limited:
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	case strings.HasPrefix(value, "unknown"):
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":"Indicator not found."}`)
	default:
		fmt.Fprintf(w, `{"iid":%d,"indicator":%q,"risk":"low"}`, len(value), value)
	}
}

func (p *pulsedive) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// newLookup is the program with a credential for a Pulsedive of its own.
func newLookup(t *testing.T) (*place, *pulsedive) {
	t.Helper()
	p, api := newPlace(t, nil), new(pulsedive)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	_, err := p.Service.CreateCredential(t.Context(), actor, service.CredentialDraft{
		Name: "P", Connector: "pulsedive", Public: map[string]string{"address": server.URL}, Secrets: map[string]secret.Text{"key": secret.New(firstKey)},
	}, service.WithoutTesting)
	if err != nil {
		t.Fatal(err)
	}
	return p, api
}

func (p *place) applyFile(text string, args ...any) error {
	_, err := p.Service.ApplyFlows(p.Context(), actor, []service.FlowFile{{Name: "x.yaml", Data: fmt.Appendf(nil, text, args...)}}, false)
	return err
}

// runOf runs a flow to its end, or until it waits.
func (p *place) runOf(flow string) sallyport.Run {
	p.Helper()
	run, _, err := p.Service.StartRun(p.Context(), actor, flow)
	if err != nil {
		p.Fatal(err)
	}
	if run, err = p.Service.Follow(p.Context(), run.ID, time.Second, func(service.Progress) {}); err != nil {
		p.Fatal(err)
	}
	return run
}

// states are the answers of a flow's dataset, in order.
func (p *place) states(flow string) (all []string) {
	p.Helper()
	d, err := p.Service.Dataset(p.Context(), flow)
	if err != nil {
		p.Fatal(err)
	}
	for record, err := range p.Service.Records(p.Context(), d.ID) {
		if err != nil {
			p.Fatal(err)
		}
		fields := strings.Split(string(record), `"`)
		all = append(all, fields[3]+" "+fields[7]) // {"asked":"…","state":"…"
	}
	return all
}

const lookupFlow = "flow: %s\nsource: {connector: pulsedive, credential: P, endpoint: indicator.lookup, params: {%s}}\n"

// TestLookupWaitsAndGoesOn uses up the quota in the midst of a file: the run goes on at the very indicator, and the next one asks nothing.
func TestLookupWaitsAndGoesOn(t *testing.T) {
	p, api := newLookup(t)
	list := filepath.Join(p.dir, "list.txt")
	if err := os.WriteFile(list, []byte("a.example.com\nunknown.example.com\n10.0.0.1\nc[.]example[.]com\nA.example.com\nd.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.applyFile(lookupFlow, "l", "file: "+list); err != nil {
		t.Fatal(err)
	}
	api.limited = "c.example.com"
	if run := p.runOf("l"); run.State != sallyport.RunWaiting || run.Pages != 2 || run.Records != 3 {
		t.Fatalf("run %s after %d calls with %d records: %s", run.State, run.Pages, run.Records, run.Error)
	}
	api.limited = ""
	p.wake()
	if run := p.runOf("l"); run.State != sallyport.RunSucceeded || run.Pages != 4 || run.Records != 5 {
		t.Errorf("run %s after %d calls with %d records: %s", run.State, run.Pages, run.Records, run.Error)
	}
	want := []string{"a.example.com found", "unknown.example.com not_found", "10.0.0.1 skipped", "c.example.com found", "d.example.com found"}
	if diff := cmp.Diff(want, p.states("l")); diff != "" {
		t.Error(diff)
	}
	asked := []string{"a.example.com", "unknown.example.com", "c.example.com", "c.example.com", "d.example.com"}
	if diff := cmp.Diff(asked, api.take()); diff != "" {
		t.Error(diff)
	}
	if run := p.runOf("l"); run.State != sallyport.RunSucceeded || run.Pages != 0 || run.Records != 5 || len(api.take()) != 0 {
		t.Errorf("the second run made %d calls for %d records: %s", run.Pages, run.Records, run.Error)
	}
}

// TestLookupOfAChangedFile changes the list while its run waits: places in the old one mean nothing in the new one.
func TestLookupOfAChangedFile(t *testing.T) {
	p, api := newLookup(t)
	list := filepath.Join(p.dir, "list.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.example.com\nb.example.com\n")
	if err := p.applyFile(lookupFlow, "l", "file: "+list); err != nil {
		t.Fatal(err)
	}
	api.limited = "b.example.com"
	p.runOf("l")
	write("c.example.com\na.example.com\n")
	p.wake()
	if run := p.runOf("l"); run.State != sallyport.RunFailed || run.Code != sallyport.Conflict || !strings.Contains(run.Error, "was changed") {
		t.Errorf("run %s (%s): %s", run.State, run.Code, run.Error)
	}
	api.take()
	if run := p.runOf("l"); run.State != sallyport.RunSucceeded || run.Records != 2 || len(api.take()) != 1 {
		t.Errorf("run %s with %d records: %s", run.State, run.Records, run.Error)
	}
}

// TestLookupOfADataset asks about what another flow keeps, once however often it is kept there.
func TestLookupOfADataset(t *testing.T) {
	p, api := newLookup(t)
	p.api.pages = map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"results":[{"ioc":"a.example.com"},{"ioc":"b.example.com"},{"ioc":null},{"ioc":"a.example.com"}],"next":null}`)
	}}
	if err := p.applyFile(lookupFlow, "l", "dataset: nothing"); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("a flow that is not there: %v", err)
	}
	if err := p.applyFile(lookupFlow, "l", "dataset: F, field: ioc"); err != nil {
		t.Fatal(err)
	}
	if run := p.runOf("l"); run.State != sallyport.RunSucceeded || run.Records != 0 || run.Pages != 0 {
		t.Errorf("an empty dataset: run %s with %d records: %s", run.State, run.Records, run.Error)
	}
	p.run()
	p.run()
	if run := p.runOf("l"); run.State != sallyport.RunSucceeded || run.Records != 3 || run.Pages != 2 {
		t.Errorf("run %s with %d records after %d calls: %s", run.State, run.Records, run.Pages, run.Error)
	}
	if diff := cmp.Diff([]string{"a.example.com found", "b.example.com found", " skipped"}, p.states("l")); diff != "" {
		t.Error(diff)
	}
	api.take()
}

// TestLookupRefused are lists that must not be read.
func TestLookupRefused(t *testing.T) {
	p, api := newLookup(t)
	for params, want := range map[string]string{
		"file: " + filepath.Join(p.data, "master.key"): "is a file of Sallyport itself",
		"indicators: [a.example.com], file: x":         "cannot be given together",
		"indicators: [a.example.com], max_age: soon":   `"soon" is no duration`,
	} {
		if err := p.applyFile(lookupFlow, "l", params); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", params, err)
		}
	}
	if err := p.applyFile(lookupFlow, "l", "file: "+filepath.Join(p.dir, "none.txt")); err != nil {
		t.Fatal(err)
	}
	if run := p.runOf("l"); run.State != sallyport.RunFailed || run.Code != sallyport.Invalid || !strings.Contains(run.Error, "none.txt cannot be read") {
		t.Errorf("run %s (%s): %s", run.State, run.Code, run.Error)
	}
	if asked := api.take(); len(asked) > 0 {
		t.Errorf("%d calls were spent", len(asked))
	}
}

// TestLookupSample tests a list twice: the second time costs nothing, and says so.
func TestLookupSample(t *testing.T) {
	p, api := newLookup(t)
	draft := service.SourceDraft{Connector: "pulsedive", Credential: "P", Endpoint: "indicator.lookup",
		Params: map[string]any{"indicators": "a.example.com,b.example.com,10.0.0.1"}}
	for i, want := range []service.Sample{{Pages: 2, Free: 1}, {Pages: 0, Free: 3}} {
		got, err := p.Service.TestSource(t.Context(), actor, draft)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Records) != 3 || got.Pages != want.Pages || got.Free != want.Free || got.More || len(api.take()) != want.Pages {
			t.Errorf("test %d: %d records, %d calls, %d free, more %t", i, len(got.Records), got.Pages, got.Free, got.More)
		}
	}
}

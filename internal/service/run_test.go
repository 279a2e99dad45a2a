package service_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	content, err := os.ReadFile(filepath.Join(p.dir, "out.ndjson"))
	if err != nil || strings.Count(string(content), "\n") != 1015 {
		t.Errorf("%d lines were delivered: %v", strings.Count(string(content), "\n"), err)
	}
}

// TestBrokenPageLeavesTheOthers breaks a run off within a large page: the pages before it are kept and delivered, nothing of the broken one
// is, and the next run begins anew.
func TestBrokenPageLeavesTheOthers(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "large": large} {
		t.Run(name, func(t *testing.T) {
			broken := func(w http.ResponseWriter) { w.Write(records(20, 1000, size)) } // cut off on purpose
			p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, size, "1"), "1": list(10, 10, size, "2"), "2": broken})
			run := p.run()
			if run.State != sallyport.RunFailed || run.Code != sallyport.Upstream || run.Records != 20 || run.Pages != 2 {
				t.Errorf("run %s (%s): %d records in %d pages: %s", run.State, run.Code, run.Records, run.Pages, run.Error)
			}
			if n := p.kept(); n != 20 {
				t.Errorf("%d records are kept, want those of the two whole pages", n)
			}
			p.api.pages["2"] = list(0, 1, 10, "")
			p.api.asked = nil
			if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 21 {
				t.Errorf("the next run %s with %d records: %s", run.State, run.Records, run.Error)
			}
			if diff := cmp.Diff([]string{"0", "1", "2"}, p.api.asked); diff != "" {
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
		`UPDATE run SET wait_until = 1 WHERE state = 'waiting'`,
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
	if run.State != sallyport.RunFailed || run.Code != sallyport.Unauthenticated || len(p.api.asked) != 1 {
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
	content, err := os.ReadFile(other)
	if err != nil || strings.Count(string(content), "\n") != 2000 {
		t.Errorf("%d lines: %v", strings.Count(string(content), "\n"), err)
	}
}

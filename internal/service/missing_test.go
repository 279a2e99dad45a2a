package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// TestMissingSourceFailsTheRun: a first request for something that does not exist fails the run as not found, in the system's own words,
// and nothing counts as vanished.
func TestMissingSourceFailsTheRun(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
	p.follow("emit: changes", "id")
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatal(run.Error)
	}
	p.api.pages["0"] = func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":"Feed not found."}`)
	}
	run := p.run()
	if run.State != sallyport.RunFailed || run.Code != sallyport.NotFound || !strings.Contains(run.Error, "404") {
		t.Errorf("the run is %s, %s: %s", run.State, run.Code, run.Error)
	}
	if run.Changes != (sallyport.Changes{}) {
		t.Errorf("changes %+v", run.Changes)
	}
}

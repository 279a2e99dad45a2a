package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestCountsOfAThreatAreNoChange pulls a threat and a feed again after the indicators behind their counts have changed.
func TestCountsOfAThreatAreNoChange(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Options{Records: 1200, Oddities: []string{"shapes-2025"}})
	if err != nil {
		t.Fatal(err)
	}
	address, _, err := s.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	h.run(s.CreateKey("test"), "credential", "add", "pulsedive", "--name", "P", "--set", "address="+address, "--secret-stdin")
	h.write("f.yaml", `flow: f
source: {connector: pulsedive, credential: P, endpoint: threat.get, params: {threat: Zbot}}
destinations: [{name: file, connector: file, config: {path: f.ndjson}}]
`)
	h.run("", "flow", "apply", "-f", "f.yaml")
	run := func() (changes sallyport.Changes) {
		t.Helper()
		var r sallyport.Run
		if err := json.Unmarshal([]byte(h.run("", "--output", "json", "flow", "run", "f", "--follow")), &r); err != nil {
			t.Fatal(err)
		}
		return r.Changes
	}
	counts := func() string { return h.run("", "--output", "json", "source", "test", "-f", "f.yaml") }
	if got := run(); got != (sallyport.Changes{New: 1}) {
		t.Fatalf("the first run: %+v", got)
	}
	before := counts()
	for range 3 {
		s.Advance()
	}
	if before == counts() {
		t.Fatal("the counts are the same as before")
	}
	if got := run(); got != (sallyport.Changes{Unchanged: 1}) {
		t.Errorf("after the counts have moved: %+v", got)
	}
}

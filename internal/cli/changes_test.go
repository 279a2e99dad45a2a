package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestChangesOfTheSandbox runs a flow while the sandbox's data change, and wants of every run what the sandbox says that has changed.
func TestChangesOfTheSandbox(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Options{Records: 1200})
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
source: {connector: pulsedive, credential: P, endpoint: feed.indicators, params: {fid: 1}}
destinations:
- {name: table, connector: sqlite, config: {path: f.db, table: indicators, key: [iid], mode: upsert}}
`)
	h.run("", "flow", "apply", "-f", "f.yaml")
	run := func() (r sallyport.Run) {
		t.Helper()
		if err := json.Unmarshal([]byte(h.run("", "--output", "json", "flow", "run", "f", "--follow")), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if first := run(); first.Changes != (sallyport.Changes{New: first.Seen}) || first.Seen < 1000 {
		t.Errorf("the first run: %+v", first)
	}
	for range 3 {
		want, got := s.Advance(), run().Changes
		if got.New != int64(want.New) || got.Missing != int64(want.Vanished) || got.Vanished != 0 ||
			got.Changed+got.Retired+got.Returned != int64(want.Changed+want.Retired+want.Returned) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		again := run() // what was missing in two pulls of the pages has vanished
		if again.Records != int64(want.Vanished) || again.Changes.Vanished != int64(want.Vanished) || again.Changes.Unchanged != again.Seen {
			t.Errorf("nothing changed but %d that vanished, and a run found %+v", want.Vanished, again.Changes)
		}
	}
}

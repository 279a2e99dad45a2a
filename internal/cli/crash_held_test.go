package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

const shrinkRecords = 4000

// shrinkingAPI serves one response with records, of which three quarters go and the others change once it has shrunk.
type shrinkingAPI struct {
	shrunk   atomic.Bool
	requests atomic.Int64
}

func (a *shrinkingAPI) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	a.requests.Add(1)
	w.Header().Set("Content-Type", "application/json")
	separator, step := `{"results":[`, 1
	if a.shrunk.Load() {
		step = 4
	}
	for id := 0; id < shrinkRecords; id += step {
		fmt.Fprintf(w, `%s{"id":%d,"step":%d,"text":%q}`, separator, id, step, bytes.Repeat([]byte("record "), 20))
		separator = ","
	}
	fmt.Fprint(w, `],"next":null}`)
}

// TestKilledBetweenHoldAndAccept kills a process once a pull is held, and others at random instants while they accept it. The pull is
// delivered once, exactly as it was pulled, and nothing is requested for that.
func TestKilledBetweenHoldAndAccept(t *testing.T) {
	t.Parallel()
	api := &shrinkingAPI{}
	server := httptest.NewServer(api)
	defer server.Close()
	h := newHome(t)
	h.setUp(server.URL, "key-of-the-crash-test", "held")
	h.emit("held", "  emit: changes\n  confirm: 1\n")
	begin := time.Now()
	h.run("", "flow", "run", "held", "--follow")
	whole := time.Since(begin)
	api.shrunk.Store(true)
	h.run("", "flow", "run", "held")
	h.killWhen(func() bool { return h.state("held") == "held" }, "serve", "--addr", "127.0.0.1:0")
	requests := api.requests.Load()
	h.eventsAre("held", map[string]int{"new": shrinkRecords})
	for range 3 {
		accept := h.command("", "flow", "accept", "held")
		if err := accept.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(rand.N(whole), func() { accept.Process.Kill() }) // it may have ended
		accept.Wait()                                                   // killed, done, or refused because it is accepted already
	}
	switch h.state("held") {
	case "held":
		h.run("", "flow", "accept", "held")
	case "succeeded":
	default:
		h.run("", "flow", "run", "held", "--follow")
	}
	if n := api.requests.Load() - requests; n != 0 || h.state("held") != "succeeded" {
		t.Errorf("run %s after %d requests", h.state("held"), n)
	}
	h.eventsAre("held", map[string]int{"new": shrinkRecords, "changed": shrinkRecords / 4, "vanished": shrinkRecords / 4 * 3})
}

// eventsAre wants so many events of each change, each once, in the dataset and the file, and as many rows in the table.
func (h home) eventsAre(flow string, want map[string]int) {
	h.Helper()
	file, err := os.ReadFile(filepath.Join(h.dir, flow+".ndjson"))
	if err != nil {
		h.Fatal(err)
	}
	h.eventsOnce("dataset", []byte(h.run("", "dataset", "export", flow)), want)
	h.eventsOnce("file", file, want)
	all := 0
	for _, n := range want {
		all += n
	}
	if n := len(h.tableIDs(flow)); n != all {
		h.Errorf("the table has %d rows, want %d", n, all)
	}
}

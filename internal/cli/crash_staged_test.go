package cli_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// heavyPage serves one page of about 10 MB. The first response stops in its middle and waits there.
type heavyPage struct{ asked atomic.Int64 }

const (
	heavyRecords = 1010
	heavyHalf    = 850 // more than is staged at once, twice
)

func (p *heavyPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first := p.asked.Add(1) == 1
	w.Header().Set("Content-Type", "application/json")
	separator := `{"results":[`
	for id := range heavyRecords {
		if first && id == heavyHalf {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		fmt.Fprintf(w, `%s{"id":%d,"text":%q}`, separator, id, strings.Repeat("0123456789", 1000))
		separator = ","
	}
	fmt.Fprint(w, `],"next":null}`)
}

// TestKilledWithinALargePage kills a process that has stored a part of a page which it was still reading. The next run gives every record
// once: in the dataset, in the file and in the table.
func TestKilledWithinALargePage(t *testing.T) {
	t.Parallel()
	for name, emit := range map[string]string{"all": "", "changes": "  emit: changes\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := httptest.NewServer(new(heavyPage))
			defer api.Close()
			h := newHome(t)
			h.setUp(api.URL, "key-of-the-crash-test", "heavy")
			h.emit("heavy", emit)
			h.killWhen(h.staged, "flow", "run", "heavy", "--follow")
			h.run("", "flow", "run", "heavy", "--follow")
			file, err := os.Open(filepath.Join(h.dir, "heavy.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for where, all := range map[string][]int{
				"dataset": ids(h, strings.NewReader(h.run("", "dataset", "export", "heavy"))), "file": ids(h, file), "table": h.tableIDs("heavy"),
			} {
				slices.Sort(all)
				if different := len(slices.Compact(slices.Clone(all))); len(all) != heavyRecords || different != heavyRecords {
					t.Errorf("%s: %d records, %d different ones, want %d", where, len(all), different, heavyRecords)
				}
			}
		})
	}
}

// emit adds a line to the source of a flow.
func (h home) emit(flow, line string) {
	h.Helper()
	name := filepath.Join(h.dir, flow+".yaml")
	content, err := os.ReadFile(name)
	if err != nil {
		h.Fatal(err)
	}
	h.write(flow+".yaml", strings.Replace(string(content), "destinations:", line+"destinations:", 1))
	h.run("", "flow", "apply", "-f", flow+".yaml")
}

// staged reports whether the database holds batches of a page that is not complete.
func (h home) staged() bool {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "data", "sallyport.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM batch WHERE seq IS NULL").Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n > 0
}

// killWhen runs a command and kills it as soon as something is so.
func (h home) killWhen(so func() bool, args ...string) {
	h.Helper()
	cmd := h.command("", args...)
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for again := time.Tick(5 * time.Millisecond); !so(); {
		select {
		case err := <-ended:
			h.Fatalf("the process ended by itself: %v", err)
		case <-again:
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		h.Fatal(err)
	}
	<-ended
}

package cli_test

import (
	"database/sql"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReplayKilledAtAnyInstant lets a table reject every second record, mends the table, and kills a real process at random instants while
// it replays them. Replayed to the end, every record is there once: in the table, and as before in the file and the dataset.
func TestReplayKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(listAPI))
	defer api.Close()
	h := newHome(t)
	h.mendedTable(api.URL, "calm")
	begin := time.Now()
	h.run("", "quarantine", "replay", "calm")
	whole := time.Since(begin)
	h.everyRecordOnce("calm")
	killed := 0
	for range 6 {
		h := newHome(t)
		h.mendedTable(api.URL, "crash")
		for blows := 0; blows < 3 && h.killAfter(rand.N(whole), "quarantine", "replay", "crash"); blows++ {
			killed++
		}
		if out := h.run("", "quarantine", "replay", "crash"); !strings.Contains(out, "up to date") {
			t.Errorf("after %d blows: %s", killed, out)
		}
		h.everyRecordOnce("crash")
		if out := h.run("", "quarantine", "list", "--limit", "1"); !strings.Contains(out, "Nothing") {
			t.Errorf("in quarantine: %s", out)
		}
	}
	if killed == 0 {
		t.Error("no process was killed: the test showed nothing")
	}
	t.Logf("killed %d processes, at %s", killed, whole)
}

// mendedTable runs a flow whose table takes only records with odd numbers, and then lets the table take all.
func (h home) mendedTable(address, flow string) {
	h.Helper()
	h.exec(flow, "CREATE TABLE records (id INTEGER CHECK (id % 2 = 1), text TEXT)")
	h.setUp(address, "key-of-the-crash-test", flow)
	run := h.command("", "flow", "run", flow, "--follow")
	if output, _ := run.CombinedOutput(); run.ProcessState.ExitCode() != 8 {
		h.Fatalf("the table rejected nothing: %s", output)
	}
	h.exec(flow, "ALTER TABLE records RENAME TO old; CREATE TABLE records (id INTEGER, text TEXT); INSERT INTO records SELECT * FROM old; DROP TABLE old")
}

func (h home) exec(flow, statement string) {
	h.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, flow+".db"))
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		h.Fatal(err)
	}
}

package cli_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

const (
	crashPages    = 60
	crashPageSize = 150
	crashRecords  = crashPages * crashPageSize
)

// listAPI serves pages of records that are numbered from 0, each padded so that a run commits several times.
func listAPI(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	var b bytes.Buffer
	b.WriteString(`{"results":[`)
	for i := range crashPageSize {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"text":%q}`, page*crashPageSize+i, strings.Repeat("record ", 100))
	}
	next := strconv.Itoa(page + 1)
	if page == crashPages-1 {
		next = "null"
	}
	fmt.Fprintf(&b, `],"next":%s}`, next)
	w.Header().Set("Content-Type", "application/json")
	w.Write(b.Bytes())
}

// TestKilledAtAnyInstant kills a real process at twenty random instants of a run, runs it again to its end, and wants every record once: in
// the dataset, in the file and in the table.
func TestKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(listAPI))
	defer api.Close()
	h := newHome(t)
	h.setUp(api.URL, "key-of-the-crash-test", "calm")
	begin := time.Now()
	h.run("", "flow", "run", "calm", "--follow")
	whole := time.Since(begin)
	h.everyRecordOnce("calm")
	killed := 0
	for range 20 {
		h := newHome(t)
		h.setUp(api.URL, "key-of-the-crash-test", "crash")
		for blows := 0; !h.finished("crash"); blows++ { // a run more after that would pull everything again
			if blows == 2 {
				h.run("", "flow", "run", "crash", "--follow")
			} else if h.killAfter(rand.N(whole), "flow", "run", "crash", "--follow") {
				killed++
			}
		}
		h.everyRecordOnce("crash")
	}
	if killed == 0 {
		t.Error("no process was killed: the test showed nothing")
	}
	t.Logf("killed %d processes", killed)
}

// killAfter runs a command and kills it after a while. It returns false if the command ended before.
func (h home) killAfter(d time.Duration, args ...string) (killed bool) {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), d)
	defer cancel()
	cmd := h.command("", args...)
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			h.Errorf("the process ended by itself: %v", err)
		}
		return false
	case <-ctx.Done():
		if err := cmd.Process.Kill(); err != nil {
			h.Logf("kill: %v", err)
		}
		_, isExit := (<-ended).(*exec.ExitError)
		return isExit
	}
}

// finished tells whether the flow's last run succeeded.
func (h home) finished(flow string) bool {
	h.Helper()
	var runs []struct{ State string }
	if err := json.Unmarshal([]byte(h.run("", "--output", "json", "run", "list", "--flow", flow)), &runs); err != nil {
		h.Fatal(err)
	}
	return len(runs) > 0 && runs[0].State == "succeeded"
}

func (h home) everyRecordOnce(flow string) {
	h.Helper()
	h.once("dataset", ids(h, strings.NewReader(h.run("", "dataset", "export", flow))))
	file, err := os.Open(filepath.Join(h.dir, flow+".ndjson"))
	if err != nil {
		h.Fatal(err)
	}
	defer file.Close()
	h.once("file", ids(h, file))
	h.once("table", h.tableIDs(flow))
}

func (h home) once(where string, ids []int) {
	h.Helper()
	times := make([]int, crashRecords)
	for _, id := range ids {
		times[id]++
	}
	lost, doubled := 0, 0
	for _, n := range times {
		switch {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	if lost+doubled > 0 {
		h.Errorf("%s: of %d records %d are lost and %d doubled", where, crashRecords, lost, doubled)
	}
}

func ids(h home, r interface{ Read([]byte) (int, error) }) (all []int) {
	h.Helper()
	for decoder := json.NewDecoder(r); decoder.More(); {
		var record struct{ ID int }
		if err := decoder.Decode(&record); err != nil {
			h.Fatal(err)
		}
		all = append(all, record.ID)
	}
	return all
}

func (h home) tableIDs(flow string) (all []int) {
	h.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, flow+".db"))
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT id FROM records")
	if err != nil {
		h.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			h.Fatal(err)
		}
		all = append(all, id)
	}
	if err := rows.Err(); err != nil {
		h.Fatal(err)
	}
	return all
}

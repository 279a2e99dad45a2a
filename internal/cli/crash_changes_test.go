package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// changingAPI serves pages of records that are others on every day: some are new, some changed, some have gone.
type changingAPI struct{ day atomic.Int64 }

// content is what a record has on a day; false if it is not there.
func content(id, day int) (revision int, there bool) {
	switch {
	case day == 0:
		return 0, id < crashRecords
	case id%5 == 1:
		return 0, false
	case id%7 == 3:
		return day, true
	}
	return 0, true
}

func (a *changingAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	var records []string
	for id := page * crashPageSize * 2; id < (page+1)*crashPageSize*2; id++ {
		if revision, there := content(id, int(a.day.Load())); there {
			records = append(records, fmt.Sprintf(`{"id":%d,"revision":%d,"text":%q}`, id, revision, strings.Repeat("record ", 100)))
		}
	}
	next := "null"
	if page < crashPages-1 {
		next = strconv.Itoa(page + 1)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"results":[%s],"next":%s}`, strings.Join(records, ","), next)
}

// events are how many records of each change a day brings.
func events(day int) map[string]int {
	n := map[string]int{}
	for id := range crashRecords * 2 {
		before, was := content(id, day-1)
		now, is := content(id, day)
		switch {
		case is && !was:
			n["new"]++
		case was && !is:
			n["vanished"]++
		case is && before != now:
			n["changed"]++
		}
	}
	return n
}

// TestKilledWhileChangesAreFound kills a real process at random instants of a run that finds changes, runs it again to its end, and wants
// every change once: in the dataset and in the file.
func TestKilledWhileChangesAreFound(t *testing.T) {
	t.Parallel()
	killed := 0
	for range 6 {
		api := &changingAPI{}
		server := httptest.NewServer(api)
		h := newHome(t)
		h.setUp(server.URL, "key-of-the-crash-test", "crash")
		flow, err := os.ReadFile(filepath.Join(h.dir, "crash.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		h.write("crash.yaml", strings.Replace(string(flow), "destinations:", "  emit: changes\ndestinations:", 1))
		h.run("", "flow", "apply", "-f", "crash.yaml")
		begin := time.Now()
		h.run("", "flow", "run", "crash", "--follow")
		whole := time.Since(begin)
		api.day.Store(1)
		for blows := 0; h.runs("crash") < 2 || !h.finished("crash"); blows++ {
			if blows == 3 {
				h.run("", "flow", "run", "crash", "--follow")
			} else if h.killAfter(rand.N(whole), "flow", "run", "crash", "--follow") {
				killed++
			}
		}
		h.run("", "flow", "run", "crash", "--follow") // and once more, which finds nothing
		h.everyEventOnce("dataset", []byte(h.run("", "dataset", "export", "crash")))
		file, err := os.ReadFile(filepath.Join(h.dir, "crash.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		h.everyEventOnce("file", file)
		server.Close()
	}
	if killed == 0 {
		t.Error("no process was killed: the test showed nothing")
	}
	t.Logf("killed %d processes", killed)
}

func (h home) runs(flow string) int {
	h.Helper()
	var runs []struct{}
	if err := json.Unmarshal([]byte(h.run("", "--output", "json", "run", "list", "--flow", flow)), &runs); err != nil {
		h.Fatal(err)
	}
	return len(runs)
}

// everyEventOnce checks what was kept of two days.
func (h home) everyEventOnce(where string, records []byte) {
	h.Helper()
	want := events(1)
	want["new"] += crashRecords
	h.eventsOnce(where, records, want)
}

// eventsOnce wants so many records of each change, each once.
func (h home) eventsOnce(where string, records []byte, want map[string]int) {
	h.Helper()
	got, seen := map[string]int{}, map[string]bool{}
	for decoder := json.NewDecoder(bytes.NewReader(records)); decoder.More(); {
		var record struct {
			Change string `json:"_change"`
			ID     int
		}
		if err := decoder.Decode(&record); err != nil {
			h.Fatal(err)
		}
		got[record.Change]++
		if event := fmt.Sprint(record.Change, record.ID); seen[event] {
			h.Errorf("%s: %s twice", where, event)
		} else {
			seen[event] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("%s: want (-), got (+):\n%s", where, diff)
	}
}

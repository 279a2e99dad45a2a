package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKilledWhileItWaits kills a process whose run waits for a system that is away. When the system is back, the next process continues at the
// page where the run stopped: no page is requested twice.
func TestKilledWhileItWaits(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	away, given := true, []string{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		page := r.URL.Query().Get("page")
		if page == "1" && away {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		given = append(given, page)
		if page == "1" {
			fmt.Fprint(w, `{"results":[{"id":2}],"next":null}`)
			return
		}
		fmt.Fprint(w, `{"results":[{"id":1}],"next":1}`)
	}))
	defer api.Close()
	h := newHome(t)
	h.setUp(api.URL, "key-of-the-away-test", "calm")
	cmd := h.command("", "flow", "run", "calm", "--follow", "--max-wait", "1h")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); h.state("calm") != "waiting"; {
		if time.Now().After(deadline) {
			t.Error("the run does not wait")
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // it was killed
	if state := h.state("calm"); state != "waiting" {
		t.Errorf("after the kill the run is %s", state)
	}
	mu.Lock()
	away = false
	mu.Unlock()
	h.run("", "flow", "run", "calm", "--follow")
	if got := ids(h, strings.NewReader(h.run("", "dataset", "export", "calm"))); fmt.Sprint(got) != "[1 2]" || len(given) != 2 {
		t.Errorf("records %v after the pages %q", got, given)
	}
}

// state is that of the flow's last run, "" if there is none.
func (h home) state(flow string) string {
	h.Helper()
	var runs []struct{ State string }
	if err := json.Unmarshal([]byte(h.run("", "--output", "json", "run", "list", "--flow", flow)), &runs); err != nil {
		h.Fatal(err)
	}
	if len(runs) == 0 {
		return ""
	}
	return runs[0].State
}

package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const scans = 16

// deadlyScanner takes submissions, and kills who submits: every fourth before it answers, every fourth right after that.
type deadlyScanner struct {
	mu        sync.Mutex
	submitted map[string]int // by value: how often
	posts     int
	process   *exec.Cmd // nil: nobody is killed
	killed    int
}

func (s *deadlyScanner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/list":
		var list []string
		for i := range scans {
			list = append(list, fmt.Sprintf(`{"indicator":"host-%d.example.com"}`, i))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(list, ","))
	case r.Method == http.MethodPost:
		s.submitted[r.PostFormValue("value")]++
		s.posts++
		if s.posts%4 == 1 {
			s.kill()
		}
		fmt.Fprintf(w, `{"success":"Added request to queue.","qid":%d}`, s.posts)
		if s.posts%4 == 3 {
			http.NewResponseController(w).Flush() // whoever is dead does not mind
			s.kill()
		}
	default:
		fmt.Fprintf(w, `{"status":"done","data":{"qid":%s}}`, r.URL.Query().Get("qid"))
	}
}

func (s *deadlyScanner) kill() {
	if s.process != nil && s.process.Process.Kill() == nil {
		s.killed++
		s.process = nil
	}
}

// TestKilledWhileSubmitting kills real processes around their submissions until all are made: none is made twice, and each has an answer or
// is in quarantine because nobody knows what became of it.
func TestKilledWhileSubmitting(t *testing.T) {
	t.Parallel()
	s := &deadlyScanner{submitted: map[string]int{}}
	server := httptest.NewServer(s)
	defer server.Close()
	h := newHome(t)
	h.run("key-of-the-crash-test", "credential", "add", "rest", "--name", "api", "--set", "address="+server.URL, "--set", "auth=query", "--set", "name=key", "--secret-stdin")
	h.run("key-of-the-crash-test", "credential", "add", "pulsedive", "--name", "P", "--set", "address="+server.URL, "--secret-stdin", "--no-test")
	h.write("flow.yaml", `flow: list
source: {connector: rest, credential: api, request: {url: /list, records: "$[*]"}}
destinations: [{name: scan, connector: pulsedive, credential: P, config: {answers: answers}}]
`)
	h.run("", "flow", "apply", "-f", "flow.yaml")
	for !h.ended("list") {
		cmd := h.command("", "flow", "run", "list", "--follow")
		s.mu.Lock()
		err := cmd.Start()
		s.process = cmd
		s.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, or at its end
	}
	s.mu.Lock()
	s.process = nil
	s.mu.Unlock()
	h.run("", "flow", "run", "answers", "--follow")
	h.submittedOnce(s)
}

// ended tells whether the flow has a run, and its last one is over.
func (h home) ended(flow string) bool {
	h.Helper()
	var runs []struct{ State string }
	if err := json.Unmarshal([]byte(h.run("", "--output", "json", "run", "list", "--flow", flow)), &runs); err != nil {
		h.Fatal(err)
	}
	return len(runs) > 0 && (runs[0].State == "succeeded" || runs[0].State == "failed")
}

func (h home) submittedOnce(s *deadlyScanner) {
	h.Helper()
	answers := strings.Count(h.run("", "dataset", "export", "answers"), `"state":"done"`)
	var unclear []struct{ Reason string }
	if err := json.Unmarshal([]byte(h.run("", "--output", "json", "quarantine", "list", "list")), &unclear); err != nil {
		h.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for value, times := range s.submitted {
		if times != 1 {
			h.Errorf("%s was submitted %d times", value, times)
		}
	}
	if len(s.submitted) != scans || answers+len(unclear) != scans || len(unclear) == 0 || s.killed < scans/4 {
		h.Errorf("%d of %d were submitted, %d have an answer, of %d it is not known; %d processes were killed", len(s.submitted), scans, answers, len(unclear), s.killed)
	}
	for _, u := range unclear {
		if !strings.Contains(u.Reason, "not known whether") {
			h.Errorf("reason %q", u.Reason)
		}
	}
}

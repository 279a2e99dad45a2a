package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestServerWorksTheSchedule lets a server find a flow that is due, kills it in the middle of the run, and wants the next server to finish
// that run by itself, and to end cleanly when it is asked to.
func TestServerWorksTheSchedule(t *testing.T) {
	t.Parallel()
	gate := &gatedAPI{reached: make(chan struct{}), open: make(chan struct{})}
	var last atomic.Int64
	whole := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.ServeHTTP(w, r)
		if r.URL.Query().Get("page") == fmt.Sprint(crashPages-1) && last.Add(1) == 1 {
			close(whole)
		}
	}))
	defer api.Close()
	h := newHome(t)
	h.setUp(api.URL, "key-of-the-server", "timed")
	flow, err := os.ReadFile(h.dir + "/timed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.write("timed.yaml", strings.Replace(string(flow), "source:\n", "source:\n  schedule: {every: 1d}\n", 1))
	h.run("", "flow", "apply", "-f", "timed.yaml")

	first := h.serve()
	<-gate.reached
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait() // it was killed
	close(gate.open)
	second := h.serve()
	<-whole
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if !h.finished("timed") { // it was stopped between the last page and the last delivery
		h.run("", "flow", "run", "timed", "--follow")
	}
	h.everyRecordOnce("timed")
	if shown := h.run("", "flow", "show", "timed"); !strings.Contains(shown, "next run") {
		t.Errorf("no next run is shown:\n%s", shown)
	}
}

// serve starts a server that is ready when this returns.
func (h home) serve() *exec.Cmd {
	h.Helper()
	cmd, _ := h.serveAt()
	return cmd
}

// serveAt starts a server, and returns its address, too.
func (h home) serveAt() (cmd *exec.Cmd, address string) {
	h.Helper()
	cmd = h.command("", "serve", "--addr", "127.0.0.1:0")
	address = h.until(cmd, "serves at ")
	_, address, _ = strings.Cut(address, "serves at ")
	address, _, _ = strings.Cut(address, " ")
	if !strings.HasPrefix(address, "http://sallyport.localhost:") {
		h.Errorf("it serves at %s", address)
	}
	address = strings.Replace(address, "sallyport.localhost", "127.0.0.1", 1) // not every resolver knows the name
	response, err := http.Get(address + "/readyz")
	if err != nil {
		h.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		h.Errorf("readyz: %s", response.Status)
	}
	return cmd, address
}

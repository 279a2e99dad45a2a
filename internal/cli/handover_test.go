package cli_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// gatedAPI serves the list, and holds requests from page 10 on until it is opened.
type gatedAPI struct {
	reached chan struct{} // closed when page 10 is asked for
	open    chan struct{}
	once    sync.Once
}

func (a *gatedAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("page") == "10" {
		a.once.Do(func() { close(a.reached) })
		select {
		case <-a.open:
		case <-r.Context().Done():
			return
		}
	}
	listAPI(w, r)
}

// TestWorkIsHandedOver runs a flow beside another process that works the same data directory: the second hands its work over and follows
// it. When the first is killed, the second takes the work up where it stood.
func TestWorkIsHandedOver(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"the first finishes", "the first is killed"} {
		t.Run(how, func(t *testing.T) {
			api := &gatedAPI{reached: make(chan struct{}), open: make(chan struct{})}
			server := httptest.NewServer(api)
			defer server.Close()
			h := newHome(t)
			h.setUp(server.URL, "key-of-the-handover", "shared")
			first := h.command("", "flow", "run", "shared", "--follow")
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			<-api.reached
			second := h.command("", "flow", "run", "shared", "--follow")
			h.until(second, "worked by another process")
			if how == "the first is killed" {
				if err := first.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			close(api.open)
			if err := first.Wait(); err != nil && how == "the first finishes" {
				t.Errorf("the first process: %v", err)
			}
			if err := second.Wait(); err != nil {
				t.Errorf("the second process: %v", err)
			}
			h.everyRecordOnce("shared")
		})
	}
}

// until starts a command and returns the line in which it writes a text to its standard error; the rest is read and dropped.
func (h home) until(cmd *exec.Cmd, text string) string {
	h.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { cmd.Process.Kill() }) // most have ended by then
	seen := make(chan string, 1)
	go func() {
		defer close(seen)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if strings.Contains(lines.Text(), text) {
				select {
				case seen <- lines.Text():
				default: // it was seen before
				}
			}
		}
	}()
	return <-seen
}

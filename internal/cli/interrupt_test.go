//go:build unix

package cli_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupted interrupts commands while they wait for an API. Only what works a run says that a run goes on.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const goesOn = "interrupted; what was committed is kept, and the next run goes on from there\n"
	for want, args := range map[string][]string{
		goesOn:          {"flow", "run", "calm", "--follow"},
		"interrupted\n": {"source", "test", "-f", "calm.yaml"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				reached <- struct{}{}
				<-r.Context().Done()
			}))
			defer server.Close()
			h := newHome(t)
			h.setUp(server.URL, "key-of-the-interrupt", "calm")
			var stderr bytes.Buffer
			cmd := h.command("", args...)
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-reached
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			cmd.Wait() // its exit code is looked at below
			if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.HasSuffix("\n"+stderr.String(), "\n"+want) {
				t.Errorf("exit code %d: %s", code, &stderr)
			}
		})
	}
}

// TestSecondInterruptEndsAtOnce interrupts a command that cannot heed it, because it reads a pipe to which nobody writes.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	pipe := filepath.Join(h.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := h.command("", "credential", "add", "pulsedive", "--name", "N", "--secret-file", pipe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // returns when the command has opened the other end
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() // how it ended is looked at below
	}()
	signals := 0
	for again := time.Tick(10 * time.Millisecond); ; signals++ {
		select {
		case <-again: // a signal that comes before the first was seen is no second one
			cmd.Process.Signal(os.Interrupt) // it may have ended by now
			continue
		case <-ended:
		}
		break
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || signals < 2 {
		t.Errorf("after %d signals: %v", signals, cmd.ProcessState)
	}
}

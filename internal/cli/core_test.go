//go:build linux

package cli_test

import (
	"fmt"
	"os"
	"regexp"
	"syscall"
	"testing"
)

// TestNoCoreDumps looks at the limits of a running server.
func TestNoCoreDumps(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	defer server.Wait()
	defer server.Process.Signal(syscall.SIGTERM)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", server.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("the server may leave a core dump, with its keys in it:\n%s", limits)
	}
}

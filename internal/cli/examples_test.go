package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples applies every flow file of the examples, with the credentials that they name.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	h := newHome(t)
	h.run("some-key", "credential", "add", "pulsedive", "--name", "Pulsedive personal", "--secret-stdin", "--no-test")
	h.run("some-key", "credential", "add", "rest", "--name", "my api", "--set", "address=http://127.0.0.1:18080", "--set", "auth=query", "--set", "name=key", "--secret-stdin")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h.write(filepath.Base(file), string(content))
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if got := h.run("", "flow", "apply", "-f", filepath.Base(file)); got != "flow \""+name+"\" is created\n" {
			t.Errorf("%s: %s", file, got)
		}
	}
}

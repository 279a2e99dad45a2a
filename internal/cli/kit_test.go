package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// built is the directory of the program, once it was built.
var built string

// program builds the program as it is released: faster than these tests themselves are when the race detector is in them.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sallyport-test-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "sallyport")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/sallyport-io/sallyport/cmd/sallyport")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, output)
	}
	return path, err
})

// home is an empty home of one user, with a data directory, for running real processes.
type home struct {
	*testing.T
	dir string
}

func newHome(t *testing.T) home {
	t.Helper()
	return home{t, t.TempDir()}
}

// command makes a process of the program in the home, not started yet.
func (h home) command(stdin string, args ...string) *exec.Cmd {
	h.Helper()
	path, err := program()
	if err != nil {
		h.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "HOME="+h.dir, "SALLYPORT_DATA="+filepath.Join(h.dir, "data"))
	cmd.Stdin = strings.NewReader(stdin)
	return cmd
}

// run runs a command that must succeed and returns its standard output.
func (h home) run(stdin string, args ...string) string {
	h.Helper()
	cmd := h.command(stdin, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		h.Fatalf("sallyport %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

func (h home) write(name, content string) {
	h.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(content), 0o600); err != nil {
		h.Fatal(err)
	}
}

// setUp stores a credential for an API, and a flow that delivers its list to a file and a table.
func (h home) setUp(address, key, flow string) {
	h.Helper()
	h.run(key, "credential", "add", "rest", "--name", "api", "--set", "address="+address, "--set", "auth=query", "--set", "name=key", "--secret-stdin")
	h.write(flow+".yaml", fmt.Sprintf(`flow: %[1]s
source:
  connector: rest
  credential: api
  request:
    url: /list
    query: {page: "0"}
    records: $.results[*]
    paging: {type: next_value, value: $.next, query: page}
    key: [id]
destinations:
  - {name: lines, connector: file, config: {path: %[1]s.ndjson}}
  - {name: table, connector: sqlite, config: {path: %[1]s.db, table: records, mode: append}}
`, flow))
	h.run("", "flow", "apply", "-f", flow+".yaml")
}

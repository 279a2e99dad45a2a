package cli_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestCredentialWithoutAKey looks an indicator up without a key, then with one that is put in later. An empty key that is given is a mistake.
func TestCredentialWithoutAKey(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Options{Records: 20})
	if err != nil {
		t.Fatal(err)
	}
	address, _, err := s.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	refused := func(stdin string, args ...string) string {
		t.Helper()
		out, err := h.command(stdin, args...).CombinedOutput()
		if err == nil {
			t.Errorf("%q is done: %s", args, out)
		}
		return string(out)
	}
	add := []string{"credential", "add", "pulsedive", "--name", "P", "--no-test", "--set", "address=" + address}
	if text := refused("", append(add, "--secret-stdin")...); !strings.Contains(text, "is empty") {
		t.Errorf("an empty key: %s", text)
	}
	if text := h.run("", add...); !strings.Contains(text, "without a key") {
		t.Errorf("without a key: %s", text)
	}
	h.write("f.yaml", `flow: f
source: {connector: pulsedive, credential: P, endpoint: indicator.get, params: {indicator: google.com}}
destinations: [{name: file, connector: file, config: {path: f.ndjson}}]
`)
	h.run("", "flow", "apply", "-f", "f.yaml")
	h.run("", "flow", "run", "f", "--follow")
	if text := refused("", "credential", "rotate", "P"); !strings.Contains(text, "is required") {
		t.Errorf("a key cannot be replaced by none: %s", text)
	}
	h.run(s.CreateKey("test"), "credential", "rotate", "P", "--secret-stdin")
	h.run("", "flow", "run", "f", "--follow")
	if requests := s.Journal(); len(requests) != 3 || requests[0].Status != 200 || requests[2].Status != 200 {
		t.Errorf("%+v", requests)
	}
}

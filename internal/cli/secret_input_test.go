package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestSeveralSecrets gives one secret on standard input and one from a file. Each is sent in its own place, with what belongs before it.
func TestSeveralSecrets(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen http.Header
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = r.Header.Clone()
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`[{"id": 1, "said": "` + r.Header.Get("X-App") + `"}]`))
	}))
	defer api.Close()
	const first, second = "first-key-0123456789", "second-key-0123456789"
	h := newHome(t)
	h.write("app.key", second+"\n")
	add := []string{"credential", "add", "rest", "--name", "K", "--set", "address=" + api.URL, "--set", "auth=header", "--set", "name=Authorization",
		"--set", "prefix=Token ", "--set", "second_auth=header", "--set", "second_name=X-App", "--secret-stdin", "--secret-file"}
	for file, want := range map[string]string{"app.key": "once more", "second_value=-": "once more", "second_value=/nowhere": "no such file"} {
		if out, err := h.command(first, append(add, file)...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %s", file, err, out)
		}
	}
	h.run(first, append(add, "second_value=app.key")...)
	if out, err := h.command(first, "credential", "rotate", "K", "--secret-stdin").CombinedOutput(); err == nil || !strings.Contains(string(out), "second_value") {
		t.Errorf("the second key is lost: %v, %s", err, out)
	}
	h.write("f.yaml", `flow: f
source: {connector: rest, credential: K, request: {url: /, records: "$[*]"}}
destinations: [{name: file, connector: file, config: {path: f.ndjson}}]
`)
	h.run("", "flow", "apply", "-f", "f.yaml")
	h.run("", "flow", "run", "f", "--follow")
	mu.Lock()
	defer mu.Unlock()
	if seen.Get("Authorization") != "Token "+first || seen.Get("X-App") != second {
		t.Errorf("sent %v", seen)
	}
	text, err := os.ReadFile(filepath.Join(h.dir, "f.ndjson"))
	if err != nil || strings.Contains(string(text), second) || !strings.Contains(string(text), "[redacted]") {
		t.Errorf("delivered %s, %v", text, err)
	}
}

package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// canary is a key in which every encoding shows.
const canary = `CANARY+key/with=odd&chars "quoted" é-0123456789`

// canaryForms are the ways in which the key must never be seen.
func canaryForms() map[string]string {
	forms := map[string]string{
		"raw":       canary,
		"URL query": url.QueryEscape(canary),
		"URL path":  url.PathEscape(canary),
		"JSON":      strings.Trim(fmt.Sprintf("%q", canary), `"`),
		"hex":       hex.EncodeToString([]byte(canary)),
		"HEX":       strings.ToUpper(hex.EncodeToString([]byte(canary))),
	}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))
		forms[fmt.Sprintf("base64 %d", shift)] = encoded[4:24] // what of it depends on the key alone
	}
	return forms
}

// leakyAPI refuses, fails and echoes the key in every way, by the path that is asked for.
type leakyAPI struct{ elsewhere string }

func (a leakyAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dump, _ := httputil.DumpRequest(r, true)
	key := r.URL.Query().Get("key")
	if key == "" {
		key = r.Header.Get("X-Key")
	}
	echo := fmt.Sprintf(`%q: %q, "hex": "%x", "base64": %q, "query": %q`, "raw", key, key, base64.StdEncoding.EncodeToString([]byte("u:"+key)), url.QueryEscape(key))
	w.Header().Set("Content-Type", "application/json")
	switch status := map[string]int{"/401": 401, "/403": 403, "/404": 404, "/429": 429, "/500": 500}[r.URL.Path]; {
	case status == 429:
		w.Header().Set("Retry-After", "3600")
		fallthrough
	case status != 0:
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error": %q}`, key+" "+string(dump))
	case r.URL.Path == "/redirect":
		http.Redirect(w, r, a.elsewhere+"/?"+r.URL.RawQuery, http.StatusFound)
	case r.URL.Path == "/html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<p>%s", dump)
	case r.URL.Path == "/cut":
		fmt.Fprintf(w, `[{%s}, {"cut": %q`, echo, key)
	case r.URL.Path == "/bad":
		fmt.Fprintf(w, `[{%s}, %q]`, echo, key)
	default:
		fmt.Fprintf(w, `[{%s}]`, echo)
	}
}

// TestKeyIsNowhere does with a canary key all that can go wrong, with the log at debug level, and looks for the key in what was printed, in
// every file that was written, and in what another host saw.
func TestKeyIsNowhere(t *testing.T) {
	var mu sync.Mutex
	var seen bytes.Buffer // whatever must not hold the key
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		mu.Lock()
		defer mu.Unlock()
		seen.Write(dump)
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(leakyAPI{elsewhere.URL})
	defer api.Close()
	h := newHome(t)
	do := func(args ...string) {
		out, _ := h.command(canary, append([]string{"--log-level", "debug", "--log-format", "json"}, args...)...).CombinedOutput()
		mu.Lock()
		defer mu.Unlock()
		seen.Write(out)
	}
	auths := map[string][]string{
		"query": {"--set", "name=key"}, "header": {"--set", "name=X-Key"}, "basic": {"--set", "username=u"}, "bearer": nil,
	}
	for auth, sets := range auths {
		for name, address := range map[string]string{auth: api.URL, auth + " down": "http://127.0.0.1:1"} {
			do(append([]string{"credential", "add", "rest", "--name", name, "--set", "address=" + address, "--set", "auth=" + auth, "--secret-stdin"}, sets...)...)
			do("credential", "show", name)
			do("credential", "test", name)
		}
		paths := []string{"/echo", "/401", "/403", "/404", "/429", "/500", "/redirect", "/html", "/cut", "/bad"}
		for _, path := range paths {
			h.canaryFlow(auth+path, auth, path)
		}
		h.canaryFlow(auth+"/down", auth+" down", "/")
		for _, path := range append(paths, "/down") {
			name := auth + path
			do("source", "test", "-f", "flow.yaml")
			do("flow", "apply", "-f", strings.ReplaceAll(name, "/", "-")+".yaml")
			do("source", "test", "-f", strings.ReplaceAll(name, "/", "-")+".yaml")
			do("flow", "run", name, "--follow", "--max-wait", "1s")
			do("dataset", "sample", name)
		}
	}
	for _, args := range [][]string{
		{"credential", "add", "pulsedive", "--name", "P", "--set", "address=" + api.URL, "--secret-stdin"},
		{"credential", "rotate", "query", "--secret-stdin"},
		{"credential", "list"}, {"--output", "json", "credential", "list"}, {"flow", "list"}, {"--output", "json", "flow", "list"},
		{"run", "list", "--limit", "1000"}, {"--output", "json", "run", "list", "--limit", "1000"},
		{"quarantine", "list", "--limit", "1000"}, {"--output", "json", "quarantine", "list", "--limit", "1000"}, {"keys", "verify"},
	} {
		do(args...)
	}
	if !strings.Contains(seen.String(), "redacted") {
		t.Error("nothing was redacted: the test showed nothing")
	}
	h.noCanary("output", seen.Bytes())
	h.noCanaryInFiles()
}

func (h home) canaryFlow(name, credential, path string) {
	h.Helper()
	file := strings.ReplaceAll(name, "/", "-")
	h.write(file+".yaml", fmt.Sprintf(`flow: %q
source: {connector: rest, credential: %q, request: {url: %q, records: "$[*]"}}
destinations:
  - {name: lines, connector: file, config: {path: %q}}
  - {name: sheet, connector: file, config: {path: %q, format: csv}}
  - {name: table, connector: sqlite, config: {path: %q, table: t, mode: append}}
`, name, credential, path, file+".ndjson", file+".csv", file+".db"))
}

func (h home) noCanary(where string, content []byte) {
	h.Helper()
	for form, text := range canaryForms() {
		if i := bytes.Index(content, []byte(text)); i >= 0 {
			h.Errorf("%s: the key stands there, form %s: …%s…", where, form, content[max(0, i-200):min(len(content), i+len(text)+50)])
		}
	}
}

func (h home) noCanaryInFiles() {
	h.Helper()
	files := 0
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files++
		h.noCanary(path, content)
		return err
	})
	if err != nil {
		h.Error(err)
	}
	if files < 50 {
		h.Errorf("only %d files were looked at", files)
	}
}

package cli_test

import (
	"bytes"
	"cmp"
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
const canary = `CANARY+key/with=odd&chars"quoted"<é>-0123456789`

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
	_, password, _ := r.BasicAuth()
	key := cmp.Or(r.URL.Query().Get("key"), r.PostFormValue("key"), r.Header.Get("X-Key"), password, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
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
	case r.URL.Path == "/api/indicator.php" && r.URL.Query().Get("indicator") == "refused.example.com":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error": %q}`, key)
	case r.URL.Path == "/api/indicator.php":
		fmt.Fprintf(w, `{%s}`, echo)
	default:
		fmt.Fprintf(w, `[{%s}]`, echo)
	}
}

// TestKeyIsNowhere does with a canary key all that can go wrong, with the log at debug level, and looks for the key in what was printed, in
// every file that was written, and in what another host saw.
func TestKeyIsNowhere(t *testing.T) {
	t.Parallel()
	for auth, sets := range map[string][]string{
		"query": {"--set", "name=key"}, "header": {"--set", "name=X-Key"}, "basic": {"--set", "username=u"}, "bearer": nil,
	} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			c := newCanaryCage(t)
			c.credential(auth, c.api.URL, append(sets, "--set", "auth="+auth))
			c.credential("down", "http://127.0.0.1:1", append(sets, "--set", "auth="+auth))
			for _, path := range []string{"/echo", "/401", "/403", "/404", "/429", "/500", "/redirect", "/html", "/cut", "/bad"} {
				c.flow(strings.TrimPrefix(path, "/"), auth, path)
			}
			c.flow("host-down", "down", "/")
			c.lists()
			c.check()
		})
	}
}

// canaryCage is a home in which everything happens with the canary key, and all that must not hold it.
type canaryCage struct {
	home
	api  *httptest.Server
	mu   sync.Mutex
	seen bytes.Buffer // what was printed, and what another host saw
}

func newCanaryCage(t *testing.T) *canaryCage {
	c := &canaryCage{home: newHome(t)}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		c.see(dump)
	}))
	t.Cleanup(elsewhere.Close)
	c.api = httptest.NewServer(leakyAPI{elsewhere.URL})
	t.Cleanup(c.api.Close)
	return c
}

func (c *canaryCage) see(output []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Write(output)
}

// do runs a command that may fail, with the key on its standard input.
func (c *canaryCage) do(args ...string) { c.doWith(canary, args...) }

func (c *canaryCage) doWith(stdin string, args ...string) {
	output, _ := c.command(stdin, append([]string{"--log-level", "debug", "--log-format", "json"}, args...)...).CombinedOutput()
	c.see(output)
}

func (c *canaryCage) credential(name, address string, sets []string) {
	c.do(append([]string{"credential", "add", "rest", "--name", name, "--set", "address=" + address, "--secret-stdin"}, sets...)...)
	c.do("credential", "show", name)
	c.do("credential", "quota", name, "--second", "100", "--day", "1000", "--reserve", "10%")
	c.do("--output", "json", "credential", "quota", name)
	c.do("credential", "test", name)
	c.do("credential", "rotate", name, "--secret-stdin")
}

// flow makes a flow that reads a path and delivers everywhere, and runs it.
func (c *canaryCage) flow(name, credential, path string) {
	c.write(name+".yaml", fmt.Sprintf(`flow: %[1]q
source: {connector: rest, credential: %[2]q, request: {url: %[3]q, records: "$[*]"}}
destinations:
  - {name: lines, connector: file, config: {path: %[1]s.ndjson}}
  - {name: sheet, connector: file, config: {path: %[1]s.csv, format: csv}}
  - {name: table, connector: sqlite, config: {path: %[1]s.db, table: t, mode: append}}
`, name, credential, path))
	c.do("source", "test", "-f", name+".yaml")
	c.do("flow", "apply", "-f", name+".yaml")
	c.do("flow", "run", name, "--follow", "--max-wait", "1s")
	c.do("flow", "deliver", name)
	for _, args := range [][]string{
		{"flow", "show"}, {"flow", "export"}, {"dataset", "show"}, {"dataset", "sample"}, {"dataset", "export"}, {"quarantine", "list"},
	} {
		c.do(append(args, name)...)
	}
}

func (c *canaryCage) lists() {
	c.do("credential", "add", "pulsedive", "--name", "P", "--set", "address="+c.api.URL, "--secret-stdin")
	c.lookUp()
	c.do("keys", "verify")
	c.do("run", "show", "1")
	c.quarantine()
	for _, list := range []string{"credential", "flow", "dataset", "run", "quarantine", "connector"} {
		c.do(list, "list")
		c.do("--output", "json", list, "list")
	}
}

// quarantine edits a record so that the key stands in it, wrongly and rightly, replays it, and discards others.
func (c *canaryCage) quarantine() {
	c.do("quarantine", "show", "1")
	c.do("quarantine", "replay", "bad")
	c.do("quarantine", "edit", "1", "--file", "-") // the key is no record
	c.doWith(fmt.Sprintf("{%q:\n1, x}", canary), "quarantine", "edit", "1", "--file", "-")
	c.doWith(fmt.Sprintf(`{"raw":%q, %[1]q:%q}`, canary, url.QueryEscape(canary)), "--output", "json", "quarantine", "edit", "1", "--file", "-")
	c.do("quarantine", "show", "1", "--record")
	c.do("--output", "json", "quarantine", "show", "1")
	c.do("quarantine", "replay", "--id", "1")
	c.do("dataset", "export", "bad")
	c.do("quarantine", "discard", "bad")
}

// lookUp asks about single indicators, whose answers are kept, and submits them.
func (c *canaryCage) lookUp() {
	c.do("credential", "add", "pulsedive", "--name", "Q", "--set", "address="+c.api.URL, "--secret-stdin", "--no-test")
	c.write("lookup.yaml", "flow: lookup\nsource: {connector: pulsedive, credential: Q, endpoint: indicator.lookup, params: {indicators: [a.example.com, refused.example.com]}}\n"+
		"destinations: [{name: scan, connector: pulsedive, credential: Q, config: {field: asked}}]\n")
	c.do("source", "test", "-f", "lookup.yaml")
	c.do("flow", "apply", "-f", "lookup.yaml")
	c.do("flow", "run", "lookup", "--follow")
	c.do("dataset", "export", "lookup")
	c.do("quarantine", "list", "lookup")
	c.do("flow", "run", "lookup scan answers", "--follow")
}

func (c *canaryCage) check() {
	c.Helper()
	if !strings.Contains(c.seen.String(), "redacted") || !strings.Contains(c.seen.String(), "cannot be reached") {
		c.Error("nothing was redacted, or nothing failed: the test showed nothing")
	}
	c.noCanary("output", c.seen.Bytes())
	c.noCanaryInFiles()
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
	if files < 15 {
		h.Errorf("only %d files were looked at", files)
	}
}

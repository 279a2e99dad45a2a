package api_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// canary is a key in which every encoding shows.
const canary = `CANARY+key/with=odd&chars"quoted"<é>-0123456789`

// canaryForms are the ways in which the key must never be seen.
func canaryForms() []string {
	forms := []string{
		canary, url.QueryEscape(canary), url.PathEscape(canary), strings.Trim(fmt.Sprintf("%q", canary), `"`), hex.EncodeToString([]byte(canary)),
		strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(canary, `"`, `\"`), "&", `\u0026`), "<", `\u003c`), ">", `\u003e`),
	}
	for shift := range 3 {
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))[4:24])
	}
	return forms
}

// leaky is a system that repeats the key wherever it can: in records, errors, redirects, names and numbers of pages.
func leaky(w http.ResponseWriter, r *http.Request) {
	dump, _ := httputil.DumpRequest(r, true)
	key := r.URL.Query().Get("key")
	status := map[string]int{"/401": 401, "/403": 403, "/404": 404, "/429": 429, "/500": 500}[r.URL.Path]
	w.Header().Set("Retry-After", "3600")
	switch {
	case status != 0:
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error": %q}`, key+" "+string(dump))
	case r.URL.Path == "/redirect":
		http.Redirect(w, r, "https://elsewhere.example/?"+r.URL.RawQuery, http.StatusFound)
	case r.URL.Path == "/html":
		w.Header().Set("Content-Type", "text/html; x="+url.QueryEscape(key))
		fmt.Fprintf(w, "<p>%s", dump)
	case r.URL.Path == "/next":
		fmt.Fprintf(w, `{"list": [{"a": 1}], "next": %q}`, key)
	default:
		fmt.Fprintf(w, `{"list": [{%q: %q, "b": "%x", "c": %q}, %q], "n": %q}`, key, key, key, base64.StdEncoding.EncodeToString([]byte("u:"+key)), key, string(dump))
	}
}

// TestKeyIsInNoAnswer does with a canary key all that can go wrong, and then everything that the document has, with the key in every place of a
// request where it may stand by mistake. Every answer is watched for the key, and so is the log.
func TestKeyIsInNoAnswer(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	for _, form := range canaryForms() {
		h.watch(form)
	}
	c := h.client()
	system := apptest.Reachable(t, httptest.NewServer(http.HandlerFunc(leaky)))
	defer system.Close()
	secrets := object{"value": canary}
	rest := object{
		"name": "leaky", "connector": "rest", "public": object{"address": system.URL, "auth": "query", "name": "key"}, "secrets": secrets, "test": "none",
	}
	c.do("POST /credentials", rest, "Idempotency-Key", "leaky").want(http.StatusCreated)
	c.do("POST /credentials", rest, "Idempotency-Key", "leaky").want(http.StatusCreated)
	pulsedive := object{"connector": "pulsedive", "public": object{"address": system.URL}, "secrets": object{"key": canary}}
	c.do("POST /credentials/test", pulsedive)
	pulsedive["name"] = "p"
	c.do("POST /credentials", pulsedive)
	for _, path := range []string{"/echo", "/401", "/403", "/404", "/429", "/500", "/redirect", "/html", "/next"} {
		c.leak(path)
	}
	c.misplaced()
	if !strings.Contains(c.get("/audit?action=credential.open").text, "credential.open") {
		t.Error("the key was never used")
	}
	if log := h.log.String(); strings.Contains(log, "CANARY") {
		t.Errorf("the log holds the key: %s", log)
	}
}

// leak tests a source that reads a path of the leaky system, and makes a run of it.
func (c client) leak(path string) {
	c.Helper()
	request := object{
		"url": path, "records": "$.list[*]", "paging": object{"type": "next_value", "value": "$.next", "query": "after"},
	}
	source := object{"connector": "rest", "credential": "leaky", "request": request}
	c.do("POST /sources/test", source)
	name := strings.Trim(path, "/")
	to := object{"name": "lines", "connector": "file", "config": object{"path": c.file(name + ".csv"), "format": "csv"}}
	c.do("POST /flows", object{"flow": name, "source": source, "destinations": []object{to}}).want(http.StatusCreated)
	run := int64(c.do("POST /flows/"+name+"/run", nil).want(http.StatusAccepted).at("run", "id").(float64))
	if state := c.work(run).State; state.Finished() {
		c.get(fmt.Sprintf("/runs/%d/events", run)).want(http.StatusOK)
	}
	for _, part := range []string{"", "/records", "/samples", "/schema", "/export", "/export?format=csv"} {
		c.get("/datasets/" + name + part).want(http.StatusOK)
	}
}

// misplaced sends the key where it does not belong, with everything that the document has.
func (c client) misplaced() {
	c.Helper()
	key := url.PathEscape(canary)
	for _, pattern := range slices.Sorted(maps.Keys(operations())) {
		method, path, _ := strings.Cut(pattern, " ")
		filled := strings.NewReplacer("{id}", "1", "{name}", "indicator").Replace(path)
		if method == http.MethodDelete {
			filled = strings.NewReplacer("{id}", "none").Replace(path)
		}
		for _, body := range []any{nil, canary, object{"secrets": object{"value": canary}, "name": canary, "connector": canary}, object{canary: canary}} {
			for _, suffix := range []string{"", "?limit=" + key, "?after=" + key, "?state=" + key, "?" + key + "=1"} {
				if strings.HasSuffix(filled, "/events") && suffix == "" {
					continue // it would last
				}
				a := c.do(method+" "+filled+suffix, body)
				if a.StatusCode >= 500 && a.StatusCode != http.StatusBadGateway {
					c.Errorf("%s%s: status %d %s", pattern, suffix, a.StatusCode, a.text)
				}
			}
		}
		c.do(method+" "+strings.NewReplacer("{id}", key, "{name}", key).Replace(path), nil)
	}
}

package web_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/service"
)

// canary is a key in which every encoding shows.
const canary = `CANARY+key/with=odd&chars"quoted"<é>-0123456789`

// canaryForms are the ways in which the key must never be seen.
func canaryForms() []string {
	forms := []string{
		canary, url.QueryEscape(canary), url.PathEscape(canary), strings.Trim(fmt.Sprintf("%q", canary), `"`), hex.EncodeToString([]byte(canary)),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "+", "&#43;").Replace(canary),
	}
	for shift := range 3 {
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))[4:24])
	}
	return forms
}

// leaky is an API that repeats the key wherever it can: in records, errors, redirects, names and numbers of pages.
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

// TestKeyIsOnNoPage does at the pages, with a canary key, all that can go wrong, and visits every page, fragment and stream of events there is.
// What newSite watches for the key is every answer; here the log is looked at, too.
func TestKeyIsOnNoPage(t *testing.T) {
	s := newSite(t)
	for _, form := range canaryForms() {
		s.watch(form)
	}
	c := s.signedUp()
	api := apptest.Reachable(t, httptest.NewServer(http.HandlerFunc(leaky)))
	defer api.Close()

	add := url.Values{"name": {"Leaky"}, "field.address": {api.URL}, "field.auth": {"query"}, "field.name": {"key"}, "field.value": {canary},
		"field.second_auth": {"header"}, "field.second_name": {"X-Second"}, "field.second_value": {canary}}
	c.post("/connectors/rest/credentials/test", add, hx...).want(http.StatusOK)
	add.Set("field.auth", "nonsense")
	c.post("/connectors/rest/credentials", add).want(http.StatusUnprocessableEntity)
	add.Set("field.auth", "query")
	add.Set("field.username_secret", canary)
	c.post("/connectors/rest/credentials", add).want(http.StatusUnprocessableEntity)
	add.Del("field.username_secret")
	add.Set("field.suffix", canary)
	c.post("/connectors/rest/credentials", add).want(http.StatusUnprocessableEntity)
	add.Del("field.suffix")
	c.post("/connectors/rest/credentials", add, hx...).want(http.StatusNoContent)
	pulsedive := url.Values{"name": {"P"}, "field.address": {api.URL}, "field.key": {canary}}
	c.post("/connectors/pulsedive/credentials/test", pulsedive, hx...).want(http.StatusOK)
	c.post("/connectors/pulsedive/credentials", pulsedive).want(http.StatusSeeOther)
	one := "/credentials/" + string(s.stored("P").ID)
	for _, path := range []string{"/test", "/rotate/test", "/rotate"} {
		c.post(one+path, url.Values{"field.key": {canary}}, hx...)
		c.post(one+path, url.Values{"field.key": {canary}})
	}

	runs := 0
	for _, path := range []string{"/echo", "/401", "/403", "/404", "/429", "/500", "/redirect", "/html", "/next"} {
		runs += s.leak(c, path)
	}
	if runs != 9 {
		t.Errorf("%d flows were run", runs)
	}
	done, err := s.app.Service.Flow(t.Context(), "echo") // its streams end
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.app.Tokens.Create(t.Context(), actor, "T", sallyport.Scopes, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	draft, flow := strings.TrimPrefix(c.newDraft("rest"), "/drafts/"), string(done.ID)
	c.visitAll(t, map[string]string{
		"flows id": flow, "datasets id": flow, "runs id": "1", "credentials id": string(s.stored("Leaky").ID), "connectors connector": "rest",
		"drafts id": draft, "drafts n": "0", "setup token": "none", "quarantine id": "1", "destinations id": string(done.Destinations[0].ID), "settings id": string(token.ID),
	})
	if log := s.log.String(); strings.Contains(log, "CANARY") {
		t.Errorf("the log holds the key: %s", log)
	}
}

// leak makes a flow at the pages that reads a path of the leaky API, and runs it.
func (s *site) leak(c *client, path string) int {
	s.Helper()
	draft := c.newDraft("rest")
	c.step(draft+"/authenticate", url.Values{"credential": {string(s.stored("Leaky").ID)}}).wantLocation(draft + "/configure")
	form := url.Values{
		"mode": {"manual"}, "request.method": {"GET"}, "request.url": {path}, "request.records": {"$.list[*]"},
		"request.paging.type": {"next_value"}, "request.paging.value": {"$.next"}, "request.paging.query": {"after"}, "version": {c.version(draft + "/configure")},
	}
	c.post(draft+"/test", form, "HX-Request", "true", "HX-Target", "sample").want(http.StatusOK)
	c.post(draft+"/test", form)
	c.step(draft+"/configure", form).wantLocation(draft + "/destinations")
	to := url.Values{"at": {"0"}, "connector": {"file"}, "name": {"lines"}, "value.path": {s.file("out")}, "value.format": {"csv"}}
	to.Set("version", c.version(draft+"/destinations?add=file"))
	c.post(draft+"/destinations", to).wantLocation(draft + "/destinations")
	c.get(draft + "/destinations?edit=0").want(http.StatusOK)
	c.get(draft + "/destinations?add=sqlite").want(http.StatusOK)
	flow := c.step(draft+"/review", url.Values{"name": {strings.Trim(path, "/")}, "go": {"activate"}}).want(http.StatusSeeOther).Header.Get("Location")
	run, _, err := s.app.Service.StartRun(s.Context(), actor, strings.TrimPrefix(flow, "/flows/"))
	if err != nil {
		s.Fatal(err)
	}
	if run, err = s.app.Service.Follow(s.Context(), run.ID, time.Millisecond, func(service.Progress) {}); err != nil {
		s.Fatal(err)
	}
	for _, page := range []string{flow, flow + "/file", flow + "/delete", fmt.Sprintf("/runs/%d", run.ID), strings.Replace(flow, "flows", "datasets", 1)} {
		c.get(page).want(http.StatusOK)
	}
	last := "never said" // the stream ends with the run
	if run.State == sallyport.RunWaiting {
		last = "Waiting"
	}
	c.stream(s.Context(), flow+"/events", last)
	c.stream(s.Context(), fmt.Sprintf("/runs/%d/events", run.ID), last)
	return 1
}

var registered = regexp.MustCompile(`(?:open|closed)\("(GET|POST) (/[^"]*)"`)

// patterns are all that the pages answer to, as their source registers it; what removes things comes last.
func patterns(t *testing.T) (all []string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range registered.FindAllStringSubmatch(string(source), -1) {
			all = append(all, match[1]+" "+strings.ReplaceAll(match[2], "{$}", ""))
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return last(a) - last(b) })
	return all
}

func last(pattern string) int {
	for rank, part := range []string{"/discard", "/review", "/delete", "/revoke", "/sign-out"} {
		if strings.HasPrefix(pattern, "POST") && strings.HasSuffix(pattern, part) {
			return rank + 1
		}
	}
	return 0
}

// visitAll visits every page, fragment and stream there is, as a page and as a fragment of one.
func (c *client) visitAll(t *testing.T, values map[string]string) {
	visited := 0
	for _, pattern := range patterns(t) {
		method, path, _ := strings.Cut(pattern, " ")
		kind := strings.Split(path, "/")[1]
		for _, name := range []string{"id", "connector", "n", "token"} {
			value, known := values[kind+" "+name]
			if strings.Contains(path, "{"+name+"}") && !known {
				t.Errorf("no value is known for %s", pattern)
			}
			path = strings.ReplaceAll(path, "{"+name+"}", value)
		}
		form := url.Values{"field.key": {canary}, "field.value": {canary}, "password": {canary}, "version": {"1"}}
		for _, header := range [][]string{nil, {"HX-Request", "true", "HX-Target", "x"}, {"HX-Request", "true", "HX-Target", "main"}} {
			if a := c.send(method, path, form, header...); a.StatusCode >= 500 && a.StatusCode != http.StatusBadGateway {
				t.Errorf("%s: status %d", pattern, a.StatusCode)
			}
		}
		if visited++; strings.HasSuffix(path, "/sign-out") {
			c.post("/sign-in", url.Values{"name": {userName}, "password": {password}}).want(http.StatusSeeOther)
		}
	}
	if visited < 60 {
		t.Errorf("only %d patterns were found", visited)
	}
}

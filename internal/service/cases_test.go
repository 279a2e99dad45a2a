package service_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/resttest"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestCases plays the responses of testdata/cases as a server and pulls them, twice. Each file imitates how some public API behaves: a comment,
// then the request as a flow file has it, other lines of its source, the exchanges, and what must come of them, once or for each of several pulls:
//
//	-- request --
//	-- source --
//	-- http --
//	-- records --    JSON lines, in order
//	-- want --       lines such as "state: failed", "error: some of its text", "incomplete: …", "warning: some of its text", "requests: 3", "quarantined: 1", "apply: some error"
//	-- again --      what follows is about the next pull; without it, the same must come again
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	p := newPlace(t, nil)
	server := resttest.Serve(t)
	_, err = p.Service.CreateCredential(t.Context(), actor, service.CredentialDraft{
		Name: "open", Connector: "rest", Public: map[string]string{"address": server.URL, "auth": "none"},
	}, service.WithoutTesting)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := readCase(t, archive)
			c.place, c.server, c.name = p, server, name
			c.play(t)
		})
	}
}

// oddCase is one file.
type oddCase struct {
	*place
	server  *resttest.Server
	name    string
	request string
	source  string
	pulls   []pull
}

// pull is what a system sends during one pull, and what must come of it.
type pull struct {
	exchanges []resttest.Exchange
	records   []string
	want      map[string]string
}

func readCase(t *testing.T, archive *txtar.Archive) *oddCase {
	t.Helper()
	c, now := &oddCase{}, &pull{}
	for _, part := range archive.Files {
		text := string(part.Data)
		switch part.Name {
		case "request":
			c.request = text
		case "source":
			c.source = text
		case "http":
			x, err := resttest.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			now.exchanges = append(now.exchanges, x)
		case "records":
			now.records = strings.Split(strings.TrimSpace(text), "\n")
		case "want":
			now.want = map[string]string{}
			for line := range strings.Lines(text) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				now.want[name] = value
			}
		case "again":
			c.pulls = append(c.pulls, *now)
			now = &pull{exchanges: now.exchanges}
			if rest := nextHas(archive, part.Name, "http"); rest {
				now.exchanges = nil
			}
		default:
			t.Fatalf("the part %q is not known", part.Name)
		}
	}
	c.pulls = append(c.pulls, *now)
	if len(c.pulls) == 1 {
		c.pulls = append(c.pulls, *now)
	}
	return c
}

// nextHas tells whether a part follows the last one of another name.
func nextHas(archive *txtar.Archive, after, name string) (has bool) {
	for _, part := range archive.Files {
		switch part.Name {
		case after:
			has = false
		case name:
			has = true
		}
	}
	return has
}

func (c *oddCase) play(t *testing.T) {
	indent := func(text, by string) string {
		return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by) + "\n"
	}
	text := "flow: " + c.name + "\nsource:\n  connector: rest\n  credential: open\n  request:\n" + indent(c.request, "    ")
	if c.source != "" {
		text += indent(c.source, "  ")
	}
	_, err := c.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{{Name: c.name + ".yaml", Data: []byte(text)}}, false)
	if want := c.pulls[0].want["apply"]; want != "" {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("apply: %v, want %q", err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	before := 0
	for i, now := range c.pulls {
		c.server.Play(now.exchanges...)
		run := c.pull(t)
		records := c.records(t)
		if diff := cmp.Diff(now.records, records[before:]); diff != "" && len(now.records)+len(records)-before > 0 {
			t.Errorf("pull %d: records: %s", i+1, diff)
		}
		before = len(records)
		now.check(t, i+1, run, c.server.Requests())
	}
}

func (c *oddCase) pull(t *testing.T) sallyport.Run {
	t.Helper()
	run, _, err := c.Service.StartRun(t.Context(), actor, c.name)
	if err != nil {
		t.Fatal(err)
	}
	if run, err = c.Service.Follow(t.Context(), run.ID, time.Nanosecond, func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	return run
}

func (c *oddCase) records(t *testing.T) (all []string) {
	t.Helper()
	d, err := c.Service.Dataset(t.Context(), c.name)
	if err != nil {
		t.Fatal(err)
	}
	for record, err := range c.Service.Records(t.Context(), d.ID) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(record))
	}
	return all
}

// check compares a run with what was wanted of it: success, unless something else is.
func (p pull) check(t *testing.T, n int, run sallyport.Run, requests int) {
	t.Helper()
	got := map[string]string{
		"state": string(run.State), "error": run.Error, "incomplete": run.Incomplete, "warning": strings.Join(run.Warnings, "; "),
		"requests": strconv.Itoa(requests), "quarantined": strconv.FormatInt(run.Quarantined, 10),
	}
	want := map[string]string{"state": "succeeded", "error": "", "incomplete": "", "quarantined": "0"}
	for name, value := range p.want {
		if want[name] = value; name == "error" && p.want["state"] == "" {
			want["state"] = "failed"
		}
	}
	for name, value := range want {
		text := name == "error" || name == "incomplete" || name == "warning"
		if text && value != "" && strings.Contains(got[name], value) {
			continue
		}
		if got[name] != value {
			t.Errorf("pull %d: %s is %q, want %q", n, name, got[name], value)
		}
	}
	if t.Failed() {
		t.Logf("pull %d: %+v", n, run)
	}
}

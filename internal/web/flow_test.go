package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

func TestFlowPages(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	c.get("/flows").want(http.StatusOK).says("No flows yet")
	c.get("/runs").says("No runs yet")
	s.fillUp()
	flow, err := s.app.Service.Flow(t.Context(), "urlhaus")
	if err != nil {
		t.Fatal(err)
	}
	path := "/flows/" + string(flow.ID)
	c.get("/flows").says("urlhaus Active Pulsedive feed.indicators", "Succeeded", "never-run Paused", "Resume", "1 run, 1 200 records")
	page := c.get(path).says("Source Pulsedive", "with Pulsedive team", "1 200 records delivered", "Run now", "runs every 8h")
	if len(page.all("div", "id=live", "data-events="+path+"/events")) != 0 {
		t.Error("a flow that is at rest is watched")
	}
	c.post(path+"/run", nil).wantLocation(path)
	c.get(path, "HX-Request", "true", "HX-Target", "live").says("Queued") // a look at the progress takes no notice away
	c.get(path).says("Run 2 of \"urlhaus\" is queued.", "Queued").one("div", "id=live", "data-events="+path+"/events")
	c.post(path+"/run", nil)
	c.get(path).says("it goes on")
	c.post(path+"/pause", nil).wantLocation("/flows")
	c.post(path+"/run", nil).want(http.StatusConflict).says("is paused; resume it first")
	c.post(path+"/resume", nil, "HX-Current-URL", s.URL+path).wantLocation(path)
	c.get("/runs/1").says("Succeeded", "Deliveries", "lines", "table")
	c.get("/runs").says("urlhaus")
	c.get("/activity?before=x").want(http.StatusUnprocessableEntity)
}

// stream reads events until one says all that is wanted, or the stream ends. It returns the data of the last.
func (c *client) stream(ctx context.Context, path string, wanted ...string) (last string, ended bool) {
	c.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", c.URL+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	response, err := c.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != "text/event-stream" {
		c.Fatalf("%s: status %d, %s", path, response.StatusCode, got)
	}
	lines, data := bufio.NewScanner(response.Body), ""
	for lines.Scan() {
		if part, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			data += part
		}
		if lines.Text() != "" {
			continue
		}
		last, data = data, ""
		missing := false
		for _, text := range wanted {
			missing = missing || !strings.Contains(last, text)
		}
		if !missing {
			return last, false
		}
	}
	return last, true
}

func TestEventsOfAFlow(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	s.addFlow("watched", "Key")
	run, _, err := s.app.Service.StartRun(t.Context(), actor, "watched")
	if err != nil {
		t.Fatal(err)
	}
	if last, _ := c.stream(t.Context(), "/flows/watched/events", "Queued"); !strings.HasPrefix(last, `<div id="live" data-events="/flows/flw_`) {
		t.Errorf("the event is %s", last)
	}
	watched := make(chan string, 2)
	for _, path := range []string{"/flows/watched/events", fmt.Sprintf("/runs/%d/events", run.ID)} {
		go func() {
			last, ended := c.stream(t.Context(), path, "this is never said")
			if !ended {
				last = "it did not end"
			}
			watched <- last
		}()
	}
	if _, err := s.app.Service.Follow(t.Context(), run.ID, time.Second, func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if last := <-watched; !strings.Contains(last, "Succeeded") || !strings.Contains(last, "200") || strings.Contains(last, "data-events") {
			t.Errorf("the last event is %s", last)
		}
	}
	if _, ended := c.stream(t.Context(), "/flows/watched/events", "this is never said"); !ended {
		t.Error("the stream of a flow at rest does not end")
	}
	s.client().get("/flows/watched/events").want(http.StatusSeeOther)
}

func TestFlowListIsPaged(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	for i := range 53 {
		s.addFlow(fmt.Sprintf("flow-%02d", i), "Key")
	}
	first := c.get("/flows").want(http.StatusOK).says("flow-00", "flow-49")
	if rows := len(first.all("tr")); rows != 51 {
		t.Errorf("%d rows", rows)
	}
	more, _ := attribute(first.one("a", "href=/flows?after=flow-49&search=&show="), "href")
	if rest := c.get(more).says("flow-50", "flow-52", "From the beginning"); len(rest.all("tr")) != 4 {
		t.Error("the second page has other rows")
	}
	if found := c.get("/flows?search=FLOW-1&show=active"); len(found.all("tr")) != 11 {
		t.Error("the search finds other flows")
	}
	c.get("/flows?search=%3Cb%3E&show=failed").says("No flow fits").one("input", "id=search", "value=<b>")
}

func TestChangeCopyAndDeleteAFlow(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	second := s.addCredential("Second", "")
	s.addFlow("mine", "Key")
	flow, err := s.app.Service.Flow(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	path := "/flows/" + string(flow.ID)

	review := c.post(path+"/change", nil).want(http.StatusSeeOther).Header.Get("Location")
	c.post(path+"/change", nil).wantLocation(review) // a double click
	draft := strings.TrimSuffix(review, "/review")
	page := c.get(review).want(http.StatusOK).says("Change mine", "Save changes", "Every 8 hours")
	if len(page.all("input", "name=name")) != 0 {
		t.Error("the name can be changed")
	}
	if got := c.get("/flows/new"); strings.Contains(got.text, "Changes to") {
		t.Error("a click on Change stores a draft")
	}
	c.step(draft+"/schedule", url.Values{"kind": {"every"}, "number": {"2"}, "unit": {"d"}}).wantLocation(review)
	c.get(path).says("runs every 8h")
	c.get("/flows/new").says("Changes to mine")
	last := url.Values{"go": {"keep"}, "description": {"Now slower"}, "changes": {string(flow.ID)}, "version": {c.version(review)}}
	c.post(review, last).wantLocation(path)
	c.post(review, last).wantLocation(path) // a double click
	c.get(path).says("runs every 2d", "Now slower", "It has not run yet")

	authenticate := c.post(path+"/copy", nil).want(http.StatusSeeOther).Header.Get("Location")
	draft = strings.TrimSuffix(authenticate, "/authenticate")
	c.step(authenticate, url.Values{"credential": {string(second.ID)}}).wantLocation(draft + "/configure")
	c.get(draft+"/review").says("with Second", "mine-copy.ndjson", "mine-copy.db")
	for i, name := range []string{"lines", "table"} {
		form := url.Values{"at": {fmt.Sprint(i)}, "connector": {flow.Destinations[i].Connector}, "name": {name}, "value.path": {s.file(name)}}
		for field, value := range map[string]string{"table": "t", "format": "ndjson", "mode": "append"} {
			form.Set("value."+field, value)
		}
		if i == 0 {
			form.Del("value.table")
		}
		form.Set("version", c.version(draft+"/destinations"))
		c.post(draft+"/destinations", form).wantLocation(draft + "/destinations")
	}
	copied := c.step(draft+"/review", url.Values{"name": {"mine copy"}, "go": {"pause"}}).want(http.StatusSeeOther).Header.Get("Location")
	c.get(copied).says("mine copy", "Paused", "with Second")

	c.get(path+"/delete").says("Delete mine", "must be pulled again")
	c.post(path+"/delete", nil).wantLocation("/flows")
	c.get(path).want(http.StatusNotFound)
}

func TestChangedMeanwhile(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	s.addFlow("mine", "Key")
	review := c.post("/flows/mine/change", nil).want(http.StatusSeeOther).Header.Get("Location")
	version := url.Values{"version": {c.version(review)}}
	stored := strings.TrimSuffix(c.post("/flows/mine/copy", nil).want(http.StatusSeeOther).Header.Get("Location"), "/authenticate")
	c.step(stored+"/schedule", url.Values{"kind": {"every"}, "number": {"9"}, "unit": {"h"}}).wantLocation(stored + "/review")
	flow, err := s.app.Service.Flow(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	file, err := s.app.Service.ExportFlow(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	file = []byte(strings.Replace(string(file), "every: 8h", "every: 9h", 1))
	if _, err := s.app.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{{Name: "f", Data: file}}, false); err != nil {
		t.Fatal(err)
	}
	late := url.Values{"go": {"keep"}, "description": {"My words"}, "version": version["version"]}
	c.post(review, late).want(http.StatusConflict).says("changed meanwhile", "nothing was overwritten", "My words", "Load the newer version")
	schedule := strings.TrimSuffix(review, "/review") + "/schedule"
	typed := url.Values{"kind": {"every"}, "number": {"77"}, "unit": {"h"}, "version": version["version"]}
	page := c.post(schedule, typed).want(http.StatusConflict).says("What you entered is still on this page")
	page.one("input", "id=number", "value=77")
	newer := c.get(schedule).want(http.StatusSeeOther).Header.Get("Location")
	if newer == schedule {
		t.Fatal("it leads to itself")
	}
	c.get(newer).want(http.StatusOK).one("input", "id=number", "value=9")
	c.post(strings.TrimSuffix(review, "/review")+"/discard", version).wantLocation("/flows/" + string(flow.ID))
}

func TestImportAndExport(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	s.addFlow("mine", "Key")
	a := c.get("/flows/mine/file").want(http.StatusOK)
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="mine.yaml"` {
		t.Errorf("it is saved as %s", got)
	}
	text := strings.ReplaceAll(a.text, "mine", "theirs")
	c.post("/flows/import", url.Values{"text": {"flow: x\n  y: ["}, "go": {"check"}}).want(422).says("2:").one("textarea", "id=flow-text")
	c.post("/flows/import", url.Values{"text": {a.text}, "go": {"check"}}).want(http.StatusOK).says("mine unchanged")
	c.post("/flows/import", url.Values{"text": {text}, "go": {"check"}}).want(http.StatusOK).says("theirs created")
	if _, err := s.app.Service.Flow(t.Context(), "theirs"); sallyport.CodeOf(err) != sallyport.NotFound {
		t.Errorf("a check makes the flow: %v", err)
	}
	c.post("/flows/import", url.Values{"text": {text}, "go": {"apply"}}).wantLocation("/flows")
	c.get("/flows").says("1 flow created, 0 changed, 0 as before.", "theirs")
}

// TestReviewShowsWhatChanges narrows a flow in the wizard, and reads on the review and on the import page what would happen.
func TestReviewShowsWhatChanges(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	s.addFlow("mine", "Key")
	s.work("mine")
	review := c.post("/flows/mine/change", nil).want(http.StatusSeeOther).Header.Get("Location")
	c.get(review).says("Nothing is changed yet.")
	draft := strings.TrimSuffix(review, "/review")
	form := c.get(draft+"/configure").filledIn("/configure", "go", "on")
	form.Set("value.fid", "2")
	c.post(draft+"/configure", form).want(http.StatusSeeOther)
	moved := c.get(draft + "/destinations?edit=0").filledIn("/destinations")
	moved.Set("value.path", moved.Get("value.path")+".new")
	c.post(draft+"/destinations", moved).want(http.StatusSeeOther)
	page := c.get(review).says("Source: Feed ID 1 2", "lines: Path", "are marked as vanished in the next run", "receives everything that is kept now", "is left behind")
	if old := page.all("span", "class=old"); len(old) != 2 {
		t.Errorf("%d old values are shown", len(old))
	}
	file := strings.Replace(c.get("/flows/mine/file").text, "fid: 1", "fid: 2", 1)
	c.post("/flows/import", url.Values{"text": {file}, "go": {"check"}}).want(http.StatusOK).says("mine updated", "Source: Feed ID 1 2", "are marked as vanished")
}

package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/service"
)

// newDraft begins a flow, and returns the path of its draft.
func (c *client) newDraft(connector string) string {
	c.Helper()
	a := c.post("/flows/new", url.Values{"connector": {connector}}).want(http.StatusSeeOther)
	return a.Header.Get("Location")
}

// step posts a step with the version that its page has.
func (c *client) step(path string, form url.Values) *answer {
	c.Helper()
	form.Set("version", c.version(path))
	return c.post(path, form)
}

func (c *client) version(path string) string {
	c.Helper()
	v, _ := attribute(c.get(path).want(http.StatusOK).all("input", "name=version")[0], "value")
	return v
}

// atField is the error that stands at a field, which must be marked as wrong and lead to its error.
func (a *answer) atField(id string) string {
	a.Helper()
	var field *html.Node
	for n := range a.doc.Descendants() {
		if v, ok := attribute(n, "id"); ok && v == id {
			field = n
		}
	}
	if field == nil {
		a.Fatalf("there is no field %q\n%s", id, a.text)
	}
	described, _ := attribute(field, "aria-describedby")
	invalid, _ := attribute(field, "aria-invalid")
	if invalid != "true" || !strings.Contains(described, id+"-error") {
		a.Errorf("field %s: aria-invalid=%q aria-describedby=%q", id, invalid, described)
	}
	return words(a.one("small", "id="+id+"-error"))
}

func TestWhatIsKept(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	credential := s.addCredential("Pulsedive team", "For feeds")
	draft := c.newDraft("pulsedive")
	c.step(draft+"/authenticate", url.Values{"credential": {string(credential.ID)}}).wantLocation(draft + "/configure")
	configure := draft + "/configure"
	c.get(configure + "?endpoint=feed.indicators").says("What fits this source: the records that changed.")
	if got := c.get(configure+"?endpoint=taxii.discovery").all("select", "id=emit"); len(got) != 0 {
		t.Error("records without a key are compared")
	}
	form := url.Values{"endpoint": {"feed.indicators"}, "value.fid": {"1"}, "emit": {"some"}, "raw": {"yes"}}
	if got := c.step(configure, form).want(http.StatusUnprocessableEntity).atField("emit"); !strings.Contains(got, "all") {
		t.Errorf("at the choice stands %q", got)
	}
	form.Set("emit", "all")
	c.step(configure, form).wantLocation(draft + "/destinations")
	c.get(configure).one("option", "value=all", "selected=")
	c.get(configure).one("input", "name=raw", "checked=")
	c.get(draft + "/review").says("It keeps every record, and what became of it")
	c.step(draft+"/review", url.Values{"name": {"kept"}, "go": {"pause"}})
	file, err := s.app.Service.ExportFlow(t.Context(), "kept")
	if err != nil || !strings.Contains(string(file), "raw: true") || !strings.Contains(string(file), "emit: all") {
		t.Errorf("the flow is %s, %v", file, err)
	}
}

func TestWizardWithoutScripts(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	credential := s.addCredential("Pulsedive team", "For feeds")
	out := s.file("out.ndjson")

	c.get("/flows/new").want(http.StatusOK).says("Pulsedive", "Any REST API")
	if found := c.get("/flows/new?search=puls").all("button", "class=tile connector"); len(found) != 1 {
		t.Errorf("the search finds %d connectors", len(found))
	}
	c.get("/flows/new?search=zzz").says("No connector is called")
	draft := c.newDraft("pulsedive")
	c.get(draft).wantLocation(draft + "/authenticate")
	c.step(draft+"/authenticate", url.Values{}).want(http.StatusUnprocessableEntity).says("Choose one for Pulsedive")
	c.step(draft+"/authenticate", url.Values{"credential": {string(credential.ID)}}).wantLocation(draft + "/configure")
	c.get(draft+"/authenticate").one("input", "name=credential", "checked=")
	c.get(draft + "/review").want(http.StatusOK).says("To Configure")

	configure := draft + "/configure"
	c.get(configure + "?endpoint=threat.get").says("Give exactly one of these: Threat ID or Threat.")
	wrong := c.step(configure, url.Values{"endpoint": {"feed.indicators"}, "value.fid": {"<b>x"}}).want(http.StatusUnprocessableEntity)
	if got := wrong.atField("value-fid"); got == "" {
		t.Error("nothing stands at the field")
	}
	if v, _ := attribute(wrong.one("input", "id=value-fid"), "value"); v != "<b>x" {
		t.Errorf("what was typed is lost: %q", v)
	}
	form := url.Values{"endpoint": {"feed.indicators"}, "value.fid": {"1"}}
	form.Set("version", c.version(configure))
	c.post(draft+"/test", form).want(http.StatusOK).says("20 records", "and there are more", "1 call made", "indicator")
	c.post(draft+"/test", url.Values{"endpoint": {"feed.indicators"}, "version": {"2"}}, "HX-Request", "true", "HX-Target", "sample").
		want(http.StatusOK).says("Nothing to test yet. Feed ID: Is required; an example is 1.")
	c.step(configure, form).wantLocation(draft + "/destinations")
	c.post(configure, url.Values{"endpoint": {"feed.indicators"}, "value.fid": {"2"}, "version": {"1"}}).want(http.StatusConflict).says("changed in another window", "Load the newer version")
	if v, _ := attribute(c.get(configure).one("input", "id=value-fid"), "value"); v != "1" {
		t.Errorf("another window overwrote it with %q", v)
	}

	destinations := draft + "/destinations"
	add := func(name, path string) *answer {
		return c.step(destinations+"?add=file", url.Values{"at": {"0"}, "connector": {"file"}, "name": {name}, "value.path": {path}, "value.format": {"ndjson"}})
	}
	c.get(destinations + "?add=rest").want(http.StatusNotFound)
	if got := c.post(destinations, url.Values{"version": {c.version(destinations + "?add=file")}, "at": {"0"}, "connector": {"file"}, "name": {"lines"}}).want(422).atField("value-path"); !strings.HasPrefix(got, "Is required") {
		t.Errorf("at the path stands %q", got)
	}
	add("lines", out).wantLocation(destinations)
	twin := c.post(destinations, url.Values{"version": {c.version(destinations)}, "at": {"1"}, "connector": {"file"}, "name": {"again"}, "value.path": {out}})
	twin.want(http.StatusUnprocessableEntity).says("writes there already")
	c.post(destinations, url.Values{"version": {c.version(destinations)}, "at": {"1"}, "connector": {"sqlite"}, "name": {"table"}, "value.path": {out + ".db"}, "value.table": {"t"}}).wantLocation(destinations)
	c.post(destinations+"/1/remove", url.Values{"version": {c.version(destinations)}}).wantLocation(destinations)
	if n := len(c.get(destinations).all("article", "class=tile")); n != 1 {
		t.Errorf("there are %d destinations", n)
	}

	schedule := draft + "/schedule"
	for _, test := range []struct{ field, kind, number, cron, zone string }{
		{"number", "every", "x", "", ""}, {"cron", "cron", "", "", ""}, {"cron", "cron", "", "61 * * * *", ""}, {"zone", "cron", "", "0 8 * * *", "Mars/Base"},
	} {
		bad := c.step(schedule, url.Values{"kind": {test.kind}, "number": {test.number}, "unit": {"h"}, "cron": {test.cron}, "zone": {test.zone}}).want(422)
		if bad.atField(test.field) == "" {
			t.Errorf("nothing stands at %s", test.field)
		}
	}
	c.step(schedule, url.Values{"kind": {"cron"}, "cron": {"0 8 * * *"}, "zone": {"Europe/Vienna"}}).wantLocation(draft + "/review")
	review := c.get(draft+"/review").says("08:00 (Europe/Vienna)", "Pulsedive team", "List Indicators of a Feed", "delivers them to lines")
	if n := len(review.all("ol", "class=times")); n != 1 {
		t.Error("the next times are not shown")
	}

	s.addFlow("taken", "Pulsedive team")
	if got := c.step(draft+"/review", url.Values{"name": {"TAKEN"}, "go": {"pause"}}).want(422).atField("flow-name"); !strings.Contains(got, "already a flow of this name") {
		t.Errorf("at the name stands %q", got)
	}
	last := url.Values{"name": {"mine"}, "description": {"For tests"}, "go": {"activate"}, "version": {c.version(draft + "/review")}}
	flow := c.post(draft+"/review", last).want(http.StatusSeeOther).Header.Get("Location")
	c.post(draft+"/review", last).wantLocation(flow) // a double click
	c.get(draft + "/configure").wantLocation(flow)
	c.get(flow).want(http.StatusOK).says("mine", "For tests", "Queued")
	if drafts := c.get("/flows/new"); strings.Contains(drafts.text, "Unfinished") {
		t.Error("the draft is still there")
	}
	flows, err := s.app.Service.Flows(t.Context())
	if err != nil || len(flows) != 2 {
		t.Errorf("%d flows, %v", len(flows), err)
	}
}

func TestDraftBelongsToItsUser(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	draft := c.newDraft("pulsedive")
	id := strings.TrimPrefix(draft, "/drafts/")
	s.client().get(draft + "/configure").want(http.StatusSeeOther)
	if got := c.get("/flows/new"); strings.Contains(got.text, "Drafts") {
		t.Error("a look at a draft stores it")
	}
	c.step(draft+"/authenticate", url.Values{"credential": {string(s.addCredential("Team", "").ID)}}).wantLocation(draft + "/configure")
	c.get("/flows/new").says("Drafts", "New flow from Pulsedive · Team")
	theirs, err := s.app.Service.Draft(t.Context(), "usr_other", id)
	if err != nil || theirs.Credential != "" {
		t.Errorf("another user sees %+v, %v", theirs, err)
	}
	if err := s.app.Service.SaveDraft(t.Context(), "usr_other", theirs, service.StepReview); sallyport.CodeOf(err) != sallyport.NotFound {
		t.Errorf("another user saves it: %v", err)
	}
	c.step(draft+"/configure", url.Values{"endpoint": {"feed.indicators"}, "value.fid": {"1"}})
	c.get("/flows/new").says("List Indicators of a Feed · Team")
	c.post(draft+"/discard", url.Values{"version": {"1"}}).want(http.StatusConflict)
	c.post(draft+"/discard", url.Values{"version": {"3"}}).wantLocation("/flows/new")
	c.get("/drafts/" + strings.Split(id, "~")[0]).want(http.StatusNotFound).says("does not exist any more")
	c.post("/flows/new", url.Values{"connector": {"file"}}).want(http.StatusUnprocessableEntity).says("for destinations")
	c.get("/drafts/drf_none/review").want(http.StatusNotFound)
}

// TestDiscardDrafts discards drafts that are ticked, and then all that are shown.
func TestDiscardDrafts(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	credential := string(s.addCredential("Team", "").ID)
	for range 25 { // more than are kept
		draft := c.newDraft("pulsedive")
		c.step(draft+"/authenticate", url.Values{"credential": {credential}}).wantLocation(draft + "/configure")
	}
	page := c.get("/flows/new").want(http.StatusOK)
	boxes := page.all("input", "name=draft")
	if len(boxes) != 20 {
		t.Fatalf("%d drafts are kept", len(boxes))
	}
	first, _ := attribute(boxes[0], "value")
	second, _ := attribute(boxes[1], "value")
	c.post("/drafts/discard", url.Values{"draft": {first, second}}).wantLocation("/flows/new")
	page = c.get("/flows/new").says("2 drafts discarded.")
	if left := page.all("input", "name=draft"); len(left) != 18 {
		t.Errorf("%d drafts are left", len(left))
	}
	c.post("/drafts/discard", nil).wantLocation("/flows/new")
	c.get("/flows/new").says("No draft was selected.")
	stale := page.filledIn("/drafts/discard", "which", "all")
	stale.Add("shown", strings.Split(second, "~")[0]+"~9") // it is gone
	c.post("/drafts/discard", stale).wantLocation("/flows/new")
	if page = c.get("/flows/new"); len(page.all("input", "name=draft")) != 0 || strings.Contains(page.text, "Drafts") {
		t.Error("there are drafts left")
	}
}

// scripting is an API without a key whose records try to be part of the page.
func (s *site) scripting() *sallyport.Credential {
	s.Helper()
	api := apptest.Reachable(s, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"results":[{"id":1,"<b>":"<script>alert(1)</script>"},{"id":2,"more":{"a":[null]}},7],"next":"a","odd name":{"x":1}}`)
	})))
	s.Cleanup(api.Close)
	c, err := s.app.Service.CreateCredential(s.Context(), actor, service.CredentialDraft{
		Name: "hostile", Connector: "rest", Public: map[string]string{"address": api.URL, "auth": "none"},
	}, service.WithoutTesting)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func TestWizardManual(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	draft := c.newDraft("rest")
	c.get(draft+"/configure").want(http.StatusOK).one("input", "id=request-url")
	bad := url.Values{"mode": {"manual"}, "request.url": {"/x"}, "request.query": {"no pair"}, "request.paging.start": {"one"}, "request.paging.type": {"page"}}
	a := c.step(draft+"/configure", bad).want(422)
	if a.atField("request-query") == "" || a.atField("request-paging-start") == "" {
		t.Error("nothing stands at the fields")
	}
	c.step(draft+"/configure", url.Values{"mode": {"manual"}, "request.url": {"/x"}}).want(422).says("Credential: Choose one for Any REST API", "To Authenticate")

	c.step(draft+"/authenticate", url.Values{"credential": {string(s.scripting().ID)}}).wantLocation(draft + "/configure")
	form := url.Values{
		"mode": {"manual"}, "request.method": {"GET"}, "request.url": {"/x"}, "request.query": {"limit=2\r\nq=a=b"}, "request.headers": {"Accept: text/json"},
		"request.records": {"$.results[*]"}, "request.paging.type": {"single"}, "request.key": {"id, more"},
	}
	form.Set("version", c.version(draft+"/configure"))
	sample := c.post(draft+"/test", form).want(http.StatusOK).says("3 records that is all", "key id, more", "<script>alert(1)</script>", `{"a":[null]}`)
	if strings.Contains(sample.text, "<script>alert") || strings.Contains(sample.text, "<b>") {
		t.Error("a record is part of the page")
	}
	for pick, value := range map[string]string{"request-records": "$.results[*]", "request-paging-value": "$.next", "request-key": "id"} {
		sample.one("button", "data-pick="+pick, "data-value="+value)
	}
	sample.one("button", `data-value=$["odd name"].x`)
	sample.says("A run makes 1 call.", "no paging")
	alone := url.Values{"mode": {"manual"}, "request.url": {"/x"}, "version": form["version"]}
	proposal := c.post(draft+"/test", alone, hx...).want(http.StatusOK).says("Proposed settings", "The records are at $.results[*].", "2 requests sent", "HTTP 200")
	proposal.one("form", "class=proposal", "action="+draft+"/test")
	for name, value := range map[string]string{"request.url": "/x", "request.records": "$.results[*]", "mode": "manual"} {
		proposal.one("input", "type=hidden", "name="+name, "value="+value)
	}
	form.Set("request.records", "$.nothing[*]")
	c.post(draft+"/test", form).says("it has nothing at $.nothing[*]").one("button", "data-value=$.results[*]")
	form.Set("request.records", "$.results[*]")
	c.step(draft+"/configure", form).wantLocation(draft + "/destinations")
	again := c.get(draft + "/configure")
	if got := words(again.one("textarea", "id=request-query")); got != "limit=2 q=a=b" {
		t.Errorf("the query comes back as %q", got)
	}
	if got, _ := attribute(again.one("input", "id=request-key"), "value"); got != "id, more" {
		t.Errorf("the key comes back as %q", got)
	}
}

// TestDestinationAuthenticates adds a destination that wants a credential: it is chosen among the same tiles, or added over the form.
func TestDestinationAuthenticates(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	credential := s.addCredential("Pulsedive team", "For feeds")
	draft := c.newDraft("pulsedive")
	c.step(draft+"/authenticate", url.Values{"credential": {string(credential.ID)}})
	form := draft + "/destinations?add=pulsedive"
	page := c.get(form).want(http.StatusOK).says("Authenticate with Pulsedive", "Pulsedive team", "Add Credential", "What arrives")
	page.one("input", "type=radio", "name=credential", "value="+string(credential.ID))
	add := draft + "/destinations/credentials/new?to=pulsedive&at=0"
	page.one("a", "href="+add)
	c.get(add, hx...).want(http.StatusOK).says("Add New Credential").one("dialog", "class=overlay")
	c.get(add).want(http.StatusOK).says("Add New Credential", "What arrives")
	c.get(draft + "/destinations/credentials/new?to=file&at=0").want(http.StatusNotFound)
	post := draft + "/destinations/credentials?to=pulsedive&at=0"
	c.post(post, s.form("Pulsedive TEAM", s.key()), hx...).want(http.StatusUnprocessableEntity).says("already a credential")
	added := c.post(post, s.form("Second", s.key()), hx...).want(http.StatusNoContent)
	location := added.Header.Get("HX-Location")
	if !strings.Contains(location, `"target":"#destination-credentials"`) || added.Header.Get("HX-Trigger") != "closeOverlay" {
		t.Errorf("htmx is led to %s", location)
	}
	second := string(s.stored("Second").ID)
	c.get(form+"&selected="+second).one("input", "type=radio", "value="+second, "checked=")
	to := url.Values{"at": {"0"}, "connector": {"pulsedive"}, "name": {"scan"}, "value.field": {"indicator"}, "version": {c.version(form)}}
	c.post(draft+"/destinations", to).want(http.StatusUnprocessableEntity).says("Is missing: Pulsedive wants one")
	to.Set("credential", second)
	c.post(draft+"/destinations", to).wantLocation(draft + "/destinations")
	c.get(draft+"/destinations?edit=0").one("input", "type=radio", "value="+second, "checked=")
}

package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
)

const addPath = "/connectors/pulsedive/credentials"

// hx are the headers of a request by htmx from within an overlay.
var hx = []string{"HX-Request", "true", "HX-Target", "overlay"}

func (s *site) form(name, key string) url.Values {
	s.watch(key)
	return url.Values{"name": {name}, "description": {"For the feeds"}, "field.key": {key}, "field.address": {s.api}}
}

func (s *site) stored(name string) *sallyport.Credential {
	s.Helper()
	c, err := s.app.Service.Credential(s.Context(), name)
	if err != nil {
		s.Fatal(err)
	}
	return &c.Credential
}

func TestConnectorsToAddACredentialFor(t *testing.T) {
	s := newSite(t)
	page := s.signedUp().get("/credentials/new").want(http.StatusOK).says("Pulsedive", "Any REST API")
	if got := len(page.all("a", "class=tile connector")); got != 6 {
		t.Errorf("%d connectors want a credential, want 6", got)
	}
}

func TestOverlay(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	alone := c.get(addPath+"/new", hx...).want(http.StatusOK)
	if len(alone.all("header", "class=site")) != 0 {
		t.Error("htmx gets the whole page")
	}
	whole := c.get(addPath + "/new").want(http.StatusOK).says("Which system does the key belong to?")
	for _, page := range []*answer{alone, whole} {
		page.one("dialog", "class=overlay", "data-path="+addPath+"/new")
		page.says("Add New Credential", "Before you begin", "Review the permissions", "Credential Name required", "Credential Description recommended", "API Key", "Without a key, Pulsedive answers", "Advanced", "Test", "Save")
		page.one("a", "href=https://docs.pulsedive.com")
		page.one("input", "name=field.key", "type=password")
		if value, _ := attribute(page.one("input", "name=field.address"), "value"); value != "https://pulsedive.com" {
			t.Errorf("the address is %q", value)
		}
	}
}

func TestAddRejectedThenInsist(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	form := s.form("  Team key  ", strings.Repeat("0", 64))
	page := c.post(addPath, form, hx...).want(http.StatusUnprocessableEntity)
	page.says("Rejected. Pulsedive does not accept this key", "Invalid API key", "Save anyway, although Pulsedive rejected this key")
	for name, want := range map[string]string{"name": "Team key", "field.address": s.api} {
		if got, _ := attribute(page.one("input", "name="+name), "value"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := words(page.one("textarea", "name=description")); got != "For the feeds" {
		t.Errorf("the description is %q", got)
	}
	key := page.one("input", "name=field.key", "aria-invalid=true")
	if id, _ := attribute(key, "aria-describedby"); !strings.Contains(words(page.one("small", "id=field-key-error")), "Rejected") || !strings.Contains(id, "field-key-error") {
		t.Errorf("the error is not at its field: %q", id)
	}
	if all, err := s.app.Service.Credentials(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("a rejected key was stored: %v, %v", all, err)
	}
	form.Set("insist", "yes")
	c.post(addPath, form).want(http.StatusSeeOther)
	if got := s.stored("Team key").Verdict; got != sallyport.VerdictRejected {
		t.Errorf("the verdict is %q", got)
	}
	c.get("/credentials").want(http.StatusOK).says("Team key", "Rejected")
}

func TestAddedCredentialIsATileSelected(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	form := s.form("Team key", s.key())
	form.Set("field.key", " "+form.Get("field.key")+"\n")
	location := c.post(addPath, form, hx...).want(http.StatusNoContent).Header.Get("HX-Location")
	id := string(s.stored("Team key").ID)
	if !strings.Contains(location, `"/credentials?selected=`+id+`"`) {
		t.Errorf("htmx is led to %q", location)
	}
	page := c.get("/credentials?selected="+id).says(`"Team key" is stored`, "Accepted")
	page.one("article", "id=tile-"+id, "aria-current=true")
	draft := c.newDraft("pulsedive")
	leads := c.post(draft+"/credentials", s.form("Second", s.key())).want(http.StatusSeeOther).Header.Get("Location")
	if !strings.HasPrefix(leads, draft+"/authenticate?selected=") {
		t.Errorf("it leads to %q", leads)
	}
	page = c.get(leads).want(http.StatusOK)
	if got := len(page.all("input", "type=radio")); got != 2 {
		t.Errorf("%d tiles, want 2", got)
	}
	page.one("input", "type=radio", "value="+string(s.stored("Second").ID), "checked=")
}

func TestWhatIsWrongStandsAtItsField(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Taken", "")
	for _, test := range []struct{ field, value, at, says string }{
		{"name", "", "credential-name-error", "Must not be empty."},
		{"name", "tAKEN", "credential-name-error", `already a credential named "Taken"`},
		{"name", strings.Repeat("x", 101), "credential-name-error", "longer than 100"},
		{"description", strings.Repeat("x", 1001), "credential-description-error", "longer than 1000"},
		{"field.key", "", "field-key-error", "Is required."},
		{"field.key", "two\twords", "field-key-error", "tab"},
		{"field.key", strings.Repeat("x", 17<<10), "field-key-error", "longer than"},
		{"field.address", "http://example.com", "field-address-error", "must begin with https"},
	} {
		form := s.form("New", "some-key-0123456789")
		form.Set(test.field, test.value)
		page := c.post(addPath, form, hx...).want(http.StatusUnprocessableEntity)
		if got := words(page.one("small", "id="+test.at)); !strings.Contains(strings.ToLower(got), strings.ToLower(test.says)) {
			t.Errorf("%s: it says %q, want %q", test.field, got, test.says)
		}
	}
	both := c.post(addPath, url.Values{"from": {"credentials"}}, hx...).want(http.StatusUnprocessableEntity)
	if got := len(both.all("input", "aria-invalid=true")); got != 2 {
		t.Errorf("%d fields are marked, want the name and the key", got)
	}
	if requests := len(s.sandbox.Journal()); requests != 1 {
		t.Errorf("%d calls were made, want the one for the credential that is there", requests)
	}
}

// The fields of a connector may be called as the credential's own.
func TestFieldNamesOfAConnector(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	form := url.Values{"name": {"My API"}, "field.address": {s.api}, "field.auth": {"query"}, "field.name": {""}, "field.value": {"secret-0123456789"}}
	page := c.post("/connectors/rest/credentials", form, hx...).want(http.StatusUnprocessableEntity)
	if words(page.one("small", "id=field-name-error")) == "" || words(page.one("small", "id=credential-name-error")) != "" {
		t.Error("the error stands at the wrong name")
	}
	form.Set("field.name", "key")
	c.post("/connectors/rest/credentials", form).want(http.StatusSeeOther)
	c.get("/credentials").says("My API", "Not tested")
}

func TestDraftIsTested(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	silent := apptest.Reachable(t, httptest.NewServer(nil))
	silent.Close()
	for _, test := range []struct{ key, address, says string }{
		{s.key(), s.api, "Accepted Pulsedive took the key."},
		{strings.Repeat("0", 64), s.api, "Rejected Pulsedive does not accept this key."},
		{"some-key-0123456789", silent.URL, "Not reachable Pulsedive could not be asked"},
		{"", s.api, "Nothing to test yet. API Key: Is required. Or choose to continue without a key."},
	} {
		form := s.form("", "unused-0123456789")
		form.Set("field.key", test.key)
		form.Set("field.address", test.address)
		c.post(addPath+"/test", form, hx...).want(http.StatusOK).says(test.says)
	}
	keyless := s.form("", "unused-0123456789")
	keyless.Set("field.key", "")
	keyless.Set("keyless", "yes")
	keyless.Set("field.address", s.api)
	c.post(addPath+"/test", keyless, hx...).want(http.StatusOK).says("Accepted Pulsedive responds without a key.")
	if all, err := s.app.Service.Credentials(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("a test stores: %v, %v", all, err)
	}
}

func TestDoubleClickCreatesOne(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	form := s.form("Once", s.key())
	statuses := make([]int, 4)
	var posts sync.WaitGroup
	for i := range statuses {
		posts.Go(func() { statuses[i] = c.post(addPath, form, hx...).StatusCode })
	}
	posts.Wait()
	created := 0
	for _, status := range statuses {
		if status == http.StatusNoContent {
			created++
		} else if status != http.StatusUnprocessableEntity {
			t.Errorf("status %d", status)
		}
	}
	if all, err := s.app.Service.Credentials(t.Context()); err != nil || len(all) != 1 || created != 1 {
		t.Errorf("%d created, %d stored, %v", created, len(all), err)
	}
}

// hostile answers every call with a sentence that is markup, and repeats the key in it.
func (s *site) hostile() string {
	server := apptest.Reachable(s, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error": "<script>alert(1)</script><img src=x onerror=alert(2)> your key %s"}`, r.URL.Query().Get("key"))
	})))
	s.Cleanup(server.Close)
	return server.URL
}

func TestWhatComesFromOutsideIsText(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	form := s.form(`<script>alert(3)</script>`, "hostile-key-0123456789")
	form.Set("description", `"><img src=x onerror=alert(4)>`)
	form.Set("field.address", s.hostile())
	wants := func(page *answer) {
		t.Helper()
		for n := range page.doc.Descendants() {
			checkElement(t, page.Request.URL.Path, n)
		}
		if n := len(page.all("script")); n > 2 {
			t.Errorf("%s has %d scripts", page.Request.URL.Path, n)
		}
		page.says("alert(")
	}
	wants(c.post(addPath+"/test", form, hx...).want(http.StatusOK))
	wants(c.post(addPath, form, hx...).want(http.StatusUnprocessableEntity))
	form.Set("insist", "yes")
	c.post(addPath, form).want(http.StatusSeeOther)
	for _, path := range []string{"/credentials", c.newDraft("pulsedive") + "/authenticate", "/activity"} {
		wants(c.get(path).want(http.StatusOK))
	}
}

func TestEditInTwoTabs(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Other", "")
	path := "/credentials/" + string(s.addCredential("Team", "Old").ID)
	since := func() string {
		value, _ := attribute(c.get(path+"/edit", hx...).want(http.StatusOK).one("input", "name=since"), "value")
		return value
	}
	stale := since()
	c.post(path, url.Values{"name": {"Team A"}, "description": {"First\r\nline"}, "since": {stale}}, hx...).want(http.StatusOK).says("Team A", "First line")
	second := c.post(path, url.Values{"name": {"Team B"}, "description": {"Mine"}, "since": {stale}}, hx...).want(http.StatusUnprocessableEntity)
	second.says("changed meanwhile", "nothing was overwritten", "Mine")
	if got := s.stored("Team A"); got.Description != "First\nline" {
		t.Errorf("stored: %+v", got)
	}
	taken := c.post(path, url.Values{"name": {"oTHER"}, "since": {since()}}, hx...).want(http.StatusUnprocessableEntity)
	taken.says(`already a credential named "Other"`)
	taken.one("input", "name=name", "aria-invalid=true")
	c.post(path, url.Values{"name": {"Team A"}, "since": {since()}}).wantLocation("/credentials?selected=" + strings.TrimPrefix(path, "/credentials/"))
	c.get("/activity").says("Credential edited", "Team A")
}

func TestTestNow(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	path := "/credentials/" + string(s.addCredential("Team", "").ID) + "/test"
	c.post(path, nil, hx...).want(http.StatusOK).says("Team", "Accepted", "just now")
	c.post(path, nil).want(http.StatusSeeOther)
	if got := len(s.sandbox.Journal()); got != 3 {
		t.Errorf("%d calls, want one at the beginning and one for each test", got)
	}
}

func TestRotate(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	stored := s.addCredential("Team", "Old")
	path := "/credentials/" + string(stored.ID) + "/rotate"
	overlay := c.get(path, hx...).want(http.StatusOK).says("Rotate Team", "replace the old one")
	if len(overlay.all("input", "name=field.address"))+len(overlay.all("input", "name=name")) != 0 {
		t.Error("rotating asks for more than the key")
	}
	wrong := url.Values{"field.key": {strings.Repeat("0", 64)}}
	c.post(path+"/test", wrong, hx...).want(http.StatusOK).says("Rejected")
	c.post(path, wrong, hx...).want(http.StatusUnprocessableEntity).says("Rejected")
	c.post(path, nil, hx...).want(http.StatusUnprocessableEntity).says("Is required")
	if got := s.stored("Team"); got.Version != stored.Version {
		t.Errorf("a rejected key is version %d", got.Version)
	}
	elsewhere := url.Values{"field.key": {s.key()}, "field.address": {s.hostile()}}
	c.post(path, elsewhere).wantLocation("/credentials?selected=" + string(stored.ID))
	if got := s.stored("Team"); got.Version != stored.Version+1 || got.Public["address"] != s.api {
		t.Errorf("after the rotation: %+v", got)
	}
	c.get("/credentials").says("has its new key")
}

// TestRotateKeepsWhatIsEditedMeanwhile edits the description while the new key is being tested.
func TestRotateKeepsWhatIsEditedMeanwhile(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	edit := func() {}
	server := apptest.Reachable(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		edit()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"fid": 1}`)
	})))
	t.Cleanup(server.Close)
	form := s.form("Team", "first-key-0123456789")
	form.Set("field.address", server.URL)
	c.post(addPath, form).want(http.StatusSeeOther)
	stored := s.stored("Team")
	edit = func() {
		changed := *stored
		changed.Description = "Edited during the test"
		if err := s.app.Service.UpdateCredential(t.Context(), actor, changed); err != nil {
			t.Error(err)
		}
	}
	s.watch("second-key-0123456789")
	c.post("/credentials/"+string(stored.ID)+"/rotate", url.Values{"field.key": {"second-key-0123456789"}}).want(http.StatusSeeOther)
	if got := s.stored("Team"); got.Version != 2 || got.Description != "Edited during the test" {
		t.Errorf("stored: version %d, %q", got.Version, got.Description)
	}
}

func TestDelete(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	used := "/credentials/" + string(s.addCredential("Used", "").ID) + "/delete"
	free := "/credentials/" + string(s.addCredential("Free", "").ID) + "/delete"
	s.addFlow("urlhaus", "Used")
	refused := c.get(used, hx...).want(http.StatusOK).says("cannot be deleted", "urlhaus")
	if len(refused.all("button", "type=submit")) != 0 {
		t.Error("it can be deleted all the same")
	}
	c.post(used, nil, hx...).want(http.StatusUnprocessableEntity).says("cannot be deleted", "urlhaus")
	c.get(free, hx...).want(http.StatusOK).one("button", "type=submit")
	c.post(free, nil).wantLocation("/credentials")
	c.get("/credentials").says(`"Free" is deleted.`, "Used by urlhaus")
	c.post(free, nil).want(http.StatusNotFound)
}

// TestWarningsOfNewKeys says that a short key is not searched for, and refuses a new key that the description of its credential shows already.
func TestWarningsOfNewKeys(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	add := url.Values{
		"name": {"Short"}, "description": {"hunter2hunter2"}, "field.address": {"https://api.invalid"}, "field.auth": {"query"}, "field.name": {"key"}, "field.value": {"7chars!"}, "insist": {"yes"},
	}
	c.post("/connectors/rest/credentials", add).want(http.StatusSeeOther)
	c.get("/credentials").says(`Warning: the key in the field "value" has fewer than 8 characters`)
	rotate := "/credentials/" + string(s.stored("Short").ID) + "/rotate"
	c.post(rotate, url.Values{"field.value": {"7chars?"}, "insist": {"yes"}}).want(http.StatusSeeOther)
	c.get("/credentials").says("has its new key", "Warning: the key in the field")
	a := c.post(rotate, url.Values{"field.value": {"hunter2hunter2"}, "insist": {"yes"}}).want(http.StatusUnprocessableEntity)
	a.says("Description: contains the key; enter a key in the field \"value\" only", "use another key")
}

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/sallyport-io/sallyport/internal/service"
)

// TestOverlaySaysWhereTheKeyGoes reads the overlay: the system's name, how to get an account, and where which requests carry the key.
func TestOverlaySaysWhereTheKeyGoes(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	page := c.get("/connectors/pulsedive/credentials/new").want(http.StatusOK)
	page.says("Add New Credential: Pulsedive", "create an account", "Unless noted, the key is sent as the query parameter key .",
		"Scan an Indicator: as the field key of the form", "List TAXII Collections", "as the password of HTTP Basic authentication with the user name taxii2")
	if strings.Contains(page.text, "authenticates every request") {
		t.Error("it says that every request carries the key in the same way")
	}
	page.one("a", "href=https://pulsedive.com", "target=_blank")
}

// TestForcedKeyIsAudited saves a rejected key on insistence: the activity says so.
func TestForcedKeyIsAudited(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	form := s.form("Forced", strings.Repeat("0", 64))
	c.post("/connectors/pulsedive/credentials", form).want(http.StatusUnprocessableEntity).says("Save anyway, although Pulsedive rejected this key.")
	form.Set("insist", "yes")
	c.post("/connectors/pulsedive/credentials", form).want(http.StatusSeeOther)
	c.get("/activity").says("forced: rejected")
	s.addCredential("Right", "")
	if entries, err := s.app.Service.Audit(t.Context(), s.stored("Right").ID, "", 10, 0); err != nil || len(entries) == 0 || entries[len(entries)-1].Detail["forced"] != "" {
		t.Errorf("a key that was accepted counts as forced: %+v, %v", entries, err)
	}
}

// TestWhatArrivesHasTheChange tests a source whose records are compared: the fields that arrive begin with the change.
func TestWhatArrivesHasTheChange(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	credential := s.addCredential("Team", "")
	draft := c.newDraft("pulsedive")
	c.step(draft+"/authenticate", url.Values{"credential": {string(credential.ID)}})
	form := c.get(draft+"/configure?endpoint=feed.indicators").filledIn("/configure", "go", "on")
	form.Set("value.fid", "1")
	c.post(draft+"/test", form).says("20 records")
	c.post(draft+"/configure", form).wantLocation(draft + "/destinations")
	c.get(draft + "/destinations?add=file").says("Field Kind Example _change string new")
}

// TestErrorPagesHelp looks at errors with and without a session: each leads somewhere that helps.
func TestErrorPagesHelp(t *testing.T) {
	s := newSite(t)
	stranger := s.client()
	page := stranger.get("/setup/none").want(http.StatusNotFound).says("Sallyport", "Sign in, or restart", "has expired or was already used")
	page.one("a", "class=primary", "href=/sign-in")
	page.one("a", "class=brand")
	if strings.Contains(page.text, "deleted or renamed") {
		t.Error("it gives advice that does not help")
	}
	stranger.send("POST", "/sign-in", nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").want(http.StatusForbidden).says("Request blocked", "Open Sallyport directly")
	c := s.signedUp()
	c.get("/flows/none").want(http.StatusNotFound).says("Not found", "deleted or renamed").one("a", "class=primary", "href=/flows")
}

// TestEndedSession goes on with the cookie of a session that ended: the sign-in page says so, but not to somebody who comes for the first time.
func TestEndedSession(t *testing.T) {
	s := newSite(t)
	location := s.client().get("/flows", "Cookie", "sallyport_session=spent").want(http.StatusSeeOther).Header.Get("Location")
	s.client().get(location).says("Your session has ended. Sign in to continue.")
	location = s.client().get("/flows").want(http.StatusSeeOther).Header.Get("Location")
	if page := s.client().get(location); strings.Contains(page.text, "has ended") {
		t.Error("a stranger is told of a session")
	}
}

// TestOverlayKeepsWhatWasEntered is about the overlay in a browser: a verdict goes when the key changes, and Esc discards nothing without a question.
func TestOverlayKeepsWhatWasEntered(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	b.open("/credentials/new")
	b.click("a.tile[href^='/connectors/pulsedive/']")
	b.is(`document.activeElement.id === "credential-name"`)
	b.press(kb.Escape)
	b.is(`document.querySelector("dialog") === null`) // nothing was entered

	b.click("a.tile[href^='/connectors/pulsedive/']")
	b.is(`document.activeElement.id === "credential-name"`)
	b.fill("#credential-name", "Mine")
	for range 2 { // a browser closes at the second one, if it is let
		b.press(kb.Escape)
		b.is(`document.querySelector("dialog:modal [data-discard]").checkVisibility() && document.querySelector("#credential-name").value === "Mine"`)
	}
	b.look("light", 1440, 900)
	b.shot("overlay-discard")
	b.click("[data-keep]")
	b.is(`!document.querySelector("[data-discard]").checkVisibility()`)
	b.click("dialog .close")
	b.is(`document.querySelector("[data-discard]").checkVisibility()`)
	b.click("[data-keep]")

	b.click("dialog details:not(.steps) summary")
	b.fill("#field-address", s.api)
	b.fill("#field-key", s.key())
	b.click("dialog button[hx-post]")
	b.says("#test-result", "Accepted")
	b.press(kb.Tab)
	b.fill("#field-key", strings.Repeat("0", 64))
	b.is(`document.querySelector("#test-result").textContent.trim() === ""`)
	b.click("dialog button[type=submit]")
	b.says("dialog [data-insist]", "Save anyway")
	b.shot("overlay-rejected")
	b.fill("#field-key", s.key())
	b.is(`document.querySelector("dialog [data-insist]") === null && !document.querySelector("dialog").textContent.includes("Rejected")`)
	b.click("dialog .close")
	b.click("[data-sure]")
	b.is(`document.querySelector("dialog") === null`)
}

// TestLongNames makes everything that has a name as long as names may be: nothing is wider than the window.
func TestLongNames(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	long := strings.Repeat("x", 98)
	s.addCredential(long, strings.Repeat("y", 300))
	s.addFlow("f", long)
	file, err := s.app.Service.ExportFlow(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	renamed := strings.NewReplacer("flow: f", "flow: "+long, ".ndjson", "2.ndjson", ".db", "2.db").Replace(string(file))
	if _, err := s.app.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{{Name: "f", Data: []byte(renamed)}}, false); err != nil {
		t.Fatal(err)
	}
	s.work(long)
	for _, path := range []string{"/flows", "/runs", "/activity", "/credentials", "/flows/" + long} {
		for _, width := range []int64{1440, 380} {
			b.look("light", width, 900)
			b.open(path)
			b.fits()
			b.is(`[...document.querySelectorAll(".table")].every((e) => e.scrollWidth <= e.clientWidth + 1)`)
			b.shot("long-" + strings.Trim(strings.ReplaceAll(strings.Split(path, long)[0], "/", "-"), "-") + map[int64]string{1440: "-wide", 380: "-narrow"}[width])
		}
	}
}

package web_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sallyport-io/sallyport/internal/service"
)

func TestWizardManualLooks(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	s.scripting()
	b.open("/flows/new?search=any")
	b.click("button.tile.connector")
	b.click("input[name=credential]")
	b.click("button.primary")
	b.says("h1", "Configure Any REST API")
	b.is(`document.querySelector("#request-paging-value").checkVisibility() === false`)
	b.fill("#request-url", "/x")
	b.click("button[hx-post$='/test']")
	b.says("#sample .proposal", "The records are at $.results[*].")
	b.click("button[data-value='$.results[*]']")
	b.is(`document.querySelector("#request-records").value === "$.results[*]"`)
	b.says("#proposed", "Path to Records is now $.results[*]")
	b.click("button[data-value='id']")
	b.is(`document.querySelector("#request-key").value === "id"`)
	b.click("button[data-value='$.next']")
	b.is(`document.querySelector("#request-paging-value").checkVisibility() && document.querySelector("#request-paging-value").value === "$.next"`)
	b.fill("#request-paging-query", "after")
	b.click("button[hx-post$='/test']")
	b.says("#sample", "3 records")
	b.is(`(() => { const e = document.querySelector("#request-paging-type"); e.value = "single"; e.dispatchEvent(new Event("change", {bubbles: true})); return true })()`)
	b.click("button[hx-post$='/test']")
	b.says("#sample", "3 records")
	b.everyLook("wizard-manual")
	b.signedOutMeanwhile()
}

func TestWizardWalk(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.look("light", 1200, 900)
	b.signUp()
	b.open("/flows/new")
	b.fill("#search", "puls")
	b.is(`document.querySelectorAll("button.tile").length === 1`)
	b.shot("wizard-1-source")
	b.click("input[value=pulsedive] + button.tile")
	b.says("h1", "Authenticate with Pulsedive")
	b.click("a.tile.add")
	b.is(`document.activeElement.id === "credential-name"`)
	b.addKey("Pulsedive team", s.key())
	b.is(`document.querySelector("input[type=radio]:checked")?.closest("label").textContent.includes("Pulsedive team")`)
	b.everyLook("wizard-2-authenticate")
	b.click("button.primary")
	b.says("h1", "Configure Pulsedive")
	b.is(`(() => { const e = document.querySelector("#endpoint"); e.value = "feed.indicators"; e.dispatchEvent(new Event("change", {bubbles: true})); return true })()`)
	b.is(`document.querySelector("#value-fid") !== null`)
	b.click("button[hx-post$='/test']")
	b.says("#sample", "Feed ID")
	b.fill("#value-fid", "1")
	b.click("button[hx-post$='/test']")
	b.says("#sample .sample-facts", "20 records")
	b.everyLook("wizard-3-configure")
	b.click("#source summary")
	b.says("#emit-help", "the records that changed")
	b.everyLook("wizard-3-kept")
	b.click("#source button.primary")
	b.says("h1", "Destinations")
	b.everyLook("wizard-4-destinations")
	b.click("a.tile[href$='add=file']")
	b.fill("#value-path", s.file("out.ndjson"))
	b.everyLook("wizard-5-file")
	b.click("form.panel button.primary")
	b.says("article.tile h2", "file")
	b.shot("wizard-6-added")
	b.click("a.primary[href$='/schedule']")
	b.says("h1", "Schedule")
	b.click("input[value=every]")
	b.says("#times", "At once")
	b.everyLook("wizard-7-schedule")
	b.click("form.schedule button.primary")
	b.says("h1", "Review")
	b.everyLook("wizard-8-review")
	b.fill("#flow-name", "urlhaus")
	b.do(chromedp.DoubleClick(chromedp.CSS("button[value=activate]"), chromedp.NodeVisible))
	b.says("h1", "urlhaus")
	b.says("#notice", "saved and active")
	b.stays()
	b.workAll("urlhaus")
	b.says("#live", "Succeeded")
	b.stayed()
	b.shot("wizard-9-flow")
	b.click("#live-dataset")
	b.says("h1", "Dataset urlhaus")
	b.open("/flows")
	b.everyLook("wizard-10-flows")
}

// stays begins to watch whether anything on the page moves by itself.
func (b *tab) stays() {
	b.Helper()
	b.is(`(() => { window.shifted = 0; new PerformanceObserver(l => l.getEntries().forEach(e => { if (!e.hadRecentInput) window.shifted += e.value }))
		.observe({type: "layout-shift"}); return true })()`)
}

// stayed fails if something moved. What is new may push down what is below it, but hardly.
func (b *tab) stayed() {
	b.Helper()
	shifted, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("window.shifted"))
	if err != nil || shifted > 0.05 {
		b.Errorf("the layout shifted by %.3f, %v", shifted, err)
	}
}

// everyLook takes pictures of a step in both colours, wide and narrow, and looks for what people cannot see, hear or reach.
func (b *tab) everyLook(name string) {
	b.Helper()
	for _, look := range []struct {
		name, scheme  string
		width, height int64
	}{{"dark", "dark", 1200, 900}, {"narrow", "light", 380, 900}, {"light", "light", 1200, 900}} {
		b.look(look.scheme, look.width, look.height)
		b.is(`!document.getAnimations().some(a => a.effect.target.checkVisibility())`) // colours change slowly; what is folded away stands still
		b.fits()
		b.accessible(name + " " + look.name)
		b.shot(name + "-" + look.name)
	}
}

// signedOutMeanwhile ends the session while a form is filled in: after signing in again it is there as it was typed.
func (b *tab) signedOutMeanwhile() {
	b.Helper()
	b.fill("#request-query", "limit=7")
	b.is(`fetch("/sign-out", {method: "POST"}).then(r => true)`)
	b.click("#source button.primary")
	b.says("h1", "Sign in")
	b.fill("#name", userName)
	b.fill("#password", password)
	b.press(kb.Enter)
	b.says("#notice", "What you typed is still here")
	b.is(`document.querySelector("#request-query").value === "limit=7" && document.querySelector("#request-records").value === "$.results[*]"`)
	b.click("#source button.primary")
	b.says("h1", "Destinations")
	b.open("/credentials")
	b.click("main a[href='/credentials/new']")
	b.click("a.tile[href^='/connectors/pulsedive/']")
	b.is(`document.activeElement.id === "credential-name"`)
	b.fill("#credential-name", "Typed")
	b.is(`fetch("/sign-out", {method: "POST"}).then(r => true)`)
	b.click("dialog button[type=submit]")
	b.says("h1", "Sign in")
	b.fill("#name", userName)
	b.fill("#password", password)
	b.press(kb.Enter)
	b.is(`document.querySelector("dialog:modal #credential-name")?.value === "Typed" && document.querySelector("#field-key").value === ""`)
	b.says("dialog [data-problem]", "What you typed is still here")
}

// TestWizardByKeyboard makes a flow without a pointer, from its first tile to its run.
func TestWizardByKeyboard(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	s.addCredential("Pulsedive team", "")
	b.open("/flows")
	b.tabTo(`document.activeElement.matches("a.skip")`)
	b.tabTo(`document.activeElement.matches("a[href='/flows/new']")`)
	b.press(kb.Enter)
	b.says("h1", "New flow")
	b.tabTo(`document.activeElement.matches("input[value=pulsedive] + button.tile")`)
	b.press(kb.Enter)
	b.says("h1", "Authenticate")
	b.tabTo(`document.activeElement.matches("input[name=credential]")`)
	b.press(" ")
	b.is(`document.activeElement.checked`)
	b.press(kb.Enter)
	b.says("h1", "Configure")
	b.tabTo(`document.activeElement.id === "endpoint"`)
	b.downTo(`document.activeElement.value === "feed.indicators"`)
	b.is(`document.querySelector("#source [name=endpoint]").value === "feed.indicators"`)
	b.tabTo(`document.activeElement.id === "value-fid"`)
	b.press("1")
	b.tabTo(`document.activeElement.matches("button[hx-post$='/test']")`)
	b.press(kb.Enter)
	b.says("#sample .sample-facts", "20 records")
	b.is(`document.activeElement.matches("button[hx-post$='/test']")`)
	b.backTo(`document.activeElement.matches("#source button.primary")`)
	b.press(kb.Enter)
	b.says("h1", "Destinations")
	b.tabTo(`document.activeElement.matches("a.tile[href$='add=file']")`)
	b.press(kb.Enter)
	b.says("section[aria-labelledby=preview-title]", "indicator")
	b.tabTo(`document.activeElement.id === "value-path"`)
	b.press(s.file("out.ndjson") + kb.Enter)
	b.says("article.tile h2", "file")
	b.tabTo(`document.activeElement.matches("a.primary[href$='/schedule']")`)
	b.press(kb.Enter)
	b.says("h1", "Schedule")
	b.tabTo(`document.activeElement.name === "kind"`)
	b.press(kb.ArrowDown)
	b.says("#times", "At once")
	b.press(kb.Enter)
	b.says("h1", "Review")
	b.tabTo(`document.activeElement.id === "flow-name"`)
	b.press("by keyboard" + kb.Enter)
	b.says("#notice", "saved and active")
	b.workAll("by keyboard")
	b.says("#live", "Succeeded")
}

// TestEndpointThatDoesNotCome chooses an endpoint whose fields the server cannot give: the menu shows what the fields are still of.
func TestEndpointThatDoesNotCome(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	s.addCredential("Pulsedive team", "")
	b.open("/flows/new")
	b.click("input[value=pulsedive] + button.tile")
	b.click("input[name=credential]")
	b.click("button.primary")
	b.says("h1", "Configure Pulsedive")
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	b.failing = true
	b.is(`(() => { const e = document.querySelector("#endpoint"); e.value = "feed.indicators"; e.dispatchEvent(new Event("change", {bubbles: true})); return e.value === "feed.indicators" })()`)
	b.is(`document.querySelector("#endpoint").value === "indicator.get" && document.querySelector("#value-indicator") !== null`)
}

// backTo presses Shift and Tab until an expression is true.
func (b *tab) backTo(expression string) {
	b.Helper()
	b.goOn("Shift and Tab", expression, chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// downTo presses the arrow down until an expression is true.
func (b *tab) downTo(expression string) {
	b.Helper()
	b.goOn("the arrow down", expression, chromedp.KeyEvent(kb.ArrowDown))
}

// workAll works the only run of a flow to its end.
func (b *tab) workAll(flow string) {
	b.Helper()
	runs, err := b.app.Service.Runs(b.ctx, flow, "", 10, 0)
	if err != nil || len(runs) != 1 {
		b.Fatalf("%d runs, %v", len(runs), err)
	}
	if _, err := b.app.Service.Follow(b.ctx, runs[0].ID, time.Second, func(service.Progress) {}); err != nil {
		b.Fatal(err)
	}
}

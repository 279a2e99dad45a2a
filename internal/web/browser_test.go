package web_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of a real browser.
type tab struct {
	*site
	ctx     context.Context
	failing bool // the server is meant to fail
}

// browser starts Chromium. Without one the test is skipped, unless CI=true.
func (s *site) browser() *tab {
	s.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			s.Fatal("no chromium is found, and CI=true wants one")
		}
		s.Skip("no chromium is found: the pages are not tried in a browser")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.WindowSize(1200, 900)}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	s.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(allocator)
	s.Cleanup(stopTab)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	s.Cleanup(cancel)
	b := &tab{site: s, ctx: ctx}
	b.listen()
	return b
}

// listen fails the test on everything that the browser complains of: a violated content security policy, a script that broke.
func (b *tab) listen() {
	b.do(chromedp.Navigate("about:blank"))
	err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Level == log.EntryLevelError && !b.failing && !strings.Contains(e.Entry.Text, "status of 4") {
			b.Errorf("the browser says: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.shot("failed")
		b.Fatal(err)
	}
}

// is evaluates an expression that must become true on a page that is loaded with its scripts.
func (b *tab) is(expression string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.readyState === "complete" && (`+expression+`)`))
		if err == nil {
			return
		}
		if ctx.Err() != nil { // any other error says that the browser went on to the next page meanwhile
			b.shot("failed")
			b.Fatalf("never true: %s (%v)", expression, err)
		}
	}
}

func (b *tab) open(path string) { b.Helper(); b.do(chromedp.Navigate(b.URL + path)) }

// signUp chooses the first password, by keys, and is signed in.
func (b *tab) signUp() {
	b.Helper()
	b.open(b.site.setUp)
	b.press(userName + kb.Tab + password + kb.Tab + password + kb.Enter)
	b.says("h1", "Credentials")
}

func (b *tab) click(selector string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// fill types into a field in place of what is there.
func (b *tab) fill(selector, text string) {
	b.Helper()
	b.do(chromedp.Focus(chromedp.CSS(selector), chromedp.NodeVisible))
	b.is(`(document.activeElement.select(), true)`)
	b.do(chromedp.KeyEvent(text))
}

func (b *tab) press(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// says waits until an element has some text.
func (b *tab) says(selector, text string) {
	b.Helper()
	b.is(`[...document.querySelectorAll(` + quote(selector) + `)].some(e => e.textContent.replace(/\s+/g, " ").includes(` + quote(text) + `))`)
}

func quote(s string) string { return "`" + strings.ReplaceAll(s, "`", "\\`") + "`" }

// shot keeps a picture of the window for people to look at.
func (b *tab) shot(name string) {
	b.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Logf("no picture %s: %v", name, err)
		return
	}
	dir := filepath.Join("testdata", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.Fatal(err)
	}
}

// look sets the colours and the width of the window.
func (b *tab) look(scheme string, width, height int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
		return err
	}))
}

// fits tells whether nothing is wider than the window.
func (b *tab) fits() {
	b.Helper()
	b.is(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`)
}

func TestWalk(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.look("light", 1200, 860)

	b.open(s.setUp)
	b.shot("01-set-up")
	b.fill("#name", userName)
	b.fill("#password", "short")
	b.fill("#repeat", "short")
	b.press(kb.Enter)
	b.says("#password-error", "at least 12")
	b.fill("#password", password)
	b.fill("#repeat", password)
	b.press(kb.Enter)
	b.says("main h2", "No credentials yet")
	b.shot("02-credentials-empty")

	b.click("main a[href='/credentials/new']")
	b.says("main h1", "Add Credential")
	b.shot("03-connectors")
	b.click("a.tile[href^='/connectors/pulsedive/']")
	b.is(`document.querySelector("dialog:modal") !== null && document.activeElement.id === "credential-name"`)
	b.shot("04-overlay")

	b.addKey("Pulsedive team", strings.Repeat("0", 64))
	b.says("dialog #field-key-error", "Rejected")
	b.is(`document.querySelector("#credential-name").value === "Pulsedive team" && document.querySelector("#field-key").value === ""`)
	b.shot("05-rejected")

	b.fill("#field-key", s.key())
	b.click("dialog button[hx-post$='/test']")
	b.says("#test-result", "Accepted")
	b.is(`document.querySelector("#field-key").value !== ""`)
	b.shot("06-tested")
	b.click("dialog button[type=submit]")
	b.says("article[aria-current=true] h2", "Pulsedive team")
	b.is(`document.querySelector("dialog") === null && document.activeElement.textContent === "Pulsedive team"`)
	b.says("#notice", "is stored")
	b.shot("07-selected")

	b.duplicateName(s)
	b.rotateKey(s)
	b.editInTwoTabs()
}

// addKey fills the overlay in and saves.
func (b *tab) addKey(name, key string) {
	b.Helper()
	b.fill("#credential-name", name)
	b.fill("#credential-description", "For the nightly feeds. Owned by the intelligence team.")
	b.is(`(document.querySelectorAll("dialog details").forEach(d => d.open = true), true)`)
	b.fill("#field-address", b.api)
	b.watch(key)
	b.fill("#field-key", "  "+key)
	b.click("dialog button[type=submit]")
}

func (b *tab) duplicateName(s *site) {
	b.Helper()
	b.open("/flows/new")
	b.click("input[value=pulsedive] + button.tile")
	b.says("h1", "Authenticate with")
	b.shot("08-authenticate")
	b.click("a.tile.add")
	b.is(`document.querySelector("dialog:modal") !== null`)
	b.press(kb.Escape)
	b.is(`document.querySelector("dialog") === null && document.activeElement.matches("a.tile.add")`)
	b.click("a.tile.add")
	b.addKey("pulsedive TEAM", s.key())
	b.says("dialog #credential-name-error", "already a credential named")
	b.is(`document.activeElement.id === "credential-name"`)
	b.shot("09-duplicate")
	b.addKey("Pulsedive second", s.key())
	b.is(`document.querySelector("input[type=radio]:checked")?.closest("label").textContent.includes("Pulsedive second")`)
	b.shot("10-authenticate-selected")
}

func (b *tab) rotateKey(s *site) {
	b.Helper()
	b.open("/credentials")
	b.click("a[aria-label='Rotate Pulsedive team']")
	b.is(`document.querySelector("dialog:modal") !== null`)
	b.shot("11-rotate")
	wrong := strings.Repeat("1", 64)
	b.watch(wrong)
	b.fill("#field-key", wrong)
	b.click("dialog button[type=submit]")
	b.says("#field-key-error", "Rejected")
	b.fill("#field-key", s.key())
	b.click("dialog button[type=submit]")
	b.says("#notice", "has its new key")
	b.click("a[aria-label='Delete Pulsedive second']")
	b.is(`document.querySelector("dialog:modal") !== null`)
	b.shot("12-delete")
	b.click("dialog button.danger")
	b.says("#notice", "is deleted")
	b.is(`document.querySelectorAll("article.tile").length === 1`)
}

func (b *tab) editInTwoTabs() {
	b.Helper()
	b.click("a[aria-label='Edit Pulsedive team']")
	b.is(`document.activeElement.name === "name"`)
	b.shot("13-edit")
	all, err := b.app.Service.Credentials(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	other := all[0]
	other.Description = "Changed in another window"
	if err := b.app.Service.UpdateCredential(b.ctx, actor, other); err != nil {
		b.Fatal(err)
	}
	b.fill("textarea[name=description]", "Mine")
	b.click("article form.in-place button[type=submit]")
	b.says("article .form-problem", "changed meanwhile")
	b.shot("14-conflict")
	b.click("article form.in-place a.quiet")
	b.says("article .description", "Changed in another window")
}

// TestLooks takes pictures of every page with something on it: light and dark, wide and narrow. Nothing may be wider than the window.
func TestLooks(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	s.fillUp()
	for range 3 {
		s.work("urlhaus")
	}
	b.open(s.setUp)
	b.fill("#name", userName)
	b.fill("#password", password)
	b.fill("#repeat", password)
	b.press(kb.Enter)
	b.says("h1", "Credentials")
	flow, err := s.app.Service.Flow(b.ctx, "urlhaus")
	if err != nil {
		t.Fatal(err)
	}
	for _, look := range []struct {
		name, scheme  string
		width, height int64
	}{{"light", "light", 1200, 860}, {"dark", "dark", 1200, 860}, {"narrow", "light", 380, 800}, {"narrow-dark", "dark", 380, 800}} {
		b.look(look.scheme, look.width, look.height)
		for name, path := range map[string]string{
			"flows": "/flows", "flow": "/flows/" + string(flow.ID), "dataset": "/datasets/" + string(flow.ID), "credentials": "/credentials", "import": "/flows/import", "delete-flow": "/flows/urlhaus/delete",
			"again":   "/destinations/" + string(flow.Destinations[0].ID) + "/again",
			"overlay": "/connectors/rest/credentials/new", "runs": "/runs", "run": "/runs/1", "activity": "/activity",
			"settings": "/settings", "missing": "/nowhere", "new-flow": "/flows/new",
		} {
			b.open(path)
			if name == "flow" {
				b.is(`document.querySelector(".chart .u-over") !== null`)
			}
			b.fits()
			b.shot("look-" + name + "-" + look.name)
			if name == "flow" {
				b.is(`(document.querySelector(".chart").scrollIntoView(), true)`)
				b.shot("look-chart-" + look.name)
			}
		}
	}
}

// TestServerFails makes sure that a failure is told in the overlay, and that what was typed is still there.
func TestServerFails(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	b.open("/credentials/new")
	b.click("a.tile[href^='/connectors/pulsedive/']")
	b.is(`document.activeElement.id === "credential-name"`)
	b.fill("#credential-name", "Typed")
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	b.failing = true
	b.click("dialog button[type=submit]")
	b.says("dialog [data-problem]", "Try again in a moment")
	b.is(`document.querySelector("#credential-name").value === "Typed"`)
}

// TestKeyboard adds a credential without a pointer.
func TestKeyboard(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	b.open("/flows/new")
	b.tabTo(`document.activeElement.matches("input[value=pulsedive] + button.tile")`)
	b.press(kb.Enter)
	b.says("h1", "Authenticate with Pulsedive")
	b.tabTo(`document.activeElement.matches("a.tile.add")`)
	b.press(kb.Enter)
	b.is(`document.activeElement.id === "credential-name"`)
	b.do(chromedp.KeyEvent("By keyboard"))
	b.tabTo(`document.activeElement.id === "field-key"`)
	b.do(chromedp.KeyEvent(s.key()))
	b.tabTo(`document.activeElement.matches("dialog summary") && document.activeElement.textContent === "Advanced"`)
	b.press(kb.Enter)
	b.tabTo(`document.activeElement.id === "field-address"`)
	b.is(`(document.activeElement.select(), true)`)
	b.do(chromedp.KeyEvent(s.api + kb.Enter))
	b.is(`document.activeElement.matches("input[type=radio]:checked")`)
	b.tabTo(`document.activeElement.matches("button[type=submit].primary")`)
	b.press(kb.Enter)
	b.says("h1", "Configure Pulsedive")
}

// tabTo presses Tab until an expression is true.
func (b *tab) tabTo(expression string) {
	b.Helper()
	b.goOn("the Tab key", expression, chromedp.KeyEvent(kb.Tab))
}

// goOn presses a key until an expression is true.
func (b *tab) goOn(key, expression string, press chromedp.Action[chromedp.Void]) {
	b.Helper()
	for range 40 {
		b.do(press)
		if there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); err != nil {
			b.Fatal(err)
		} else if there {
			return
		}
	}
	b.shot("failed")
	b.Fatalf("%s does not lead to where %s", key, expression)
}

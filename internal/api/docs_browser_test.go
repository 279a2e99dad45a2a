package api

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// docsTab opens the documentation in Chromium. Without one the test is skipped, unless CI=true. It fails on everything that the browser
// complains of: a style or a picture that the content security policy does not allow.
func docsTab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium is found, and CI=true wants one")
		}
		t.Skip("no chromium is found: the documentation is not tried in a browser")
	}
	server := httptest.NewServer(New(Config{Version: "1.2.3", Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(allocator)
	t.Cleanup(stopTab)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	docsDo(t, ctx, chromedp.Navigate("about:blank"))
	err = chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*browserlog.EventEntryAdded); ok && e.Entry.Level == browserlog.EntryLevelError {
			t.Errorf("the browser says: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	docsDo(t, ctx, chromedp.Navigate(server.URL+docsPath))
	return ctx
}

func docsDo(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// evaluated is what an expression of the page is.
func evaluated[T any](t *testing.T, ctx context.Context, expression string, options ...chromedp.EvaluateOption) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tooWide are the elements that stick out of the window.
const tooWide = `document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] : [...document.querySelectorAll("*")]
	.filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth).map(e => e.outerHTML.slice(0, 150))`

const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations
	.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 150)).slice(0, 5).join(" ")))`

// TestDocsLooks takes pictures, light and dark, wide and narrow. Nothing may be wider than the window, and axe-core must find no fault.
func TestDocsLooks(t *testing.T) {
	t.Parallel()
	ctx := docsTab(t)
	axe, err := os.ReadFile("../web/testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	evaluated[bool](t, ctx, string(axe)+"; true")
	for _, look := range []struct {
		name, scheme string
		width        int64
	}{{"narrow", "light", 380}, {"narrow-dark", "dark", 380}, {"light", "light", 1400}, {"dark", "dark", 1400}} {
		docsDo(t, ctx, chromedp.EmulateViewport(look.width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
			return err
		}))
		for _, open := range []string{"true", "false"} {
			evaluated[bool](t, ctx, `(document.querySelectorAll("details").forEach(d => d.open = `+open+`), true)`)
			for _, wide := range evaluated[[]string](t, ctx, tooWide) {
				t.Errorf("%s: too wide: %s", look.name, wide)
			}
		}
		for _, place := range []string{"begin", "create-credential", "errors", "shape-Credential"} {
			evaluated[bool](t, ctx, `(document.getElementById("`+place+`").scrollIntoView(), true)`)
			docsShot(t, ctx, "docs-"+place+"-"+look.name)
		}
		if look.width < 1000 {
			continue // it has the same colours and texts
		}
		for _, fault := range evaluated[[]string](t, ctx, runAxe, chromedp.EvalAwaitPromise) {
			t.Errorf("%s: %s", look.name, fault)
		}
	}
}

// docsShot keeps a picture for people to look at, beside those of the pages.
func docsShot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "web", "testdata", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

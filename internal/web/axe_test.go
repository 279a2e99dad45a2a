package web_test

import (
	_ "embed"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// axe is axe-core 4.10.3 (MPL-2.0), which looks for what people cannot see, hear or reach.
//
//go:embed testdata/axe.min.js
var axe string

// fault is something that axe found.
type fault struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations
	.map(v => ({id: v.id, impact: v.impact, help: v.help, where: v.nodes.map(n => n.html.slice(0, 200))})))`

func TestAccessible(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.look("light", 1200, 860)
	b.open(s.setUp)
	b.accessible("set-up")
	b.do(chromedp.KeyEvent(userName + kb.Tab + password + kb.Tab + password + kb.Enter))
	b.says("main h2", "No credentials yet")
	paths := s.paths()
	for _, scheme := range []string{"light", "dark"} {
		b.look(scheme, 1200, 860)
		for _, path := range paths {
			b.open(path)
			b.accessible(scheme + " " + path)
		}
	}
}

// accessible fails on every fault of the page that is open, the small ones too.
func (b *tab) accessible(name string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](axe+"; true")); err != nil {
		b.Fatal(err)
	}
	faults, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]fault](runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range faults {
		b.Errorf("%s: %s: %s (%s) %q", name, f.Impact, f.Help, f.ID, f.Where)
	}
}

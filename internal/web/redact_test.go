package web

import (
	"testing"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestRedactHTML takes keys out of what a page shows, in the way in which HTML writes them, and leaves the page itself alone, whatever the key.
func TestRedactHTML(t *testing.T) {
	r := secret.NewRedactor(secret.New(`gs+abc"defg<hijk&0123`), secret.New(`<div class="card">`), secret.New(`hx-swap="outerHTML"`))
	for page, want := range map[string]string{
		`<p>x gs&#43;abc&#34;defg&lt;hijk&amp;0123 y</p>`:                              `<p>x [redacted] y</p>`,
		`<input name="gs" value="gs&#43;abc&#34;defg&lt;hijk&amp;0123">`:               `<input name="gs" value="[redacted]">`,
		`<div class="card"><b hx-swap="outerHTML">1</b><svg viewBox="0 0 1 1"/></div>`: `<div class="card"><b hx-swap="outerHTML">1</b><svg viewBox="0 0 1 1"/></div>`,
		`<pre>&lt;div class=&#34;card&#34;&gt;</pre>`:                                  `<pre>[redacted]</pre>`,
	} {
		if got := string(redactHTML(r, []byte(page))); got != want {
			t.Errorf("%s\n is %s\nwant %s", page, got, want)
		}
	}
}

package web

import (
	"testing"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestRedactHTML takes keys out of what a page shows, in the way in which HTML writes them, and leaves the page itself alone, whatever the key.
func TestRedactHTML(t *testing.T) {
	r := secret.NewRedactor(secret.New(`gs+abc"defg<hijk&0123`), secret.New(`<div class="card">`), secret.New(`hx-swap="outerHTML"`),
		secret.New("?show=failed&after="), secret.New("cdefghijklmnopqrst"), secret.New("app.0123456789abcdef.js"))
	for page, want := range map[string]string{
		`<p>x gs&#43;abc&#34;defg&lt;hijk&amp;0123 y</p>`:                              `<p>x [redacted] y</p>`,
		`<input name="gs" value="gs&#43;abc&#34;defg&lt;hijk&amp;0123">`:               `<input name="gs" value="[redacted]">`,
		`<div class="card"><b hx-swap="outerHTML">1</b><svg viewBox="0 0 1 1"/></div>`: `<div class="card"><b hx-swap="outerHTML">1</b><svg viewBox="0 0 1 1"/></div>`,
		`<a href="/flows?after=gs%2Babc%22defg%3Chijk%260123&amp;show=all">x</a>`:      `<a href="/flows?after=[redacted]&amp;show=all">x</a>`,
		`<a hx-get="/flows/x%20gs%2Babc%22defg%3Chijk%260123/file" id="a">x</a>`:       `<a hx-get="/flows/x%20[redacted]/file" id="a">x</a>`,
		`<a href="/runs?gs%2Babc%22defg%3Chijk%260123">x</a>`:                          `<a href="/runs?[redacted]=">x</a>`,
		`<a href="/runs?show=failed&amp;after=flw_abcdefghijklmnopqrstuvwx23">x</a>`:   `<a href="/runs?show=failed&amp;after=flw_abcdefghijklmnopqrstuvwx23">x</a>`,
		`<a href="/flows/flw_abcdefghijklmnopqrstuvwx23">x</a>`:                        `<a href="/flows/flw_abcdefghijklmnopqrstuvwx23">x</a>`,
		`<script src="/static/app.0123456789abcdef.js"></script>`:                      `<script src="/static/app.0123456789abcdef.js"></script>`,
		`<link href="/static/app.0123456789abcdef.js">`:                                `<link href="/static/app.0123456789abcdef.js">`,
		`<pre>&lt;div class=&#34;card&#34;&gt;</pre>`:                                  `<pre>[redacted]</pre>`,
	} {
		if got := string(redactHTML(r, []byte(page))); got != want {
			t.Errorf("%s\n is %s\nwant %s", page, got, want)
		}
	}
}

package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

var (
	keyOnPage    = regexp.MustCompile(`<code id="key">([0-9a-f]{64})</code>`)
	revokeOnPage = regexp.MustCompile(`action="(/account/keys/[a-z0-9]+/revoke)"`)
	limitOnPage  = regexp.MustCompile(`<th scope="row">(\w+)</th>.*</meter> (\d+)</td>`)
)

// leftOnPage reads the table of limits.
func leftOnPage(page string) map[string]int {
	left := map[string]int{}
	for _, m := range limitOnPage.FindAllStringSubmatch(page, -1) {
		left[m[1]], _ = strconv.Atoi(m[2]) // it is digits
	}
	return left
}

// browser is somebody who uses the pages of a sandbox over the network.
type browser struct {
	t    *testing.T
	base string
}

func open(t *testing.T, b *bench) browser {
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	return browser{t, server.URL}
}

func (b browser) read(response *http.Response, err error) (page string, where *url.URL) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(body), response.Request.URL
}

func (b browser) visit(path string) string {
	b.t.Helper()
	page, _ := b.read(http.Get(b.base + path))
	return page
}

// submit posts a form and follows the redirect.
func (b browser) submit(path string, form url.Values) (page string, where *url.URL) {
	b.t.Helper()
	return b.read(http.PostForm(b.base+path, form))
}

func (b browser) createKey(name string, scopes ...string) (key string) {
	b.t.Helper()
	page, where := b.submit("/account/keys", url.Values{"name": {name}, "scope": scopes})
	m := keyOnPage.FindStringSubmatch(page)
	if m == nil {
		b.t.Fatalf("no key on the page:\n%s", page)
	}
	if strings.Contains(where.String(), m[1]) {
		b.t.Errorf("the key is in the address %s", where)
	}
	if again := b.visit(where.RequestURI()); strings.Contains(again, m[1]) || keyOnPage.MatchString(again) {
		b.t.Error("the key is shown a second time")
	}
	return m[1]
}

func TestKeyIsShownOnceAndWorksUntilRevoked(t *testing.T) {
	b := start(t, sandbox.Options{})
	visitor := open(t, b)
	b.key = visitor.createKey("my script", "read", "scan")
	page := visitor.visit("/account")
	for _, want := range []string{"my script", "read, scan", "<code>" + b.key[:4] + "…</code>", "never"} {
		if !strings.Contains(page, want) {
			t.Errorf("not on the page: %s", want)
		}
	}
	b.get(t, "/api/feed.php", "fid", "1")
	for range 2 { // both the key of the script and that of the test
		page = visitor.visit("/account")
		page, where := visitor.submit(revokeOnPage.FindStringSubmatch(page)[1], nil)
		if where.Path != "/account" || where.RawQuery != "" || !strings.Contains(page, "API keys") {
			t.Errorf("revoking ends at %s", where)
		}
	}
	if page = visitor.visit("/account"); !strings.Contains(page, "No keys yet.") {
		t.Error("there are keys left")
	}
	w := b.ask("/api/feed.php", "fid", "1")
	if w.Code != http.StatusUnauthorized || w.Body.String() != `{"error":"Invalid API key."}` {
		t.Errorf("with a revoked key: %d %s", w.Code, w.Body)
	}
}

func TestKeyIsNotSpentByHead(t *testing.T) {
	b := start(t, sandbox.Options{})
	form := httptest.NewRequest(http.MethodPost, "/account/keys", strings.NewReader("name=x&scope=read"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	created := b.do(form)
	if created.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", created.Code, created.Body)
	}
	where := created.Header().Get("Location")
	if w := b.do(httptest.NewRequest(http.MethodHead, where, nil)); keyOnPage.MatchString(w.Body.String()) {
		t.Error("HEAD shows the key")
	}
	if w := b.do(httptest.NewRequest(http.MethodGet, where, nil)); !keyOnPage.MatchString(w.Body.String()) {
		t.Error("GET does not show it any more")
	}
}

func TestWrongKeysAreRefused(t *testing.T) {
	b := start(t, sandbox.Options{})
	visitor := open(t, b)
	right := b.key
	scanner := visitor.createKey("scanner", "scan")
	for key, want := range map[string]string{
		"x": "Invalid API key.", right[:63]: "Invalid API key.", right + "0": "Invalid API key.",
		strings.ToUpper(right) + " ": "Invalid API key.",
		scanner:                      "API key does not have permission for this request.",
	} {
		b.key = key
		w := b.ask("/api/indicator.php", "indicator", "pulsedive.com")
		if w.Code != http.StatusUnauthorized || w.Body.String() != `{"error":"`+want+`"}` {
			t.Errorf("%.10s…: %d %s", key, w.Code, w.Body)
		}
	}
}

func TestKeysAreHexadecimalAndDifferent(t *testing.T) {
	b := start(t, sandbox.Options{})
	form := regexp.MustCompile(`^[0-9a-f]{64}$`)
	one, two := b.CreateKey("same"), b.CreateKey("same")
	if !form.MatchString(one) || !form.MatchString(two) || one == two {
		t.Errorf("keys %s and %s", one, two)
	}
}

func TestBadFormsAreShownAgain(t *testing.T) {
	b := start(t, sandbox.Options{})
	for form, want := range map[string]string{
		"name=+&scope=read": "Give the key a name.",
		"name=" + strings.Repeat("n", 101) + "&scope=read": "The name is too long.",
		"name=kept&scope=root":                             "Choose what the key may do.",
	} {
		r := httptest.NewRequest(http.MethodPost, "/account/keys", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := b.do(r)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.30s: %d, %q is missing", form, w.Code, want)
		}
		if strings.Contains(form, "kept") && !strings.Contains(w.Body.String(), `value="kept"`) {
			t.Error("the name is lost")
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	b := start(t, sandbox.Options{})
	last := 0
	for range 101 {
		r := httptest.NewRequest(http.MethodPost, "/account/keys", strings.NewReader("name=x&scope=read"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		last = b.do(r).Code
	}
	if last != http.StatusUnprocessableEntity {
		t.Errorf("the hundredth and first key: %d", last)
	}
}

func TestPagesEscapeWhatPeopleWrite(t *testing.T) {
	b := start(t, sandbox.Options{})
	const hostile = `"><script>alert('x')</script>`
	b.CreateKey(hostile)
	form := httptest.NewRequest(http.MethodPost, "/account/keys", strings.NewReader(url.Values{"name": {hostile}}.Encode()))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, w := range []*httptest.ResponseRecorder{
		b.do(httptest.NewRequest(http.MethodGet, "/account", nil)), b.do(form),
		b.do(httptest.NewRequest(http.MethodGet, "/", nil)), b.do(httptest.NewRequest(http.MethodGet, "/%3Cscript%3E", nil)),
	} {
		body := w.Body.String()
		if strings.Contains(body, "<script") || strings.Contains(body, "<Domains>") {
			t.Errorf("not escaped:\n%s", body)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'self'") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", w.Header())
		}
		if strings.Contains(body, "style=") || strings.Contains(body, "<style") {
			t.Error("there is a style that the policy forbids")
		}
	}
}

func TestOtherSitesCannotPostForms(t *testing.T) {
	b := start(t, sandbox.Options{})
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"} {
		for _, path := range []string{"/account/keys", "/account/keys/x/revoke"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("name=x&scope=read"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			if w := b.do(r); w.Code != http.StatusForbidden {
				t.Errorf("%s with %s: %s is answered with %d", path, name, value, w.Code)
			}
		}
	}
}

func TestAccountPageSaysWhatIsLeft(t *testing.T) {
	b := start(t, sandbox.Options{Plan: "pro", Now: func() time.Time { return noon }})
	b.get(t, "/api/feed.php", "fid", "1")
	page := b.do(httptest.NewRequest(http.MethodGet, "/account", nil)).Body.String()
	left := leftOnPage(page)
	if fmt.Sprint(left) != "map[day:9999 month:299999 second:9]" || !strings.Contains(page, "<strong>pro</strong>") {
		t.Errorf("left %v on\n%s", left, page)
	}
	for _, want := range []string{
		"up to page 2.", "a limit of up to 1000.", "CSV export is not included.", "TAXII is included.",
		`<td data-label="Used" class="number">1</td>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("not on the page: %s", want)
		}
	}
	if strings.Contains(page, "never") {
		t.Error("the key is still shown as never used")
	}
}

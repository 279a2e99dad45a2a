package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestSignInIsAskedForAndLeadsBack(t *testing.T) {
	s := newSite(t)
	s.signedUp()
	c := s.client()
	for _, path := range []string{"/", "/flows", "/credentials?selected=crd_1", "/connectors/pulsedive/credentials/new", "/runs/1", "/activity", "/settings", "/nowhere"} {
		c.get(path).wantLocation("/sign-in?next=" + url.QueryEscape(path))
	}
	c.post("/flows/flw_1/run", nil).wantLocation("/sign-in?next=%2F")
	fragment := c.post("/credentials/crd_1/test", nil, "HX-Request", "true", "HX-Current-URL", s.URL+"/credentials?selected=crd_1")
	if got := fragment.want(http.StatusUnauthorized).Header.Get("HX-Redirect"); got != "/sign-in?next=%2Fcredentials%3Fselected%3Dcrd_1" {
		t.Errorf("htmx is led to %q", got)
	}
	page := c.get("/sign-in?next=" + url.QueryEscape("/runs?before=7")).want(http.StatusOK)
	next, _ := attribute(page.one("input", "name=next"), "value")
	c.post("/sign-in", url.Values{"name": {userName}, "password": {"wrong"}, "next": {next}}).want(http.StatusUnauthorized).says("do not belong together")
	c.post("/sign-in", url.Values{"name": {userName}, "password": {password}, "next": {next}}).wantLocation("/runs?before=7")
	c.post("/sign-out", nil).wantLocation("/sign-in")
	c.get("/flows").wantLocation("/sign-in?next=%2Fflows")
}

func TestNextIsLocal(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	for next, want := range map[string]string{
		"/flows?x=1": "/flows?x=1", "": "/", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example/`: "/", "flows": "/",
		"javascript:alert(1)": "/", "/a\tb": "/", `\\evil.example`: "/", "/\\/evil.example": "/",
	} {
		c.get("/sign-in?next=" + url.QueryEscape(next)).wantLocation(want)
		c.post("/sign-in", url.Values{"name": {userName}, "password": {password}, "next": {next}}).wantLocation(want)
	}
}

func TestSignInIsLimited(t *testing.T) {
	s := newSite(t)
	s.signedUp()
	c := s.client()
	for range 5 {
		c.post("/sign-in", url.Values{"name": {userName}, "password": {"wrong"}}).want(http.StatusUnauthorized)
	}
	c.post("/sign-in", url.Values{"name": {userName}, "password": {password}}).want(http.StatusTooManyRequests).says("Too many attempts", "try again in")
}

func TestSetUpWorksOnce(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.get(s.setUp).want(http.StatusOK).says("Set up Sallyport")
	c.post(s.setUp, url.Values{"name": {userName}, "password": {password}, "repeat": {"other"}}).want(http.StatusUnprocessableEntity).says("differ")
	short := c.post(s.setUp, url.Values{"name": {userName}, "password": {"short"}, "repeat": {"short"}}).want(http.StatusUnprocessableEntity)
	short.says("at least 12 characters")
	if value, _ := attribute(short.one("input", "name=name"), "value"); value != userName {
		t.Errorf("the name is lost: %q", value)
	}
	s.signedUp()
	c.get(s.setUp).want(http.StatusNotFound).says("was already used")
	c.post(s.setUp, url.Values{"name": {"Eve"}, "password": {password}, "repeat": {password}}).want(http.StatusNotFound)
}

func TestOtherSitesCannotPost(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	for _, path := range []string{"/sign-in", "/sign-out", "/connectors/pulsedive/credentials", "/credentials/crd_1/delete", "/flows/flw_1/run"} {
		c.post(path, nil, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden).says("came from another site")
		c.post(path, nil, "Sec-Fetch-Site", "", "Origin", "https://evil.example").want(http.StatusForbidden)
	}
}

// paths are one of every kind of page.
func (s *site) paths() []string {
	s.fillUp()
	return []string{
		"/flows", "/flows/new", "/flows/import", "/flows?search=never&show=paused", "/flows?search=zzz", "/runs?flow=urlhaus", "/flows/urlhaus/delete", "/flows/urlhaus", "/flows/never-run", "/datasets/urlhaus", "/datasets/never-run", "/runs", "/runs/1", "/activity", "/settings", "/nowhere",
		"/credentials", "/credentials/new", "/credentials/Pulsedive%20team", "/credentials/Pulsedive%20team/edit", "/credentials/Pulsedive%20team/rotate",
		"/credentials/Pulsedive%20team/delete", "/connectors/pulsedive/credentials/new",
		"/connectors/rest/credentials/new", "/sign-in", s.setUp,
	}
}

func TestEveryPageIsStrict(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	for _, path := range s.paths() {
		page := c.get(path)
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if page.Header.Get("Referrer-Policy") != "no-referrer" || page.Header.Get("X-Content-Type-Options") != "nosniff" || len(page.Header.Get("X-Request-Id")) < 8 {
			t.Errorf("%s: headers %v", path, page.Header)
		}
		if page.StatusCode == http.StatusSeeOther {
			continue
		}
		if page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept", path)
		}
		for n := range page.doc.Descendants() {
			checkElement(t, path, n)
		}
		if n := len(page.all("h1")); n != 1 {
			t.Errorf("%s has %d main headings", path, n)
		}
		page.one("main", "id=main")
	}
}

// checkElement fails on anything that the policy forbids, and on what a screen reader cannot name.
func checkElement(t *testing.T, path string, n *html.Node) {
	t.Helper()
	if n.Type != html.ElementNode {
		return
	}
	if n.Data == "style" || n.Data == "script" && n.FirstChild != nil {
		t.Errorf("%s has an inline <%s>", path, n.Data)
	}
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
			t.Errorf("%s: <%s> has %s=%q", path, n.Data, a.Key, a.Val)
		}
	}
	if kind, _ := attribute(n, "type"); kind == "password" {
		if value, ok := attribute(n, "value"); ok {
			t.Errorf("%s: a secret field is filled in with %q", path, value)
		}
	}
	label, _ := attribute(n, "aria-label")
	if (n.Data == "a" || n.Data == "button") && words(n) == "" && label == "" {
		t.Errorf("%s: <%s> has no name", path, n.Data)
	}
}

// TestIdsAreUnique makes sure that labels and descriptions belong to one element.
func TestIdsAreUnique(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	for _, path := range s.paths() {
		page := c.get(path)
		ids := map[string]int{}
		for n := range page.doc.Descendants() {
			if id, ok := attribute(n, "id"); ok {
				ids[id]++
			}
		}
		for n := range page.doc.Descendants() {
			for _, name := range []string{"for", "aria-describedby", "aria-labelledby"} {
				value, _ := attribute(n, name)
				for id := range strings.FieldsSeq(value) {
					if name == "aria-describedby" && strings.HasSuffix(id, "-help") {
						continue // a field without help
					}
					if ids[id] != 1 {
						t.Errorf("%s: %s names %q, which is there %d times", path, name, id, ids[id])
					}
				}
			}
		}
	}
}

func TestFirstViewIsSmall(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.fillUp()
	page := c.get("/credentials").want(http.StatusOK)
	total := len(squeeze(t, page.text))
	for n := range page.doc.Descendants() {
		for _, name := range []string{"src", "href"} {
			link, _ := attribute(n, name)
			if !strings.HasPrefix(link, "/static/") {
				continue
			}
			file := c.get(link).want(http.StatusOK)
			if got := file.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", link, got)
			}
			total += len(squeeze(t, file.text))
		}
	}
	if total > 120<<10 || total < 20<<10 {
		t.Errorf("the first view is %d bytes", total)
	}
	t.Logf("the first view is %d bytes", total)
	c.get("/static/app.000000000000.css").want(http.StatusNotFound)
}

func squeeze(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestErrorPages(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	for path, sentence := range map[string]string{
		"/nowhere": "no page /nowhere", "/flows/flw_none": "no flow", "/runs/99": "no run 99", "/runs/x": "no run", "/credentials/crd_none": "no credential",
		"/connectors/none/credentials/new": "no connector", "/connectors/file/credentials/new": "needs no credential", "/flows/none/events": "no flow", "/runs/99/events": "no run",
	} {
		page := c.get(path).want(http.StatusNotFound).says(sentence, "Request")
		page.says(page.Header.Get("X-Request-Id"), "Show all flows")
	}
	large := url.Values{"name": {"x"}, "description": {strings.Repeat("x", 200<<10)}}
	c.post("/connectors/pulsedive/credentials", large).want(http.StatusRequestEntityTooLarge).says("more than a form may hold")
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	s.client().get("/sign-in").want(http.StatusOK)
	broken := s.client().get(s.setUp).want(http.StatusInternalServerError).says("Something went wrong inside Sallyport")
	if strings.Contains(broken.text, "database") {
		t.Error("an inner error is shown")
	}
	if !strings.Contains(s.log.String(), broken.Header.Get("X-Request-Id")) {
		t.Error("the log does not have the request")
	}
}

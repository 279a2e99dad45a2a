package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/web"
)

// withoutSession are the only routes that may be used without signing in.
var withoutSession = []string{"GET /setup/{token}", "POST /setup/{token}", "GET /sign-in", "POST /sign-in"}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// TestEveryRouteNeedsASession requests every route without a session, and every one with a session that has ended. Each leads to the
// sign-in page, and nothing is done.
func TestEveryRouteNeedsASession(t *testing.T) {
	s := newSite(t)
	ended := s.signedUp()
	s.fillUp()
	ended.post("/sign-out", nil).want(http.StatusSeeOther)
	before := s.newestActivity()
	for _, pattern := range web.Patterns(web.Config{Service: s.app.Service, Auth: auth.New(auth.Config{Store: s.app.Service.Store, Plain: s.app.Service.CheckPlain})}) {
		if slices.Contains(withoutSession, pattern) {
			continue
		}
		method, path, found := strings.Cut(pattern, " ")
		if !found {
			method, path = http.MethodGet, pattern
		}
		path = placeholder.ReplaceAllStringFunc(path, func(name string) string {
			switch name {
			case "{$}":
				return ""
			case "{id}":
				return "urlhaus"
			}
			return "1"
		})
		for name, c := range map[string]*client{"no session": s.client(), "a session that ended": ended} {
			page := c.send(method, path, nil)
			if location := page.Header.Get("Location"); page.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, "/sign-in") {
				t.Errorf("%s with %s: status %d to %q; want the sign-in page", pattern, name, page.StatusCode, location)
			}
			if partial := c.send(method, path, nil, "HX-Request", "true"); strings.Contains(partial.text, "urlhaus") || partial.StatusCode == http.StatusOK {
				t.Errorf("%s with %s, for a part of a page: status %d", pattern, name, partial.StatusCode)
			}
		}
	}
	if after := s.newestActivity(); after != before {
		t.Errorf("requests without a session caused %d audit entries", after-before)
	}
}

// newestActivity is the number of the newest audit entry.
func (s *site) newestActivity() int64 {
	s.Helper()
	entries, err := s.app.Service.Audit(s.Context(), "", "", 1, 0)
	if err != nil || len(entries) == 0 {
		s.Fatal(entries, err)
	}
	return entries[0].ID
}

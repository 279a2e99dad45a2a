package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestFeedsAreFoundByName asks both addresses for feeds by name, with and without the organization.
func TestFeedsAreFoundByName(t *testing.T) {
	b := start(t, sandbox.Options{Records: 50})
	want := string(b.get(t, "/api/feed.php", "fid", "3"))
	for _, address := range []string{"/api/feed.php", "/api/info.php"} {
		for _, query := range [][]string{
			{"feed", "Example Phishing URLs"}, {"feed", "example phishing urls", "organization", "phish & co. ltd."}, {"fid", "3", "feed", "ignored"},
		} {
			if got := string(b.get(t, address, query...)); got != want {
				t.Errorf("%s %q: %s", address, query, got)
			}
		}
		if w := b.ask(address, "feed", "Example Phishing URLs", "organization", "Example Abuse Desk"); w.Code != http.StatusNotFound {
			t.Errorf("%s: another organization: %d", address, w.Code)
		}
	}
	linked := decode[page](t, b.get(t, "/api/info.php", "feed", "Example Bad IPs", "get", "links")).Results
	if len(linked) == 0 || linked[0].Type != "ip" {
		t.Errorf("linked indicators by name: %v", linked)
	}
}

// TestOldSearch asks the search of the old API for everything that clients ask it for.
func TestOldSearch(t *testing.T) {
	b := start(t, sandbox.Options{Records: 300})
	names := func(query ...string) (all []string) {
		for _, r := range decode[struct{ Results []struct{ Name string } }](t, b.get(t, "/api/search.php", query...)).Results {
			all = append(all, r.Name)
		}
		return all
	}
	for _, c := range []struct{ query, want []string }{
		{[]string{"search", "threat", "value", "zeus"}, []string{"Zeus"}},
		{[]string{"search", "threat", "value", "bot", "category[]", "malware"}, []string{"Zeus"}}, // by another name
		{[]string{"search", "feed", "value", "bad"}, []string{"Example Bad Domains", "Example Bad IPs"}},
		{[]string{"search", "feed", "category[]", "spam", "category[]", "fraud", "splitrisk", "1"}, []string{"Example Phishing URLs", `Café "Parked" <Domains>`}},
	} {
		if diff := cmp.Diff(c.want, names(c.query...)); diff != "" {
			t.Errorf("%q: %s", c.query, diff)
		}
	}
	if got := string(b.get(t, "/api/search.php", "value", "nowhere.test")); got != `{"results":[]}` {
		t.Errorf("nothing is written as %s", got)
	}
	found := decode[page](t, b.get(t, "/api/search.php", "type[]", "url", "type[]", "ip", "risk[]", "high", "property[]", "http:server", "limit", "hundred"))
	if len(found.Results) != 0 {
		t.Errorf("a property without a value finds %d", len(found.Results))
	}
	found = decode[page](t, b.get(t, "/api/search.php", "type[]", "url", "type[]", "ip", "risk[]", "high", "attribute[]", "port:80", "feed[]", "Example Bad Domains", "limit", "thousand"))
	if len(found.Results) == 0 {
		t.Error("nothing")
	}
	for _, r := range found.Results {
		if r.Risk != "high" || r.Type != "url" && r.Type != "ip" {
			t.Errorf("%+v", r)
		}
	}
	w := b.ask("/api/search.php", "value", "pulsedive", "export", "1")
	if lines := strings.Split(w.Body.String(), "\n"); w.Header().Get("Content-Type") != "text/csv; charset=UTF-8" || !strings.HasPrefix(lines[0], "id,indicator,") {
		t.Errorf("the export: %v %s", w.Header(), w.Body)
	}
	if w := b.ask("/api/search.php", "limit", "10"); w.Code != http.StatusBadRequest {
		t.Errorf("a limit in digits: %d", w.Code)
	}
}

// TestNoRedirectShowsTheKey asks for paths with needless slashes and dots, and without the last slash: they are served where they are.
func TestNoRedirectShowsTheKey(t *testing.T) {
	b := start(t, sandbox.Options{Records: 50})
	for _, path := range []string{
		"/api//info.php", "//api/info.php", "/api/./info.php", "/api/x/../info.php", "/premium", "/premium//", "/taxii2", "/taxii2//api//collections",
	} {
		r := httptest.NewRequest(http.MethodGet, "/?iid=2&accept=application/taxii%2Bjson&key="+b.key, nil)
		r.URL.Path = path
		if w := b.do(r); w.Code != http.StatusOK || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d, to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
}

// TestWhatClientsAskForFirst finds the values, ids and names that programs are tried out with.
func TestWhatClientsAskForFirst(t *testing.T) {
	b := start(t, sandbox.Options{Records: 1})
	for value, iid := range map[string]int{"pulsedive.com": 53929, "google.com": 2, "8.8.8.8": 3} {
		for _, get := range []string{"", "links", "properties"} {
			b.get(t, "/api/indicator.php", "iid", strconv.Itoa(iid), "get", get)
		}
		byValue, byID := b.get(t, "/api/info.php", "indicator", value), b.get(t, "/api/info.php", "iid", strconv.Itoa(iid))
		if string(byValue) != string(byID) || !strings.Contains(string(byID), `"indicator":"`+value+`"`) {
			t.Errorf("%s: %s, and %d: %s", value, byValue, iid, byID)
		}
		if rows := b.explore(t, "ioc="+value, ""); len(rows) != 1 || rows[0].IID != iid {
			t.Errorf("%s is found as %v", value, rows)
		}
	}
	for _, name := range []string{"threat", "tname"} {
		if body := string(b.get(t, "/api/info.php", name, "Zeus")); !strings.Contains(body, `"threat":"Zeus"`) {
			t.Errorf("%s=Zeus: %s", name, body)
		}
	}
}

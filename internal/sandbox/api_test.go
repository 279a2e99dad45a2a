package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

func TestErrorsAreSentencesWithAStatus(t *testing.T) {
	b := start(t, sandbox.Options{})
	const noIndicator, noThreat, noFeed = `{"error":"Indicator not found."}`, `{"error":"Threat not found."}`, `{"error":"Feed not found."}`
	for target, want := range map[string]struct {
		status int
		body   string
	}{
		"/api/indicator.php?indicator=nowhere.test":        {404, noIndicator},
		"/api/indicator.php?iid=1":                         {404, noIndicator},
		"/api/info.php?indicator=nowhere.test":             {404, noIndicator},
		"/api/threat.php?tid=99":                           {404, noThreat},
		"/api/threat.php?threat=nothing":                   {404, noThreat},
		"/api/feed.php?fid=0":                              {404, noFeed},
		"/api/info.php?fid=99":                             {404, noFeed},
		"/api/indicator.php?x=y":                           {400, `{"error":"Missing required parameter: indicator or iid."}`},
		"/api/threat.php?x=y":                              {400, `{"error":"Missing required parameter: tid or threat."}`},
		"/api/feed.php?x=y":                                {400, `{"error":"Missing required parameter: fid or feed."}`},
		"/api/explore.php?x=y":                             {400, `{"error":"Missing required parameter: q."}`},
		"/api/indicator.php?iid=two":                       {400, `{"error":"Invalid parameter: iid must be a number."}`},
		"/api/feed.php?fid=1&get=links&page=-1":            {400, `{"error":"Invalid parameter: page must be a number."}`},
		"/api/explore.php?q=risk=high&limit=0":             {400, `{"error":"Invalid parameter: limit must be at least 1."}`},
		"/api/explore.php?q=risk%3E=low":                   {400, `{"error":"Invalid query: terms are field=value or field!=value."}`},
		"/api/explore.php?q=colour=red":                    {400, `{"error":"Invalid query: unknown field \"colour\"."}`},
		"/api/feed.php?fid=1&pretty=1&x=%zz&fid=99":        {200, ""},
		"/api/feed.php?fid=99&pretty=1":                    {404, "{\n    \"error\": \"Feed not found.\"\n}"},
		"/api/feed.php?fid=1&" + strings.Repeat("x", 9000): {414, `{"error":"Request too long."}`},
	} {
		w := b.do(httptest.NewRequest(http.MethodGet, target+"&key="+b.key, nil))
		if w.Code != want.status || want.body != "" && w.Body.String() != want.body {
			t.Errorf("%.80s: %d %.200s, want %d %s", target, w.Code, w.Body, want.status, want.body)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%.80s: content type %q", target, got)
		}
	}
}

func TestWrongPathIsAPageNotAnAnswer(t *testing.T) {
	b := start(t, sandbox.Options{})
	w := b.ask("/api/nothing.php")
	if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("status %d, content type %q", w.Code, w.Header().Get("Content-Type"))
	}
}

func TestUnknownParametersAreIgnored(t *testing.T) {
	b := start(t, sandbox.Options{})
	for _, test := range [][2][]string{
		{{"/api/indicator.php", "indicator", "pulsedive.com"}, {"get", "link", "sanitize", "0", "page", "7", "nonsense", "1"}},
		{{"/api/feed.php", "fid", "1"}, {"get", "everything", "sanitize", "1"}},
		{{"/api/threat.php", "threat", "Lorem Stealer"}, {"get", "links"}}, // links only by id
		{{"/api/explore.php", "q", "risk=high"}, {"type", "artifacts", "offset", "10"}},
	} {
		plain, more := test[0], append(test[0][:len(test[0]):len(test[0])], test[1]...)
		if diff := cmp.Diff(string(b.get(t, plain[0], plain[1:]...)), string(b.get(t, more[0], more[1:]...))); diff != "" {
			t.Errorf("%q changes the answer: %s", test[1], diff)
		}
	}
}

func TestOldAddressAnswersAlike(t *testing.T) {
	b := start(t, sandbox.Options{})
	for _, test := range [][2][]string{
		{{"/api/indicator.php", "indicator", "pulsedive.com", "schema", "1"}, nil},
		{{"/api/indicator.php", "iid", "53929", "get", "properties"}, nil},
		{{"/api/threat.php", "tid", "2", "get", "links"}, nil},
		{{"/api/threat.php", "threat", "lorem stealer"}, {"tname", "Lorem Stealer"}},
		{{"/api/threat.php", "threat", "Lorem Stealer"}, {"threat", "Loremware"}},
		{{"/api/feed.php", "fid", "3", "get", "links", "summary", "1", "splitrisk", "1"}, nil},
	} {
		modern, old := test[0], test[1]
		if old == nil {
			old = modern[1:]
		}
		if diff := cmp.Diff(string(b.get(t, modern[0], modern[1:]...)), string(b.get(t, "/api/info.php", old...))); diff != "" {
			t.Errorf("%q and info.php %q: %s", modern, old, diff)
		}
	}
}

func TestMethods(t *testing.T) {
	b := start(t, sandbox.Options{})
	want := string(b.get(t, "/api/feed.php", "fid", "2"))
	form := httptest.NewRequest(http.MethodPost, "/api/feed.php", strings.NewReader("fid=2&key="+b.key))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := b.do(form); w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("POST: %d %s", w.Code, w.Body)
	}
	large := httptest.NewRequest(http.MethodPost, "/api/feed.php", strings.NewReader("fid=2&x="+strings.Repeat("y", 70_000)))
	large.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := b.do(large); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d %s", w.Code, w.Body)
	}
	w := b.do(httptest.NewRequest(http.MethodDelete, target("/api/feed.php", "fid", "2", "key", b.key), nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestHeadHasNoBody(t *testing.T) {
	b := start(t, sandbox.Options{})
	server := httptest.NewServer(b.handler)
	defer server.Close()
	for _, path := range []string{target("/api/feed.php", "fid", "1", "get", "links", "key", b.key), "/account", "/", "/style.css"} {
		response, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || len(body) > 0 || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, body %q, error %v", path, response.StatusCode, body, err)
		}
	}
}

func TestHeadersAreThoseOfPulsedive(t *testing.T) {
	b := start(t, sandbox.Options{})
	first, second := b.ask("/api/feed.php", "fid", "1"), b.ask("/api/feed.php", "fid", "99")
	for name, want := range map[string]string{
		"Server": "Apache", "Cache-Control": "no-store, no-cache, must-revalidate", "Content-Type": "application/json", "X-Request-Id": "0",
	} {
		if got := first.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	one, two := first.Header().Get("Set-Cookie"), second.Header().Get("Set-Cookie")
	if !strings.HasPrefix(one, "PHPSESSID=") || !strings.HasPrefix(two, "PHPSESSID=") || one == two {
		t.Errorf("cookies %q and %q", one, two)
	}
}

func TestPrettyIsTheSame(t *testing.T) {
	b := start(t, sandbox.Options{})
	plain := b.get(t, "/api/indicator.php", "indicator", "pulsedive.com")
	pretty := b.get(t, "/api/indicator.php", "indicator", "pulsedive.com", "pretty", "1")
	if !strings.Contains(string(pretty), "\n    \"iid\": 53929,\n") {
		t.Errorf("not indented: %.300s", pretty)
	}
	if diff := cmp.Diff(decode[any](t, plain), decode[any](t, pretty)); diff != "" {
		t.Error(diff)
	}
}

// exploreRow is a row of Explore with what the indicator behind it says of itself.
func (b *bench) explore(t *testing.T, q, limit string) []row {
	t.Helper()
	return decode[page](t, b.get(t, "/api/explore.php", "q", q, "limit", limit)).Results
}

func TestExploreFindsWhatMatches(t *testing.T) {
	b := start(t, sandbox.Options{Records: 1000})
	listed, _ := b.pages(t, "/api/feed.php", "fid", "2")
	inFeed2 := map[int]bool{}
	for _, r := range listed {
		inFeed2[r.IID] = true
	}
	for q, matches := range map[string]func(row) bool{
		"risk=high":                      func(r row) bool { return r.Risk == "high" },
		"type=ip and risk=low":           func(r row) bool { return r.Type == "ip" && r.Risk == "low" },
		"type=url retired=1":             func(r row) bool { return r.Type == "url" },
		"active=true type=url":           func(r row) bool { return r.Type == "url" },
		"not type=ip* and not risk=high": func(r row) bool { return (r.Type == "url" || r.Type == "domain") && r.Risk != "high" },
		"ioc=*.EXAMPLE.org":              func(r row) bool { return strings.HasSuffix(r.Indicator, ".example.org") },
		"ioc=https://* or ioc=192.0.2.*": func(r row) bool {
			return strings.HasPrefix(r.Indicator, "https://") || strings.HasPrefix(r.Indicator, "192.0.2.")
		},
		`feed="example bad ips"`:        func(r row) bool { return inFeed2[r.IID] },
		"feed=*IPs* and type=ip":        func(r row) bool { return inFeed2[r.IID] },
		"feed=nothing or type=ipv6":     func(r row) bool { return r.Type == "ipv6" },
		"threat=lipsum and risk=none":   func(r row) bool { return r.Risk == "none" },
		"ioc=pulsedive.com type=domain": func(r row) bool { return r.Indicator == "pulsedive.com" },
	} {
		rows := b.explore(t, q, "1000")
		if len(rows) == 0 {
			t.Errorf("%s: nothing", q)
		}
		for _, r := range rows {
			if !matches(r) {
				t.Errorf("%s: found %v", q, r)
			}
		}
	}
	if rows := b.explore(t, "feed=*IPs*", "1000"); len(rows) != len(listed) {
		t.Errorf("feed 2 has %d indicators, Explore finds %d", len(listed), len(rows))
	}
}

func TestExploreStopsAtItsLimit(t *testing.T) {
	b := start(t, sandbox.Options{})
	for limit, want := range map[string]int{"1": 1, "10": 10, "": 50, "100000": 0} {
		rows := b.explore(t, "type=domain", limit)
		if want != 0 && len(rows) != want || len(rows) == 0 {
			t.Errorf("limit %q: %d rows", limit, len(rows))
		}
	}
	if got := string(b.get(t, "/api/explore.php", "q", "ioc=nowhere.test")); got != `{"results":[],"query":"ioc=nowhere.test"}` {
		t.Errorf("nothing is written as %s", got)
	}
}

func TestExploreFindsThreats(t *testing.T) {
	b := start(t, sandbox.Options{})
	for q, want := range map[string][]string{
		"name=*phish*":                       {"Dolor Phish"},
		"alias=珈琲":                           {"Café Loader"},
		"category=malware":                   {"Lorem Stealer", "Zeus"},
		"risk=high or risk=none":             {"Lorem Stealer", "Amet Group", "Zeus"},
		"risk=high+":                         {"Lorem Stealer", "Ipsum Botnet", "Zeus"},
		"zbot":                               {"Zeus"},
		"threat=Zeus,nobody":                 {"Zeus"},
		"category=botnet,phishing & port=53": {"Ipsum Botnet", "Dolor Phish"},
		"threat=Lorem":                       nil,
	} {
		var got []string
		body := b.get(t, "/api/explore.php", "type", "threats", "q", q)
		for _, r := range decode[struct{ Results []struct{ Name string } }](t, body).Results {
			got = append(got, r.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", q, diff)
		}
	}
}

func TestSummariesAddUp(t *testing.T) {
	b := start(t, sandbox.Options{Records: 400})
	type linked struct {
		Risk  map[string]int
		Feeds []struct {
			FID        int
			Indicators map[string]int
		}
	}
	rows, _ := b.pages(t, "/api/threat.php", "tid", "1")
	split := decode[linked](t, b.get(t, "/api/threat.php", "tid", "1", "get", "links", "summary", "1", "splitrisk", "1"))
	whole := decode[linked](t, b.get(t, "/api/threat.php", "tid", "1", "get", "links", "summary", "1"))
	want := map[string]int{"total": len(rows)}
	for _, r := range rows {
		want[r.Risk]++
	}
	if diff := cmp.Diff(want, split.Risk); diff != "" {
		t.Error(diff)
	}
	for i, f := range split.Feeds {
		total := 0
		for _, n := range f.Indicators {
			total += n
		}
		if diff := cmp.Diff(map[string]int{"total": total}, whole.Feeds[i].Indicators); diff != "" {
			t.Errorf("feed %d: %s", f.FID, diff)
		}
	}
}

func TestFeedSaysHowManyIndicatorsItHas(t *testing.T) {
	b := start(t, sandbox.Options{Records: 1234})
	total := 0
	for _, n := range decode[struct{ Indicators map[string]int }](t, b.get(t, "/api/feed.php", "fid", "1")).Indicators {
		total += n
	}
	if total != 1234 {
		t.Errorf("feed 1 says %d", total)
	}
}

func TestLinksLeadToIndicators(t *testing.T) {
	b := start(t, sandbox.Options{})
	labels := map[string]int{}
	for _, r := range decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results[:200] {
		body := b.get(t, "/api/indicator.php", "iid", strconv.Itoa(r.IID), "get", "links")
		if string(body) == "[]" {
			labels[""]++
			continue
		}
		for label, rows := range decode[map[string][]row](t, body) {
			labels[label]++
			for _, to := range rows {
				if to.IID == r.IID {
					t.Errorf("%s links to itself", r.Indicator)
				}
				found := decode[row](t, b.get(t, "/api/indicator.php", "iid", strconv.Itoa(to.IID)))
				if found.Indicator != to.Indicator || found.Type != to.Type {
					t.Errorf("%s %s %v, which is %v", r.Indicator, label, to, found)
				}
			}
		}
	}
	for _, label := range []string{"", "Active DNS", "Related URLs", "Related Domains", "Redirects", "Sources", "Name Servers"} {
		if labels[label] == 0 {
			t.Errorf("no links of the kind %q", label)
		}
	}
}

func TestPropertiesAgreeInAllForms(t *testing.T) {
	b := start(t, sandbox.Options{})
	type propertyRow struct {
		PID         int
		Name, Value string
		Latest      int
	}
	type detail[P any] struct{ Properties P }
	for _, r := range decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results[:100] {
		iid := strconv.Itoa(r.IID)
		body := b.get(t, "/api/indicator.php", "iid", iid, "get", "properties")
		if string(body) == "[]" {
			continue
		}
		rows := decode[map[string][]propertyRow](t, body)
		historical := decode[detail[map[string][]propertyRow]](t, b.get(t, "/api/indicator.php", "iid", iid, "historical", "1"))
		if diff := cmp.Diff(rows, historical.Properties); diff != "" {
			t.Errorf("%s: %s", r.Indicator, diff)
		}
		want := map[string]map[string][]string{}
		for group, rows := range rows {
			want[group] = map[string][]string{}
			for _, p := range rows {
				if p.Latest == 1 {
					want[group][p.Name] = append(want[group][p.Name], p.Value)
				}
			}
		}
		got := decode[detail[map[string]map[string]texts]](t, b.get(t, "/api/indicator.php", "iid", iid)).Properties
		if diff := cmp.Diff(want, flatten(got)); diff != "" {
			t.Errorf("%s: %s", r.Indicator, diff)
		}
	}
}

// texts is one text, or a list of several.
type texts []string

func (s *texts) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*s = make(texts, 1)
		return json.Unmarshal(b, &(*s)[0])
	}
	return json.Unmarshal(b, (*[]string)(s))
}

func flatten(groups map[string]map[string]texts) map[string]map[string][]string {
	plain := map[string]map[string][]string{}
	for group, names := range groups {
		plain[group] = map[string][]string{}
		for name, values := range names {
			plain[group][name] = values
		}
	}
	return plain
}

func BenchmarkPage(b *testing.B) {
	s := start(b, sandbox.Options{PageSize: 1000, Records: 1000})
	r := httptest.NewRequest(http.MethodGet, target("/api/feed.php", "fid", "1", "get", "links", "key", s.key), nil)
	w := &discarder{header: http.Header{}}
	for b.Loop() {
		w.written = 0
		s.handler.ServeHTTP(w, r)
	}
	b.SetBytes(w.written)
}

// discarder is a http.ResponseWriter to nowhere.
type discarder struct {
	header  http.Header
	written int64
}

func (d *discarder) Header() http.Header { return d.header }
func (d *discarder) WriteHeader(int)     {}
func (d *discarder) Write(b []byte) (int, error) {
	d.written += int64(len(b))
	return len(b), nil
}

package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

func odd(t testing.TB, names ...string) *bench {
	return start(t, sandbox.Options{Oddities: names})
}

// details is what look-ups of the first records of feed 1 say, with the properties of each.
func (b *bench) details(t *testing.T, count int) string {
	t.Helper()
	var all strings.Builder
	plain := start(t, sandbox.Options{})
	for _, r := range decode[page](t, plain.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results[:count] {
		all.Write(b.get(t, "/api/indicator.php", "iid", strconv.Itoa(r.IID)))
		all.WriteByte('\n')
	}
	return all.String()
}

// Each oddity is seen in what look-ups say, and not without it.
func TestLookUpsAreOddOnDemand(t *testing.T) {
	usual := odd(t).details(t, 60)
	for name, form := range map[string]string{
		"number-strings":     `"iid":"\d+".*"manualrisk":"0"`,
		"unpadded-hours":     `\d\d-\d\d \d:\d\d:\d\d"`,
		"property-lists":     `"properties":\{"\w+":\[\{"pid":`,
		"doubled-attributes": `"attributes":\{"\w+":\[\["`,
		"case-variants":      `"Content-Type":"[^"]*","content-type":"`,
		"shapes-2025":        `"http":\{"\+\+code":"200","\+\+status":"OK","content-type":`,
		"shapes-2023":        `"attributes":\{\}`,
		"lost-values":        `"NS":\["ns\d.example.net"\]`,
	} {
		matches := regexp.MustCompile(form).MatchString
		if matches(usual) || !matches(odd(t, name).details(t, 60)) {
			t.Errorf("%s: usually %v, on demand %v", name, matches(usual), !matches(usual))
		}
	}
	for _, name := range []string{"shapes-2019", "missing-keys"} {
		if got := odd(t, name).details(t, 60); strings.Contains(got, `"comments":[]`) || strings.Contains(got, `"threats":[]`) {
			t.Errorf("%s: there are empty lists", name)
		}
	}
	for _, name := range []string{"shapes-2023", "shapes-2025"} {
		if got := odd(t, name).details(t, 60); strings.Count(got, `"comments":`) != 60 || strings.Count(got, `"from":[]`) != 60 {
			t.Errorf("%s: there are absent lists", name)
		}
	}
}

func TestEmptyObjectsMayBeArrays(t *testing.T) {
	b := odd(t, "empty-arrays")
	body := string(b.get(t, "/api/feed.php", "fid", "1", "get", "links")) +
		string(b.get(t, "/api/threat.php", "tid", "6", "get", "links", "summary", "1"))
	if strings.Contains(body, "{}") || !strings.Contains(body, `"summary":{"properties":[]}`) || !strings.Contains(body, `"port":[]`) {
		t.Errorf("%.500s", body)
	}
}

func TestYearsHaveTheirShapes(t *testing.T) {
	for name, test := range map[string]struct{ with, without []string }{
		"shapes-2019": {[]string{`"note":"status field`, `"risk":{"unknown"`}, []string{`"total"`, `"retired":`, `"stage"`, `"notes"`}},
		"shapes-2023": {[]string{`"stage":`, `"page_current":0`, `"total"`, `"retired":`}, []string{`"notes"`, `"accesslink"`}},
		"shapes-2025": {[]string{`"notes":"Filler`, `"primary":0`, `"accesslink":"http`, `"total"`}, []string{`"page_current"`}},
	} {
		b := odd(t, name)
		submitted := decode[progress](t, b.post("/api/analyze.php", "value", "pulsedive.com").Body.Bytes())
		said := string(b.get(t, "/api/analyze.php", "qid", strconv.Itoa(submitted.QID))) + string(b.get(t, "/api/feed.php", "fid", "1")) +
			string(b.get(t, "/api/threat.php", "tid", "5", "get", "links")) +
			string(b.get(t, "/api/threat.php", "tid", "1", "get", "links", "summary", "1", "splitrisk", "1"))
		threat := string(b.get(t, "/api/threat.php", "tid", "1"))
		for _, want := range test.with {
			if !strings.Contains(said+threat, want) {
				t.Errorf("%s: %s is missing", name, want)
			}
		}
		for _, bad := range test.without {
			if strings.Contains(said, bad) || strings.Contains(threat, bad) && bad != `"retired":` {
				t.Errorf("%s: there is %s", name, bad)
			}
		}
	}
}

// Two answers that differ say the same in another order.
func TestOrderMayDifferEachTime(t *testing.T) {
	b, usual := start(t, sandbox.Options{PageSize: 40, Oddities: []string{"shuffled"}}), start(t, sandbox.Options{PageSize: 40})
	domain := strconv.Itoa(domainWith(t, usual))
	for _, ask := range [][]string{
		{"/api/feed.php", "fid", "1", "get", "links"},
		{"/api/indicator.php", "iid", "53929", "get", "properties"},
		{"/api/indicator.php", "iid", domain, "get", "links"},
		{"/api/indicator.php", "iid", domain},
		{"/api/explore.php", "q", "risk=critical", "limit", "100000"},
	} {
		want := string(usual.get(t, ask[0], ask[1:]...))
		differ := false
		for range 20 {
			got := string(b.get(t, ask[0], ask[1:]...))
			differ = differ || got != want
			if diff := cmp.Diff(unordered(t, want), unordered(t, got)); diff != "" {
				t.Fatalf("%q: not only the order differs: %s", ask, diff)
			}
		}
		if !differ {
			t.Errorf("%q: always the same", ask)
		}
	}
}

// domainWith finds a domain that is linked to two addresses, and has two mail servers.
func domainWith(t *testing.T, b *bench) int {
	t.Helper()
	for _, r := range decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results {
		links := string(b.get(t, "/api/indicator.php", "iid", strconv.Itoa(r.IID), "get", "links"))
		if strings.Contains(string(b.get(t, "/api/indicator.php", "iid", strconv.Itoa(r.IID))), `"MX":[`) &&
			regexp.MustCompile(`"Active DNS":\[\{[^\]]*"iid"[^\]]*"iid"`).MatchString(links) {
			return r.IID
		}
	}
	t.Fatal("there is no such domain")
	return 0
}

// unordered brings every list of an answer into one order.
func unordered(t *testing.T, body string) any {
	t.Helper()
	return sorted(t, decode[any](t, []byte(body)))
}

func sorted(t *testing.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = sorted(t, v[name])
		}
	case []any:
		texts := map[string]any{}
		var keys []string
		for _, element := range v {
			b, err := json.Marshal(sorted(t, element))
			if err != nil {
				t.Fatal(err)
			}
			texts[string(b)] = element
			keys = append(keys, string(b))
		}
		slices.Sort(keys)
		list := []any{}
		for _, key := range keys {
			list = append(list, texts[key])
		}
		return list
	}
	return v
}

// Each time another value is lost, and the list of all properties has it.
func TestLostValuesDiffer(t *testing.T) {
	b := odd(t, "lost-values")
	seen := map[string]bool{}
	for range 50 {
		body := string(b.get(t, "/api/indicator.php", "indicator", "pulsedive.com"))
		seen[regexp.MustCompile(`"NS":\[[^\]]*\]`).FindString(body)] = true
	}
	if len(seen) != 2 || seen[""] {
		t.Errorf("name servers %v", seen)
	}
	rows := string(b.get(t, "/api/indicator.php", "indicator", "pulsedive.com", "get", "properties"))
	if !strings.Contains(rows, "ns1.example.net") || !strings.Contains(rows, "ns2.example.net") {
		t.Error("a row is lost too")
	}
}

func TestErrorsMayComeUnder200(t *testing.T) {
	b := odd(t, "errors-under-200")
	for _, test := range [][]string{
		{"/api/indicator.php", "indicator", "nowhere.test"}, {"/api/feed.php"}, {"/api/analyze.php", "qid", "1"},
		{"/api/explore.php", "q", "risk=low", "limit", "9999999"},
	} {
		if w := b.ask(test[0], test[1:]...); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"error":"`) {
			t.Errorf("%q: %d %s", test, w.Code, w.Body)
		}
	}
}

func TestPagesMayBeStuckOrShift(t *testing.T) {
	b := start(t, sandbox.Options{PageSize: 100, Oddities: []string{"stuck-page"}})
	for _, number := range []string{"0", "3"} {
		p := decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links", "page", number))
		if p.Next == nil || *p.Next != *p.Current {
			t.Errorf("page %s: next %v", number, p.Next)
		}
	}
	if err := b.SetOddities("shifting-pages"); err != nil {
		t.Fatal(err)
	}
	rows, pages := b.pages(t, "/api/feed.php", "fid", "1")
	if len(rows) != 2500+24 || pages != 25 || rows[99] != rows[100] {
		t.Errorf("%d rows on %d pages, %v and %v", len(rows), pages, rows[99], rows[100])
	}
}

func TestOdditiesAreSetAndShown(t *testing.T) {
	b := odd(t, "shuffled")
	set := func(method, query string) []string {
		t.Helper()
		return decode[[]string](t, b.do(httptest.NewRequest(method, "/_oddities"+query, nil)).Body.Bytes())
	}
	if got := set(http.MethodGet, ""); !slices.Equal(got, []string{"shuffled"}) {
		t.Errorf("at first: %q", got)
	}
	if got := set(http.MethodPost, "?names=stuck-page,number-strings"); !slices.Equal(got, []string{"number-strings", "stuck-page"}) {
		t.Errorf("set: %q", got)
	}
	w := b.do(httptest.NewRequest(http.MethodPost, "/_oddities?names=stuck-pages", nil))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `did you mean \"stuck-page\"`) {
		t.Errorf("unknown: %d %s", w.Code, w.Body)
	}
	if got := set(http.MethodDelete, ""); len(got) != 0 {
		t.Errorf("ended: %q", got)
	}
	if _, err := sandbox.New(sandbox.Options{Oddities: []string{"nothing-like-it"}}); sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("as an option: %v", err)
	}
}

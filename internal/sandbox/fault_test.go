package sandbox_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// outcome is what a client sees of an answer.
type outcome struct {
	status int
	kind   string // the content type
	body   string
	broken bool // the connection ended too early
}

// see asks over the network, without following redirects.
func see(t *testing.T, address string) outcome {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true} // so that nothing is asked twice
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(address)
	if err != nil {
		return outcome{broken: true}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return outcome{response.StatusCode, kind, string(body), err != nil}
}

func TestEveryKindOfFault(t *testing.T) {
	b := start(t, sandbox.Options{Records: 20})
	server := httptest.NewServer(b.handler)
	defer server.Close()
	address := server.URL + target("/api/feed.php", "fid", "1", "key", b.key)
	whole := see(t, address)
	const json, html = "application/json", "text/html"
	for kind, want := range map[string]func(outcome) bool{
		"error": func(o outcome) bool {
			return o.status == 418 && o.kind == json && o.body == `{"error":"I'm a teapot."}`
		},
		"html":     func(o outcome) bool { return o.status == 200 && o.kind == html && strings.Contains(o.body, "<script>") },
		"notjson":  func(o outcome) bool { return o.status == 200 && o.kind == json && strings.HasPrefix(o.body, "<br />") },
		"empty":    func(o outcome) bool { return o.status == 200 && o.kind == json && o.body == "" },
		"redirect": func(o outcome) bool { return o.status == 302 && !strings.Contains(o.body, b.key) },
		"drop":     func(o outcome) bool { return o == outcome{broken: true} },
		"slow":     func(o outcome) bool { return o == whole },
		"stall":    func(o outcome) bool { return o == whole },
		"cut":      func(o outcome) bool { return o.status == 200 && o.broken && o.body == whole.body[:len(whole.body)/2] },
		"half":     func(o outcome) bool { return o.status == 200 && !o.broken && o.body == whole.body[:len(whole.body)/2] },
		"headers":  func(o outcome) bool { return o.status == 200 && o.kind == html && o.body == whole.body },
	} {
		f := sandbox.Fault{Kind: kind, Times: 1, Delay: time.Millisecond}
		if kind == "error" {
			f.Status = http.StatusTeapot
		}
		if err := b.Fault(f); err != nil {
			t.Fatal(err)
		}
		if got := see(t, address); !want(got) {
			t.Errorf("%s: %+v", kind, got)
		}
		if got := see(t, address); got != whole {
			t.Errorf("after %s: %+v", kind, got)
		}
	}
	if kinds := sandbox.FaultKinds(); len(kinds) != 11 {
		t.Errorf("there are kinds that this test does not know: %q", kinds)
	}
	want := map[int]int{0: 1, 200: 1 + 8 + 11, 302: 1, 418: 1}
	if diff := cmp.Diff(want, b.Statuses()); diff != "" {
		t.Errorf("statuses in the journal: %s", diff)
	}
}

// A long answer is cut off within itself, not at its beginning or end.
func TestLongAnswersAreCutOff(t *testing.T) {
	b := start(t, sandbox.Options{PageSize: 2000})
	server := httptest.NewServer(b.handler)
	defer server.Close()
	for _, kind := range []string{"cut", "half"} {
		if err := b.Fault(sandbox.Fault{Kind: kind, Times: 1}); err != nil {
			t.Fatal(err)
		}
		got := see(t, server.URL+target("/api/feed.php", "fid", "1", "get", "links", "key", b.key))
		if got.broken != (kind == "cut") || len(got.body) == 0 || len(got.body) > 100_000 {
			t.Errorf("%s: broken %v after %d bytes", kind, got.broken, len(got.body))
		}
	}
}

func TestErrorsOnDemandLookLikeTrueOnes(t *testing.T) {
	b := start(t, sandbox.Options{Plan: "pro", Now: func() time.Time { return noon }})
	for _, test := range []struct {
		query  string
		status int
		left   string
		body   string
	}{
		{"status=401", 401, "- - -", `{"error":"Invalid API key."}`},
		{"status=403", 403, "- - -", `{"error":"Your plan does not include this request."}`},
		{"status=404", 404, "- - -", `{"error":"Indicator not found."}`},
		{"status=404&sentence=No+such+thing.", 404, "- - -", `{"error":"No such thing."}`},
		{"status=200", 200, "- - -", `{"error":"Something went wrong."}`},
		{"status=429", 429, "0 10000 300000", tooFast + "10 requests per second."},
		{"status=429&window=day", 429, "10 0 300000", tooFast + "10000 requests per day."},
		{"status=429&window=month&headers=0", 429, "- - -", tooFast + "300000 requests per month."},
		{"status=500", 500, "- - -", `{"error":"Internal Server Error."}`},
		{"status=502", 502, "- - -", "<h1>502 Bad Gateway</h1>"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if w := b.do(httptest.NewRequest(method, "/_fault?times=1&"+test.query, nil)); w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", test.query, w.Code, w.Body)
			}
			w := b.ask("/api/feed.php", "fid", "1")
			if w.Code != test.status || remaining(w) != test.left || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("%s: %d, left %s, %s", test.query, w.Code, remaining(w), w.Body)
			}
		}
	}
	if w := b.ask("/api/feed.php", "fid", "1"); remaining(w) != "9 9999 299999" {
		t.Errorf("the faults were counted: left %s", remaining(w))
	}
}

func TestFaultsAreForCertainRequests(t *testing.T) {
	b := start(t, sandbox.Options{})
	for _, f := range []sandbox.Fault{
		{Status: 500, Match: "GET /api/feed.php?fid=2", After: 1, Times: 2},
		{Status: 403, Match: "threat.php"},
	} {
		if err := b.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for _, query := range []string{"1", "2", "2", "1", "2", "2"} {
		got = append(got, b.ask("/api/feed.php", "fid", query).Code)
	}
	for range 3 {
		got = append(got, b.ask("/api/threat.php", "tid", "1").Code)
	}
	if want := []int{200, 200, 500, 200, 500, 200, 403, 403, 403}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if w := b.do(httptest.NewRequest(http.MethodGet, "/account", nil)); w.Code != http.StatusOK {
		t.Errorf("the account page fails too: %d", w.Code)
	}
	w := b.do(httptest.NewRequest(http.MethodDelete, "/_fault", nil))
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != "[]" || b.ask("/api/threat.php", "tid", "1").Code != http.StatusOK {
		t.Errorf("after clearing: %d %s", w.Code, w.Body)
	}
}

func TestFaultsAreShown(t *testing.T) {
	b := start(t, sandbox.Options{})
	b.do(httptest.NewRequest(http.MethodPost, "/_fault?kind=slow&delay=250ms&match=feed&after=2&headers=0", nil))
	type view struct {
		Kind, Delay, Match, Window string
		After, Headers             int
	}
	got := decode[[]view](t, b.do(httptest.NewRequest(http.MethodGet, "/_fault", nil)).Body.Bytes())
	if want := []view{{"slow", "250ms", "feed", "second", 2, 0}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestDelaysAreKept(t *testing.T) {
	for kind, body := range map[string]string{"slow": "", "stall": `"fid":1`, "error": "error"} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, sandbox.Options{})
			f := sandbox.Fault{Kind: kind, Delay: 3 * time.Second}
			if kind == "error" {
				f.Status = 500
			}
			if err := b.Fault(f); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			w := b.ask("/api/feed.php", "fid", "1")
			if took := time.Since(began); took != 3*time.Second || !strings.Contains(w.Body.String(), body) {
				t.Errorf("%s took %s: %s", kind, took, w.Body)
			}
		})
	}
}

func TestBadFaultsAreRefused(t *testing.T) {
	b := start(t, sandbox.Options{})
	for query, want := range map[string]string{
		"kind=html5": `did you mean \"html\"?`, "status=1000": "200 to 599",
		"status=x": "cannot be read", "stats=500": `did you mean \"status\"?`,
		"kind=error": "needs a status", "status=302": "goes with the kind redirect", "kind=redirect&status=200": "goes with",
		"times=-1&status=500": "-1",
		"kind=slow&delay=1h":  "10m0s", "status=429&window=minute": "window",
	} {
		w := b.do(httptest.NewRequest(http.MethodPost, "/_fault?"+query, nil))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	for range 100 {
		if err := b.Fault(sandbox.Fault{Status: 500}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Fault(sandbox.Fault{Status: 500}); sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("fault 101: %v", err)
	}
}

func TestJournalIsShownWithoutKeys(t *testing.T) {
	b := start(t, sandbox.Options{Now: func() time.Time { return noon }})
	b.ask("/api/feed.php", "fid", "99")
	form := httptest.NewRequest(http.MethodPost, "/api/feed.php", strings.NewReader("fid=1&KEY="+b.key+"&key="+b.key))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.do(form)
	type entry struct {
		Time                      time.Time
		Method, Path, Query, Form string
		Status                    int
	}
	type view struct {
		Statuses map[string]int
		Requests []entry
	}
	shown := b.do(httptest.NewRequest(http.MethodGet, "/_journal", nil)).Body.String()
	want := view{map[string]int{"404": 1, "200": 1}, []entry{
		{noon, "GET", "/api/feed.php", "fid=99", "", 404}, {noon, "POST", "/api/feed.php", "", "fid=1", 200},
	}}
	if diff := cmp.Diff(want, decode[view](t, []byte(shown))); diff != "" || strings.Contains(shown, b.key) {
		t.Errorf("%s\n%s", diff, shown)
	}
	b.do(httptest.NewRequest(http.MethodDelete, "/_journal", nil))
	empty := decode[view](t, b.do(httptest.NewRequest(http.MethodGet, "/_journal", nil)).Body.Bytes())
	if len(empty.Requests) != 0 || !maps.Equal(empty.Statuses, map[string]int{}) {
		t.Errorf("after clearing: %+v", empty)
	}
}

package connectors_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// upstream is a sandbox behind a door at which everything is seen as it was sent.
type upstream struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

// asked is a request, and the form that was in it.
type asked struct {
	*http.Request
	form url.Values
}

// newUpstream serves a sandbox that knows the key.
func newUpstream(t *testing.T, o sandbox.Options) *upstream {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	u, own, handler := &upstream{}, s.CreateKey("test"), s.Handler()
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		u.mu.Lock()
		u.asked = append(u.asked, asked{r.Clone(t.Context()), form})
		u.mu.Unlock()
		r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, key, own)
		r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), key, own)))
		r.ContentLength = -1
		if user, password, ok := r.BasicAuth(); ok && password == key {
			r.SetBasicAuth(user, own)
		}
		w.Header().Set("Set-Cookie", "PHPSESSID=0123456789; path=/")
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

// read reads an endpoint to its end, and returns the records and why they may not be all.
func (u *upstream) read(t *testing.T, id string, params map[string]any) (records []map[string]any, incomplete string) {
	t.Helper()
	return u.readFrom(t, "", id, params)
}

// readFrom reads on at a cursor.
func (u *upstream) readFrom(t *testing.T, cursor, id string, params map[string]any) (records []map[string]any, incomplete string) {
	t.Helper()
	source, _, _ := openAt(t, u.URL, id, params)
	for page, err := range source.Pages(t.Context(), cursor) {
		if err != nil {
			t.Fatal(err)
		}
		for record, err := range page.Records {
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, object(t, record))
		}
		incomplete = page.Incomplete
	}
	return records, incomplete
}

// TestPitfall4 looks where the key is in the calls of each kind.
func TestPitfall4(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 20})
	u.read(t, "taxii.collections", nil)
	u.read(t, "scan.indicator", map[string]any{"value": "example.com"})
	u.read(t, "csv.export", nil)
	for _, r := range u.asked {
		user, password, _ := r.BasicAuth()
		basic, form, query := password == key, r.form.Get("key") == key, r.URL.Query().Get("key") == key
		switch {
		case r.URL.Path == "/taxii2/api/collections/":
			if !basic || user != "taxii2" || form || query {
				t.Errorf("%s: as the password of %q: %t, in the form: %t, in the URL: %t", r.URL.Path, user, basic, form, query)
			}
		case r.Method == http.MethodPost:
			if !form || basic || query {
				t.Errorf("submitting: in the form: %t, as a password: %t, in the URL: %t", form, basic, query)
			}
		case !query || basic:
			t.Errorf("%s %s: in the URL: %t, as a password: %t", r.Method, r.URL.Path, query, basic)
		}
	}
}

// TestPitfall5 answers with a cookie, and wants none back.
func TestPitfall5(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 20, PageSize: 10})
	u.read(t, "feed.indicators", map[string]any{"fid": 1})
	if len(u.asked) < 2 {
		t.Fatalf("%d calls", len(u.asked))
	}
	for _, r := range u.asked {
		if cookie := r.Header.Get("Cookie"); cookie != "" || r.Referer() != "" {
			t.Errorf("%s: cookie %q, referer %q", r.URL.Path, cookie, r.Referer())
		}
	}
}

// TestPitfall14 makes the call that tests a credential.
func TestPitfall14(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 20})
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	if records, _ := u.read(t, d.Credential.Test.Endpoint, d.Credential.Test.Params); len(records) != 1 || len(u.asked) != 1 {
		t.Errorf("%d records in %d calls, want one in one", len(records), len(u.asked))
	}
}

// TestPitfall15 reads lists that a plan ends, and others.
func TestPitfall15(t *testing.T) {
	for _, c := range []struct {
		name, plan, from    string
		records, size, want int
		incomplete          string
	}{
		{"15 a list that is whole", "unlimited", "", 25, 10, 25, ""},
		{"15 the second page of a plan, full", "pro", "", 25, 10, 20, "the list ends with page 2, where a plan may end it"},
		{"15 the fourth page of a plan, full", "team", "", 45, 10, 40, "the list ends with page 4, where a plan may end it"},
		{"15 the second page of a plan, with an end", "pro", "", 18, 10, 18, ""},
		{"15 a number of pages that no plan has", "unlimited", "", 30, 10, 30, ""},
		{"15 one full page", "free", "", 15_010, 15_000, 15_000, "the list ends with page 1, where a plan may end it"},
		{"15 one page, of which nobody knows", "free", "", 25, 10, 10, ""},
		{"15 the second page of a plan, after an interruption", "pro", "1", 25, 10, 10, "the list ends with page 2"},
		{"15 the last page, after an interruption", "unlimited", "2", 25, 10, 5, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUpstream(t, sandbox.Options{Plan: c.plan, Records: c.records, PageSize: c.size})
			records, incomplete := u.readFrom(t, c.from, "feed.indicators", map[string]any{"fid": 1})
			if len(records) != c.want || !strings.HasPrefix(incomplete, c.incomplete) || c.incomplete == "" && incomplete != "" {
				t.Errorf("%d records, incomplete: %q", len(records), incomplete)
			}
		})
	}
}

// TestPitfall16 counts what a scan costs.
func TestPitfall16(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 20, ScanPolls: 3})
	source, d, e := openAt(t, u.URL, "scan.indicator", map[string]any{"value": "example.com"})
	if !e.Poll.Free || d.Destination.Submit == nil || d.Destination.Submit.Answers == "" {
		t.Error("asking for results is not free")
	}
	for page, err := range source.Pages(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		for range page.Records {
		}
	}
	if posts := len(u.asked) - 4; posts != 1 {
		t.Errorf("%d calls, of which 4 ask for the result", len(u.asked))
	}
}

// TestPitfall17 reads a list whose rows move between its pages: what comes twice has the same key, and is the same.
func TestPitfall17(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 45, PageSize: 10, Oddities: []string{"shifting-pages"}})
	records, _ := u.read(t, "feed.indicators", map[string]any{"fid": 1})
	byKey := map[string]map[string]any{}
	for _, r := range records {
		id := fmt.Sprint(r["fid"], " ", r["iid"])
		if before, twice := byKey[id]; twice && !gocmp.Equal(before, r) {
			t.Errorf("%s came as two records:\n%s", id, gocmp.Diff(before, r))
		}
		byKey[id] = r
	}
	if len(records) != 49 || len(byKey) != 45 {
		t.Errorf("%d records of %d indicators", len(records), len(byKey))
	}
}

// TestPitfall33 wants of every endpoint whose records say when they were updated that this is no change.
func TestPitfall33(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range d.Endpoints {
		if s := d.Shape(&e); s != nil && s.Has("stamp_updated") && !slices.Contains(e.Ignore, "stamp_updated") {
			t.Errorf("%s: another stamp_updated counts as a change", e.ID)
		}
	}
}

// TestPitfall37 asks for indicators that naive clients break.
func TestPitfall37(t *testing.T) {
	for given, want := range map[string]string{
		"https://example.com/a?b=1&c=%26#d+e": "https://example.com/a?b=1&c=%26#d+e",
		"hxxps://EXAMPLE[.]com/x?key=y z":     "https://example.com/x?key=y z",
		"münchen.example.":                    "xn--mnchen-3ya.example",
		"2001:DB8:0:0::1":                     "2001:db8::1",
	} {
		u := newUpstream(t, sandbox.Options{Records: 20})
		source, _, _ := openAt(t, u.URL, "indicator.get", map[string]any{"indicator": given})
		for page, err := range source.Pages(t.Context(), "") {
			if err != nil {
				if sallyport.CodeOf(err) == sallyport.NotFound { // it is not known there
					break
				}
				t.Fatal(err)
			}
			for range page.Records {
			}
		}
		if query := u.asked[0].URL.Query(); len(u.asked) != 1 || query.Get("indicator") != want || len(query) != 2 {
			t.Errorf("%s: asked for %q", given, u.asked[0].URL)
		}
	}
}

// TestPitfallsOfParameters gives endpoints what Pulsedive would ignore, or could not know.
func TestPitfallsOfParameters(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, endpoint string
		params         map[string]any
		want           string
	}{
		{"37 a hash", "indicator.get", map[string]any{"indicator": strings.Repeat("a", 64)}, "is a hash"},
		{"37 a private address", "indicator.get", map[string]any{"indicator": "192.168.0.1"}, "private"},
		{"37 a private address to be scanned", "scan.indicator", map[string]any{"value": "http://10.0.0.1/"}, "private"},
		{"37 no indicator", "scan.indicator", map[string]any{"value": "not a host"}, "is no domain, IP address or URL"},
		{"38 an unknown parameter", "indicator.get", map[string]any{"indicatr": "example.com"}, `did you mean "indicator"`},
		{"38 a part of the answer that is none", "indicator.get", map[string]any{"iid": 1, "get": "link"}, "get"},
		{"38 a value that is none", "csv.export", map[string]any{"types": "domains"}, "must be one of ip, ipv6, domain, url"},
		{"38 a number that is none", "feed.get", map[string]any{"fid": "one"}, "whole number"},
		{"39 linked indicators by a name", "threat.indicators", map[string]any{"threat": "Zeus"}, "threat"},
		{"39 a summary by a name", "threat.summary", map[string]any{"threat": "Zeus"}, "threat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := d.Endpoint(c.endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.CheckParams(c.params); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestPitfall39 finds the number of a threat by its name, and its indicators by that.
func TestPitfall39(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 200})
	byID, _ := u.read(t, "threat.get", map[string]any{"tid": 1})
	byName, _ := u.read(t, "threat.get", map[string]any{"threat": byID[0]["name"]})
	linked, _ := u.read(t, "threat.indicators", map[string]any{"tid": fmt.Sprint(byName[0]["tid"])})
	if fmt.Sprint(byName[0]["tid"]) != "1" || len(linked) == 0 {
		t.Errorf("threat %v has %d indicators", byName[0]["tid"], len(linked))
	}
}

// TestPitfall40 looks at what a scan asks for by itself, as a source and as a destination.
func TestPitfall40(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 20})
	u.read(t, "scan.indicator", map[string]any{"value": "example.com"})
	if form := u.asked[0].form; form.Get("probe") != "0" || form.Get("submit") != "0" {
		t.Errorf("a scan asks for %v", form)
	}
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Destination.Fields {
		if (f.Name == "probe" || f.Name == "submit") && f.Default != false {
			t.Errorf("%s of the destination is %v by default", f.Name, f.Default)
		}
	}
	if e, err := d.Endpoint("scan.indicator"); err != nil || e.Effect == "" {
		t.Error("a scan has a preview", err)
	}
}

// TestPitfall44 searches in all ways of the language, once with a limit that holds everything, and once in parts of it.
func TestPitfall44(t *testing.T) {
	for _, c := range []struct {
		endpoint, q, limit string
		params             map[string]any
	}{
		{"explore.search", "seen=2025-04-01+ & type=domain,ip", "6", nil},
		{"explore.search", "8.8.8.8 | seen=2025-04-01+ risk=high+", "3", nil},
		{"explore.search", `"feed=a" || risk=critical&active=true`, "25", nil},
		{"explore.search", "seen=2025-04-01-2025-12-31 not type=url", "25", map[string]any{"date_field": "seen"}},
		{"explore.search", "active!=true && seen=2025-03-01+", "5", nil},
		{"explore.search", "seen=2025-04-01+ and content-type=text/html*", "15", nil},
		{"explore.threats", "category=malware or name=*", "2", nil},
	} {
		t.Run(c.q, func(t *testing.T) {
			u := newUpstream(t, sandbox.Options{Records: 600})
			params := map[string]any{"q": c.q, "limit": "100000"}
			maps.Copy(params, c.params)
			whole, incomplete := u.read(t, c.endpoint, params)
			params["limit"] = c.limit
			first := len(u.asked)
			parts, cut := u.read(t, c.endpoint, params)
			if first != 1 || incomplete != "" || cut != "" || len(u.asked) < first+4 || len(whole) == 0 {
				t.Errorf("%d records in %d requests, then %d; incomplete: %q, %q", len(whole), first, len(u.asked)-first, incomplete, cut)
			}
			order := func(a, b map[string]any) int {
				return cmp.Compare(fmt.Sprint(a["iid"], a["tid"]), fmt.Sprint(b["iid"], b["tid"]))
			}
			slices.SortFunc(whole, order)
			slices.SortFunc(parts, order)
			if diff := gocmp.Diff(whole, parts); diff != "" {
				t.Errorf("%d records at once, %d in parts: %.1000s", len(whole), len(parts), diff)
			}
		})
	}
}

// TestPitfall45 checks every endpoint whose records have a summary that counts indicators: a moved count alone is not a change.
func TestPitfall45(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"threat.get", "feed.get", "feed.list"} {
		e, err := d.Endpoint(id)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Shape(e).Has("summary") || !slices.Contains(e.Ignore, "summary") {
			t.Errorf("%s: another summary counts as a change", e.ID)
		}
	}
}

// TestPitfall46 makes requests with a credential that has no key: to what is public, and not to what needs one.
func TestPitfall46(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.CheckCredential(map[string]string{}, nil); err != nil {
		t.Errorf("a credential without a key: %v", err)
	}
	for id, public := range map[string]bool{
		"indicator.get": true, "threat.get": true, "feed.get": true, "explore.search": true, "feed.list": true,
		"csv.export": false, "taxii.discovery": false, "taxii.collections": false, "taxii.objects": false, "scan.indicator": false,
	} {
		t.Run(id, func(t *testing.T) {
			u := newUpstream(t, sandbox.Options{Records: 20})
			e, err := d.Endpoint(id)
			if err != nil {
				t.Fatal(err)
			}
			params := paramsOf(id)
			switch id {
			case "indicator.get":
				params = map[string]any{"indicator": "google.com"}
			case "explore.search":
				params = map[string]any{"q": "google.com", "limit": 5} // without a key, few are allowed
			case "feed.list":
				params = nil
			}
			if strings.HasPrefix(id, "taxii") {
				params = nil
			}
			checked, err := e.CheckParams(params)
			if err != nil {
				t.Fatal(err)
			}
			source, err := open(rest.Config{
				Definition: d, Endpoint: e, Params: checked, Public: map[string]string{"address": u.URL},
				Secrets:   func(context.Context) (map[string]secret.Text, error) { return nil, nil },
				Transport: func(address *url.URL) http.RoundTripper { return egress.Policy{}.Transport(address, true) },
			})
			if err != nil {
				t.Fatal(err)
			}
			err = firstRecord(t.Context(), source)
			switch {
			case public && (err != nil || len(u.asked) != 1 || u.asked[0].URL.Query().Has("key") || u.asked[0].Header.Get("Authorization") != ""):
				t.Errorf("%v, %d requests: %v", err, len(u.asked), u.asked)
			case !public && (sallyport.CodeOf(err) != sallyport.Unauthenticated || len(u.asked) != 0):
				t.Errorf("%v, %d requests", err, len(u.asked))
			}
		})
	}
}

// firstRecord reads up to the first record.
func firstRecord(ctx context.Context, source connector.Source) error {
	for page, err := range source.Pages(ctx, "") {
		if err != nil {
			return err
		}
		for _, err := range page.Records {
			return err
		}
	}
	return nil
}

// TestPitfall42 looks at the addresses: of the endpoints, and which a credential may have.
func TestPitfall42(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`^/(api/(indicator|threat|feed|explore|analyze|search)\.php|premium/|taxii2/.*)$`)
	for _, e := range d.Endpoints {
		if !known.MatchString(e.Request.URL) || e.Poll != nil && !known.MatchString(e.Poll.URL) {
			t.Errorf("%s asks %s", e.ID, e.Request.URL)
		}
	}
	for address, fits := range map[string]bool{
		"https://pulsedive.com": true, "https://pulsedive.corp.example": true, "http://127.0.0.1:8421": true,
		"http://pulsedive.com": false, "http://10.0.0.1": false, "ftp://pulsedive.com": false,
	} {
		_, err := d.CheckCredential(map[string]string{connector.AddressField: address}, map[string]secret.Text{"key": secret.New(key)})
		if (err == nil) != fits {
			t.Errorf("%s: %v", address, err)
		}
	}
}

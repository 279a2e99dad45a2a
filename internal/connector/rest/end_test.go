package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

// outcome is what a pull of all pages gives.
type outcome struct {
	records    []string
	asked      []string // the queries of the requests
	incomplete string
	err        string
}

// pullAll pulls from a system that gives the texts in turn, each as a status and a body, and the last one from then on.
func pullAll(t *testing.T, request sallyport.Request, replies ...sent) (o outcome) {
	t.Helper()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		query.Del("key")
		o.asked = append(o.asked, query.Encode())
		if len(o.asked) > 40 {
			t.Error("endless")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		next := replies[min(len(o.asked), len(replies))-1]
		if name, value, ok := strings.Cut(next.header, ": "); ok {
			w.Header().Set(name, strings.ReplaceAll(value, "HOST", "http://"+r.Host))
		}
		sends(max(next.status, 200), next.body)(w, r)
	})
	request.URL = "/"
	for page, err := range mustOpen(t, testConfig(server.URL, request)).Pages(t.Context(), "") {
		if err != nil {
			o.err = err.Error()
			return o
		}
		var records []string
		for record, err := range page.Records {
			if err != nil {
				o.err = err.Error()
				return o // and the page is dropped
			}
			records = append(records, string(record))
		}
		o.records, o.incomplete = append(o.records, records...), page.Incomplete
	}
	return o
}

// sent is one response.
type sent struct {
	status       int
	header, body string
}

func said(bodies ...string) (replies []sent) {
	for _, body := range bodies {
		replies = append(replies, sent{body: body})
	}
	return replies
}

// TestEnds has the ways in which real lists end.
func TestEnds(t *testing.T) {
	value := sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.n", Query: "c"}
	page := sallyport.Paging{Type: sallyport.PagingPage, Query: "p"}
	sized := sallyport.Paging{Type: sallyport.PagingPage, Query: "p", Size: 5}
	offset := sallyport.Paging{Type: sallyport.PagingOffset, Query: "o"}
	key := []string{"id"}
	a, b, c := `{"id":1}`, `{"id":2}`, `{"id":3}`
	for _, test := range []struct {
		name       string
		paging     sallyport.Paging
		key        []string
		replies    []sent
		records    int
		asked      int
		incomplete string
		err        string
	}{
		{"the same cursor for ever, an empty page at the end", value, nil, said(`{"r":[1],"n":"x"}`, `{"r":[2],"n":"x"}`, `{"r":[],"n":"x"}`), 2, 3, "", ""},
		{"an empty page that repeats its cursor", value, nil, said(`{"r":[1],"n":"x"}`, `{"r":[2],"n":"y"}`, `{"r":[],"n":"y"}`), 2, 3, "", ""},
		{"empty pages in the middle", value, nil, said(`{"r":[],"n":"x"}`, `{"r":[1],"n":"y"}`, `{"r":[],"n":"z"}`, `{"r":[2]}`), 2, 4, "", ""},
		{"cursors that go down", value, nil, said(`{"r":[9],"n":9}`, `{"r":[8],"n":8}`, `{"r":[7],"n":7}`, `{"r":[]}`), 3, 4, "", ""},
		{"a circle", value, nil, said(`{"r":[1],"n":"x"}`, `{"r":[2],"n":"y"}`, `{"r":[3],"n":"x"}`, `{"r":[2],"n":"y"}`), 3, 4, "", "endless paging"},
		{"a circle with a key", value, key, said(`{"r":[`+a+`],"n":"x"}`, `{"r":[`+b+`],"n":"y"}`, `{"r":[`+c+`],"n":"x"}`, `{"r":[`+b+`],"n":"y"}`), 3, 4, "", "endless paging"},
		{"the same request, the same response", value, nil, said(`{"r":[1],"n":"x"}`, `{"r":[2],"n":"x"}`), 2, 3, "", "endless paging"},
		{"the last page leads to itself, with a key", value, key, said(`{"r":[`+a+`],"n":"x"}`, `{"r":[`+b+`],"n":"x"}`), 2, 3, "", ""},
		{"the last page again behind the end", page, key, said(`{"r":[`+a+`]}`, `{"r":[`+b+`]}`), 2, 3, "", ""},
		{"the first page again behind the end", page, key, said(`{"r":[`+a+`]}`, `{"r":[`+b+`]}`, `{"r":[`+a+`]}`), 2, 3, "", ""},
		{"the last records again behind the end", offset, key, said(`{"r":[`+a+`,`+b+`]}`, `{"r":[`+c+`]}`, `{"r":[`+b+`,`+c+`]}`), 3, 3, "", ""},
		{"the first page for every number", page, key, said(`{"r":[` + a + `]}`), 1, 2, "the second page is the first one again", ""},
		{"keys again with other contents", page, key, said(`{"r":[`+a+`]}`, `{"r":[{"id":1,"v":2}]}`), 1, 2, "check the key", ""},
		{"a page that begins with known keys", page, key, said(`{"r":[`+a+`]}`, `{"r":[`+a+`,`+b+`]}`, `{"r":[]}`), 3, 3, "", ""},
		{"equal pages without a key", offset, nil, said(`{"r":[1,1]}`, `{"r":[1,1]}`, `{"r":[1,1]}`, `{"r":[]}`), 6, 4, "", ""},
		{"404 behind the last page", page, nil, []sent{{body: `{"r":[1]}`}, {body: `{"r":[2]}`}, {status: 404, body: `{"detail":"Invalid page."}`}}, 2, 3, "", ""},
		{"404 on the first page", page, nil, []sent{{status: 404}}, 0, 1, "", "not found"},
		{"404 on a page that was led to", value, nil, []sent{{body: `{"r":[1],"n":"x"}`}, {status: 404}}, 1, 2, "", "failed"},
		{"fewer records than size, because the system gives fewer", sized, nil, said(`{"r":[1,2,3]}`, `{"r":[4,5,6]}`, `{"r":[7]}`, `{"r":[]}`), 7, 4, "", ""},
		{"fewer records than size, because there are no more", sized, nil, said(`{"r":[1,2,3]}`, `{"r":[]}`), 3, 2, "", ""},
		{"fewer records than size, and the next page is refused", sized, nil, []sent{{body: `{"r":[1,2,3]}`}, {status: 400}}, 3, 2, "fewer than paging.size", ""},
		{"fewer records than size, and all again", sized, key, said(`{"r":[` + a + `]}`), 1, 2, "", ""},
		{"the last page is shorter than size", sized, nil, said(`{"r":[1,2,3,4,5]}`, `{"r":[6]}`), 6, 2, "", ""},
		{"no list on a later page", value, nil, said(`{"k":"l","r":[1],"n":"x"}`, `{"k":"l"}`), 1, 2, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := pullAll(t, sallyport.Request{Records: "$.r[*]", Paging: test.paging, Key: test.key}, test.replies...)
			if len(got.records) != test.records || len(got.asked) != test.asked {
				t.Errorf("records %v after requests %q; want %d records, %d requests", got.records, got.asked, test.records, test.asked)
			}
			if !strings.Contains(got.incomplete, test.incomplete) || (got.incomplete == "") != (test.incomplete == "") {
				t.Errorf("incomplete: %q, want %q", got.incomplete, test.incomplete)
			}
			if !strings.Contains(got.err, test.err) || (got.err == "") != (test.err == "") {
				t.Errorf("error %q, want %q", got.err, test.err)
			}
		})
	}
}

// TestSentryLinks follows no link whose results say "false".
func TestSentryLinks(t *testing.T) {
	got := pullAll(t, sallyport.Request{Records: "$[*]", Paging: sallyport.Paging{Type: sallyport.PagingLinkHeader}},
		sent{body: `[1]`, header: `Link: <HOST/?c=1>; rel="next"; results="true"`},
		sent{body: `[2]`, header: `Link: <HOST/?c=2>; rel="next"; results="false"`})
	if len(got.asked) != 2 || len(got.records) != 2 || got.err != "" {
		t.Errorf("%+v", got)
	}
}

// TestCountsWhatWasSent: pages and offsets count what the system sent, whatever a filter leaves of it.
func TestCountsWhatWasSent(t *testing.T) {
	full := func(first int, kinds ...string) sent {
		var all []string
		for i, kind := range kinds {
			all = append(all, fmt.Sprintf(`{"id":%d,"type":%q}`, first+i, kind))
		}
		return sent{body: `{"r":[` + strings.Join(all, ",") + `],"more":{"tags":[1,2,3,4,5]}}`}
	}
	replies := []sent{full(0, "ip", "x", "x", "x"), full(4, "x", "x", "x", "x"), full(8, "ip", "ip", "x", "ip"), full(12, "ip")}
	for _, records := range []string{"$.r[?@.type == 'ip']", "$.r[?@.type=='ip'].id", "$['r'][?@.type == 'ip', ?@.none]", "$..[?@.type == 'ip']"} {
		for _, c := range []struct {
			paging sallyport.Paging
			asked  []string
		}{
			{sallyport.Paging{Type: sallyport.PagingPage, Query: "p", Size: 4}, []string{"p=1", "p=2", "p=3", "p=4"}},
			{sallyport.Paging{Type: sallyport.PagingOffset, Query: "p", Size: 4}, []string{"p=0", "p=4", "p=8", "p=12"}},
			{sallyport.Paging{Type: sallyport.PagingOffset, Query: "p"}, []string{"p=0", "p=4", "p=8", "p=12", "p=13"}},
			{sallyport.Paging{Type: sallyport.PagingPage, Query: "p"}, []string{"p=1", "p=2", "p=3", "p=4", "p=5"}},
		} {
			got := pullAll(t, sallyport.Request{Records: records, Paging: c.paging, Key: []string{"id"}}, slices.Concat(replies, said(`{"r":[]}`))...)
			if diff := cmp.Diff(c.asked, got.asked); diff != "" || len(got.records) != 5 || got.err != "" || got.incomplete != "" {
				t.Errorf("%s, %s: %v, %s, %s\n%s", records, c.paging.Type, got.records, got.err, got.incomplete, diff)
			}
		}
	}
	got := pullAll(t, sallyport.Request{Records: "$.r[1:]", Paging: sallyport.Paging{Type: sallyport.PagingOffset, Query: "p"}}, append(replies, said(`{"r":[]}`)...)...)
	if len(got.records) != 9 || got.asked[4] != "p=13" {
		t.Errorf("a slice: %+v", got)
	}
}

// TestBarrenFilter: pages of which a filter leaves nothing are no sign of an endless list, the same page again and again is.
func TestBarrenFilter(t *testing.T) {
	request := sallyport.Request{Records: "$.r[?@.id < 0]", Paging: sallyport.Paging{Type: sallyport.PagingPage, Query: "p"}}
	var replies []sent
	for i := range 30 {
		replies = append(replies, sent{body: fmt.Sprintf(`{"r":[{"id":%d}]}`, i)})
	}
	if got := pullAll(t, request, append(replies, sent{body: `{"r":[]}`})...); len(got.asked) != 31 || got.incomplete != "" {
		t.Errorf("%+v", got)
	}
	if got := pullAll(t, request, replies[0]); len(got.asked) != 11 || got.incomplete == "" {
		t.Errorf("%+v", got)
	}
}

// paged are the types of paging, with what says in a response that there is a next page, or none. Pages are numbered from 0.
var paged = map[string]struct {
	paging sallyport.Paging
	next   func(n int) (member, header string) // that page n follows
	none   []string                            // what says that none follows, as members of the response
}{
	"page":        {sallyport.Paging{Type: "page", Query: "c"}, nil, nil},
	"offset":      {sallyport.Paging{Type: "offset", Query: "c"}, nil, nil},
	"next_value":  {sallyport.Paging{Type: "next_value", Query: "c", Value: "$.n"}, func(n int) (string, string) { return fmt.Sprintf(`"n":"c%d"`, n), "" }, []string{`"x":1`, `"n":null`, `"n":""`, `"n":false`}},
	"next_url":    {sallyport.Paging{Type: "next_url", Value: "$.n"}, func(n int) (string, string) { return fmt.Sprintf(`"n":"/?c=%d"`, n), "" }, []string{`"x":1`, `"n":null`, `"n":""`, `"n":false`}},
	"link_header": {sallyport.Paging{Type: "link_header"}, func(n int) (string, string) { return `"x":1`, fmt.Sprintf(`Link: </?c=%d>; rel=next`, n) }, []string{`"x":1`}},
	"header":      {sallyport.Paging{Type: "next_value", Query: "c", Header: "X-Next"}, func(n int) (string, string) { return `"x":1`, fmt.Sprintf(`X-Next: %d`, n) }, []string{`"x":1`}},
	"url header":  {sallyport.Paging{Type: "next_url", Header: "x-next-url"}, func(n int) (string, string) { return `"x":1`, fmt.Sprintf(`X-Next-Url: /?c=%d`, n) }, []string{`"x":1`}},
	"last":        {sallyport.Paging{Type: "next_value", Query: "c", Last: "$.id"}, nil, nil},
}

// TestEveryPagingAndEnd pulls a list of three pages of two records in every way of paging, with every end, with and without a key and a filter,
// twice each. Every record comes once.
func TestEveryPagingAndEnd(t *testing.T) {
	ends := map[string]struct {
		set  func(p *sallyport.Paging)
		tail func(leads func(n int) (string, string), last string) []sent // behind the first two pages; last has the last page's records
		key  bool                                                         // it needs one
		only []string                                                     // the types of paging that have it; nil: all
	}{
		"an empty page that leads to itself": {nil, func(leads func(int) (string, string), last string) []sent {
			return []sent{response(leads, last, 3), response(leads, "", 3)}
		}, false, nil},
		"the last page again": {nil, func(leads func(int) (string, string), last string) []sent {
			return []sent{response(leads, last, 3), response(leads, last, 3)}
		}, true, nil},
		"404": {nil, func(_ func(int) (string, string), last string) []sent {
			return []sent{response(nil, last, 0), {status: 404}}
		}, false, []string{"page", "offset"}},
		"a short page": {func(p *sallyport.Paging) { p.Size = 2 }, func(_ func(int) (string, string), _ string) []sent {
			return []sent{response(nil, `{"id":5,"t":"ip"}`, 0)}
		}, false, []string{"page", "offset", "last"}},
		"no more": {func(p *sallyport.Paging) { p.More = "$.more" }, func(leads func(int) (string, string), last string) []sent {
			return []sent{with(response(leads, last, 3), `"more":0`)}
		}, false, nil},
		"the total": {func(p *sallyport.Paging) { p.Total = "$.total" }, func(_ func(int) (string, string), last string) []sent {
			return []sent{with(response(nil, last, 0), `"total":6`)}
		}, false, nil},
		"the pages": {func(p *sallyport.Paging) { p.Pages = "$.meta.pages" }, func(leads func(int) (string, string), last string) []sent {
			return []sent{with(response(leads, last, 3), `"meta":{"pages":"3"}`)}
		}, false, nil},
		"a condition": {func(p *sallyport.Paging) { p.Until = sallyport.Until{Path: "$.state", Equals: "done"} }, func(leads func(int) (string, string), last string) []sent {
			return []sent{with(response(leads, last, 3), `"state":"done"`)}
		}, false, nil},
	}
	for kind, p := range paged {
		for _, none := range p.none {
			everyWay(t, kind+", the end is "+none, p.paging, p.next, false, func(last string) []sent { return []sent{{body: `{"r":[` + last + `],` + none + `}`}} })
		}
		for name, end := range ends {
			if end.only != nil && !slices.Contains(end.only, kind) {
				continue
			}
			paging := p.paging
			if end.set != nil {
				end.set(&paging)
			}
			everyWay(t, kind+", "+name, paging, p.next, end.key, func(last string) []sent { return end.tail(p.next, last) })
		}
	}
}

// everyWay pulls with and without a key and a filter, twice each.
func everyWay(t *testing.T, name string, paging sallyport.Paging, leads func(int) (string, string), needsKey bool, tail func(last string) []sent) {
	for _, key := range [][]string{nil, {"id"}} {
		for _, records := range []string{"$.r[*]", "$.r[?@.t == 'ip']"} {
			if needsKey && (key == nil || records != "$.r[*]") { // of what a filter leaves out no keys are known
				continue
			}
			t.Run(fmt.Sprintf("%s, key %v, %s", name, key, records), func(t *testing.T) {
				replies := append([]sent{response(leads, `{"id":1,"t":"ip"},{"id":2,"t":"x"}`, 1), response(leads, `{"id":3,"t":"x"},{"id":4,"t":"x"}`, 2)}, tail(`{"id":5,"t":"ip"},{"id":6,"t":"ip"}`)...)
				asked := len(replies)
				if paging.Last != "" || leads == nil && strings.HasSuffix(name, "the last page again") {
					asked = 0 // one that is keyed by its last record may need one request fewer
				}
				for range 2 {
					got := pullAll(t, sallyport.Request{Records: records, Paging: paging, Key: key}, append(replies, sent{status: 500})...)
					seen := map[string]bool{}
					for _, record := range got.records {
						seen[record] = true
					}
					want := strings.Count(fmt.Sprint(replies[:3]), `"id"`)
					if records != "$.r[*]" {
						want = strings.Count(fmt.Sprint(replies[:3]), `"ip"`)
					}
					if len(seen) != want || len(got.records) != want || got.err != "" || got.incomplete != "" || asked > 0 && len(got.asked) != asked {
						t.Errorf("%d of %d records, requests %q, want %d; incomplete %q, error %q", len(got.records), want, got.asked, asked, got.incomplete, got.err)
					}
				}
			})
		}
	}
}

// response is one with records, after which page n follows if leads says how.
func response(leads func(n int) (string, string), records string, n int) sent {
	member, header := `"x":1`, ""
	if leads != nil && n > 0 {
		member, header = leads(n)
	}
	return sent{body: `{"r":[` + records + `],` + member + `}`, header: header}
}

func with(s sent, member string) sent {
	s.body = strings.TrimSuffix(s.body, "}") + "," + member + "}"
	return s
}

// TestWhatTheResponseSays: what a response says about its list is compared with what was read.
func TestWhatTheResponseSays(t *testing.T) {
	counted := sallyport.Paging{Type: "page", Query: "p"}
	value := sallyport.Paging{Type: "next_value", Query: "c", Value: "$.n"}
	for name, test := range map[string]struct {
		of         sallyport.Paging
		set        func(p *sallyport.Paging)
		bodies     []string
		records    int
		asked      int
		incomplete string
		err        string
	}{
		"fewer than the total":           {counted, func(p *sallyport.Paging) { p.Total = "$.n" }, []string{`{"r":[1],"n":3}`, `{"r":[2],"n":3}`, `{"r":[],"n":3}`}, 2, 3, "the list ended after 2 records, but $.n says 3", ""},
		"a total that is of the page":    {counted, func(p *sallyport.Paging) { p.Total = "$.n" }, []string{`{"r":[1,2],"n":2}`, `{"r":[3,4],"n":2}`, `{"r":[]}`}, 4, 2, "after 4 records, but $.n says 2", ""},
		"a total that is unknown":        {counted, func(p *sallyport.Paging) { p.Total = "$.n" }, []string{`{"r":[1],"n":-1}`, `{"r":[],"n":-1}`}, 1, 2, "", ""},
		"a total that is not a number":   {counted, func(p *sallyport.Paging) { p.Total = "$.n" }, []string{`{"r":[1],"n":"many"}`}, 1, 1, "", "the value at $.n (paging.total) must be a whole number"},
		"fewer than the pages":           {counted, func(p *sallyport.Paging) { p.Pages = "$.n" }, []string{`{"r":[1],"n":3}`, `{"r":[],"n":3}`}, 1, 2, "the list ended after 2 pages, but $.n says 3", ""},
		"one page":                       {counted, func(p *sallyport.Paging) { p.Pages = "$.n" }, []string{`{"r":[1],"n":1}`}, 1, 1, "", ""},
		"a next value beyond the pages":  {value, func(p *sallyport.Paging) { p.Pages = "$.of" }, []string{`{"r":[1],"n":2,"of":2}`, `{"r":[2],"n":3,"of":2}`}, 2, 2, "", ""},
		"more, but nothing leads there":  {value, func(p *sallyport.Paging) { p.More = "$.m" }, []string{`{"r":[1],"n":null,"m":true}`}, 1, 1, "$.m (paging.more) says that more follows", ""},
		"no more, though there is next":  {value, func(p *sallyport.Paging) { p.More = "$.m" }, []string{`{"r":[1],"n":"a","m":"true"}`, `{"r":[2],"n":"b","m":"False"}`}, 2, 2, "", ""},
		"more that is not said":          {value, func(p *sallyport.Paging) { p.More = "$.m" }, []string{`{"r":[1],"n":"a"}`, `{"r":[2]}`}, 2, 2, "", ""},
		"more that is an object":         {value, func(p *sallyport.Paging) { p.More = "$.m" }, []string{`{"r":[1],"n":"a","m":{}}`}, 1, 1, "", "the value at $.m (paging.more) must be true or false"},
		"an empty page with more":        {counted, func(p *sallyport.Paging) { p.More = "$.m" }, []string{`{"r":[1],"m":1}`, `{"r":[],"m":1}`, `{"r":[2],"m":0}`}, 2, 3, "", ""},
		"a short page with more":         {counted, func(p *sallyport.Paging) { p.More, p.Size = "$.m", 2 }, []string{`{"r":[1,2],"m":true}`, `{"r":[3],"m":true}`, `{"r":[4,5],"m":false}`}, 5, 3, "", ""},
		"an end before the condition":    {value, func(p *sallyport.Paging) { p.Until.Path = "$.done" }, []string{`{"r":[1],"n":"a","done":false}`, `{"r":[2]}`}, 2, 2, "the list ended before $.done was", ""},
		"a condition of any value":       {value, func(p *sallyport.Paging) { p.Until.Path = "$.done" }, []string{`{"r":[1],"n":"a","done":0}`, `{"r":[2],"n":"b","done":1}`}, 2, 2, "", ""},
		"a condition of a word":          {value, func(p *sallyport.Paging) { p.Until = sallyport.Until{Path: "$.s", Equals: "false"} }, []string{`{"r":[1],"n":"a","s":true}`, `{"r":[2],"n":"b","s":false}`}, 2, 2, "", ""},
		"a last record without the path": {sallyport.Paging{Type: "next_value", Query: "c", Last: "$.id"}, func(*sallyport.Paging) {}, []string{`{"r":[{"id":1},{"x":2}]}`}, 2, 1, "", "its last record has nothing at $.id"},
		"a last record that comes again": {sallyport.Paging{Type: "next_value", Query: "c", Last: "$.id"}, func(*sallyport.Paging) {}, []string{`{"r":[{"id":1},{"id":2}]}`, `{"r":[{"id":2}]}`}, 3, 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			paging := test.of
			test.set(&paging)
			got := pullAll(t, sallyport.Request{Records: "$.r[*]", Paging: paging}, said(test.bodies...)...)
			if len(got.records) != test.records || len(got.asked) != test.asked {
				t.Errorf("records %v after requests %q", got.records, got.asked)
			}
			if !strings.Contains(got.incomplete, test.incomplete) || (got.incomplete == "") != (test.incomplete == "") || !strings.Contains(got.err, test.err) || (got.err == "") != (test.err == "") {
				t.Errorf("incomplete %q, error %q", got.incomplete, got.err)
			}
		})
	}
}

// TestExtentGoesOn: a pass that begins at a later page knows how much the passes before it read.
func TestExtentGoesOn(t *testing.T) {
	asked := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		sends(200, fmt.Sprintf(`{"r":[%d],"total":3}`, asked))(w, r)
	})
	s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: "page", Query: "p", Total: "$.total"}}))
	cursor := ""
	for {
		for page, err := range s.Pages(t.Context(), cursor) {
			if err != nil {
				t.Fatal(err)
			}
			for range page.Records {
				continue
			}
			if cursor = page.Next; page.Incomplete != "" {
				t.Error(page.Incomplete)
			}
			break
		}
		if cursor == "" {
			break
		}
	}
	if asked != 3 {
		t.Errorf("%d requests", asked)
	}
}

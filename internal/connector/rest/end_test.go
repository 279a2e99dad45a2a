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

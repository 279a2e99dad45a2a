package connector_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

func TestCheckRequestCompletes(t *testing.T) {
	d := chosen()
	d.Manual = true
	r := sallyport.Request{URL: "/api/list"}
	if err := d.CheckRequest(&r); err != nil {
		t.Fatal(err)
	}
	want := sallyport.Request{Method: "GET", URL: "/api/list", Records: "$", Paging: sallyport.Paging{Type: sallyport.PagingSingle}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestCheckRequest(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		change func(*sallyport.Request)
		want   string
	}{
		"post":          {func(r *sallyport.Request) { r.Method, r.Body = "post", "{}" }, ""},
		"method":        {func(r *sallyport.Request) { r.Method = "DELETE" }, "method: must be GET or POST"},
		"body of a get": {func(r *sallyport.Request) { r.Body = "x" }, "body: goes with method POST only"},
		"long body":     {func(r *sallyport.Request) { r.Method, r.Body = "POST", sallyport.Body(strings.Repeat("x", 1<<17)) }, "body: is longer than 65536 bytes"},
		"no url":        {func(r *sallyport.Request) { r.URL = "" }, "url: is required: a path such as /api/list"},
		"other host":    {func(r *sallyport.Request) { r.URL = "https://example.net/x" }, "url: must be a path such as /api/list; the host is that of the credential's address"},
		"other host //": {func(r *sallyport.Request) { r.URL = "//example.net/x" }, "url: must be a path such as /api/list; the host is that of the credential's address"},
		"other host \\": {func(r *sallyport.Request) { r.URL = `/\example.net/x` }, "url: must begin with / and be a path such as /api/list"},
		"relative":      {func(r *sallyport.Request) { r.URL = "list" }, "url: must begin with / and be a path such as /api/list"},
		"query in url":  {func(r *sallyport.Request) { r.URL = "/x?key=1" }, "url: must end before the ?; what follows it goes under query"},
		"fragment":      {func(r *sallyport.Request) { r.URL = "/x#1" }, "url: must end before the ?; what follows it goes under query"},
		"query name":    {func(r *sallyport.Request) { r.Query = map[string]sallyport.Texts{"": {"x"}} }, "query: has a parameter without a name, or one that is too long"},
		"key in query":  {func(r *sallyport.Request) { r.Query = map[string]sallyport.Texts{"key": {"x"}} }, "query: must not hold key: the key comes from the credential"},
		"query twice":   {func(r *sallyport.Request) { r.Query = map[string]sallyport.Texts{"pony": {"1", "2"}, "flag": nil} }, ""},
		"query, none":   {func(r *sallyport.Request) { r.Query = map[string]sallyport.Texts{"pony": {}} }, "query.pony: must have a value, or a list of at most 1000"},
		"header":        {func(r *sallyport.Request) { r.Headers = map[string]string{"Accept": "text/csv"} }, ""},
		"header name":   {func(r *sallyport.Request) { r.Headers = map[string]string{"A b": "x"} }, `headers: "A b" must be the name of a header`},
		"header value":  {func(r *sallyport.Request) { r.Headers = map[string]string{"A": "x\r\nB: y"} }, "headers: the value of \"A\" must be one line of readable text"},
		"key in header": {func(r *sallyport.Request) { r.Headers = map[string]string{"authorization": "x"} }, "headers: must not hold authorization: it is set when the request is sent, with the key of the credential"},
		"records":       {func(r *sallyport.Request) { r.Records = "results" }, "records: is no JSONPath such as $.results[*]: jsonpath: unexpected identifier at position 1"},
		"long records":  {func(r *sallyport.Request) { r.Records = "$" + strings.Repeat(".a", 1000) }, "records: is longer than 1000 bytes"},
		"paging":        {func(r *sallyport.Request) { r.Paging.Type = "offest" }, `paging.type: there is no type of paging "offest"; did you mean "offset"?`},
		"page": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "page", Query: "p", Start: number(0), Size: 10}
		}, ""},
		"all about a list": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Header: "X-Next", More: "$.m", Total: "$.t", Pages: "$.p", Until: sallyport.Until{Path: "$.s", Equals: "done"}}
		}, ""},
		"last, size": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Last: "$.id", Size: 10}
		}, ""},
		"next URL in a header": {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "next_url", Header: "X-Next"} }, ""},
		"two next values": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Value: "$.n", Header: "X"}
		}, "paging.header: does not go with paging.value: the next page is found in one place"},
		"header and last": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Last: "$.n", Header: "X"}
		}, "paging.last: does not go with paging.value or paging.header: the next page is found in one place"},
		"next header name": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Header: "X Y"}
		}, `paging.header: "X Y" must be the name of a header`},
		"page, header":     {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "page", Query: "p", Header: "X"} }, "paging.header: does not belong to paging of type page"},
		"next URL, last":   {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "next_url", Value: "$.n", Last: "$.id"} }, "paging.last: does not belong to paging of type next_url"},
		"single, total":    {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "single", Total: "$.n"} }, "paging.total: does not belong to paging of type single"},
		"more, a wildcard": {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "page", Query: "p", More: "$.m[*]"} }, "paging.more: must be a path of names such as $.paging.next"},
		"until, no path": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "page", Query: "p", Until: sallyport.Until{Equals: "done"}}
		}, `paging.until.path: is required: the path to what must equal "done"`},
		"csv, total": {func(r *sallyport.Request) {
			r.Format, r.Records, r.Paging = "csv", "", sallyport.Paging{Type: "page", Query: "p", Total: "$.n"}
		}, "paging.total: does not go with format csv: it looks for a value in JSON"},
		"page, no query": {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "page"} }, "paging.query: is required for paging of type page, unless {cursor} stands in the url, query, headers or body"},
		"page, value":    {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "page", Query: "p", Value: "$.n"} }, "paging.value: does not belong to paging of type page"},
		"page, start":    {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "page", Query: "p", Start: number(-1)} }, "paging.start: must not be negative"},
		"page, size":     {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "page", Query: "p", Size: -1} }, "paging.size: must not be negative"},
		"value": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Value: "$['@a']['b.c']"}
		}, ""},
		"value, list": {func(r *sallyport.Request) {
			r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Value: "$.a[*]"}
		}, "paging.value: must be a path of names such as $.paging.next"},
		"value, whole": {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "next_value", Query: "p", Value: "$"} }, "paging.value: must be a path of names such as $.paging.next"},
		"value, deep":  {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "next_url", Value: "$..a"} }, "paging.value: must be a path of names such as $.paging.next"},
		"url":          {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "next_url"} }, "paging.value: is required for paging of type next_url"},
		"link, size":   {func(r *sallyport.Request) { r.Paging = sallyport.Paging{Type: "link_header", Size: 1} }, "paging.size: does not belong to paging of type link_header"},
		"cursor": {func(r *sallyport.Request) {
			r.Method, r.Body, r.Paging = "POST", `{"q": "{users{id}}", "after": {cursor}}`, sallyport.Paging{Type: "next_value", Value: "$.next"}
		}, ""},
		"cursor in the path": {func(r *sallyport.Request) {
			r.URL, r.Paging = "/of/{cursor}", sallyport.Paging{Type: "next_value", Value: "$.next"}
		}, ""},
		"cursor, counted": {func(r *sallyport.Request) { r.URL, r.Paging = "/page-{cursor}", sallyport.Paging{Type: "page"} }, ""},
		"cursor, part": {func(r *sallyport.Request) {
			r.Headers, r.Paging = map[string]string{"X-From": "id {cursor}"}, sallyport.Paging{Type: "next_value", Value: "$.next"}
		}, "headers.X-From: {cursor} must be a whole value, which the request for the first page leaves out; write {{cursor}} to send these characters"},
		"cursor, part of a text": {func(r *sallyport.Request) {
			r.Method, r.Body, r.Paging = "POST", `{"q": "after {cursor}"}`, sallyport.Paging{Type: "next_value", Value: "$.next"}
		}, "body: {cursor} must be a whole value, which the request for the first page leaves out; write {{cursor}} to send these characters"},
		"cursor twice": {func(r *sallyport.Request) {
			r.Query, r.Paging = map[string]sallyport.Texts{"after": {"{cursor}"}}, sallyport.Paging{Type: "next_value", Value: "$.next", Query: "from"}
		}, "paging.query: does not go with {cursor} in query.after: the cursor would be sent twice"},
		"cursor of links": {func(r *sallyport.Request) {
			r.Query, r.Paging = map[string]sallyport.Texts{"after": {"{cursor}"}}, sallyport.Paging{Type: "next_url", Value: "$.next"}
		}, "query.after: {cursor} goes with paging of type page, offset or next_value; write {{cursor}} to send these characters"},
		"name in the path":   {func(r *sallyport.Request) { r.URL = "/of/{id}" }, `url: there is no placeholder {id}: write {{id}} to send these characters`},
		"name in a query":    {func(r *sallyport.Request) { r.Query = map[string]sallyport.Texts{"a": {"{curser}"}} }, `query.a: there is no placeholder {curser}: did you mean {cursor}? write {{curser}} to send these characters`},
		"name in a body":     {func(r *sallyport.Request) { r.Method, r.Body = "POST", `{"a": "{Cursor}"}` }, `body: there is no placeholder {Cursor}: did you mean {cursor}? write {{Cursor}} to send these characters`},
		"name in a form":     {func(r *sallyport.Request) { r.Method, r.Body = "POST", `a={after}&b=1` }, `body: there is no placeholder {after}: write {{after}} to send these characters`},
		"braces in the path": {func(r *sallyport.Request) { r.URL = "/of/{{id}}" }, ""},
		"GraphQL": {func(r *sallyport.Request) {
			r.Method, r.Body = "POST", `{"query":"{users{id}} query{a(x:{id:1}){id}}"}`
		}, ""},
		"fail": {func(r *sallyport.Request) {
			r.Fail = []sallyport.FailRule{{Path: "$.ok", Equals: "false"}, {Path: "$.ok", Equals: "0", Class: "rate", Message: "$.e['a.b']"}}
		}, ""},
		"fail, no path":  {func(r *sallyport.Request) { r.Fail = []sallyport.FailRule{{Equals: "x"}} }, "fail.0.path: is required: the path to what tells of a failure, such as $.success"},
		"fail, wildcard": {func(r *sallyport.Request) { r.Fail = []sallyport.FailRule{{Path: "$.a[*]"}} }, "fail.0.path: must be a path of names such as $.success"},
		"fail, message":  {func(r *sallyport.Request) { r.Fail = []sallyport.FailRule{{Path: "$.a", Message: "b"}} }, "fail.0.message: must be a path of names such as $.error.message"},
		"fail, class": {func(r *sallyport.Request) {
			r.Fail = []sallyport.FailRule{{Path: "$.a"}, {Path: "$.b", Class: "fatal"}}
		}, `fail.1.class: there is no class "fatal"; it is one of empty, not_found, credential, plan, rate, transient, permanent`},
		"fail, near": {func(r *sallyport.Request) { r.Fail = []sallyport.FailRule{{Path: "$.a", Class: "permanant"}} }, `fail.0.class: there is no class "permanant"; did you mean "permanent"?`},
		"fail, long": {func(r *sallyport.Request) {
			r.Fail = []sallyport.FailRule{{Path: "$.a", Equals: sallyport.Scalar(strings.Repeat("x", 1<<17))}}
		}, "fail.0.equals: is longer than 8192 bytes"},
		"fail, twice": {func(r *sallyport.Request) { r.Fail = []sallyport.FailRule{{Path: "$.a"}, {Path: "$.a", Class: "rate"}} }, "fail.1.path: has the condition of rule 1, so this rule never decides"},
		"fail, many":  {func(r *sallyport.Request) { r.Fail = make([]sallyport.FailRule, 9) }, "fail: must have at most 8 rules"},
		"fail, csv": {func(r *sallyport.Request) {
			r.Format, r.Fail = "csv", []sallyport.FailRule{{Path: "$.a"}}
		}, "fail: does not go with format csv: a rule looks for a value in JSON"},
		"fail, records": {func(r *sallyport.Request) {
			r.Records, r.Fail = "$.a.b[*]", []sallyport.FailRule{{Path: "$['a']", Equals: "null"}, {Path: "$['a']"}}
		}, "fail.1.path: $['a'] leads to the records: declare with equals which value there is a failure"},
		"fail, filter": {func(r *sallyport.Request) {
			r.Records, r.Fail = "$.a[?@.b]", []sallyport.FailRule{{Path: "$.a"}}
		}, "fail.0.path: $.a leads to the records: declare with equals which value there is a failure"},
		"record key": {func(r *sallyport.Request) { r.Key = []string{"a", ""} }, "key: must hold names of fields, each once"},
	} {
		t.Run(name, func(t *testing.T) {
			d := keyed()
			d.Manual = true
			r := sallyport.Request{URL: "/api/list"}
			c.change(&r)
			wantError(t, d.CheckRequest(&r), c.want)
		})
	}
}

func TestCheckRequestNeedsManual(t *testing.T) {
	wantError(t, keyed().CheckRequest(&sallyport.Request{URL: "/x"}), "Demo takes no request of one's own; choose one of its endpoints")
}

// TestTableSettings checks the settings of tables and lines with each format.
func TestTableSettings(t *testing.T) {
	for want, r := range map[string]sallyport.Request{
		"":          {Format: "csv", Separator: ";", Comment: "#", Header: "comment", Quote: "none", Encoding: "windows-1252", Columns: []string{"a"}},
		"separator": {Format: "lines", Separator: ";"},
		"header":    {Format: "csv", Header: "first"},
		"quote":     {Format: "jsonl", Quote: "'"},
		"comment":   {Format: "json", Comment: "#"},
		"columns":   {Format: "lines", Columns: []string{"a"}},
		"encoding":  {Format: "json", Encoding: "utf-7"},
		"records":   {Format: "jsonl", Records: "$.a"},
	} {
		r.URL = "/"
		d := chosen()
		d.Manual = true
		err := d.CheckRequest(&r)
		if want == "" && err == nil {
			continue
		}
		if e, ok := errors.AsType[*sallyport.Error](err); !ok || e.Field != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}

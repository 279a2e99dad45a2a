package rest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestNewCall(t *testing.T) {
	declared := []connector.Field{{Name: "a"}, {Name: "b"}, {Name: "list", Type: "list"}, {Name: "n", Type: "integer"}, {Name: "yes", Type: "boolean"}}
	for _, test := range []struct {
		name    string
		request sallyport.Request
		params  map[string]any
		method  string // GET if absent
		url     string
		header  map[string]string
		body    string
	}{
		{name: "plain", request: sallyport.Request{URL: "/list"}, url: "https://h/base/list"},
		{name: "query", request: sallyport.Request{URL: "/list", Query: map[string]sallyport.Texts{"x": {"1"}, "q": {"feed={a} {n}"}, "n": {"{n}"}, "y": {"{yes}"}}},
			params: map[string]any{"a": "a&b=c #+é", "n": json.Number("12345678901234567"), "yes": true},
			url:    "https://h/base/list?n=12345678901234567&q=feed%3Da%26b%3Dc%20%23%2B%C3%A9%2012345678901234567&x=1&y=true"},
		{name: "more than once", request: sallyport.Request{URL: "/list", Query: map[string]sallyport.Texts{"pony": {"2", "x {a}", "{list}", "{b}", "2"}}},
			params: map[string]any{"a": "+ &", "list": []string{"ip", "url"}}, url: "https://h/base/list?pony=2&pony=x%20%2B%20%26&pony=ip&pony=url&pony=2"},
		{name: "not given", request: sallyport.Request{URL: "/list", Query: map[string]sallyport.Texts{"a": {"{a}"}, "b": {"{b}"}}, Headers: map[string]string{"X-A": "{a}"}},
			params: map[string]any{"b": int64(7)}, url: "https://h/base/list?b=7"},
		{name: "list", request: sallyport.Request{URL: "/list", Query: map[string]sallyport.Texts{"type[]": {"{list}"}, "in": {"({list})"}}},
			params: map[string]any{"list": []string{"ip", "url"}}, url: "https://h/base/list?in=%28ip%2Curl%29&type%5B%5D=ip&type%5B%5D=url"},
		{name: "list that was stored", request: sallyport.Request{URL: "/list", Query: map[string]sallyport.Texts{"l": {"{list}"}}},
			params: map[string]any{"list": []any{"ip", json.Number("7"), 1e7, false}}, url: "https://h/base/list?l=ip&l=7&l=10000000&l=false"},
		{name: "path", request: sallyport.Request{URL: "/of/{a}/all"}, params: map[string]any{"a": "a/x?y#z %2F"}, url: "https://h/base/of/a%2Fx%3Fy%23z%20%252F/all"},
		{name: "unknown names stay", request: sallyport.Request{URL: "/x", Query: map[string]sallyport.Texts{"q": {"{other}"}}}, url: "https://h/base/x?q=%7Bother%7D"},
		{name: "header", request: sallyport.Request{URL: "/x", Headers: map[string]string{"accept": "text/json", "X-A": "v {a}"}}, params: map[string]any{"a": "1"},
			url: "https://h/base/x", header: map[string]string{"Accept": "text/json", "X-A": "v 1"}},
		{name: "JSON body", method: http.MethodPost, request: sallyport.Request{Method: "POST", URL: "/x",
			Body: `{"a": "\"{a}", "n": {n}, "l": {list}, "x": {"n":1}}`},
			params: map[string]any{"a": "1\"\\\n", "n": json.Number("5"), "list": []string{"x", "y\""}},
			url:    "https://h/base/x", header: map[string]string{"Content-Type": "application/json"},
			body: `{"a": "\"1\"\\\n", "n": 5, "l": ["x","y\""], "x": {"n":1}}`},
		{name: "form body", method: http.MethodPost, request: sallyport.Request{Method: "POST", URL: "/x", Body: `value={a}&probe=0`},
			params: map[string]any{"a": "http://x/?a=b&c"}, url: "https://h/base/x",
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: `value=http%3A%2F%2Fx%2F%3Fa%3Db%26c&probe=0`},
		{name: "other body", method: http.MethodPost, request: sallyport.Request{Method: "POST", URL: "/x", Body: `q: {a}`,
			Headers: map[string]string{"content-type": "text/plain"}},
			params: map[string]any{"a": "a&b"}, url: "https://h/base/x", header: map[string]string{"Content-Type": "text/plain"}, body: `q: a&b`},
	} {
		t.Run(test.name, func(t *testing.T) {
			endpoint := &connector.Endpoint{Params: declared, Request: test.request}
			c, err := newCall(endpoint, test.params, &url.URL{Scheme: "https", Host: "h", Path: "/base/"}, "sallyport/1.0")
			if err != nil {
				t.Fatal(err)
			}
			if test.method == "" {
				test.method = http.MethodGet
			}
			if c.method != test.method || c.url.String() != test.url || c.body != test.body {
				t.Errorf("got %s %s\n%s", c.method, c.url, c.body)
			}
			want := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip, zstd"}, "User-Agent": {"sallyport/1.0"}}
			for name, value := range test.header {
				want.Set(name, value)
			}
			if diff := cmp.Diff(want, c.header); diff != "" {
				t.Errorf("headers -want +got:\n%s", diff)
			}
		})
	}
}

func TestNewCallRefuses(t *testing.T) {
	declared := []connector.Field{{Name: "a"}}
	for want, request := range map[string]sallyport.Request{
		"a: must be given":                  {URL: "/{a}"},
		"a: must be given: the":             {URL: "/", Query: map[string]sallyport.Texts{"q": {"x {a}"}}},
		"a: must be given: the request":     {URL: "/", Method: "POST", Body: `{"a": "{a}"}`},
		"a: must be given: the request can": {URL: "/", Headers: map[string]string{"X": "x {a}"}},
		"url: must not hold . or ..":        {URL: "/a/../b"},
	} {
		_, err := newCall(&connector.Endpoint{Params: declared, Request: request}, nil, &url.URL{Scheme: "https", Host: "h"}, "")
		if err == nil || !strings.HasPrefix(err.Error(), want) || sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, err := newCall(&connector.Endpoint{Params: declared, Request: sallyport.Request{URL: "/x/{a}"}}, map[string]any{"a": ".."},
		&url.URL{Scheme: "https", Host: "h"}, "")
	if err == nil || !strings.HasPrefix(err.Error(), "url: must not hold . or ..") {
		t.Errorf("a parameter climbs up: %v", err)
	}
}

func TestOpenRefusesWhatIsInTheWayOfTheKey(t *testing.T) {
	for want, request := range map[string]sallyport.Request{
		"query: must not hold key":         {URL: "/", Query: map[string]sallyport.Texts{"key": {"mine"}}},
		"query: must not hold key: the":    {URL: "/", Paging: sallyport.Paging{Type: "page", Query: "key"}},
		"records: \"x\" is not a JSONPath": {URL: "/", Records: "x"},
	} {
		if _, err := Open(testConfig("https://api.example.com", request)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := testConfig("https://api.example.com", sallyport.Request{URL: "/", Headers: map[string]string{"x-key": "mine"}})
	c.Definition.Credential.Auth = connector.Auth{Kind: connector.AuthHeader, Name: "X-Key", Secret: "key"}
	if _, err := Open(c); err == nil || !strings.HasPrefix(err.Error(), "headers: must not hold X-Key") {
		t.Errorf("a header: %v", err)
	}
}

func TestLimitsHaveDefaults(t *testing.T) {
	want := Limits{Pages: 100_000, Records: 1_000_000_000, Record: 16 << 20, Body: 1 << 30, Pause: 30 * time.Second}
	if got := (Limits{}).withDefaults(&connector.Definition{}); got != want {
		t.Errorf("got %+v", got)
	}
	want.Pages, want.Body = 7, 1000
	if got := (Limits{Pages: 7}).withDefaults(&connector.Definition{Limits: connector.Limits{MaxBody: 1000}}); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestOpenFindsTheAddress(t *testing.T) {
	c := testConfig("", sallyport.Request{URL: "/x"})
	if s := mustOpen(t, c); s.first.url.String() != "https://api.example.com/x" {
		t.Errorf("the default is %s", s.first.url)
	}
	c.Definition.Credential.Fields = nil
	c.Definition.Credential.Hosts = []string{"first.example.com", "second.example.com"}
	if s := mustOpen(t, c); s.first.url.String() != "https://first.example.com/x" {
		t.Errorf("the first host is %s", s.first.url)
	}
	c.Definition.Credential = nil
	if _, err := Open(c); err == nil || !strings.HasPrefix(err.Error(), "address: ") {
		t.Errorf("without any: %v", err)
	}
}

package rest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/secret/secrettest"
)

// sink is a place of a response in which a system repeats the key.
type sink struct {
	request sallyport.Request
	status  int
	header  func(written string) http.Header
	body    func(written string) string
}

func asJSON(value any) string {
	text, _ := json.Marshal(value) // strings and maps always encode
	return string(text)
}

func row(cells ...string) string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Write(cells) // a Builder takes everything
	w.Flush()
	return out.String()
}

func sinks() map[string]sink {
	list := sallyport.Request{URL: "/", Records: "$.r[*]"}
	paged := func(kind string) sallyport.Request {
		return sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: kind, Value: "$.next", Query: "c"}}
	}
	table := sallyport.Request{URL: "/", Format: sallyport.FormatCSV}
	return map[string]sink{
		"value": {request: list, body: func(s string) string { return asJSON(map[string]any{"r": []any{map[string]string{"a": s}}}) }},
		"name":  {request: list, body: func(s string) string { return asJSON(map[string]any{"r": []any{map[string]int{s: 1}}}) }},
		"nested": {request: list, body: func(s string) string {
			return asJSON(map[string]any{"r": []any{map[string]any{"a": []any{map[string]string{s: s}}}}})
		}},
		"as it is":  {request: list, body: func(s string) string { return `{"r":[{"a":"` + s + `"}]}` }}, // not always JSON
		"sentence":  {request: list, status: 400, body: func(s string) string { return asJSON(map[string]string{"error": "bad key " + s}) }},
		"text":      {request: list, status: 500, body: func(s string) string { return "bad key " + s }},
		"not JSON":  {request: list, body: func(s string) string { return "<html>" + s }},
		"CSV cell":  {request: table, body: func(s string) string { return row("a", "b") + row("1", s) }},
		"CSV name":  {request: table, body: func(s string) string { return row("a", s, s) + row("1", "2", "3") }},
		"next URL":  {request: paged("next_url"), body: func(s string) string { return asJSON(map[string]any{"r": []int{1}, "next": "/p?x=" + s + "&key=" + s}) }},
		"next path": {request: paged("next_url"), body: func(s string) string { return asJSON(map[string]any{"r": []int{1}, "next": "/" + s}) }},
		"cursor":    {request: paged("next_value"), body: func(s string) string { return asJSON(map[string]any{"r": []int{1}, "next": s}) }},
		"headers": {request: list, status: 429, body: func(string) string { return "{}" }, header: func(s string) http.Header {
			return http.Header{"Retry-After": {s}, "Content-Type": {s}, "X-Left": {s}}
		}},
		"Content-Type": {request: list, body: func(string) string { return "x" }, header: func(s string) http.Header {
			return http.Header{"Content-Type": {s + "/" + s}}
		}},
		"Link": {request: paged("link_header"), body: func(string) string { return `{"r":[1]}` }, header: func(s string) http.Header {
			return http.Header{"Link": {"</p?x=" + s + ">; rel=next"}}
		}},
		"redirect": {request: list, status: 302, body: func(string) string { return "" }, header: func(s string) http.Header {
			return http.Header{"Location": {"/p?x=" + s}}
		}},
		"TAXII": {request: sallyport.Request{URL: "/", Format: sallyport.FormatTAXII, Records: "$.objects[*]", Paging: sallyport.Paging{Type: sallyport.PagingTAXII}},
			body: func(s string) string {
				return asJSON(map[string]any{"more": true, "next": s, "objects": []any{map[string]string{"id": s}}})
			},
			header: func(string) http.Header { return http.Header{"Content-Type": {taxiiType}} }},
	}
}

// TestNoResponseRevealsTheKey has a system repeat the key anywhere in a response, in any form and escaped in any way.
func TestNoResponseRevealsTheKey(t *testing.T) {
	for name, sink := range sinks() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				key := secrettest.Keys().Draw(t, "key")
				written := secrettest.Written(t, key, 3)
				asked := 0
				c := testConfig("https://api.example.com", sink.request)
				c.Secrets = func(context.Context) (map[string]secret.Text, error) {
					return map[string]secret.Text{"key": secret.New(key)}, nil
				}
				var seen bytes.Buffer
				c.Peek = func(b []byte) { seen.Write(b) }
				c.Transport = func(*url.URL) http.RoundTripper {
					return tripper(func(r *http.Request) (*http.Response, error) {
						if asked++; asked > 1 && secrettest.Reveals(strings.ReplaceAll(r.URL.RawQuery, encodeQuery(url.Values{"key": {key}}), ""), key) {
							t.Fatalf("the key is asked for: %s", r.URL)
						}
						header := http.Header{}
						if sink.header != nil {
							header = sink.header(written)
						}
						return &http.Response{StatusCode: max(sink.status, 200), Status: written, Header: header, Body: io.NopCloser(strings.NewReader(sink.body(written)))}, nil
					})
				}
				s, err := open(c, 1)
				if err != nil {
					t.Fatal(err)
				}
				records, cursors, err := pull(context.Background(), s, "")
				for _, text := range append(append(records, cursors...), seen.String(), errorTexts(err)) {
					if secrettest.Reveals(text, key) {
						t.Fatalf("%q, written as %q, is revealed by %q", key, written, text)
					}
				}
			})
		})
	}
}

// TestTheReportedEscapes has the forms in which common encoders write a key, and what must be left of the text around it.
func TestTheReportedEscapes(t *testing.T) {
	const key = "gs+abcdefghijk0123=="
	for _, written := range []string{
		`gs+abcdefghijk0123\u003d\u003d`, `gs\u002Babcdefghijk0123==`, `gs%2babcdefghijk0123%3D%3d`, `gs&#43;abcdefghijk0123&#x3d;&equals;`, `gs\\u002babcdefghijk0123\\u003d=`,
		`g\u00256`, // not the key
	} {
		c := testConfig(serve(t, sends(200, `{"r":[{"error":"your key `+written+` is not allowed","`+written+`":1}]}`)).URL, sallyport.Request{URL: "/", Records: "$.r[*]"})
		c.Secrets = func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New(key)}, nil
		}
		records, _, err := pull(t.Context(), mustOpen(t, c), "")
		want := `{"error":"your key [redacted] is not allowed","[redacted]":1}`
		if !strings.HasPrefix(written, "gs") {
			want = strings.ReplaceAll(want, "[redacted]", "g%6")
		}
		if err != nil || len(records) != 1 || records[0] != want {
			t.Errorf("%s: %q, %v", written, records, err)
		}
	}
}

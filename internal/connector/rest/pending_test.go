package rest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// prepares answers with 202 so many times, and then with a list.
func prepares(times int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if times--; times < 0 {
			sends(200, `[{"id":1}]`)(w, r)
			return
		}
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		sends(202, body)(w, r)
	}
}

func TestResponsesBeingPrepared(t *testing.T) {
	list := sallyport.Request{URL: "/", Records: "$[*]"}
	search := sallyport.Request{Method: "POST", URL: "/", Records: "$[*]", Repeatable: true}
	for _, test := range []struct {
		name          string
		request       sallyport.Request
		times         int
		header, body  string
		waited        time.Duration // together, at least; the pauses that a system asks for are a little shorter once they begin
		failed, after bool
	}{
		{name: "without a body", request: list, times: 1, waited: time.Second},
		{name: "an empty object", request: list, times: 3, body: "{}", waited: 7 * time.Second},
		{name: "an empty list", request: list, times: 1, body: "[]", waited: time.Second},
		{name: "a search", request: search, times: 1, body: "[]", waited: time.Second},
		{name: "as long as it says", request: list, times: 1, header: "20", waited: 19 * time.Second},
		{name: "longer than a worker waits", request: list, times: 1, header: "600", failed: true},
		{name: "for ever", request: list, times: 1000, waited: 2 * time.Minute, failed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testConfig(serve(t, prepares(test.times, test.header, test.body)).URL, test.request)
			var waited time.Duration
			c.Sleep = func(_ context.Context, d time.Duration) error { waited += d; return nil }
			records, _, err := pull(t.Context(), mustOpen(t, c), "")
			f, _ := err.(*connector.Failure)
			switch {
			case test.failed && (f == nil || !f.Again || f.Class != connector.ClassTransient || !strings.Contains(f.Error(), "is still preparing the response (HTTP 202)")):
				t.Errorf("got %v, %v", records, err)
			case !test.failed && (err != nil || !cmp.Equal(records, []string{`{"id":1}`})):
				t.Errorf("got %v, %v", records, err)
			}
			if waited < test.waited || waited > test.waited+time.Minute {
				t.Errorf("waited %s", waited)
			}
		})
	}
}

// TestAcceptedPost is no response that is still being prepared: it may have done something.
func TestAcceptedPost(t *testing.T) {
	c := testConfig(serve(t, sends(202, `[{"id":7}]`)).URL, sallyport.Request{Method: "POST", URL: "/", Records: "$[*]"})
	if records, _, err := pull(t.Context(), mustOpen(t, c), ""); err != nil || !cmp.Equal(records, []string{`{"id":7}`}) {
		t.Errorf("got %v, %v", records, err)
	}
}

func TestRepeatablePosts(t *testing.T) {
	for _, repeatable := range []bool{false, true} {
		asked := map[string]int{}
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			page := r.URL.Query().Get("page")
			if asked[page]++; asked[page] == 1 {
				w.WriteHeader(503)
				return
			}
			sends(200, map[string]string{"1": `[{"id":1}]`, "2": `[{"id":2}]`, "3": `[]`}[page])(w, r)
		})
		c := testConfig(server.URL, sallyport.Request{Method: "POST", URL: "/", Body: `{"q":1}`, Records: "$[*]", Repeatable: repeatable,
			Paging: sallyport.Paging{Type: sallyport.PagingPage, Query: "page"}})
		c.Sleep = func(context.Context, time.Duration) error { return nil }
		records, _, err := pull(t.Context(), mustOpen(t, c), "")
		if got := fmt.Sprint(records, asked, err == nil); repeatable && got != `[{"id":1} {"id":2}] map[1:2 2:2 3:2] true` || !repeatable && got != "[] map[1:1] false" {
			t.Errorf("repeatable %t: %s, %v", repeatable, got, err)
		}
	}
}

func TestAbsentLists(t *testing.T) {
	for _, test := range []struct {
		body, records string
		want          string // of the error; empty: there are no records
	}{
		{`{"kind":"l"}`, "$.items[*]", "declare `absent: empty`"},
		{`{}`, "$[*]", "it has nothing at $[*]"},
		{`{}`, "$.a.items[*]", "it has nothing at"},
		{`{"items":{}}`, "$.items[*]", "it has nothing at"},
		{`{"kind":"l"}`, "$.items[?@.type=='ip']", "it has nothing at"},
		{`{}`, "$[?@.type=='ip']", "it has nothing at"},
		{`{"message":"No <b>index</b> yet"}`, "$.items[*]", `it says "No index yet"`},
		{`{"items":[]}`, "$.items[*]", "present"},
		{`{"items":null}`, "$.items[*]", "present"},
		{`{"items":[]}`, "$.items[?@.type=='ip']", "present"},
		{`{"items":[{"type":"url"}]}`, "$.items[?@.type=='ip']", "present"},
		{`[]`, "$[*]", "present"},
	} {
		for _, means := range []string{"", sallyport.AbsentError, sallyport.AbsentEmpty} {
			c := testConfig(serve(t, sends(200, test.body)).URL, sallyport.Request{URL: "/", Records: test.records, Absent: means})
			records, _, err := pull(t.Context(), mustOpen(t, c), "")
			fine := test.want == "present" || means == sallyport.AbsentEmpty
			if fine && (err != nil || len(records) > 0) || !fine && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s, %s, absent %q: %v, %v", test.body, test.records, means, records, err)
			}
		}
	}
}

// TestEvidentFailures shows the sentence of a failure under HTTP 200, without a rule.
func TestEvidentFailures(t *testing.T) {
	for _, test := range []struct{ body, records, want string }{ // want: of the error; empty: it is a list
		{`{"response_code":-1,"response":{"error":"Exceeded maximum API requests per minute (5)."}}`, "$.response[*]", "Exceeded maximum API requests per minute (5)."},
		{`{"response":{"error":{"code":7,"message":"No such list"}}}`, "$.response[*]", "No such list"},
		{`{"success":false,"message":"Database is locked","data":[]}`, "$.data[*]", "Database is locked"},
		{`{"data":[],"ok":"false","error":"ratelimited"}`, "$.data[*]", "ratelimited"},
		{`{"ok":false,"error":"ratelimited"}`, "$.messages[*]", "ratelimited"},
		{`{"status":"error","message":"bad key"}`, "$", "bad key"},
		{`{"errors":[{"message":"Field x"}],"data":null}`, "$.data.items[*]", "Field x"},
		{`{"errors":[{"message":"Field x"}],"items":[]}`, "$.items[?@.a]", "Field x"},
		{`{"error":true,"message":"down"}`, "$", "down"},
		{`{"error":"x"}`, "$[*]", "x"},
		{`{"status":"ok","message":"pong"}`, "$", ""},
		{`{"error":null,"errors":[],"data":[]}`, "$.data[*]", ""},
		{`{"error":"","success":true,"data":[]}`, "$.data[*]", ""},
		{`{"error":"none","data":[]}`, "$.data[*]", ""},
		{`{"qid":1,"error":"x"}`, "$", ""},
		{`{"a":{"error":"x","name":"y"},"b":{"name":"z"}}`, "$[*]", ""},
		{`{"data":[{"id":1}],"errors":[{"message":"partly"}]}`, "$.data[*]", ""},
	} {
		c := testConfig(serve(t, sends(200, test.body)).URL, sallyport.Request{URL: "/", Records: test.records})
		c.Definition.Sentence = ""
		_, _, err := pull(t.Context(), mustOpen(t, c), "")
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %s: %v", test.body, test.records, err)
		}
	}
}

func TestOtherSchemes(t *testing.T) {
	for _, test := range []struct{ address, link, want string }{ // want "": refused
		{"https://a.example", "http://a.example/x?page=2", "https://a.example/x?page=2"},
		{"https://a.example", "http://A.example:80/x", "https://a.example/x"},
		{"https://a.example", "http://a.example:443/x", "https://a.example/x"},
		{"https://a.example:8443", "http://a.example/x", "https://a.example:8443/x"},
		{"https://a.example:8443", "http://a.example:8443/x", "https://a.example:8443/x"},
		{"http://127.0.0.1:9000", "https://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"},
		{"http://[::1]:9000", "https://[::1]/x", "http://[::1]:9000/x"},
		{"https://a.example/v1", "http://a.example/v1/x", "https://a.example/v1/x"},
		{"https://a.example/v1", "http://a.example/x", ""},
		{"https://a.example", "http://a.example:8080/x", ""},
		{"https://a.example:8443", "https://a.example/x", ""},
		{"https://a.example", "ftp://a.example/x", ""},
		{"https://a.example", "http://b.example/x", ""},
		{"https://a.example", "http://u:p@a.example/x", ""},
		{"https://a.example", "http://a.example.evil.example/x", ""},
	} {
		s := mustOpen(t, testConfig(test.address, sallyport.Request{URL: "/"}))
		got, err := s.gate.follow(s.first.url, test.link)
		if test.want == "" && err == nil || test.want != "" && (err != nil || got.String() != test.want) {
			t.Errorf("%s, %s: %v, %v", test.address, test.link, got, err)
		}
	}
}

package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// TestFailRules reads bodies that real systems send under HTTP 200, by rules of the request.
func TestFailRules(t *testing.T) {
	type rules = []sallyport.FailRule
	notOK := rules{{Path: "$.ok", Equals: "false", Class: "rate", Message: "$.error"}}
	locked := rules{{Path: "$.success", Equals: "false", Message: "$.message", Class: "transient"}}
	noResult := rules{{Path: "$.query_status", Equals: "no_result", Class: "empty"}, {Path: "$.query_status", Equals: "ok", Class: "permanent"}}
	errs := rules{{Path: "$.errors"}}
	for _, test := range []struct {
		body, records string
		rules         rules
		want          string // the class, and what is said; or records
	}{
		{`{"response_code":-1,"response":{"error":"Exceeded"}}`, "$.response[*]", rules{{Path: "$.response_code", Equals: "-1", Class: "rate", Message: "$.response.error"}}, "rate: Exceeded"},
		{`{"response":{"error":"Exceeded"},"response_code":-1}`, "$.response[*]", rules{{Path: "$.response_code", Equals: "-1", Message: "$.response.error"}}, "permanent: Exceeded"},
		{`{"response_code":-1,"response":{"error":"Exceeded"}}`, "$.response[*]", rules{{Path: "$.response_code", Equals: "-1"}}, "permanent: Exceeded"},
		{`{"response_code":0,"response":{"message":"none"}}`, "$.response[*]", rules{{Path: "$.response_code", Equals: "0", Class: "empty"}}, ""},
		{`{"response_code":1,"response":[{"id":1}]}`, "$.response[*]", rules{{Path: "$.response_code", Equals: "-1"}}, `{"id":1}`},
		{`{"ok":false,"error":"ratelimited"}`, "$.messages[*]", notOK, "rate: ratelimited"},
		{`{"ok":false,"error":"ratelimited"}`, "$", notOK, "rate: ratelimited"},
		{`{"ok":"false","error":"ratelimited"}`, "$", notOK, "rate: ratelimited"},
		{`{"ok":true,"error":"none"}`, "$", notOK, `{"ok":true,"error":"none"}`},
		{`{"error":"invalid_auth"}`, "$[*]", rules{{Path: "$.error", Class: "credential"}}, "credential: invalid_auth"},
		{`{"status":"error","message":"bad <b>key</b>"}`, "$.items[*]", rules{{Path: "$.status", Equals: "error", Class: "credential"}}, "credential: bad key"},
		{`{"status":"error","code":12}`, "$.items[*]", rules{{Path: "$.status", Equals: "error", Class: "plan", Message: "$.code"}}, "plan: 12"},
		{`{"error":{"code":5,"message":"no such list"}}`, "$.items[*]", rules{{Path: "$.error", Message: "$.error.message", Class: "not_found"}}, "not_found: no such list"},
		{`{"error":{"code":5,"message":"no such list"}}`, "$.items[?@.a]", rules{{Path: "$.error", Message: "$.error.message", Class: "not_found"}}, "not_found: no such list"},
		{`{"error":{},"errors":[ ],"items":[{"id":1}]}`, "$.items[*]", rules{{Path: "$.error"}, {Path: "$.errors"}}, `{"id":1}`},
		{`{"error":null,"items":[{"id":1}]}`, "$.items[?@.id]", rules{{Path: "$.error"}}, `{"id":1}`},
		{`{"errors":[{"message":"Field x"}],"data":null}`, "$.data.items[*]", errs, "permanent: Field x"},
		{`{"errors":[{"message":"Field x"}],"data":{"items":[{"id":1}]}}`, "$.data.items[*]", errs, "permanent: Field x"},
		{`{"data":{"items":[{"id":1}]},"errors":[{"message":"Field x"}]}`, "$.data.items[*]", errs, "permanent: Field x"},
		{`{"data":{"items":[{"id":1}]},"errors":[{"message":"Field x"}]}`, "$.data.items[?@.id]", errs, "permanent: Field x"},
		{`{"data":{"item":{"id":1}},"errors":[{"message":"Field x"}]}`, "$.data.item", errs, "permanent: Field x"},
		{`{"data":null}`, "$.data[*]", rules{{Path: "$.data", Equals: "null", Class: "transient"}}, "transient: "},
		{`{"data":null,"a":1}`, "$.data[?@.a]", rules{{Path: "$.data", Equals: "null", Class: "transient"}}, "transient: "},
		{`{"data":[]}`, "$.data[*]", rules{{Path: "$.data", Equals: "null"}}, ""},
		{`{"success":false,"message":"Database is locked","data":[]}`, "$.data[*]", locked, "transient: Database is locked"},
		{`{"data":[],"success":false,"message":"Database is locked"}`, "$.data[*]", locked, "transient: Database is locked"},
		{`{"success":false,"data":[{"id":1}],"message":"Database is locked"}`, "$.data[*]", locked, "transient: Database is locked"},
		{`{"success":false,"message":"Database is locked","data":[]}`, "$.data", locked, "transient: Database is locked"},
		{`{"success":0,"message":"x","data":[]}`, "$.data[*]", rules{{Path: "$.success", Equals: "0", Message: "$.message"}}, "permanent: x"},
		{`{"query_status":"no_result","data":"Your search did not yield any results"}`, "$.data[*]", noResult, ""},
		{`{"data":"none","query_status":"no_result"}`, "$.data[*]", noResult, ""},
		{`{"query_status":"no_result"}`, "$", noResult, ""},
		{`{"query_status":"no_result","data":[]}`, "$.data", noResult, ""},
		{`{"data":{"a":1},"query_status":"no_result"}`, "$.data", noResult, ""},
		{`{"query_status":"no_result","data":[{"id":1}]}`, "$.data[*]", noResult, "permanent: $.query_status (fail.0.path) says that the list is empty, but it has records"},
		{`{"data":[{"id":1}],"query_status":"no_result"}`, "$.data[*]", noResult, "permanent: $.query_status (fail.0.path) says that the list is empty, but it has records"},
		{`{"query_status":"no_result","data":[`, "$.data[*]", noResult, "transient: it breaks off before its end"},
		{`{"error":"` + testKey + ` is wrong"}`, "$.items[*]", rules{{Path: "$.error", Message: "$.error"}}, "permanent: [redacted] is wrong"},
		{`[{"error":"x"}]`, "$[*]", rules{{Path: "$.error"}}, `{"error":"x"}`},
	} {
		for _, format := range []string{"", sallyport.FormatTAXII} {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", map[string]string{"": "application/json", sallyport.FormatTAXII: "application/taxii+json;version=2.1"}[format])
				fmt.Fprint(w, test.body)
			})
			c := testConfig(server.URL, sallyport.Request{URL: "/", Records: test.records, Format: format, Fail: test.rules})
			c.Definition.Sentence = ""
			c.Sleep = func(context.Context, time.Duration) error { return nil }
			records, cursors, err := pull(t.Context(), mustOpen(t, c), "")
			got := strings.Join(records, "\n")
			if f, ok := errors.AsType[*connector.Failure](err); ok {
				got = fmt.Sprintf("%s: %s", f.Class, f.Said())
				if f.Err != nil {
					got += f.Err.Error()
				}
				if len(cursors) > 0 {
					t.Errorf("%s: its page was kept", test.body)
				}
			} else if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s, %s %s: %s", test.body, test.records, format, diff)
			}
		}
	}
}

// TestFailRequests counts how often a failure under HTTP 200 is requested, by its class, and what the quota learns.
func TestFailRequests(t *testing.T) {
	for _, test := range []struct {
		class, method string
		status        int
		want          string
	}{
		{"transient", "GET", 200, "5 requests, 0 told, again"},
		{"transient", "POST", 200, "1 requests, 0 told"},
		{"transient", "POST", 202, "1 requests, 0 told"},
		{"rate", "GET", 200, "5 requests, 5 told"},
		{"credential", "GET", 200, "1 requests, 0 told"},
		{"plan", "GET", 200, "1 requests, 0 told"},
		{"permanent", "GET", 200, "1 requests, 0 told"},
		{"", "GET", 200, "1 requests, 0 told"},
	} {
		asked := 0
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			sends(test.status, `{"ok":false,"items":[]}`)(w, r)
		})
		c := testConfig(server.URL, sallyport.Request{Method: test.method, URL: "/", Records: "$.items[*]", Fail: []sallyport.FailRule{{Path: "$.ok", Equals: "false", Class: test.class}}})
		c.Sleep = func(context.Context, time.Duration) error { return nil }
		quota := new(toldQuota)
		c.Quota = quota
		_, _, err := pull(t.Context(), mustOpen(t, c), "")
		got := fmt.Sprintf("%d requests, %d told", asked, quota.refused)
		if f, ok := errors.AsType[*connector.Failure](err); !ok || string(f.Class) != test.class && test.class != "" {
			t.Errorf("%+v: %v", test, err)
		} else if f.Again {
			got += ", again"
		}
		if got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// toldQuota counts the failures that it is told.
type toldQuota struct{ refused int }

func (*toldQuota) Take(context.Context, time.Duration) error { return nil }
func (*toldQuota) Answered(*http.Response)                   {}
func (q *toldQuota) Refused(*connector.Failure)              { q.refused++ }

// TestFailOnLaterPages keeps the page before a failure, and ends a list where a rule says that its next page is empty.
func TestFailOnLaterPages(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sends(200, map[string]string{
			"":  `{"items":[{"id":1}],"next":"2"}`,
			"2": `{"items":[{"id":2}],"next":"3","error":"late"}`,
			"3": `{"status":"none","next":"4"}`,
			"4": `{"items":[{"id":4}]}`,
		}[r.URL.Query().Get("p")])(w, r)
	})
	request := sallyport.Request{URL: "/", Records: "$.items[*]", Paging: sallyport.Paging{Type: "next_value", Value: "$.next", Query: "p"}}
	request.Fail = []sallyport.FailRule{{Path: "$.status", Equals: "none", Class: "empty"}, {Path: "$.error"}}
	records, cursors, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, request)), "")
	if got := fmt.Sprint(records, cursors); got != `[{"id":1} {"id":2}] [2]` || err == nil || !strings.Contains(err.Error(), "late") {
		t.Error(got, err)
	}
	request.Fail = request.Fail[:1]
	records, cursors, err = pull(t.Context(), mustOpen(t, testConfig(server.URL, request)), "")
	if got := fmt.Sprint(records, cursors); got != `[{"id":1} {"id":2} {"id":4}] [2 3 4 ]` || err != nil {
		t.Error(got, err)
	}
}

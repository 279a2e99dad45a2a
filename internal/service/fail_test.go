package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestFailuresUnder200 pulls a list, then a failure that a rule of the flow recognizes, then the list again: nothing vanishes, and nothing is new.
func TestFailuresUnder200(t *testing.T) {
	const good = `{"success":true,"results":[{"id":1},{"id":2}],"next":null}`
	p := newPlace(t, map[string]func(http.ResponseWriter){})
	says := func(body string) {
		p.api.mu.Lock()
		defer p.api.mu.Unlock()
		p.api.pages["0"] = func(w http.ResponseWriter) { fmt.Fprint(w, body) }
	}
	for i, test := range []struct {
		rules, body string
		state       sallyport.RunState
		code        sallyport.Code
		said        string
	}{
		{`{path: $.success, equals: false, message: $.message}`, `{"success":false,"message":"Database is locked","results":[]}`, sallyport.RunFailed, sallyport.Upstream, "Database is locked"},
		{`{path: $.success, equals: false, message: $.message, class: transient}`, `{"success":false,"message":"Database is locked","results":[]}`, sallyport.RunWaiting, sallyport.Upstream, "Database is locked"},
		{`{path: $.ok, equals: false, class: rate}`, `{"ok":false,"error":"ratelimited","results":[]}`, sallyport.RunWaiting, sallyport.Limited, "ratelimited"},
		{`{path: $.response_code, equals: -1}`, `{"response_code":-1,"results":{"error":"Exceeded"}}`, sallyport.RunFailed, sallyport.Upstream, "Exceeded"},
		{`{path: $.errors}`, `{"results":[{"id":1},{"id":3}],"errors":[{"message":"Field x"}]}`, sallyport.RunFailed, sallyport.Upstream, "Field x"},
		{`{path: $.results, equals: null, class: not_found}`, `{"results":null}`, sallyport.RunFailed, sallyport.NotFound, "not found"},
		{`{path: $.success, equals: false, class: credential, message: $.why}`, `{"success":false,"why":"unknown key","results":[]}`, sallyport.RunWaiting, sallyport.Unauthenticated, "unknown key"},
	} {
		flow := fmt.Sprint("f", i)
		p.declare(flow, test.rules)
		says(good)
		if run := p.runOf(flow); run.State != sallyport.RunSucceeded || run.Changes.New != 2 {
			t.Fatalf("%s: %+v", test.rules, run)
		}
		says(test.body)
		run := p.runOf(flow)
		if run.State != test.state || run.Code != test.code || !strings.Contains(run.Error, test.said) || run.Changes != (sallyport.Changes{}) {
			t.Errorf("%s: %s, %s, %s, %+v", test.rules, run.State, run.Code, run.Error, run.Changes)
		}
		if run.State == sallyport.RunWaiting {
			continue
		}
		says(good)
		if run := p.runOf(flow); run.State != sallyport.RunSucceeded || run.Changes != (sallyport.Changes{Unchanged: 2}) {
			t.Errorf("%s: %+v", test.rules, run)
		}
	}
	c, err := p.Service.Credential(t.Context(), "api")
	if err != nil || c.Verdict != sallyport.VerdictRejected {
		t.Errorf("the credential is %+v, %v", c, err)
	}
}

// TestEmptyUnder200 reads an empty list from a response that is a text under HTTP 200.
func TestEmptyUnder200(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"query_status":"no_result","results":"Your search did not yield any results"}`)
	}})
	p.declare("none", `{path: $.query_status, equals: no_result, class: empty}`)
	if run := p.runOf("none"); run.State != sallyport.RunSucceeded || run.Records != 0 || run.Incomplete != "" {
		t.Errorf("%+v", run)
	}
}

// declare applies a flow with rules about failures.
func (p *place) declare(flow, rules string) {
	p.Helper()
	file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, `flow: %s
source:
  connector: rest
  credential: api
  request: {url: /, query: {page: "0"}, records: "$.results[*]", key: [id], fail: [%s]}
  emit: changes
`, flow, rules)}
	if _, err := p.Service.ApplyFlows(p.Context(), actor, []service.FlowFile{file}, false); err != nil {
		p.Fatal(err)
	}
}

package service_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector/resttest"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestProposals tests addresses of which nothing is known but the address, and looks at what is proposed.
func TestProposals(t *testing.T) {
	p, server := newPlace(t, nil), resttest.Serve(t)
	tests := map[string]struct {
		exchanges []string
		want      string // the flow file has these lines
		requests  int
		records   int
		proven    bool
		problem   string
	}{
		"a list with a token": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"items": [{"id": 1}, {"id": 2}], "has_more": true, "next_cursor": "c2"}`,
			"GET /v1/items?cursor=c2\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"items": [{"id": 3}], "has_more": false, "next_cursor": null}`,
		}, "records: $.items[*]\ntype: next_value\nvalue: $.next_cursor\nquery: cursor\nmore: $.has_more\n- id\nurl: /v1/items\nflow: items", 2, 3, true, ""},
		"a list as a whole": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `[{"name": "a"}, {"name": "b"}]`,
		}, "records: $[*]", 1, 2, false, "is an array"},
		"a second page that is the first": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"data": [{"id": 1}, {"id": 2}], "next_cursor": "c2"}`,
			"GET /v1/items?cursor=c2\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"data": [{"id": 1}, {"id": 2}], "next_cursor": "c3"}`,
		}, "records: $.data[*]\ntype: single", 2, 2, false, ""},
		"CSV with semicolons": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: text/csv\n\nid;name, first;price\n1;Alpha;2,50\n2;Beta;3\n",
		}, "format: csv\nseparator: ;\n- id", 1, 2, false, "text/csv, not JSON"},
		"CSV whose header is a comment": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: text/csv\n\n####\n# IOCs\n#\n# \"first_seen\",\"ioc_id\"\n\"2026-01-08\", \"11\"\n\"2026-01-08\", \"12\"\n",
		}, "format: csv\ncomment: '#'\nheader: comment\n- ioc_id", 1, 2, false, ""},
		"JSON lines": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/x-ndjson\n\n{\"id\": 1}\n{\"id\": 2}\n",
		}, "format: jsonl\n- id", 1, 2, false, ""},
		"plain lines": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: text/plain\n\n192.0.2.1\n192.0.2.2\n",
		}, "format: lines\n- value", 1, 2, false, ""},
		"rows as arrays": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n[[\"NAME\", \"POP\"], [\"Alpha\", \"10\"], [\"Beta\", \"20\"]]",
		}, "records: $[*]\nheader: row", 1, 2, false, ""},
		"another encoding": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n[{\"id\": 1, \"city\": \"M\xfcnchen\"}, {\"id\": 2, \"city\": \"K\xf6ln\"}]",
		}, "records: $[*]\nencoding: windows-1252", 1, 2, false, ""},
		"a second page that fails": {[]string{
			"GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"data": [{"id": 1}, {"id": 2}], "next_cursor": "c2"}`,
			"GET /v1/items?cursor=c2\n\nHTTP/1.1 400 Bad Request\n\n",
		}, "records: $.data[*]\ntype: single", 2, 2, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var exchanges []resttest.Exchange
			for _, text := range test.exchanges {
				x, err := resttest.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				exchanges = append(exchanges, x)
			}
			server.Play(exchanges...)
			system, request, err := service.ReadAddress(server.URL + "/v1/items")
			if err != nil {
				t.Fatal(err)
			}
			sample, err := p.Service.TestSource(t.Context(), actor, service.SourceDraft{
				Connector: service.ManualConnector, System: system, Request: &request, Propose: true,
			})
			if err != nil || sample.Proposal == nil {
				t.Fatalf("%+v, %v", sample, err)
			}
			for line := range strings.Lines(test.want) {
				if !strings.Contains(sample.Proposal.Flow, strings.TrimSpace(line)) {
					t.Errorf("the proposal lacks %q:\n%s", line, sample.Proposal.Flow)
				}
			}
			got := []any{server.Requests(), len(sample.Records), sample.Proposal.Proven}
			if diff := cmp.Diff([]any{test.requests, test.records, test.proven}, got); diff != "" || !strings.Contains(sample.Problem, test.problem) {
				t.Errorf("%s; problem %q", diff, sample.Problem)
			}
			p.applies(t, sample.Proposal.Flow)
		})
	}
}

// applies makes sure that a proposed flow file is one: only the credential is missing.
func (p *place) applies(t *testing.T, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "credential: NAME", "credential: api")
	file := service.FlowFile{Name: "proposed.yaml", Data: []byte(text)}
	if _, err := p.Service.ApplyFlows(t.Context(), actor, []service.FlowFile{file}, true); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestAddressIsAudited finds where a test at an address went.
func TestAddressIsAudited(t *testing.T) {
	p, server := newPlace(t, nil), resttest.Serve(t)
	x, err := resttest.Parse("GET /v1/items\n\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n[]")
	if err != nil {
		t.Fatal(err)
	}
	server.Play(x)
	draft := service.SourceDraft{Connector: service.ManualConnector, System: server.URL, Request: &sallyport.Request{URL: "/v1/items"}}
	p.Service.TestSource(t.Context(), actor, draft) // whether it succeeds does not matter
	entries, err := p.Service.Audit(t.Context(), "", audit.SourceTest, 1, 0)
	if err != nil || len(entries) != 1 || entries[0].Detail["address"] != server.URL || entries[0].Detail["path"] != "/v1/items" {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestNothingIsProposed tests requests that say all themselves, or of which nothing can be said.
func TestNothingIsProposed(t *testing.T) {
	p, server := newPlace(t, nil), resttest.Serve(t)
	for _, status := range []string{"200 OK\nContent-Type: application/json\n\n{\"a\": 1}", "404 Not Found\n\n[{\"id\": 1}, {\"id\": 2}]", "200 OK\nContent-Type: text/html\n\n<html>"} {
		x, err := resttest.Parse("GET /v1/items\n\nHTTP/1.1 " + status)
		if err != nil {
			t.Fatal(err)
		}
		server.Play(x)
		sample, _ := p.Service.TestSource(t.Context(), actor, service.SourceDraft{
			Connector: service.ManualConnector, System: server.URL, Request: &sallyport.Request{URL: "/v1/items"}, Propose: true,
		})
		if sample.Proposal != nil || server.Requests() != 1 {
			t.Errorf("%q: %+v after %d requests", status, sample.Proposal, server.Requests())
		}
	}
}

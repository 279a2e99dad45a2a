package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

// TestPropose reads responses in the form of real APIs, as their documentation has them.
func TestPropose(t *testing.T) {
	one, zero := int64(1), int64(0)
	for name, test := range map[string]struct {
		header, body, query string
		records, key        string
		paging              sallyport.Paging
	}{
		"GitHub": {`Link: <https://api.github.com/repositories/1300192/issues?page=2>; rel="next", <https://api.github.com/repositories/1300192/issues?page=7>; rel="last"`,
			`[{"id":1,"node_id":"a","url":"https://x/1","number":7},{"id":2,"node_id":"b","url":"https://x/2","number":6}]`, "", "$[*]", "id", sallyport.Paging{Type: "link_header"}},
		"GitLab": {`X-Next-Page: 2`, `[{"id":1},{"id":2}]`, "per_page=2", "$[*]", "id", sallyport.Paging{Type: "next_value", Header: "X-Next-Page", Query: "page"}},
		"Shopify": {`Link: <https://x.myshopify.com/admin/api/2024-01/products.json?page_info=abc&limit=2>; rel="next"`,
			`{"products":[{"id":1,"title":"a"},{"id":2,"title":"b"}]}`, "limit=2", "$.products[*]", "id", sallyport.Paging{Type: "link_header"}},
		"Stripe": {``, `{"object":"list","url":"/v1/customers","has_more":true,"data":[{"id":"cus_1","object":"customer"},{"id":"cus_2","object":"customer"}]}`, "limit=2",
			"$.data[*]", "id", sallyport.Paging{Type: "next_value", Last: "$.id", Query: "starting_after", More: "$.has_more"}},
		"Zoom": {``, `{"page_count":10,"page_number":1,"page_size":2,"total_records":20,"next_page_token":"R4aF9Oj0fVM2hhezJTEmSKaBSkfesDwGy42","users":[{"id":"a","email":"x@y.example"},{"id":"b","email":"z@y.example"}]}`, "",
			"$.users[*]", "id", sallyport.Paging{Type: "next_value", Value: "$.next_page_token", Query: "next_page_token", Total: "$.total_records"}},
		"Django REST framework": {``, `{"count":1023,"next":"https://api.example.org/accounts/?page=5","previous":null,"results":[{"id":1},{"id":2}]}`, "",
			"$.results[*]", "id", sallyport.Paging{Type: "next_url", Value: "$.next", Total: "$.count"}},
		"Django REST framework, one page": {``, `{"count":2,"next":null,"previous":null,"results":[{"id":1},{"id":2}]}`, "",
			"$.results[*]", "id", sallyport.Paging{Type: "next_url", Value: "$.next"}},
		"OData": {``, `{"@odata.context":"x","@odata.count":300,"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=R'x","value":[{"id":"a","displayName":"A"},{"id":"b","displayName":"B"}]}`, "",
			"$.value[*]", "id", sallyport.Paging{Type: "next_url", Value: "$['@odata.nextLink']", Total: "$['@odata.count']"}},
		"Elasticsearch": {``, `{"took":5,"_shards":{"total":5,"successful":5},"hits":{"total":{"value":1000,"relation":"eq"},"max_score":1.0,"hits":[{"_index":"i","_id":"0","_source":{"a":1}},{"_index":"i","_id":"1","_source":{"a":2}}]}}`, "",
			"$.hits.hits[*]", "_id", sallyport.Paging{Type: "offset", Query: "from", Total: "$.hits.total.value"}},
		"HubSpot": {``, `{"results":[{"id":"1","properties":{}},{"id":"2","properties":{}}],"paging":{"next":{"after":"NTI1Cg","link":"?after=NTI1Cg"}}}`, "limit=2",
			"$.results[*]", "id", sallyport.Paging{Type: "next_value", Value: "$.paging.next.after", Query: "after"}},
		"Slack": {``, `{"ok":true,"members":[{"id":"U1","team_id":"T"},{"id":"U2","team_id":"T"}],"cache_ts":1498777272,"response_metadata":{"next_cursor":"dXNlcjpVMEc5V0ZYTlo="}}`, "",
			"$.members[*]", "id", sallyport.Paging{Type: "next_value", Value: "$.response_metadata.next_cursor", Query: "cursor"}},
		"NVD": {``, `{"resultsPerPage":2,"startIndex":0,"totalResults":250000,"format":"NVD_CVE","version":"2.0","vulnerabilities":[{"cve":{"id":"CVE-1999-0095","sourceIdentifier":"x"}},{"cve":{"id":"CVE-1999-0082","sourceIdentifier":"x"}}]}`, "",
			"$.vulnerabilities[*]", "cve.id", sallyport.Paging{Type: "offset", Query: "startIndex", Size: 2, Total: "$.totalResults"}},
		"page and total_pages": {``, `{"page":1,"per_page":2,"total":12,"total_pages":6,"data":[{"id":1},{"id":2}]}`, "",
			"$.data[*]", "id", sallyport.Paging{Type: "page", Query: "page", Total: "$.total", Pages: "$.total_pages"}},
		"Spring": {``, `{"content":[{"id":1},{"id":2}],"totalPages":3,"totalElements":5,"last":false,"size":2,"number":0}`, "",
			"$.content[*]", "id", sallyport.Paging{Type: "page", Query: "page", Start: &zero, Total: "$.totalElements", Pages: "$.totalPages"}},
		"offset, limit and total": {``, `{"items":[{"id":1},{"id":2}],"offset":0,"limit":2,"total":9}`, "",
			"$.items[*]", "id", sallyport.Paging{Type: "offset", Query: "offset", Size: 2, Total: "$.total"}},
		"SCIM": {``, `{"totalResults":100,"itemsPerPage":2,"startIndex":1,"Resources":[{"id":"a","userName":"x"},{"id":"b","userName":"y"}]}`, "",
			"$.Resources[*]", "id", sallyport.Paging{Type: "offset", Query: "startIndex", Start: &one, Size: 2, Total: "$.totalResults"}},
		"Google": {``, `{"kind":"drive#fileList","nextPageToken":"~!!~AI9","files":[{"kind":"drive#file","id":"a","name":"x"},{"kind":"drive#file","id":"b","name":"x"}]}`, "",
			"$.files[*]", "id", sallyport.Paging{Type: "next_value", Value: "$.nextPageToken", Query: "pageToken"}},
		"Notion": {``, `{"object":"list","results":[{"object":"user","id":"a"},{"object":"user","id":"b"}],"next_cursor":"fe2cc560","has_more":true,"type":"user"}`, "",
			"$.results[*]", "id", sallyport.Paging{Type: "next_value", Value: "$.next_cursor", Query: "start_cursor", More: "$.has_more"}},
		"Jira": {``, `{"expand":"names","startAt":0,"maxResults":50,"total":6,"issues":[{"id":"10230","key":"BULK-62"},{"id":"10004","key":"BULK-47"}]}`, "",
			"$.issues[*]", "id", sallyport.Paging{Type: "offset", Query: "startAt", Size: 50, Total: "$.total"}},
		"JSON:API": {``, `{"links":{"self":"https://x/a?page[number]=1","next":"https://x/a?page[number]=2","last":"https://x/a?page[number]=9"},"meta":{"total":18},"data":[{"type":"articles","id":"1","attributes":{}},{"type":"articles","id":"2","attributes":{}}],"included":[{"type":"people","id":"9"}]}`, "",
			"$.data[*]", "id", sallyport.Paging{Type: "next_url", Value: "$.links.next", Total: "$.meta.total"}},
		"Pulsedive": {``, `{"results":[{"iid":5,"indicator":"a.example"},{"iid":6,"indicator":"b.example"}],"page_current":0,"page_next":1}`, "",
			"$.results[*]", "iid", sallyport.Paging{Type: "next_value", Value: "$.page_next", Query: "page"}},
		"GraphQL": {``, `{"data":{"repos":{"nodes":[{"id":"a"},{"id":"b"}],"pageInfo":{"endCursor":"Y3==","hasNextPage":true}}}}`, "",
			"$.data.repos.nodes[*]", "id", sallyport.Paging{Type: "next_value", Value: "$.data.repos.pageInfo.endCursor", Query: "after", More: "$.data.repos.pageInfo.hasNextPage"}},
		"a number that the request has": {``, `[{"id":1},{"id":2}]`, "skip=0&limit=2", "$[*]", "id", sallyport.Paging{Type: "offset", Query: "skip"}},
		"a list alone":                  {``, `[{"ip":"192.0.2.1","port":1},{"ip":"192.0.2.2","port":1}]`, "", "$[*]", "ip", sallyport.Paging{Type: "single"}},
		"one record":                    {``, `{"id":1,"name":"x"}`, "", "$", "", sallyport.Paging{Type: "single"}},
		"no field names a record":       {``, `[{"id":1,"v":1},{"id":1,"v":2}]`, "", "$[*]", "", sallyport.Paging{Type: "single"}},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if name, value, ok := strings.Cut(test.header, ": "); ok {
				header.Set(name, value)
			}
			got, ok := Propose(header, []byte(test.body), &url.URL{Path: "/x", RawQuery: test.query})
			if !ok || got.Records != test.records || strings.Join(got.Key, ",") != test.key {
				t.Errorf("records %s, key %v; want %s, %s", got.Records, got.Key, test.records, test.key)
			}
			if diff := cmp.Diff(test.paging, got.Paging); diff != "" || (got.Why == "") != (test.paging.Type == "single") {
				t.Errorf("because %q\n%s", got.Why, diff)
			}
		})
	}
	for _, body := range []string{"", "id,name\n1,x\n", `[{"id":1}`, "{\"id\":1}\n{\"id\":2}"} {
		if got, ok := Propose(nil, []byte(body), &url.URL{}); ok {
			t.Errorf("%q: %+v", body, got)
		}
	}
}

// FuzzPropose: no response makes a proposal that cannot be read.
func FuzzPropose(f *testing.F) {
	f.Add(`{"data":[{"id":1}],"next":{"after":1},"total":[]}`)
	f.Add(`{"a b":{"'":[{}]},"":[1]}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, ok := Propose(http.Header{}, []byte(body), &url.URL{RawQuery: "page=1"})
		if !ok {
			return
		}
		of := paths{atRecords: p.Records, atNext: p.Paging.Value, atMore: p.Paging.More, atTotal: p.Paging.Total, atPages: p.Paging.Pages}
		if _, err := newShape(of); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	})
}

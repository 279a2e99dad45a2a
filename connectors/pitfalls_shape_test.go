package connectors_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPitfallsOfShapes reads each oddity in all its forms: they must give the same record, with the wanted fields.
func TestPitfallsOfShapes(t *testing.T) {
	const get, links, linked, export = "indicator.get", "indicator.links", "feed.indicators", "csv.export"
	const columns = "id,indicator,type,risk,threats,feeds,usersubmissions,riskfactors,reference,stamp_added,stamp_updated,stamp_seen\n"
	scanned := func(data string) string { return `{"success":"Done.","qid":7,"status":"done","data":` + data + `}` }
	results := func(row string) string { return `{"page_current":0,"results":[` + row + `]}` }
	for _, c := range []struct {
		name, endpoint string
		bodies         []string
		want           string
	}{
		{"20 an empty object is []", linked, []string{
			results(`{"iid":1,"summary":[]}`), results(`{"iid":1,"summary":{}}`), results(`{"iid":1,"summary":{"properties":[]}}`),
			results(`{"iid":1,"summary":{"properties":{}}}`), results(`{"iid":1,"summary":null}`), results(`{"iid":1}`),
		}, `{"fid":1,"iid":1,"summary":{"properties":{}}}`},
		{"20 in links", links, []string{
			`{"Active DNS":[{"iid":1,"summary":[]}],"Sources":[]}`, `{"Active DNS":[{"iid":1,"summary":{"properties":{}}}]}`,
		}, `{"of_iid":2,"relation":"Active DNS","iid":1,"summary":{"properties":{}}}`},
		{"20 in an indicator", get, []string{
			`{"iid":1,"attributes":[],"properties":[],"redirects":[],"schema":[]}`, `{"iid":1,"attributes":{},"properties":{},"redirects":{"from":[]},"schema":{}}`,
		}, `{"attributes":{},"properties":{},"redirects":{"from":[],"to":[]},"schema":{}}`},
		{"21 one value, or a list", get, []string{
			`{"properties":{"dns":{"A":"192.0.2.1"}}}`, `{"properties":{"dns":{"A":["192.0.2.1"]}}}`,
		}, `{"properties":{"dns":{"A":["192.0.2.1"]}}}`},
		{"22 rows, or maps", get, []string{
			`{"properties":{"dns":{"A":"192.0.2.1","NS":["a.example","b.example"]},"geo":{}},"property_rows":[` +
				`{"group":"dns","name":"A","value":"192.0.2.1","latest":1},{"group":"dns","name":"NS","value":"a.example","latest":"1"},` +
				`{"group":"dns","name":"A","value":"192.0.2.9","latest":0,"pid":"7"},{"group":"dns","name":"NS","value":"b.example"}]}`,
			`{"properties":{"dns":[{"name":"A","value":"192.0.2.1","latest":1},{"name":"NS","value":"a.example","latest":"1"},` +
				`{"name":"A","value":"192.0.2.9","latest":0,"pid":"7"},{"name":"NS","value":"b.example"}],"geo":[]}}`,
		}, `{"properties":{"dns":{"A":["192.0.2.1"],"NS":["a.example","b.example"]},"geo":{}}}`},
		{"23 doubled lists of attributes", get, []string{
			`{"attributes":{"port":["443","80"]}}`, `{"attributes":{"port":[["443","80"]]}}`, `{"attributes":{"port":[443,80]}}`,
		}, `{"attributes":{"port":["443","80"]}}`},
		{"24 numbers as text", get, []string{
			`{"iid":53929,"qid":7,"domainiid":3878723,"comments":[{"uid":328}],"redirects":{"to":[{"iid":1}]}}`,
			`{"iid":"53929","qid":"7","domainiid":"3878723","comments":[{"uid":"328"}],"redirects":{"to":[{"id":"1"}]}}`,
		}, `{"iid":53929,"qid":7,"domainiid":3878723,"redirects":{"from":[],"to":[{"iid":1,"indicator":null}]}}`},
		{"25 not retired", get, []string{`{"risk":"low","retired":null}`, `{"risk":"low","retired":0}`, `{"risk":"low","retired":"0"}`, `{"risk":"low"}`},
			`{"risk":"low","retired":false,"retired_reason":null}`},
		{"25 retired, and why", get, []string{`{"risk":"low","retired":"No recent activity"}`},
			`{"risk":"low","retired":true,"retired_reason":"No recent activity"}`},
		{"25 retired, as a number", get, []string{`{"risk":"low","retired":1}`, `{"risk":"low:retired"}`, `{"risk":"low:retired","retired":0}`},
			`{"risk":"low","retired":true,"retired_reason":null}`},
		{"25 retired instead of a risk", linked, []string{results(`{"iid":1,"risk":"retired"}`), results(`{"iid":1,"risk":null,"retired":1}`)},
			`{"risk":null,"retired":true}`},
		{"25 retired instead of a risk, in links", links, []string{`{"Sources":[{"iid":1,"risk":"retired"}]}`}, `{"risk":null,"retired":true}`},
		{"25 retired instead of a risk, in a threat's", "threat.indicators", []string{results(`{"iid":1,"risk":"retired"}`)}, `{"risk":null,"retired":true}`},
		{"25 retired instead of a risk, found", "explore.search", []string{results(`{"iid":1,"risk":"retired"}`)}, `{"risk":null,"retired":true}`},
		{"25 retired, in an export", export, []string{columns + "1,a.example,domain,high:retired,,,,,,,,\n"},
			`{"id":1,"indicator":"a.example","risk":"high","retired":true,"threats":[],"usersubmissions":null,"reference":null,"stamp_added":null}`},
		{"25 not retired, in an export", export, []string{columns + `1,a.example,domain,high,"Zeus, Emotet",F,7,"x,y,",r,2024-01-02 3:04:05,,` + "\n"},
			`{"id":1,"risk":"high","retired":false,"threats":["Zeus","Emotet"],"feeds":["F"],"usersubmissions":7,"riskfactors":["x","y"],` +
				`"reference":"r","stamp_added":"2024-01-02T03:04:05Z","stamp_updated":null}`},
		{"25 retired, in a scan and what it is linked to", "scan.indicator",
			[]string{scanned(`{"iid":1,"risk":"low","retired":"Old.","links":{"Sources":[{"iid":2,"risk":"retired","summary":[]}]}}`)},
			`{"risk":"low","retired":true,"retired_reason":"Old.","links":{"Sources":[{"iid":2,"indicator":null,"type":null,"risk":null,` +
				`"retired":true,"stamp_linked":null,"summary":{"properties":{}}}]}}`},
		{"26 absent, null and empty", get, []string{
			`{"iid":1}`, `{"iid":1,"riskfactors":null,"threats":[],"feeds":{},"comments":"","redirects":[],"umbrella_rank":[],"umbrella_domain":""}`,
		}, `{"riskfactors":[],"threats":[],"feeds":[],"comments":[],"redirects":{"from":[],"to":[]},"umbrella_rank":null,"umbrella_domain":null}`},
		{"27 none", get, []string{`{"risk":"none"}`}, `{"risk":"none"}`},
		{"27 unknown", get, []string{`{"risk":"unknown"}`}, `{"risk":"unknown"}`},
		{"27 missing", get, []string{`{"iid":1}`, `{"iid":1,"risk":""}`}, `{"risk":null}`},
		{"27 critical, and what comes after it", get, []string{`{"risk":"critical","type":"artifact","risk_recommended":"apocalyptic","submissions":"many"}`},
			`{"risk":"critical","type":"artifact","risk_recommended":"apocalyptic","submissions":"many"}`},
		{"28 names that differ by case", get, []string{`{"IID":7,"iid":1,"properties":{"geo":{"address":"a","Address":"b"}}}`},
			`{"iid":1,"IID":7,"properties":{"geo":{"address":["a"],"Address":["b"]}}}`},
		{"29 names with spaces and ++", links, []string{`{"SSL Certificate Domains":[{"iid":1,"summary":{"properties":{"whois":{"++privacy":"1"}}}}]}`},
			`{"relation":"SSL Certificate Domains","summary":{"properties":{"whois":{"++privacy":["1"]}}}}`},
		{"30 hostile texts stay what they are", get, []string{`{"properties":{"http":{"x":"=cmd|' \/C calc'!A0\r\n<script>\u0000"}},"comments":[{"comment":"a\nb"}]}`},
			`{"properties":{"http":{"x":["=cmd|' /C calc'!A0\r\n<script>\u0000"]}}}`},
		{"32 times", get, []string{
			`{"stamp_added":"2019-11-10 9:05:26","stamp_seen":"","stamp_retired":null,"stamp_updated":"0000-00-00 00:00:00"}`,
			`{"stamp_added":"2019-11-10 09:05:26"}`,
		}, `{"stamp_added":"2019-11-10T09:05:26Z","stamp_seen":null,"stamp_probed":null,"stamp_retired":null,"stamp_updated":null}`},
		{"32 what is no time stays", get, []string{`{"stamp_seen":"yesterday","stamp_added":"2019-02-30 10:00:00"}`},
			`{"stamp_seen":"yesterday","stamp_added":"2019-02-30 10:00:00"}`},
		{"33 an update is one field, and says nothing else", get, []string{`{"stamp_updated":"2019-11-10 09:05:26"}`},
			`{"stamp_updated":"2019-11-10T09:05:26Z","stamp_seen":null,"risk":null,"retired":false}`},
		{"34 the order of members", get, []string{`{"iid":1,"risk":"low","indicator":"a.example"}`, `{"indicator":"a.example","risk":"low","iid":1}`},
			`{"iid":1,"indicator":"a.example","risk":"low"}`},
		{"43 whether it is retired is unknown", "explore.search", []string{
			results(`{"iid":1000123,"indicator":"evil.example","type":"domain","risk":"low","stamp_added":"2020-03-04 05:06:07",` +
				`"stamp_updated":"2024-02-03 04:05:06","stamp_seen":"2023-10-11 12:13:14","stamp_retired":"2024-02-03 04:05:06",` +
				`"summary":{"properties":{}}}`),
			results(`{"iid":"1000123","indicator":"evil.example","type":"domain","risk":"low","retired":null,"stamp_added":"2020-03-04 5:06:07",` +
				`"stamp_updated":"2024-02-03 04:05:06","stamp_seen":"2023-10-11 12:13:14","stamp_retired":"2024-02-03 04:05:06","summary":[]}`),
		}, `{"iid":1000123,"risk":"low","retired":null,"stamp_seen":"2023-10-11T12:13:14Z","stamp_retired":"2024-02-03T04:05:06Z",` +
			`"summary":{"domain":null,"domainiid":null,"attributes":{},"properties":{}},"query":"risk=high"}`},
		{"43 unless it is said", "explore.search", []string{results(`{"iid":1,"risk":"low","retired":0}`), results(`{"iid":1,"risk":"low","retired":"0"}`)},
			`{"risk":"low","retired":false}`},
		{"43 of a threat", "explore.threats", []string{results(`{"tid":1,"risk":"low"}`)}, `{"risk":"low","retired":null,"retired_reason":null}`},
		{"techniques and related threats", "threat.get", []string{
			`{"techniques":["a",{"id":"T1"}],"related":[{"tid":"2","threat":"B"}]}`, `{"techniques":["a",{"id":"T1"}],"related":{"tid":2,"name":"B"}}`,
		}, `{"techniques":["a",{"id":"T1"}],"related":[{"tid":2,"name":"B","category":null,"risk":null}],"summary":{}}`},
		{"a feed by its two names", "feed.get", []string{`{"fid":1,"feed":"A"}`, `{"fid":"1","name":"A"}`}, `{"fid":1,"name":"A"}`},
		{"a list with gaps", get, []string{`{"attributes":{"port":{"0":"443","2":"80"}}}`}, `{"attributes":{"port":["443","80"]}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first map[string]any
			for i, body := range c.bodies {
				records, class := pull(t, c.endpoint, paramsOf(c.endpoint), 200, body)
				if class != "" || len(records) != 1 {
					t.Fatalf("%s: %d records, class %q", body, len(records), class)
				}
				if i == 0 {
					first = records[0]
				}
				if diff := cmp.Diff(first, records[0]); diff != "" {
					t.Errorf("%s and %s give different records:\n%s", c.bodies[0], body, diff)
				}
			}
			for name, want := range object(t, []byte(c.want)) {
				if diff := cmp.Diff(want, first[name]); diff != "" {
					t.Errorf("%s: -want +got:\n%s", name, diff)
				}
			}
		})
	}
}

// TestPitfall31 reads a record of the size that scans have, whole.
func TestPitfall31(t *testing.T) {
	var rows []string
	for i := range 2000 {
		rows = append(rows, fmt.Sprintf(`{"pid":%d,"stamp_seen":"2019-06-30 7:29:33","name":"A","value":"192.0.2.%d","latest":%d}`, i, i%256, i%2))
	}
	records, class := pull(t, "indicator.get", paramsOf("indicator.get"), 200, `{"properties":{"dns":[`+strings.Join(rows, ",")+`]}}`)
	if class != "" || len(records) != 1 {
		t.Fatal(class, len(records))
	}
	kept, _ := records[0]["property_rows"].([]any)
	current := records[0]["properties"].(map[string]any)["dns"].(map[string]any)["A"].([]any)
	if len(kept) != 2000 || len(current) != 1000 {
		t.Errorf("%d rows, %d of them current", len(kept), len(current))
	}
}

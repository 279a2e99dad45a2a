package connectors_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// pull reads an endpoint of Pulsedive from a server that always gives one answer. It returns the records, or the class of the failure.
func pull(t *testing.T, id string, params map[string]any, status int, body string) (records []map[string]any, class connector.Class) {
	t.Helper()
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Endpoint(id)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600") // longer than the source waits
		w.WriteHeader(status)
		io.WriteString(w, body) // a test server
	}))
	defer server.Close()
	checked, err := e.CheckParams(params)
	if err != nil {
		t.Fatal(err)
	}
	source, err := rest.Open(rest.Config{
		Definition: d, Endpoint: e, Params: checked, Public: map[string]string{"address": server.URL},
		Secrets: func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New("TESTKEY-0123456789")}, nil
		},
		Transport: func(*url.URL) http.RoundTripper { return server.Client().Transport },
	})
	if err != nil {
		t.Fatal(err)
	}
	for page, err := range source.Pages(t.Context(), "") {
		if f, ok := errors.AsType[*connector.Failure](err); ok {
			return records, f.Class
		}
		for record, err := range page.Records {
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Shape(e).Check(record); err != nil {
				t.Errorf("%s: %v", record, err)
			}
			records = append(records, object(t, record))
		}
	}
	return records, ""
}

func object(t *testing.T, text []byte) (o map[string]any) {
	t.Helper()
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

// paramsOf are parameters that an endpoint takes.
func paramsOf(id string) map[string]any {
	switch kind, _, _ := strings.Cut(id, "."); {
	case kind == "explore":
		return map[string]any{"q": "risk=high"}
	case id == "indicator.get":
		return map[string]any{"indicator": "example.com"}
	case kind == "indicator":
		return map[string]any{"iid": "2"}
	default:
		return map[string]any{kind[:1] + "id": "1"}
	}
}

// TestPitfallsOfAnswers reads answers that are no plain success. The numbers are those of the pitfalls that the connector's page names.
func TestPitfallsOfAnswers(t *testing.T) {
	for _, c := range []struct {
		name, endpoint string
		status         int
		body           string
		class          connector.Class
	}{
		{"6 not found is an answer", "indicator.get", 404, `{"error":"Indicator not found."}`, ""},
		{"6 of a threat", "threat.get", 404, `{"error":"Threat not found."}`, ""},
		{"6 of a feed, its indicators", "feed.indicators", 404, `{"error":"Feed not found"}`, ""},
		{"6 another sentence is no miss", "indicator.get", 404, `{"error":"Unknown endpoint."}`, connector.ClassPermanent},
		{"6 HTML is no miss", "indicator.get", 404, `<html>404</html>`, connector.ClassPermanent},
		{"7 a refused key is no miss", "indicator.get", 401, `{"error":"Invalid API key."}`, connector.ClassCredential},
		{"7 a limit is no miss", "indicator.get", 429, `{"error":"API rate limit exceeded: 10 requests per day."}`, connector.ClassRate},
		{"7 a broken answer is no miss", "indicator.get", 200, `{"iid":`, connector.ClassTransient},
		{"8 an error under 200", "feed.indicators", 200, `{"error":"Something went wrong."}`, connector.ClassPermanent},
		{"8 an error under 200 instead of a record", "feed.get", 200, `{"error":"Something went wrong."}`, connector.ClassPermanent},
		{"8 an error under 200 instead of links", "indicator.links", 200, `{"error":"Something went wrong."}`, connector.ClassPermanent},
		{"8 an error under 200 instead of properties", "indicator.properties", 200, `{"error":"Something went wrong."}`, connector.ClassPermanent},
		{"8 an error beside a record is none", "indicator.get", 200, `{"iid":1,"error":"Request(s) still processing."}`, ""},
		{"9 the status counts, whatever the sentence", "indicator.get", 401, `{"error":"Added  to queue."}`, connector.ClassCredential},
		{"9 a sentence of success", "feed.get", 200, `{"success":"Added request to queue.","fid":1}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, class := pull(t, c.endpoint, paramsOf(c.endpoint), c.status, c.body); class != c.class {
				t.Errorf("it is a failure of class %q, not %q", class, c.class)
			}
		})
	}
}

// TestPitfallsOfShapes reads each oddity in all its forms: they must give the same record, with the wanted fields.
func TestPitfallsOfShapes(t *testing.T) {
	const get, links, linked = "indicator.get", "indicator.links", "feed.indicators"
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

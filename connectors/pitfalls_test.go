package connectors_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// key is the one that tests put into requests.
const key = "TESTKEY-0123456789"

// openAt opens an endpoint of Pulsedive at an address.
func openAt(t *testing.T, address, id string, params map[string]any) (connector.Source, *connector.Definition, *connector.Endpoint) {
	t.Helper()
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Endpoint(id)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := e.CheckParams(params)
	if err != nil {
		t.Fatal(err)
	}
	if e.Poll != nil { // without the pauses
		own, poll := *e, *e.Poll
		poll.Every = sallyport.Duration(time.Millisecond)
		own.Poll, e = &poll, &own
	}
	source, err := open(rest.Config{
		Definition: d, Endpoint: e, Params: checked, Public: map[string]string{"address": address},
		Secrets: func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New(key)}, nil
		},
		Transport: func(address *url.URL) http.RoundTripper { return egress.Policy{}.Transport(address, true) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return source, d, e
}

// open opens an endpoint. A query that can be split is opened as its parts.
func open(c rest.Config) (connector.Source, error) {
	if c.Endpoint.Split != nil {
		return rest.OpenSplit(c)
	}
	return rest.Open(c)
}

// pull reads an endpoint of Pulsedive from a server that always gives one answer. It returns the records, or the class of the failure.
func pull(t *testing.T, id string, params map[string]any, status int, body string) (records []map[string]any, class connector.Class) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status != http.StatusForbidden { // with it a 403 is about the rate
			w.Header().Set("Retry-After", "3600") // longer than the source waits
		}
		w.WriteHeader(status)
		io.WriteString(w, body) // a test server
	}))
	defer server.Close()
	source, d, e := openAt(t, server.URL, id, params)
	for page, err := range source.Pages(t.Context(), "") {
		if f, ok := errors.AsType[*connector.Failure](err); ok {
			return records, f.Class
		}
		for record, err := range page.Records {
			if f, ok := errors.AsType[*connector.Failure](err); ok {
				return records, f.Class
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
	case id == "scan.indicator":
		return map[string]any{"value": "example.com"}
	case id == "csv.export":
		return map[string]any{"fields": "id,indicator,type,risk,threats,feeds,usersubmissions,riskfactors,reference,stamp_added,stamp_updated,stamp_seen"}
	case kind == "indicator":
		return map[string]any{"iid": "2"}
	default:
		return map[string]any{kind[:1] + "id": "1"}
	}
}

// TestPitfallsOfAnswers reads answers that are no plain success. The numbers are those of the oddities on the connector's page.
func TestPitfallsOfAnswers(t *testing.T) {
	for _, c := range []struct {
		name, endpoint string
		status         int
		body           string
		class          connector.Class
	}{
		{"6 not found", "indicator.get", 404, `{"error":"Indicator not found."}`, connector.ClassNotFound},
		{"6 of a threat", "threat.get", 404, `{"error":"Threat not found."}`, connector.ClassNotFound},
		{"6 of a feed, its indicators", "feed.indicators", 404, `{"error":"Feed not found"}`, connector.ClassNotFound},
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
		{"10 a page of HTML", "feed.get", 200, `<html>Bad Gateway</html>`, connector.ClassPermanent},
		{"10 nothing at all", "feed.get", 200, ``, connector.ClassPermanent},
		{"10 it breaks off", "feed.indicators", 200, `{"results":[{"iid":1},{"iid"`, connector.ClassTransient},
		{"11 a key that is refused", "feed.get", 403, `{"error":"This API key was revoked."}`, connector.ClassCredential},
		{"11 a plan that is too small", "feed.get", 403, `{"error":"Upgrade your plan to use your key here."}`, connector.ClassPlan},
		{"11 a month that is used up", "feed.get", 403, `{"error":"API rate limit exceeded: 250 requests per month."}`, connector.ClassRate},
		{"11 without a sentence", "feed.get", 403, ``, connector.ClassPlan},
		{"12 too many requests", "explore.search", 429, `{"error":"API rate limit exceeded: 1 requests per day."}`, connector.ClassRate},
		{"12 too many results", "explore.search", 429, `{"error":"Explore limit exceeded: 100 results per request."}`, connector.ClassPlan},
		{"12 from a proxy", "explore.search", 429, `<html>slow down</html>`, connector.ClassRate},
		{"9 a sentence of success", "feed.get", 200, `{"success":"Added request to queue.","fid":1}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, class := pull(t, c.endpoint, paramsOf(c.endpoint), c.status, c.body); class != c.class {
				t.Errorf("it is a failure of class %q, not %q", class, c.class)
			}
		})
	}
}

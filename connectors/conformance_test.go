package connectors_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/shape"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// recorded reads a recorded answer of Pulsedive. They are not part of this repository.
func recorded(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("SALLYPORT_RECORDED")
	if folder == "" {
		folder = filepath.FromSlash("../../shared/pulsedive/recorded")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the recorded answers are not here: %v; name their folder in SALLYPORT_RECORDED", err)
	}
	text, err := os.ReadFile(filepath.Join(folder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRecordedShapes reads every recorded answer that an endpoint can give through that endpoint: all records must be of its shape, and
// hold all that the answer holds.
func TestRecordedShapes(t *testing.T) {
	for _, c := range []struct {
		file, endpoint string
		status         int
		records        int
		class          connector.Class
	}{
		{"pulsedive-rb__indicator_get_by_id", "indicator.get", 200, 1, ""},
		{"pulsedive-rb__indicator_get_by_value", "indicator.get", 200, 1, ""},
		{"pulsedive-rb__indicator_get_links_by_id", "indicator.links", 200, 50, ""},
		{"pulsedive-rb__indicator_get_properties_by_id", "indicator.properties", 200, 390, ""},
		{"pulsedive-rb__threat_get_by_id", "threat.get", 200, 1, ""},
		{"pulsedive-rb__threat_get_by_name", "threat.get", 200, 1, ""},
		{"pulsedive-rb__threat_get_linked_indicators_by_id", "threat.indicators", 200, 215, ""},
		{"pulsedive-rb__threat_get_summary_by_id", "threat.summary", 200, 1, ""},
		{"docs__threat_summary", "threat.summary", 200, 1, ""},
		{"pulsedive-rb__feed_get_by_id", "feed.get", 200, 1, ""},
		{"pulsedive-rb__feed_get_linked_indicators_by_id", "feed.indicators", 200, 4, ""},
		{"pulsedive-rb__api_search", "explore.search", 200, 0, ""},
		{"docs__error_404", "indicator.get", 404, 0, connector.ClassNotFound},
		{"docs__error_429", "indicator.get", 429, 0, connector.ClassRate},
	} {
		t.Run(c.file, func(t *testing.T) {
			body := recorded(t, c.file)
			records, class := pull(t, c.endpoint, paramsOf(c.endpoint), c.status, body)
			if len(records) != c.records || class != c.class {
				t.Fatalf("%d records, class %q; want %d, %q", len(records), class, c.records, c.class)
			}
			if c.records > 0 {
				holds(t, body, records)
			}
		})
	}
}

// TestRecordedScans reads the data of scans as indicators, which they are.
func TestRecordedScans(t *testing.T) {
	for _, name := range []string{"pulsedive-rb__analyze_get_results_by_id", "msticpy__scan_done_trimmed"} {
		var done struct{ Data json.RawMessage }
		if err := json.Unmarshal([]byte(recorded(t, name)), &done); err != nil {
			t.Fatal(err)
		}
		records, class := pull(t, "indicator.get", paramsOf("indicator.get"), 200, string(done.Data))
		if len(records) != 1 || class != "" {
			t.Fatal(len(records), class)
		}
		holds(t, string(done.Data), records)
		scans, class := pull(t, "scan.indicator", paramsOf("scan.indicator"), 200, recorded(t, name))
		if len(scans) != 1 || class != "" {
			t.Fatal(len(scans), class)
		}
		holds(t, string(done.Data), scans)
		for field, value := range records[0] {
			if diff := cmp.Diff(value, scans[0][field]); diff != "" && field != "links" {
				t.Errorf("%s of a scan and of an indicator:\n%s", field, diff)
			}
		}
	}
}

// TestScannedIndicators wants of scans all fields that indicators have, and their links besides.
func TestScannedIndicators(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	scanned := slices.DeleteFunc(d.Shapes["scanned_indicator"].Fields(), func(f shape.Field) bool { return strings.HasPrefix(f.Path, "links") })
	if diff := cmp.Diff(d.Shapes["indicator"].Fields(), scanned); diff != "" {
		t.Errorf("indicator and scanned_indicator:\n%s", diff)
	}
}

// TestExportedIndicators compares the rows of an export with what look-ups say.
func TestExportedIndicators(t *testing.T) {
	u := newUpstream(t, sandbox.Options{Records: 60})
	rows, _ := u.read(t, "csv.export", paramsOf("csv.export"))
	retired := 0
	if len(rows) < 100 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows[:100] {
		found, _ := u.read(t, "indicator.get", map[string]any{"iid": fmt.Sprint(row["id"])})
		for column, field := range map[string]string{
			"id": "iid", "indicator": "indicator", "type": "type", "risk": "risk", "retired": "retired", "usersubmissions": "submissions",
			"stamp_added": "stamp_added", "stamp_updated": "stamp_updated", "stamp_seen": "stamp_seen",
		} {
			if diff := cmp.Diff(found[0][field], row[column]); diff != "" {
				t.Errorf("%v: %s:\n%s", row["indicator"], column, diff)
			}
		}
		var feeds []any
		for _, feed := range found[0]["feeds"].([]any) {
			feeds = append(feeds, feed.(map[string]any)["name"])
		}
		if got := row["feeds"].([]any); len(got) != len(feeds) {
			t.Errorf("%v is in %v, and by the export in %v", row["indicator"], feeds, got)
		}
		if row["retired"] == true {
			retired++
		}
	}
	if retired == 0 || retired == 100 {
		t.Errorf("of a hundred rows %d are retired", retired)
	}
	if some, _ := u.read(t, "csv.export", map[string]any{"fields": "threats,id"}); len(some[0]) != 2 {
		t.Errorf("two columns were asked for: %v", some[0])
	}
}

// TestRecordedPairs compares answers that tell the same in two forms.
func TestRecordedPairs(t *testing.T) {
	one := func(endpoint, body string) map[string]any {
		t.Helper()
		records, class := pull(t, endpoint, paramsOf(endpoint), 200, body)
		if len(records) != 1 {
			t.Fatal(len(records), class)
		}
		return records[0]
	}
	byID, byName := one("threat.get", recorded(t, "pulsedive-rb__threat_get_by_id")), one("threat.get", recorded(t, "pulsedive-rb__threat_get_by_name"))
	if diff := cmp.Diff(byID, byName); diff != "" {
		t.Errorf("a threat by id and by name:\n%s", diff)
	}
	var scan struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(recorded(t, "pulsedive-rb__analyze_get_results_by_id")), &scan); err != nil {
		t.Fatal(err)
	}
	scanned, found := one("indicator.get", string(scan.Data)), one("indicator.get", recorded(t, "pulsedive-rb__indicator_get_by_value"))
	for name, value := range found {
		switch name {
		case "properties", "property_rows", "qid": // a scan looks once more, tells what was earlier, and has a number
			continue
		}
		if diff := cmp.Diff(value, scanned[name]); diff != "" {
			t.Errorf("%s looked up and scanned:\n%s", name, diff)
		}
	}
	// What is told now is what is current among all that was ever told: the same groups and names. Of some values these answers lost one.
	rows := one("indicator.get", `{"properties":`+recorded(t, "pulsedive-rb__indicator_get_properties_by_id")+`}`)["properties"].(map[string]any)
	maps := one("indicator.get", recorded(t, "pulsedive-rb__indicator_get_by_id"))["properties"].(map[string]any)
	if diff := cmp.Diff(namesIn(maps), namesIn(rows)); diff != "" {
		t.Errorf("properties as a map and as rows:\n%s", diff)
	}
	for group, values := range maps {
		for name, list := range values.(map[string]any) {
			all := fmt.Sprint(rows[group].(map[string]any)[name])
			for _, value := range list.([]any) {
				if !strings.Contains(all, value.(string)) {
					t.Errorf("%s.%s: %q is not in %s", group, name, value, all)
				}
			}
		}
	}
}

func namesIn(groups map[string]any) map[string]map[string]bool {
	names := map[string]map[string]bool{}
	for group, values := range groups {
		names[group] = map[string]bool{}
		for name := range values.(map[string]any) {
			names[group][name] = true
		}
	}
	return names
}

var stamp = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}) (\d):(\d{2}:\d{2})$|^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$`)

// holds makes sure that every name and value of an answer stands in its records: as it was, or in its form there.
func holds(t *testing.T, body string, records []map[string]any) {
	t.Helper()
	var whole any
	if err := json.Unmarshal([]byte(body), &whole); err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, record := range records {
		leaves(record, have)
	}
	want := map[string]bool{}
	leaves(whole, want)
	renamed := map[string]bool{"results": true, "page_current": true, "feed": true, "threat": true, "id": true}
	for text := range want {
		utc := stamp.ReplaceAllString(text, "${1}${4}T0$2:$3${5}Z")
		if m := stamp.FindStringSubmatch(text); m != nil && m[2] == "" {
			utc = m[4] + "T" + m[5] + "Z"
		}
		flag := map[string]string{"0": "false", "1": "true", "retired": "true"}[text]
		if !have[text] && !have[utc] && !have[flag] && !renamed[text] {
			t.Errorf("%q is not in the records", text)
		}
	}
}

// leaves notes the names and the values that say something.
func leaves(value any, into map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			into[name] = true
			leaves(member, into)
		}
	case []any:
		for _, element := range value {
			leaves(element, into)
		}
	case nil:
	case float64:
		into[fmt.Sprintf("%.0f", value)] = true
	default:
		if text := fmt.Sprint(value); text != "" {
			into[text] = true
		}
	}
}

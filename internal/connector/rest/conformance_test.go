package rest

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/theory/jsonpath"

	"github.com/sallyport-io/sallyport"
)

// recorded is the folder of recorded Pulsedive answers. They are not part of this repository.
func recorded(t *testing.T) string {
	folder := os.Getenv("SALLYPORT_RECORDED")
	if folder == "" {
		folder = filepath.FromSlash("../../../../shared/pulsedive/recorded")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the recorded answers are not here: %v; name their folder in SALLYPORT_RECORDED", err)
	}
	return folder
}

// TestRecordedAnswers reads real answers of Pulsedive over a connection: nothing of a record may be lost or changed.
func TestRecordedAnswers(t *testing.T) {
	folder := recorded(t)
	for name, test := range map[string]struct {
		path    string
		records int
	}{
		"pulsedive-rb__threat_get_linked_indicators_by_id": {"$.results[*]", 215},
		"pulsedive-rb__feed_get_linked_indicators_by_id":   {"$.results[*]", 4},
		"docs__linked_indicators_page0":                    {"$.results[*]", 1},
		"pulsedive-rb__api_search":                         {"$.results[*]", 0},
		"docs__taxii_envelope_page":                        {"$.objects[*]", 0},
		"pulsedive-rb__indicator_get_by_id":                {"$", 1},
		"pulsedive-rb__indicator_get_by_value":             {"$", 1},
		"pulsedive-rb__indicator_get_links_by_id":          {"$", 1},
		"pulsedive-rb__indicator_get_properties_by_id":     {"$[*][*]", 390},
		"pulsedive-rb__threat_get_by_id":                   {"$", 1},
		"pulsedive-rb__threat_get_by_name":                 {"$", 1},
		"pulsedive-rb__threat_get_summary_by_id":           {"$", 1},
		"pulsedive-rb__feed_get_by_id":                     {"$", 1},
		"pulsedive-rb__analyze_add_to_queue":               {"$", 1},
		"pulsedive-rb__analyze_get_results_by_id":          {"$.data", 1},
		"msticpy__scan_submitted":                          {"$", 1},
		"msticpy__scan_done_trimmed":                       {"$.data", 1},
		"docs__threat_summary":                             {"$", 1},
		"docs__analyze_processing":                         {"$", 1},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(folder, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Write(body) // the client would notice
			})
			paging := sallyport.Paging{Type: "single"}
			records, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: test.path, Paging: paging})), "")
			if err != nil {
				t.Fatal(err)
			}
			if len(records) != test.records {
				t.Fatalf("%d records, not %d", len(records), test.records)
			}
			compareWhole(t, body, test.path, records)
		})
	}
}

// compareWhole compares records with those that JSONPath selects in the body as a whole.
func compareWhole(t *testing.T, body []byte, path string, records []string) {
	whole, err := exact(body)
	if err != nil {
		t.Fatal(err)
	}
	want := jsonpath.MustParse(path).Select(whole)
	compare(t, path, body, records, want)
	for i, record := range records {
		if value, err := exact([]byte(record)); err != nil || path == "$.results[*]" && !reflect.DeepEqual(value, want[i]) {
			t.Errorf("record %d is out of order: %s, %v", i, record, err)
		}
	}
}

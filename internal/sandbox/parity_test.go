package sandbox_test

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// shape is which kinds of JSON stand at which paths. In the path of a map with names from the data, a * stands for the name.
type shape map[string]map[string]bool

func (s shape) add(path string, v any) {
	kind := "null"
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		for name, value := range v {
			s.add(path+"."+s.known(path, name), value)
		}
	case []any:
		kind = "array"
		if len(v) == 0 {
			kind = "empty array"
		}
		for _, value := range v {
			s.add(path+"[]", value)
		}
	case string:
		kind = "string"
	case float64:
		kind = "number"
	case bool:
		kind = "boolean"
	}
	if s[path] == nil {
		s[path] = map[string]bool{}
	}
	s[path][kind] = true
}

// known returns the name of a field, or * where names come from the data.
func (shape) known(path, name string) string {
	parts := strings.Split(path, ".")
	last := len(parts) - 1
	switch {
	case parts[last] == "schema", strings.HasSuffix(path, ".risk"), parts[last] == "indicators",
		last > 0 && (parts[last-1] == "properties" || parts[last-1] == "attributes"): // a value within a group
		return "*"
	}
	return name
}

// missingFrom lists what is in s and not in other.
func (s shape) missingFrom(other shape) []string {
	var all []string
	for path, kinds := range s {
		for kind := range kinds {
			if !other[path][kind] {
				all = append(all, path+" as "+kind)
			}
		}
	}
	slices.Sort(all)
	return all
}

// recorded returns the folder of recorded answers, or skips the test.
func recorded(t *testing.T) string {
	folder := os.Getenv("SALLYPORT_RECORDED")
	if folder == "" {
		folder = filepath.FromSlash("../../../shared/pulsedive/recorded")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the recorded answers of Pulsedive are not in %s; set SALLYPORT_RECORDED to their folder to compare with them", folder)
	}
	return folder
}

func read(t *testing.T, folder, name string) any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return decode[any](t, b)
}

// parity is an endpoint, what was recorded of it, and what its documentation says beyond that.
type parity struct {
	path       string
	queries    [][]string
	recorded   []string
	documented map[string]string // path to kinds
	open       []string          // paths below which anything may be answered, as the recorded answer is cut short there
	options    sandbox.Options
	answers    func(t *testing.T, b *bench) [][]byte // in place of path and queries
}

func (p parity) ours(t *testing.T, b *bench) shape {
	s := shape{}
	if p.answers != nil {
		for _, body := range p.answers(t, start(t, p.options)) {
			s.add("", decode[any](t, body))
		}
	}
	for _, query := range p.queries {
		s.add("", decode[any](t, b.get(t, p.path, query...)))
	}
	return s
}

func (p parity) check(t *testing.T, b *bench, folder string) {
	theirs, ours := shape{}, p.ours(t, b)
	for _, name := range p.recorded {
		theirs.add("", read(t, folder, name))
	}
	if missing := theirs.missingFrom(ours); len(missing) > 0 {
		t.Errorf("recorded, but never answered: %s", strings.Join(missing, "\n\t"))
	}
	for path, kinds := range p.documented {
		if theirs[path] == nil {
			theirs[path] = map[string]bool{}
		}
		for kind := range strings.SplitSeq(kinds, ", ") {
			theirs[path][kind] = true
		}
	}
	extra := slices.DeleteFunc(ours.missingFrom(theirs), func(path string) bool {
		return slices.ContainsFunc(p.open, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
	})
	if len(extra) > 0 {
		t.Errorf("answered, but neither recorded nor documented: %s", strings.Join(extra, "\n\t"))
	}
}

// linkRows documents rows of linked indicators at a path.
func linkRows(paths ...string) map[string]string {
	all := map[string]string{}
	for _, path := range paths {
		maps.Copy(all, map[string]string{
			path: "array, empty array", path + "[]": "object", path + "[].iid": "number", path + "[].indicator": "string",
			path + "[].type": "string", path + "[].risk": "string", path + "[].stamp_linked": "string",
			path + "[].summary": "object, empty array", path + "[].summary.properties": "object",
			path + "[].summary.properties.geo": "object", path + "[].summary.properties.geo.*": "string",
			path + "[].summary.properties.whois": "object", path + "[].summary.properties.whois.*": "string",
		})
	}
	return all
}

func manyIndicators(b *bench, t *testing.T, more ...string) [][]string {
	queries := [][]string{append([]string{"indicator", "pulsedive.com"}, more...)}
	for _, r := range decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results {
		queries = append(queries, append([]string{"iid", strconv.Itoa(r.IID)}, more...))
	}
	return queries
}

func TestAnswersHaveTheRecordedShapes(t *testing.T) {
	folder := recorded(t)
	b := start(t, sandbox.Options{})
	for name, p := range indicatorParities(b, t) {
		t.Run(name, func(t *testing.T) { p.check(t, b, folder) })
	}
	for name, p := range listingParities() {
		t.Run(name, func(t *testing.T) { p.check(t, b, folder) })
	}
	for name, p := range scanParities() {
		t.Run(name, func(t *testing.T) { p.check(t, b, folder) })
	}
}

func indicatorParities(b *bench, t *testing.T) map[string]parity {
	return map[string]parity{
		"indicator": {
			path: "/api/indicator.php", queries: manyIndicators(b, t, "schema", "1"),
			recorded: []string{"pulsedive-rb__indicator_get_by_id", "pulsedive-rb__indicator_get_by_value"},
			documented: map[string]string{
				".qid": "null", ".submissions": "number", ".umbrella_rank": "number", ".umbrella_domain": "string",
				".retired": "null, number", ".stamp_probed": "null, string", ".stamp_retired": "null",
				".domain": "null", ".domainiid": "null, string", ".attributes": "empty array", ".properties": "empty array",
				".properties.http.*": "array", ".properties.http.*[]": "string",
				".riskfactors": "empty array", ".threats": "empty array", ".feeds": "empty array",
				".redirects.from": "empty array", ".redirects.to": "empty array",
				".comments": "array, empty array", ".comments[]": "object", ".comments[].cid": "number", ".comments[].uid": "number",
				".comments[].username": "string", ".comments[].title": "string", ".comments[].comment": "string",
				".comments[].stamp_added": "string", ".comments[].stamp_updated": "string",
			},
		},
		"links": {
			path: "/api/indicator.php", queries: manyIndicators(b, t, "get", "links"),
			recorded: []string{"pulsedive-rb__indicator_get_links_by_id"},
			documented: func() map[string]string {
				d := linkRows(".Active DNS", ".Related URLs", ".Related Domains", ".Sources", ".Redirects", ".Name Servers", ".SSL Certificate Domains")
				d[""] = "empty array"
				return d
			}(),
		},
		"properties": {
			path: "/api/indicator.php", queries: manyIndicators(b, t, "get", "properties"),
			recorded: []string{"pulsedive-rb__indicator_get_properties_by_id"},
			documented: map[string]string{
				"": "empty array", ".cookies": "array", ".cookies[]": "object", ".cookies[].pid": "number", ".cookies[].stamp_seen": "string",
				".cookies[].name": "string", ".cookies[].value": "string", ".cookies[].latest": "number",
			},
		},
	}
}

func listingParities() map[string]parity {
	return map[string]parity{
		"threat": {
			path: "/api/threat.php", queries: [][]string{{"tid", "1"}, {"tid", "2"}, {"tid", "3"}, {"tid", "4"}, {"tid", "6"}},
			recorded: []string{"pulsedive-rb__threat_get_by_id", "pulsedive-rb__threat_get_by_name"},
			documented: map[string]string{
				".ttps": "object, empty array", ".ttps.Credential Access": "array", ".ttps.Credential Access[]": "string",
				".ttps.Command and Control": "array", ".ttps.Command and Control[]": "string", ".ttps.Initial Access": "array",
				".ttps.Initial Access[]": "string", ".ttps.Execution": "array", ".ttps.Execution[]": "string",
				".othernames": "empty array", ".news": "empty array",
			},
		},
		"threat's indicators": {
			path: "/api/threat.php", queries: [][]string{{"tid", "1", "get", "links"}, {"tid", "6", "get", "links"}},
			recorded:   []string{"pulsedive-rb__threat_get_linked_indicators_by_id"},
			documented: map[string]string{".results": "empty array"},
		},
		"threat's summary of 2019": {
			answers: func(t *testing.T, b *bench) [][]byte {
				return [][]byte{b.get(t, "/api/threat.php", "tid", "1", "get", "links", "summary", "1", "splitrisk", "1")}
			},
			options: sandbox.Options{Oddities: []string{"shapes-2019"}}, recorded: []string{"pulsedive-rb__threat_get_summary_by_id"},
			documented: map[string]string{".updated_last_domain": "string", ".properties": "object"},
		},
		"threat's summary": {
			path: "/api/threat.php", queries: [][]string{{"tid", "1", "get", "links", "summary", "1", "splitrisk", "1"}},
			recorded: []string{"pulsedive-rb__threat_get_summary_by_id", "docs__threat_summary"},
		},
		"feed": {
			path: "/api/feed.php", queries: [][]string{{"fid", "1"}, {"fid", "2"}},
			recorded: []string{"pulsedive-rb__feed_get_by_id"},
		},
		"feed's indicators": {
			path: "/api/feed.php", queries: [][]string{{"fid", "1", "get", "links"}, {"fid", "4", "get", "links"}},
			recorded: []string{"pulsedive-rb__feed_get_linked_indicators_by_id", "docs__linked_indicators_page0"},
		},
		"explore without a result": {
			path: "/api/explore.php", queries: [][]string{{"q", "ioc=nowhere.test"}},
			recorded: []string{"pulsedive-rb__api_search"}, documented: map[string]string{".query": "string"},
		},
	}
}

// scans submits what feed 1 begins with, and pulsedive.com, and returns the answers to a number of polls each.
func scans(polls int) func(t *testing.T, b *bench) [][]byte {
	return func(t *testing.T, b *bench) (answers [][]byte) {
		values := []string{"pulsedive.com"}
		for _, r := range decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results {
			values = append(values, r.Indicator)
		}
		for _, value := range values {
			submitted := b.post("/api/analyze.php", "value", value, "enrich", "1", "probe", "1").Body.Bytes()
			if polls == 0 {
				answers = append(answers, submitted)
			}
			qid := strconv.Itoa(decode[progress](t, submitted).QID)
			for range polls {
				answers = append(answers, b.get(t, "/api/analyze.php", "qid", qid))
			}
		}
		return answers
	}
}

func scanParities() map[string]parity {
	morning := func() time.Time { return time.Date(2030, 6, 15, 9, 5, 26, 0, time.UTC) }
	return map[string]parity{
		"scan submitted": {
			answers: scans(0), recorded: []string{"msticpy__scan_submitted", "pulsedive-rb__analyze_add_to_queue"},
		},
		"scan in progress": {answers: scans(1), recorded: []string{"docs__analyze_processing"}},
		"scan": {
			answers: scans(1), options: sandbox.Options{ScanPolls: -1, Oddities: []string{"shapes-2023"}},
			recorded: []string{"msticpy__scan_done_trimmed"}, open: []string{".data"},
		},
		"scan of 2019": {
			answers: scans(1), options: sandbox.Options{ScanPolls: -1, Oddities: []string{"shapes-2019"}, Now: morning},
			recorded: []string{"pulsedive-rb__analyze_get_results_by_id"}, open: []string{".data"},
		},
		"TAXII": {
			answers: func(_ *testing.T, b *bench) [][]byte {
				return [][]byte{
					b.taxii(indicators, "limit", "10").Body.Bytes(), b.taxii(indicators, "added_after", "2100-01-01 00:00:00").Body.Bytes(),
				}
			},
			recorded: []string{"docs__taxii_envelope_page"}, documented: map[string]string{".more": "boolean", ".objects": "array"},
			open: []string{".objects[]"},
		},
	}
}

func TestErrorsAreTheDocumentedOnes(t *testing.T) {
	folder := recorded(t)
	b := start(t, sandbox.Options{Plan: "free", Now: func() time.Time { return noon }})
	missing := b.ask("/api/indicator.php", "indicator", "nowhere.test")
	limited := b.ask("/api/indicator.php", "indicator", "nowhere.test")
	for name, got := range map[string]*httptest.ResponseRecorder{"docs__error_404": missing, "docs__error_429": limited} {
		want := read(t, folder, name).(map[string]any)["error"].(string)
		var body struct{ Error string }
		if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if want = strings.ReplaceAll(want, `\`, ""); body.Error != want { // the documentation prints the slash escaped once too often
			t.Errorf("%q, want %q", body.Error, want)
		}
	}
}

package connectors_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// fifty is the collection of fifty objects for trying TAXII out.
const fifty = "981c4916-ebb2-4567-aece-54ae970c4230"

// TestTwoPullsInARow pulls every endpoint that reads by itself twice: both pulls are complete and give the same records, each of them with
// a key that no other has.
func TestTwoPullsInARow(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]map[string]any{
		"indicator.get": {"indicator": "8.8.8.8"}, "indicator.links": {"iid": 2}, "indicator.properties": {"iid": 2},
		"threat.get": {"threat": "Zeus"}, "feed.get": {"feed": "Example Phishing URLs", "organization": "Phish & Co. Ltd."},
		"feed.list": {"name": "example"}, "explore.search": {"q": "risk=critical", "limit": 10}, "explore.threats": {"q": "risk=low+", "limit": 2},
		"scan.indicator": {"value": "google.com"}, "csv.export": {"risk": "critical"}, "taxii.discovery": {}, "taxii.collections": {}, "taxii.objects": {"collection": fifty, "limit": 20},
	}
	for i := range d.Endpoints {
		e := &d.Endpoints[i]
		if e.Each != nil || e.Answers != nil { // they begin with what is kept
			continue
		}
		t.Run(e.ID, func(t *testing.T) {
			t.Parallel()
			params, ok := given[e.ID]
			if !ok {
				params = paramsOf(e.ID)
			}
			u := newUpstream(t, sandbox.Options{Records: 300, PageSize: 70, ScanPolls: -1})
			first, incomplete := u.read(t, e.ID, params)
			second, again := u.read(t, e.ID, params)
			moves := cmpopts.IgnoreMapEntries(func(name string, _ any) bool { return e.ID == "scan.indicator" && name == "qid" })
			if diff := cmp.Diff(first, second, moves); diff != "" || len(first) == 0 || incomplete+again != "" {
				t.Errorf("%d records, then %d; incomplete: %q, %q: %.500s", len(first), len(second), incomplete, again, diff)
			}
			keys := map[string]bool{}
			for _, r := range first {
				key := ""
				for _, name := range e.Request.Key {
					key += fmt.Sprint(r[name]) + "\x00"
				}
				if keys[key] = true; len(e.Request.Key) > 0 && r[e.Request.Key[0]] == nil {
					t.Errorf("a record without its key: %v", r)
				}
			}
			if len(e.Request.Key) > 0 && len(keys) != len(first) {
				t.Errorf("%d records have %d keys", len(first), len(keys))
			}
		})
	}
}

// TestConstantNext reads a collection whose next is the same on every page, twice.
func TestConstantNext(t *testing.T) {
	params := map[string]any{"collection": fifty, "limit": 15}
	usual, _ := newUpstream(t, sandbox.Options{Records: 300}).read(t, "taxii.objects", params)
	u := newUpstream(t, sandbox.Options{Records: 300, Oddities: []string{"constant-next"}})
	for range 2 {
		before := len(u.asked)
		got, incomplete := u.read(t, "taxii.objects", params)
		if diff := cmp.Diff(usual, got); diff != "" || incomplete != "" || len(u.asked)-before < 3 {
			t.Errorf("%d objects of %d in %d requests; incomplete: %q", len(got), len(usual), len(u.asked)-before, incomplete)
		}
	}
}

package sandbox_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// found is what Explore finds, by id.
func (b *bench) found(t *testing.T, q string) map[int]row {
	t.Helper()
	all := map[int]row{}
	for _, r := range b.explore(t, q, "100000") {
		all[r.IID] = r
	}
	return all
}

// Cut at any time, both parts together are the whole and have nothing in common.
func TestTimesPartitionAQuery(t *testing.T) {
	b := start(t, sandbox.Options{})
	whole := b.found(t, "type=domain")
	for _, at := range []string{"2024-01-01", "2024-06-15", `"2024-09-01 12:34:56"`, "2025-03-01", "2030-01-01"} {
		for _, operators := range [][2]string{{"<", ">="}, {"<=", ">"}} {
			before, after := b.found(t, "type=domain and lastseen"+operators[0]+at), b.found(t, "type=domain lastseen"+operators[1]+at)
			if len(before)+len(after) != len(whole) {
				t.Errorf("at %s there are %d %s and %d %s, of %d", at, len(before), operators[0], len(after), operators[1], len(whole))
			}
			for iid := range before {
				if _, both := after[iid]; both {
					t.Errorf("at %s, %d is in both parts", at, iid)
				}
			}
		}
	}
	month := map[int]row{}
	for day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC); day.Month() == time.May; day = day.AddDate(0, 0, 1) {
		for iid, r := range b.found(t, "type=domain lastseen="+day.Format(time.DateOnly)) {
			month[iid] = r
		}
	}
	if diff := cmp.Diff(b.found(t, "type=domain lastseen>=2024-05-01 lastseen<2024-06-01"), month); diff != "" || len(month) == 0 {
		t.Errorf("%d in the days of a month: %s", len(month), diff)
	}
}

func TestPropertiesAndAttributesAreFound(t *testing.T) {
	b := start(t, sandbox.Options{Records: 500})
	for q, want := range map[string]string{
		"http.server=nginx*":                      `"Server":"nginx\/1.24.0"`,
		`geo.city="São Paulo"`:                    `"city":"S\u00e3o Paulo"`,
		"port=8080":                               `"8080"`,
		"technology=wordpress type=domain":        `"WordPress"`,
		"dns.mx=mx2.example.net":                  `"MX2.EXAMPLE.NET"`,
		"hosttype=subdomain and not protocol=SSH": `"Subdomain"`,
	} {
		found := b.found(t, q)
		if len(found) == 0 {
			t.Errorf("%s: nothing", q)
		}
		count := 0
		for iid := range found {
			if count++; count > 20 {
				break
			}
			if body := string(b.get(t, "/api/indicator.php", "iid", strconv.Itoa(iid))); !strings.Contains(body, want) {
				t.Errorf("%s: found %s", q, body)
			}
		}
	}
	if found := b.found(t, "http.++code=503"); len(found) > 0 { // replaced by a later value
		t.Errorf("%d are found by what they were before", len(found))
	}
}

func TestOnlyTimesAreCompared(t *testing.T) {
	b := start(t, sandbox.Options{})
	for q, want := range map[string]string{
		"risk>low": "risk can only be compared with =", "lastseen>yesterday": "lastseen is a day", "lastseen>": "terms are field=value",
		"nothing.x=1": "unknown field",
	} {
		if w := b.ask("/api/explore.php", "q", q); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
	if w := b.ask("/api/explore.php", "type", "threats", "q", "risk<high"); w.Code != http.StatusBadRequest {
		t.Errorf("threats: %d %s", w.Code, w.Body)
	}
}

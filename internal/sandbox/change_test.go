package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// byIID is feed 1 as it is pulled now.
func (b *bench) byIID(t *testing.T) map[int]row {
	t.Helper()
	rows, _ := b.pages(t, "/api/feed.php", "fid", "1")
	all := map[int]row{}
	for _, r := range rows {
		all[r.IID] = r
	}
	return all
}

// What Advance says is what two pulls show.
func TestDataChangesWhenTold(t *testing.T) {
	b := start(t, sandbox.Options{Records: 3000})
	ever := b.byIID(t)
	before := ever
	var sum sandbox.Changes
	for generation := 1; generation <= 6; generation++ {
		said := b.Advance()
		after := b.byIID(t)
		seen := sandbox.Changes{Generation: generation, Touched: said.Touched}
		for iid, r := range after {
			old, was := before[iid]
			_, known := ever[iid]
			switch {
			case !was && known:
				seen.Returned++
			case !was:
				seen.New++
			case old.Risk != r.Risk && r.Risk == "retired":
				seen.Retired++
			case old.Risk != r.Risk:
				seen.Changed++
			}
			ever[iid] = r
		}
		for iid := range before {
			if _, is := after[iid]; !is {
				seen.Vanished++
			}
		}
		if diff := cmp.Diff(said, seen); diff != "" {
			t.Errorf("generation %d: %s", generation, diff)
		}
		sum = sandbox.Changes{New: sum.New + said.New, Changed: sum.Changed + said.Changed, Retired: sum.Retired + said.Retired,
			Vanished: sum.Vanished + said.Vanished, Returned: sum.Returned + said.Returned, Touched: sum.Touched + said.Touched}
		before = after
	}
	if sum.New == 0 || sum.Changed == 0 || sum.Retired == 0 || sum.Vanished == 0 || sum.Returned == 0 || sum.Touched == 0 {
		t.Errorf("in six generations: %+v", sum)
	}
}

// All ways to ask agree on what has vanished.
func TestVanishedIndicatorsAreNowhere(t *testing.T) {
	b := start(t, sandbox.Options{Records: 6000, Oddities: []string{"fresh-export"}})
	before := b.byIID(t)
	b.Advance()
	after := b.byIID(t)
	exported := map[string]bool{}
	for _, r := range b.table(t, "fields", "id", "retired", "true") {
		exported[r[0]] = true
	}
	offered := map[string]bool{}
	objects, _ := b.all(t, indicators, "limit", "1000", "match[type]", "indicator")
	for _, o := range objects {
		offered[o.External[0].ID] = true
	}
	vanished := 0
	for iid, r := range before {
		if _, is := after[iid]; is {
			continue
		}
		vanished++
		id := strconv.Itoa(iid)
		for _, query := range [][]string{{"iid", id}, {"indicator", r.Indicator}} {
			if w := b.ask("/api/indicator.php", query...); w.Code != http.StatusNotFound {
				t.Errorf("%q: %d", query, w.Code)
			}
		}
		if exported[id] || offered[id] || len(b.explore(t, `ioc="`+r.Indicator+`"`, "1")) > 0 {
			t.Errorf("%v is exported (%v), offered (%v) or found", r, exported[id], offered[id])
		}
	}
	if want := len(after) + 1; vanished == 0 || len(exported) != want || len(offered) != len(after) { // with the header
		t.Errorf("%d vanished, %d are exported, %d offered, %d listed", vanished, len(exported), len(offered), len(after))
	}
}

func TestObjectsChangeInPlace(t *testing.T) {
	b := start(t, sandbox.Options{Records: 6000})
	before := map[string]stixObject{}
	objects, _ := b.all(t, indicators, "limit", "1000")
	for _, o := range objects {
		before[o.ID] = o
	}
	b.Advance()
	changed, revoked, added := 0, 0, 0
	objects, _ = b.all(t, indicators, "limit", "1000")
	for _, o := range objects {
		old, was := before[o.ID]
		switch {
		case !was:
			added++
		case o.Created != old.Created || o.Modified < old.Modified:
			t.Errorf("%+v became %+v", old, o)
		case o.Modified > old.Modified:
			changed++
			if o.Revoked && !old.Revoked {
				revoked++
			}
		}
	}
	if changed == 0 || revoked == 0 || added == 0 {
		t.Errorf("%d changed, %d of them are revoked, %d are new", changed, revoked, added)
	}
}

func TestExportIsTheSameForAnHour(t *testing.T) {
	now := noon
	b := start(t, sandbox.Options{Now: func() time.Time { return now }})
	first := b.table(t)
	b.Advance()
	now = now.Add(time.Hour - 1)
	if diff := cmp.Diff(first, b.table(t)); diff != "" {
		t.Errorf("within the hour: %s", diff)
	}
	now = now.Add(1)
	if cmp.Equal(first, b.table(t)) {
		t.Error("after an hour it is still the same")
	}
}

func TestAdvanceOverHTTP(t *testing.T) {
	b := start(t, sandbox.Options{Records: 6000})
	got := decode[map[string]int](t, b.do(httptest.NewRequest(http.MethodPost, "/_advance", nil)).Body.Bytes())
	if got["generation"] != 1 || got["new"] != 60 || got["vanished"] == 0 {
		t.Errorf("%v", got)
	}
	if w := b.do(httptest.NewRequest(http.MethodGet, "/_advance", nil)); w.Code == http.StatusOK {
		t.Error("it can be done with GET")
	}
	other := start(t, sandbox.Options{Records: 6000})
	other.Advance()
	if diff := cmp.Diff(b.byIID(t), other.byIID(t)); diff != "" {
		t.Errorf("another sandbox changes otherwise: %s", diff)
	}
}

package sandbox

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// spread returns numbers all over a world: the first ones, those where IPv4 ends, the last ones.
func spread(w *world) []int {
	var numbers []int
	for _, from := range []int{0, ipCount*kindPeriod - 500, w.size/2 + 1, w.size - 1000} {
		for n := from; n < from+1000; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func TestIndicatorsAreFoundByWhatTheyAre(t *testing.T) {
	for _, seed := range []uint64{0, 1, 1 << 63} {
		w := newWorld(seed, maxRecords)
		for _, n := range append(spread(w), self) {
			i := w.indicator(n)
			for _, value := range []string{i.value(), " " + i.value() + "\n", shout(i)} {
				if found, ok := w.byValue(value); !ok || found.n != n {
					t.Fatalf("seed %d: %q is number %d (%v), not %d", seed, value, found.n, ok, n)
				}
			}
			if found, ok := w.byIID(i.iid()); !ok || found.n != n {
				t.Fatalf("seed %d: id %d is number %d (%v), not %d", seed, i.iid(), found.n, ok, n)
			}
		}
	}
}

// shout spells an indicator in upper case, where that does not matter.
func shout(i indicator) string {
	if i.kind() == kindURL {
		return i.value()
	}
	return strings.ToUpper(i.value())
}

func TestOthersAreNotFound(t *testing.T) {
	w := newWorld(1, 100)
	last := w.indicator(w.size)
	for _, value := range []string{
		"", "example.com", "x", "192.0.2", "10.0.0.1", "::1", "2001:db8::1", "::ffff:192.0.2.1", "https://", "https://example.com/",
		"a-b-c.example.com", w.indicator(0).value() + ".evil.test", w.indicator(1).value() + "x", last.value(),
		strings.Repeat("z", 10_000), "http://a-b-zzzzzzz.example.com/",
	} {
		if found, ok := w.byValue(value); ok {
			t.Errorf("%.50q is found as number %d", value, found.n)
		}
	}
	for _, iid := range []int{-1, 0, firstIID - 1, last.iid(), 1 << 62} {
		if found, ok := w.byIID(iid); ok {
			t.Errorf("id %d is found as number %d", iid, found.n)
		}
	}
}

func TestIDsGrowAndHaveOneMeaning(t *testing.T) {
	w := newWorld(3, 20_000)
	before := 0
	for n := range w.size {
		i := w.indicator(n)
		if i.iid() <= before {
			t.Fatalf("id of number %d is %d, after %d", n, i.iid(), before)
		}
		before = i.iid()
	}
	found := 0
	for iid := range firstIID + 1000*iidStep {
		if _, ok := w.byIID(iid); ok {
			found++
		}
	}
	if found != 1000+len(famous) {
		t.Errorf("%d ids mean something among the first thousand indicators", found)
	}
}

func TestListingsKnowTheirIndicators(t *testing.T) {
	w := newWorld(1, 50)
	for _, f := range w.feeds {
		got := 0
		for n := -20; n < w.size+20; n++ {
			if f.contains(n) {
				if f.at(got) != n {
					t.Errorf("feed %d: indicator %d is %d, not %d", f.id, got, f.at(got), n)
				}
				got++
			}
		}
		if got != f.count {
			t.Errorf("feed %d has %d indicators, says %d", f.id, got, f.count)
		}
	}
}

func TestSummaryCountsWhatIsListed(t *testing.T) {
	w := newWorld(1, 500)
	feed, threat := w.feeds[0], w.threats[0]
	got, err := w.count(t.Context(), threat.listing, []listing{feed.listing})
	if err != nil {
		t.Fatal(err)
	}
	var all, both tally
	for k := range threat.count {
		i := w.indicator(threat.at(k))
		all[i.shownRisk()]++
		if feed.contains(i.n) {
			both[i.shownRisk()]++
		}
	}
	if diff := cmp.Diff(counts{all: all, byProfile: got.byProfile, byOther: []tally{both}}, got, cmp.AllowUnexported(counts{})); diff != "" {
		t.Error(diff)
	}
	if all.total() != threat.count || both.total() != 100 {
		t.Errorf("counted %d and %d, want %d and 100", all.total(), both.total(), threat.count)
	}
}

// A row is made without allocating, wherever in a feed it stands: that is why ten million records need no memory.
func TestRowsAreMadeOnTheFly(t *testing.T) {
	w := newWorld(1, maxRecords)
	e := &encoder{w: io.Discard, b: make([]byte, 0, 2*chunk), scratch: make([]byte, 0, 1024)}
	for _, n := range []int{0, 1, 3, 7, maxRecords - 1} {
		allocs := testing.AllocsPerRun(100, func() {
			i := w.indicator(n)
			e.linkRow(i, i.linked(linkedByFeed+1), "{}")
		})
		if allocs > 0 {
			t.Errorf("row %d allocates %v times", n, allocs)
		}
	}
}

func FuzzByValue(f *testing.F) {
	w := newWorld(1, 5000)
	for _, n := range []int{self, 0, 1, 3, 7} {
		f.Add(w.indicator(n).value())
	}
	f.Add("http://-0.")
	f.Fuzz(func(t *testing.T, value string) {
		i, ok := w.byValue(value)
		if !ok {
			return
		}
		if again, ok := w.byValue(i.value()); !ok || again.n != i.n {
			t.Errorf("%q is number %d, whose value %q is number %d (%v)", value, i.n, i.value(), again.n, ok)
		}
	})
}

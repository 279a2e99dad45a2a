package quota

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
)

// world is a system that allows so many calls a day, and processes that share what the database says about it.
type world struct {
	t        *rapid.T
	now      time.Time
	limit    int64
	counted  int64 // by the system, this day
	tells    bool  // it says what is left
	windows  []sallyport.QuotaWindow
	portions map[string]sallyport.QuotaPortion
	workers  map[string]*worker
	born     int
}

// worker is what a process knows: what a budget keeps of a period.
type worker struct {
	claimOn
	until time.Time
	end   time.Time
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), portions: map[string]sallyport.QuotaPortion{}, workers: map[string]*worker{},
		limit: rapid.Int64Range(1, 500).Draw(t, "limit"), tells: rapid.Bool().Draw(t, "tells"),
	}
	w.windows = []sallyport.QuotaWindow{{
		CredentialID: "c", Window: sallyport.WindowDay, Limit: w.limit, Origin: sallyport.QuotaPlan,
		Reserve: sallyport.Reserve{Calls: rapid.Int64Range(0, w.limit-1).Draw(t, "reserve")},
	}}
	return w
}

func (w *world) pick() *worker {
	names := slices.Sorted(maps.Keys(w.workers))
	if len(names) == 0 {
		w.t.Skip("nobody is there")
	}
	return w.workers[rapid.SampledFrom(names).Draw(w.t, "worker")]
}

func (w *world) start() {
	w.born++
	w.workers[strconv.Itoa(w.born)] = &worker{}
}

func (w *world) name(of *worker) string {
	for name, worker := range w.workers {
		if worker == of {
			return name
		}
	}
	return ""
}

// settle does what a budget does in a transaction.
func (w *world) settle(of *worker, wants, person, release bool) {
	name := w.name(of)
	windows := slices.Clone(w.windows)
	l := newLedger("c", name, w.now, windows, slices.Collect(maps.Values(w.portions)))
	of.wants, of.person, of.release = wants, person, release
	s := l.settle(sallyport.WindowDay, of.claimOn)
	for _, p := range l.gone {
		delete(w.portions, p.Holder)
	}
	for _, p := range l.portions[sallyport.WindowDay] {
		w.portions[p.Holder] = *p
	}
	w.windows = []sallyport.QuotaWindow{*l.windows[sallyport.WindowDay]}
	of.claimOn = claimOn{began: s.began, unspent: s.held, held: s.held, seen: s.seen}
	of.until, of.end = w.now.Add(lease-beat), s.end
}

// wait lets up to so many seconds pass, and a new day begin.
func (w *world) wait(most int) {
	before := begin(sallyport.WindowDay, w.now)
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, most).Draw(w.t, "seconds")) * time.Second)
	if begin(sallyport.WindowDay, w.now).After(before) {
		w.counted = 0
	}
}

// send makes a call of a portion.
func (w *world) send(of *worker) {
	if of.unspent < 1 || !w.now.Before(of.until) || !w.now.Before(of.end) {
		return
	}
	of.unspent--
	of.spent++
	if w.counted++; w.counted > w.limit {
		w.t.Fatalf("%d calls of %d", w.counted, w.limit)
	}
	if w.tells {
		left := w.limit - w.counted
		of.news, of.unspent = news{told: true, left: left, at: w.now}, min(of.unspent, left)
	}
}

// TestPortionsNeverExceedADay lets processes come, spend, settle and die in any order.
func TestPortionsNeverExceedADay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"start": func(*rapid.T) { w.start() },
			"run": func(t *rapid.T) {
				worker := w.pick()
				w.settle(worker, worker.unspent < 1, false, false)
				for range rapid.IntRange(0, 20).Draw(t, "calls") {
					w.send(worker)
				}
			},
			"person": func(*rapid.T) {
				worker := w.pick()
				w.settle(worker, worker.unspent < 1, true, false)
				w.send(worker)
			},
			"settle":        func(*rapid.T) { w.settle(w.pick(), false, false, false) },
			"release":       func(*rapid.T) { w.settle(w.pick(), false, false, true) },
			"die":           func(*rapid.T) { delete(w.workers, w.name(w.pick())) },
			"wait":          func(*rapid.T) { w.wait(5 * 3600) },
			"wait a little": func(*rapid.T) { w.wait(12) },
			"": func(t *rapid.T) { // whoever settles last, alone, finds no more than there is
				if row := w.windows[0]; row.Used > row.Limit && !w.tells {
					t.Fatalf("%d used of %d", row.Used, row.Limit)
				}
			},
		})
	})
}

func TestFairShare(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	for name, test := range map[string]struct {
		limit  int64
		wanted []int64 // of processes that had their turn in this order
		want   []int64
	}{
		"alone":                  {50, []int64{50}, []int64{50}},
		"alone, modest":          {50, []int64{3}, []int64{3}},
		"nobody gets more":       {50, []int64{50, 5}, []int64{45, 5}},
		"all want all":           {50, []int64{50, 50, 50}, []int64{16, 17, 17}},
		"one is idle":            {50, []int64{0, 50}, []int64{0, 50}},
		"the longest in waiting": {1, []int64{1, 1, 1}, []int64{1, 0, 0}},
		"two of three":           {2, []int64{9, 9, 9}, []int64{1, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var all []*sallyport.QuotaPortion
			for i, n := range test.wanted {
				all = append(all, &sallyport.QuotaPortion{Holder: string(rune('a' + i)), Wanted: n, TurnAt: at(i)})
			}
			sum := int64(0)
			for i, p := range all {
				others := slices.Concat(all[:i], all[i+1:])
				got := fairShare(test.limit, p, others)
				if sum += got; got != test.want[i] {
					t.Errorf("process %d gets %d, want %d", i, got, test.want[i])
				}
			}
			if sum > test.limit {
				t.Errorf("all together get %d of %d", sum, test.limit)
			}
		})
	}
}

func TestCalendar(t *testing.T) {
	zone := time.FixedZone("", -3600)
	at := time.Date(2026, 12, 31, 23, 30, 0, 0, zone) // in UTC it is a new year
	for window, want := range map[string][2]string{
		sallyport.WindowDay:   {"2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"},
		sallyport.WindowMonth: {"2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"},
	} {
		if from, to := begin(window, at).Format(time.RFC3339), end(window, at).Format(time.RFC3339); from != want[0] || to != want[1] {
			t.Errorf("%s: %s to %s, want %v", window, from, to, want)
		}
	}
	late := time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC)
	for window, want := range map[string]string{sallyport.WindowDay: "2026-02-01T00:00:00Z", sallyport.WindowMonth: "2026-02-01T00:00:00Z"} {
		if got := probe(window, late).Format(time.RFC3339); got != want {
			t.Errorf("%s: tried again %s, want %s", window, got, want)
		}
	}
}

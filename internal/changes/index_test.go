package changes

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
)

var someDay = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// TestTableIsAMap does the same to a table and to a map. Keys are small in number and crowd together, so that they push each other on.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table table
		defer table.free()
		want := map[uint64]uint64{}
		crowded := rapid.Custom(func(t *rapid.T) uint64 {
			return uint64(rapid.IntRange(0, 3).Draw(t, "crowd"))<<62 + uint64(rapid.IntRange(1, 1000).Draw(t, "place"))<<rapid.IntRange(0, 50).Draw(t, "spread")
		})
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			for i, key := range rapid.SliceOfN(crowded, 0, 500).Draw(t, "keys") {
				key = max(key, 1)
				if e, _ := table.find(key); e != nil {
					e.state = uint64(i)
				} else {
					table.put(key, uint64(i))
				}
				want[key] = uint64(i)
			}
			table.reserve(rapid.IntRange(0, 9000).Draw(t, "reserved"))
		}
		sameAsMap(t, &table, want)
	})
}

func sameAsMap(t *rapid.T, table *table, want map[uint64]uint64) {
	if table.n != len(want) {
		t.Fatalf("%d entries, want %d", table.n, len(want))
	}
	var keys []uint64
	for e := range table.all {
		keys = append(keys, e.key)
		if want[e.key] != e.state {
			t.Fatalf("key %d has %d, want %d", e.key, e.state, want[e.key])
		}
	}
	if !slices.Equal(keys, slices.Sorted(maps.Keys(want))) {
		t.Fatal("the keys are others, or not in order")
	}
	for key, state := range want {
		if e, _ := table.find(key); e == nil || e.state != state {
			t.Fatalf("key %d is not found", key)
		}
		if e, _ := table.find(key + 1); e != nil && want[key+1] != e.state {
			t.Fatalf("key %d was never put in", key+1)
		}
	}
}

func TestTableGrows(t *testing.T) {
	x := filled(3 * blockEntries)
	defer x.Close()
	if x.n != 3*blockEntries || len(x.blocks) > 4 || float64(x.homes) > 1.2*float64(x.n) {
		t.Errorf("%d entries have %d places in %d blocks", x.n, x.homes, len(x.blocks))
	}
	for e := range x.all {
		if found, _ := x.find(e.key); found != e {
			t.Fatalf("key %d is not found where it is", e.key)
		}
	}
}

// world is what a source has, as a model: by key, whether it is retired, and its content.
type world map[uint64]uint64

// model is what was told of a record last: its state, or vanished, and how many complete pulls in a row have missed it since.
type model struct {
	state  uint64
	missed int
}

// TestRunsFindEveryChangeOnce changes a world, pulls it with runs that break off, fail, end whole or incomplete, and compares what an index
// that goes through what is written down says with what a model says. A record vanishes after so many complete pulls as must confirm it,
// whatever that is in the run.
func TestRunsFindEveryChangeOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := map[uint64]model{}
		var log history
		now := world{}
		for run := range rapid.IntRange(1, 8).Draw(t, "runs") {
			for range rapid.IntRange(0, 20).Draw(t, "events") {
				key := uint64(rapid.IntRange(1, 15).Draw(t, "key")) << 58
				if rapid.Bool().Draw(t, "there") {
					now[key] = stateOf(uint64(rapid.IntRange(1, 3).Draw(t, "content"))<<8, rapid.Bool().Draw(t, "retired"))
				} else {
					delete(now, key)
				}
			}
			log.run(t, int64(run+1), now, known)
		}
	})
}

// history is what is written down of an index, as the store keeps it.
type history struct{ parts []part }

type part struct {
	run     int64
	entries Entries
	keys    Keys
}

// open builds an index as an execution of a run does.
func (h *history) open(t *rapid.T, run int64) *Index {
	x := &Index{}
	x.Reserve(rapid.Int64Range(0, 100_000).Draw(t, "bytes"))
	for _, p := range h.parts {
		if err := x.Load(p.entries, p.run == run, p.run == 0); err != nil {
			t.Fatal(err)
		}
		if p.run == run {
			if err := x.See(p.keys); err != nil {
				t.Fatal(err)
			}
		}
	}
	return x
}

// run pulls the world, key after key, in executions of some records each, and then ends in some way.
func (h *history) run(t *rapid.T, run int64, now world, known map[uint64]model) {
	before := maps.Clone(known)
	rest := slices.Sorted(maps.Keys(now))
	if rapid.IntRange(0, 4).Draw(t, "fails") == 0 {
		h.pull(t, run, rest[:len(rest)/2], now, known)
		return
	}
	kept := len(h.parts)
	h.pull(t, run, rest, now, known)
	x := h.open(t, run)
	defer x.Close()
	if want := standingOf(before); x.Known() != want {
		t.Fatalf("run %d: %d records were known, want %d", run, x.Known(), want)
	}
	if rapid.IntRange(0, 4).Draw(t, "rejected") == 0 { // what the run has written down goes
		h.parts = h.parts[:kept]
		clear(known)
		maps.Copy(known, before)
		return
	}
	if rapid.IntRange(0, 4).Draw(t, "incomplete") > 0 {
		h.vanish(t, run, x, now, known)
	}
	if rapid.Bool().Draw(t, "whole") {
		h.parts = nil
		for entries := range x.Whole(someDay) {
			h.parts = append(h.parts, part{0, slices.Clone(entries), nil})
		}
	}
}

func standingOf(known map[uint64]model) (n int) {
	for _, m := range known {
		if m.state != vanished {
			n++
		}
	}
	return n
}

func (h *history) pull(t *rapid.T, run int64, keys []uint64, now world, known map[uint64]model) {
	for len(keys) > 0 {
		n := rapid.IntRange(1, len(keys)).Draw(t, "committed")
		x := h.open(t, run)
		p := part{run: run}
		for i, key := range keys {
			look := Look{key: key, state: now[key]}
			got, moved := x.Judge(look)
			if i >= n {
				continue // judged, but the process died before it was committed
			}
			if want := expected(known, key, now[key]); got != want {
				t.Fatalf("run %d: key %x is %s, want %s", run, key, got, want)
			}
			if moved {
				p.entries = p.entries.Add(look)
			} else {
				p.keys = p.keys.Add(look)
			}
			known[key] = model{state: now[key]}
		}
		x.Close()
		h.parts, keys = append(h.parts, p), keys[n:]
	}
}

func expected(known map[uint64]model, key, state uint64) sallyport.Change {
	m, ok := known[key]
	before := m.state
	switch {
	case !ok:
		return sallyport.ChangeNew
	case state&retired != 0 && before&standing != retired:
		return sallyport.ChangeRetired
	case state&retired == 0 && before&standing != active:
		return sallyport.ChangeReturned
	case before == state:
		return sallyport.ChangeUnchanged
	}
	return sallyport.ChangeChanged
}

// vanish ends a complete pull. The process may die halfway.
func (h *history) vanish(t *rapid.T, run int64, x *Index, now world, known map[uint64]model) {
	confirm := rapid.IntRange(1, sallyport.MaxConfirm).Draw(t, "confirm")
	var got, want []uint64
	for _, key := range slices.Sorted(maps.Keys(known)) {
		m := known[key]
		if _, there := now[key]; there || m.state == vanished {
			continue
		}
		if m.missed++; m.missed >= confirm {
			want, m = append(want, key), model{state: vanished}
		}
		known[key] = m
	}
	if n := x.Vanishing(confirm); n != len(want) {
		t.Fatalf("run %d: %d records vanish, want %d", run, n, len(want))
	}
	p := part{run: run}
	for look := range x.AllMissing(0, confirm-2) {
		p.entries = p.entries.Add(x.Miss(look))
	}
	h.parts = append(h.parts, p)
	if rapid.Bool().Draw(t, "dies") {
		x.Close()
		*x = *h.open(t, run)
	}
	p = part{run: run}
	for look := range x.AllMissing(0, sallyport.MaxConfirm) {
		got = append(got, look.key)
		p.entries = p.entries.Add(x.Vanish(look, someDay))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("run %d: vanished: %s", run, diff)
	}
	h.parts = append(h.parts, p)
}

// TestIndexOfAnOlderVersion reads what was written when all but three bits of a state were of the content's hash.
func TestIndexOfAnOlderVersion(t *testing.T) {
	const content = 0xfedcba9876543210
	state := uint64(content)&^7 | 8
	look := func(key uint64) Look { return Look{key: key << 60, state: stateOf(content, false)} }
	var old Entries
	old = old.Add(Look{key: 1 << 60, state: state})
	old = old.Add(Look{key: 2 << 60, state: state | retired})
	old = old.Add(Look{key: 3 << 60, state: vanishedOn(someDay)})
	old = old.Add(Look{key: 4 << 60, state: vanishedOn(someDay.Add(24 * time.Hour))})
	old = old.Add(Look{key: 5 << 60, state: state})
	for _, wasSeen := range []bool{false, true} {
		x := &Index{}
		if err := x.Load(old, wasSeen, false); err != nil {
			t.Fatal(err)
		}
		missing := 3
		if wasSeen {
			missing = 0
		}
		if n := x.Vanishing(1); n != missing || x.Vanishing(2) != 0 {
			t.Errorf("%d records are missing, and %d of them were so before", n, x.Vanishing(2))
		}
		for key, want := range map[uint64]sallyport.Change{1: sallyport.ChangeUnchanged, 2: sallyport.ChangeReturned, 3: sallyport.ChangeReturned, 4: sallyport.ChangeReturned} {
			if got, _ := x.Judge(look(key)); got != want {
				t.Errorf("record %d is %s, want %s", key, got, want)
			}
		}
		x.Close()
	}
}

func TestWhatVanishedLongAgoIsForgotten(t *testing.T) {
	x := &Index{}
	defer x.Close()
	for key := range uint64(3) {
		x.Judge(Look{key: (key + 1) << 60, state: 16})
	}
	x.Vanish(Look{key: 1 << 60}, someDay.Add(-remembered-48*time.Hour))
	x.Vanish(Look{key: 2 << 60}, someDay.Add(-remembered/2))
	again := &Index{}
	defer again.Close()
	for part := range x.Whole(someDay) {
		if err := again.Load(part, false, true); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[uint64]sallyport.Change{1: sallyport.ChangeNew, 2: sallyport.ChangeReturned, 3: sallyport.ChangeUnchanged} {
		if got, _ := again.Judge(Look{key: key << 60, state: 16}); got != want {
			t.Errorf("record %d is %s, want %s", key, got, want)
		}
	}
}

func TestDamagedPartsAreErrors(t *testing.T) {
	x := &Index{}
	defer x.Close()
	if x.Load(make(Entries, 17), false, false) == nil || x.See(make(Keys, 9)) == nil {
		t.Error("a damaged part was taken in")
	}
	if err := x.Load(make(Entries, 16), false, false); err != nil || x.Keys() != 0 {
		t.Errorf("an entry without a key: %v, %d keys", err, x.Keys())
	}
}

func TestUntidy(t *testing.T) {
	x := filled(1 << 18)
	defer x.Close()
	if x.Untidy() {
		t.Error("an index of few entries must be written as a whole")
	}
	y := filled(1<<18 + 1<<16)
	defer y.Close()
	if !y.Untidy() {
		t.Error("an index of many entries need not be written as a whole")
	}
	whole := &Index{}
	defer whole.Close()
	whole.Reserve(int64(y.Keys() * entryBytes))
	for part := range y.Whole(someDay) {
		if err := whole.Load(part, false, true); err != nil {
			t.Fatal(err)
		}
	}
	if whole.Untidy() || whole.Keys() != y.Keys() {
		t.Errorf("an index that was written as a whole must be written again, or has %d of %d keys", whole.Keys(), y.Keys())
	}
}

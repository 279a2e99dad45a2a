package rest

import (
	"fmt"
	"hash/maphash"
	"testing"
)

// TestKnown remembers pages of a long list, and looks up the first records of pages that may come behind them.
func TestKnown(t *testing.T) {
	const size = 1000
	k := newKnown([]string{"id"}, maphash.MakeSeed())
	add := func(from int, content uint64, look bool) (fresh, moved bool) {
		return k.add(fmt.Appendf(nil, `{"id":%d}`, from), uint64(from)*10+content, look)
	}
	for page := range 40 {
		for i := range size {
			if fresh, _ := add(page*size+i, 1, i == 0); i == 0 && !fresh {
				t.Fatalf("page %d is not fresh", page)
			}
		}
		k.turn()
	}
	for _, test := range []struct {
		id           int
		content      uint64
		fresh, moved bool
	}{
		{0, 1, false, false},           // the first page again
		{99, 2, false, true},           // with another content
		{40*size - 1, 1, false, false}, // the last page
		{39*size - 1, 1, false, false}, // the one before it
		{32 * size, 1, false, false},   // one of the last maxKnown
		{2 * size, 1, true, false},     // long forgotten
		{40 * size, 1, true, false},    // new
		{39*size + 5, 3, false, true},
	} {
		if fresh, moved := add(test.id, test.content, true); fresh != test.fresh || moved != test.moved {
			t.Errorf("record %d: fresh %v, moved %v", test.id, fresh, moved)
		}
	}
	if len(k.late) > 2*maxKnown+size {
		t.Errorf("it remembers %d records", len(k.late))
	}
	if fresh, _ := k.add([]byte(`{"name":"no key"}`), 1, true); !fresh {
		t.Error("a record without a key is not fresh")
	}
}

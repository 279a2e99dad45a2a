package changes

import "math/bits"

// entry is a key and what is known of its record. The key 0 is none.
type entry struct{ key, state uint64 }

const blockEntries = 1 << 16

// block is a part of a table's slots, of 1 MB.
type block = [blockEntries]entry

// How a table grows that is nine tenths full. It is a balance: a fuller one is smaller, and slower to add to.
const (
	growth   = 16   // by one of so many parts,
	smallest = 4096 // slots
)

// table is a hash table whose entries stand in the order of their keys: each at the place that its key has among all possible ones, or
// behind others that have it too. So there is no directory, it grows in place, and it is read in order. Keys must be evenly spread.
type table struct {
	blocks []*memory
	homes  uint64 // slots that a key may belong to; some more follow, for those that did not find room
	end    uint64 // no entry stands there or behind
	n      int
}

// room is how many slots there are.
func (t *table) room() uint64 { return uint64(len(t.blocks)) * blockEntries }

func (t *table) at(i uint64) *entry { return &t.blocks[i/blockEntries].entries[i%blockEntries] }

// home is the first slot that a key may stand in.
func (t *table) home(key uint64) uint64 {
	slot, _ := bits.Mul64(key, t.homes)
	return slot
}

// find returns the entry of a key, and where it is or would have to be.
func (t *table) find(key uint64) (e *entry, slot uint64) {
	for slot = t.home(key); slot < t.end; slot++ {
		if e := t.at(slot); e.key == key {
			return e, slot
		} else if e.key == 0 || e.key > key {
			break
		}
	}
	return nil, slot
}

// put adds a key that is not there.
func (t *table) put(key, state uint64) {
	if t.n+1 > limit(t.homes) {
		t.resize(larger(t.homes))
	}
	_, slot := t.find(key)
	t.n++
	for moved := (entry{key, state}); moved.key != 0; slot++ {
		t.reach(slot + 1)
		e := t.at(slot)
		*e, moved = moved, *e
	}
}

// limit is how many entries a table of a size may have.
func limit(homes uint64) int { return int(homes - homes/10) }

// larger is the next size of a table: small ones double.
func larger(homes uint64) uint64 {
	if homes < blockEntries {
		return max(smallest, 2*homes)
	}
	return homes + homes/growth
}

// reserve makes a table large enough for n entries.
func (t *table) reserve(n int) {
	if homes := uint64(n) + uint64(n)/9 + 1; n > limit(t.homes) {
		t.resize(max(smallest, homes))
	}
}

// reach makes sure that there are so many slots.
func (t *table) reach(slots uint64) {
	for t.room() < slots {
		t.blocks = append(t.blocks, newMemory())
	}
	t.end = max(t.end, slots)
}

// resize spreads the entries over more slots, within the table's own memory: all are pushed together at the far end, and then, beginning
// with the first, put where they belong. None moves over one that still stands behind it.
func (t *table) resize(homes uint64) {
	from := t.end
	t.homes = homes
	next := uint64(0)
	for i := range from {
		if e := t.at(i); e.key != 0 {
			next = max(next, t.home(e.key)) + 1
		}
	}
	t.reach(next)
	to := t.end
	for i := from; i > 0; i-- {
		if e := *t.at(i - 1); e.key != 0 {
			to--
			*t.at(i - 1) = entry{}
			*t.at(to) = e
		}
	}
	next = 0
	for ; to < t.end; to++ {
		e := *t.at(to)
		*t.at(to) = entry{}
		next = max(next, t.home(e.key)) + 1
		*t.at(next - 1) = e
	}
	t.end = next
}

// all yields the entries in the order of their keys. Their states may be changed meanwhile.
func (t *table) all(yield func(*entry) bool) {
	for i := range t.end {
		if e := t.at(i); e.key != 0 && !yield(e) {
			return
		}
	}
}

// free gives the memory back. The table is empty then.
func (t *table) free() {
	for _, m := range t.blocks {
		m.free()
	}
	*t = table{}
}

package changes

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/sallyport-io/sallyport"
)

// The lowest bits of a state say how a record is; the others are of its content's hash or, once it has vanished, the day of that. As it is
// written down, the three lowest bits are one of the following, or, of a record that was missing from n complete pulls in a row, active or
// retired with n+1 above it. A fourth bit is there in memory only.
const (
	active   = 0
	retired  = 1
	vanished = 2
	missing  = 4 // the first of those for missing records; 3 is none of them
	step     = 2 // for one more pull
	standing = 7 // the bits of these
	seen     = 8 // in this run; a record that has vanished has no such bit
	flags    = standing | seen
)

// MaxKeys bounds how many keys an index holds: it would need more memory than most machines have.
const MaxKeys = 500_000_000

// remembered is how long it is known of a record that it has vanished. One that comes back later is new.
const remembered = 400 * 24 * time.Hour

func stateOf(content uint64, isRetired bool) uint64 {
	state := content &^ flags
	if isRetired {
		state |= retired
	}
	return state
}

// Index knows the keys and contents of the records of the last pull. It is used by one goroutine at a time, and must be closed: its memory
// is not collected.
type Index struct {
	table
	tail   int                       // entries that were taken in since the index was written as a whole
	known  int                       // records that had not vanished when the run began
	unseen [sallyport.MaxConfirm]int // records that this run has not seen, by how many complete pulls before it they were missing from
}

// Close gives the index's memory back.
func (x *Index) Close() { x.free() }

// Keys is how many keys are known.
func (x *Index) Keys() int { return x.n }

// Reserve makes room for entries that will be loaded, of so many bytes together. It comes first: entries of a whole index come in the order
// of their keys, and would crowd together in one that is too small.
func (x *Index) Reserve(bytes int64) { x.reserve(int(bytes / entryBytes)) }

// Known is how many records had not vanished when the run began.
func (x *Index) Known() int { return x.known }

// Judge takes a record in, and tells what became of it, and whether that must be written down as an entry: something is another than it was.
func (x *Index) Judge(look Look) (change sallyport.Change, moved bool) {
	e, _ := x.find(look.key)
	if e == nil {
		x.tail++
		x.put(look.key, look.state|seen)
		return sallyport.ChangeNew, true
	}
	change = compare(e.state, look.state)
	moved = change != sallyport.ChangeUnchanged || e.state&missing != 0
	if moved {
		x.tail++
	}
	x.set(e, look.state|seen)
	return change, moved
}

// set gives an entry another state.
func (x *Index) set(e *entry, state uint64) {
	x.count(e.state, -1)
	x.count(state, 1)
	e.state = state
}

// count adds to the number of those records that were not seen.
func (x *Index) count(state uint64, n int) {
	if state&standing != vanished && state&seen == 0 {
		x.unseen[misses(state)] += n
	}
}

// misses is how many complete pulls in a row a record was missing from.
func misses(state uint64) int {
	if state&missing == 0 {
		return 0
	}
	return int(state&standing-missing)/step + 1
}

// basic is a state without its misses.
func basic(state uint64) uint64 {
	if state&missing == 0 {
		return state
	}
	return state&^standing | state&retired
}

// compare tells what became of a record between two states.
func compare(before, now uint64) sallyport.Change {
	before = basic(before)
	was, is := before&standing, now&standing
	switch {
	case was == is && before&^flags == now&^flags:
		return sallyport.ChangeUnchanged
	case was == is:
		return sallyport.ChangeChanged
	case is == retired:
		return sallyport.ChangeRetired
	}
	return sallyport.ChangeReturned
}

// Missing tells whether a record was not seen in this run, but neither has vanished before.
func (x *Index) Missing(look Look) bool {
	e, _ := x.find(look.key)
	return e != nil && isMissing(e)
}

func isMissing(e *entry) bool { return e.state&standing != vanished && e.state&seen == 0 }

// Vanishing is how many records vanish if this run ends now and is complete: those that it did not see, and that confirm pulls in a row have
// missed then.
func (x *Index) Vanishing(confirm int) (n int) {
	for _, unseen := range x.unseen[confirm-1:] {
		n += unseen
	}
	return n
}

// Miss takes in that a complete pull did not have a record, which has not vanished by that.
func (x *Index) Miss(look Look) (missed Look) {
	e, _ := x.find(look.key)
	x.tail++
	state := e.state + step
	if e.state&missing == 0 {
		state = e.state + missing
	}
	x.set(e, state|seen)
	return Look{key: look.key, state: state}
}

// Vanish takes in that a record has vanished.
func (x *Index) Vanish(look Look, now time.Time) (gone Look) {
	e, _ := x.find(look.key)
	x.tail++
	x.set(e, vanishedOn(now))
	return Look{key: look.key, state: vanishedOn(now)}
}

func vanishedOn(t time.Time) uint64 { return uint64(t.Unix()/86400)<<3 | vanished }

// AllMissing yields the records that Missing is true of, and that at least so many complete pulls before this run have missed, but no more
// than most. Each may be made to vanish, or be missed, meanwhile.
func (x *Index) AllMissing(least, most int) iter.Seq[Look] {
	return func(yield func(Look) bool) {
		for e := range x.all {
			if n := misses(e.state); isMissing(e) && n >= least && n <= most && !yield(Look{key: e.key, state: e.state}) {
				return
			}
		}
	}
}

// Entries are what was taken into an index: keys with their states.
type Entries []byte

// Keys are keys that were seen without a change.
type Keys []byte

const (
	keyBytes   = 8
	entryBytes = 16
)

// Add appends the state that a record has now.
func (e Entries) Add(look Look) Entries {
	e = binary.LittleEndian.AppendUint64(e, look.key)
	return binary.LittleEndian.AppendUint64(e, look.state)
}

// Add appends the key of a record.
func (k Keys) Add(look Look) Keys { return binary.LittleEndian.AppendUint64(k, look.key) }

// Load takes in what was written down: by this run, which saw it, or before, and as a part of the whole index, or later.
func (x *Index) Load(entries Entries, wasSeen, whole bool) error {
	if len(entries)%entryBytes != 0 {
		return fmt.Errorf("%d bytes of an index of changes are not whole entries", len(entries))
	}
	for ; len(entries) > 0; entries = entries[entryBytes:] {
		key, state := binary.LittleEndian.Uint64(entries), binary.LittleEndian.Uint64(entries[keyBytes:])
		if state&standing != vanished {
			if state &^= seen; wasSeen { // the bit was one of the content's hash once
				state |= seen
			}
		}
		x.load(key, state, wasSeen)
		if !whole {
			x.tail++
		}
	}
	return nil
}

func (x *Index) load(key, state uint64, wasSeen bool) {
	e, _ := x.find(key)
	before := uint64(vanished)
	switch {
	case e != nil:
		before = e.state
		x.set(e, state)
	case key == 0:
		return
	default:
		x.put(key, state)
		x.count(state, 1)
	}
	if !wasSeen {
		x.known += stands(state) - stands(before)
	}
}

// stands is 1 for a record that has not vanished.
func stands(state uint64) int {
	if state&standing == vanished {
		return 0
	}
	return 1
}

// See takes in keys that were seen in this run.
func (x *Index) See(keys Keys) error {
	if len(keys)%keyBytes != 0 {
		return fmt.Errorf("%d bytes of an index of changes are not whole keys", len(keys))
	}
	for ; len(keys) > 0; keys = keys[keyBytes:] {
		if e, _ := x.find(binary.LittleEndian.Uint64(keys)); e != nil && stands(e.state) == 1 {
			x.set(e, e.state|seen)
		}
	}
	return nil
}

// Untidy tells whether the index should be written as a whole again: what was added to it is a large part of it.
func (x *Index) Untidy() bool { return x.tail > 1<<18+x.n/8 }

// Whole yields the whole index, in parts of at most 1 MB. Each is valid until the next. What vanished long ago is left out.
func (x *Index) Whole(now time.Time) iter.Seq[Entries] {
	return func(yield func(Entries) bool) {
		part := make(Entries, 0, blockEntries*entryBytes)
		oldest := vanishedOn(now.Add(-remembered))
		for e := range x.all {
			if e.state&standing == vanished && e.state < oldest {
				continue
			}
			state := e.state
			if stands(state) == 1 {
				state &^= seen
			}
			if part = part.Add(Look{key: e.key, state: state}); len(part) == cap(part) {
				if !yield(part) {
					return
				}
				part = part[:0]
			}
		}
		if len(part) > 0 {
			yield(part)
		}
	}
}

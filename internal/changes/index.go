package changes

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/sallyport-io/sallyport"
)

// The lowest bits of a state say how a record is; the others are of its content's hash or, once it has vanished, the day of that.
const (
	active   = 0
	retired  = 1
	vanished = 2
	standing = 3 // the bits of these
	seen     = 4 // in this run; it is not kept
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
	tail int // entries that were taken in since the index was written as a whole
}

// Close gives the index's memory back.
func (x *Index) Close() { x.free() }

// Keys is how many keys are known.
func (x *Index) Keys() int { return x.n }

// Reserve makes room for entries that will be loaded, of so many bytes together. It comes first: entries of a whole index come in the order
// of their keys, and would crowd together in one that is too small.
func (x *Index) Reserve(bytes int64) { x.reserve(int(bytes / entryBytes)) }

// Judge takes a record in, and tells what became of it.
func (x *Index) Judge(look Look) sallyport.Change {
	e, _ := x.find(look.key)
	if e == nil {
		x.tail++
		x.put(look.key, look.state|seen)
		return sallyport.ChangeNew
	}
	change := compare(e.state, look.state)
	if change != sallyport.ChangeUnchanged {
		x.tail++
	}
	e.state = look.state | seen
	return change
}

// compare tells what became of a record between two states.
func compare(before, now uint64) sallyport.Change {
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
	return e != nil && missing(e)
}

func missing(e *entry) bool { return e.state&seen == 0 && e.state&standing != vanished }

// Vanish takes in that a record has vanished.
func (x *Index) Vanish(look Look, now time.Time) (gone Look) {
	e, _ := x.find(look.key)
	x.tail++
	e.state = vanishedOn(now) | seen
	return Look{key: look.key, state: vanishedOn(now)}
}

func vanishedOn(t time.Time) uint64 { return uint64(t.Unix()/86400)<<3 | vanished }

// AllMissing yields the records that Missing is true of. Each may be made to vanish meanwhile.
func (x *Index) AllMissing() iter.Seq[Look] {
	return func(yield func(Look) bool) {
		for e := range x.all {
			if missing(e) && !yield(Look{key: e.key, state: e.state}) {
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
	mark := uint64(0)
	if wasSeen {
		mark = seen
	}
	for ; len(entries) > 0; entries = entries[entryBytes:] {
		key, state := binary.LittleEndian.Uint64(entries), binary.LittleEndian.Uint64(entries[keyBytes:])|mark
		if e, _ := x.find(key); e != nil {
			e.state = state | e.state&seen // the same key twice in one run
		} else if key != 0 {
			x.put(key, state)
		}
		if !whole {
			x.tail++
		}
	}
	return nil
}

// See takes in keys that were seen in this run.
func (x *Index) See(keys Keys) error {
	if len(keys)%keyBytes != 0 {
		return fmt.Errorf("%d bytes of an index of changes are not whole keys", len(keys))
	}
	for ; len(keys) > 0; keys = keys[keyBytes:] {
		if e, _ := x.find(binary.LittleEndian.Uint64(keys)); e != nil {
			e.state |= seen
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
			if part = part.Add(Look{key: e.key, state: e.state &^ seen}); len(part) == cap(part) {
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

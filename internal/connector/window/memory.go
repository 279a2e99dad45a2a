package window

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Of more than maxSeen records that may come again only the newest fewSeen or more are remembered: the others come twice.
const (
	maxSeen = 10_000
	fewSeen = 8_000
)

const entryBytes = 12

// entry stands for a record: when it was changed, and a hash of its content.
type entry struct {
	at   uint32 // seconds since 1970
	hash uint64
}

// memory are the records that were read and may come again.
type memory struct {
	entries []entry
	places  map[uint64]int // of the hashes in the entries; nil: they are not known
	text    []byte         // what MarshalText returns; nil: that is not known
}

// IsZero tells whether it is empty.
func (m *memory) IsZero() bool { return m == nil || len(m.entries) == 0 }

// add remembers a record. It was known if one with this content was read before.
func (m *memory) add(hash uint64, at uint32) (known bool) {
	if m.places == nil {
		m.index()
	}
	place, known := m.places[hash]
	switch {
	case known && m.entries[place].at >= at:
		return true
	case known:
		m.entries[place].at = at
	default:
		m.places[hash] = len(m.entries)
		m.entries = append(m.entries, entry{at, hash})
	}
	m.text = nil
	m.cut()
	return known
}

func (m *memory) index() {
	m.places = make(map[uint64]int, len(m.entries))
	for i, e := range m.entries {
		m.places[e.hash] = i
	}
}

// prune forgets the records from before a time.
func (m *memory) prune(before uint32) {
	*m = memory{entries: slices.DeleteFunc(m.entries, func(e entry) bool { return e.at < before })}
}

// cut forgets the oldest of too many records.
func (m *memory) cut() {
	if len(m.entries) <= maxSeen {
		return
	}
	slices.SortStableFunc(m.entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	*m = memory{entries: slices.Clone(m.entries[len(m.entries)-fewSeen:])}
}

// MarshalText writes the memory for a cursor.
func (m *memory) MarshalText() ([]byte, error) {
	if m.text == nil {
		packed := make([]byte, 0, len(m.entries)*entryBytes)
		for _, e := range m.entries {
			packed = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(packed, e.at), e.hash)
		}
		m.text = base64.RawStdEncoding.AppendEncode(nil, packed)
	}
	return m.text, nil
}

// UnmarshalText reads what MarshalText wrote.
func (m *memory) UnmarshalText(text []byte) error {
	packed, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil || len(packed)%entryBytes != 0 {
		return errors.New("the memory of a cursor is damaged")
	}
	*m = memory{}
	for chunk := range slices.Chunk(packed, entryBytes) {
		m.entries = append(m.entries, entry{binary.LittleEndian.Uint32(chunk), binary.LittleEndian.Uint64(chunk[4:])})
	}
	return nil
}

// stamp is a time as entries have it: a time before 1970 is that.
func stamp(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

// hashing hashes records. It is used by one goroutine at a time.
type hashing struct{ buffer jsontext.Value }

// of is a hash of the content of a record: the order of the members of objects does not matter.
func (h *hashing) of(record []byte) uint64 {
	h.buffer = append(h.buffer[:0], record...)
	err := h.buffer.Format(jsontext.ReorderRawObjects(true), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	text := []byte(h.buffer)
	if err != nil {
		text = record
	}
	sum := sha256.Sum256(text)
	return binary.LittleEndian.Uint64(sum[:])
}

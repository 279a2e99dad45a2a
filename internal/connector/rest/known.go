package rest

import (
	"hash/maphash"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport/internal/connector"
)

const (
	maxKnown = 1 << 15 // keys that are remembered of the pages behind the first; at least those of the last two pages
	maxHeld  = 8 << 20 // bytes of records that wait for the first new key of their page
)

// known remembers the keys of one pass: those of its first page, and those of its last pages. A list that begins again or repeats its end is
// recognised with these; a list of any length takes little memory.
type known struct {
	fields  []string
	seed    maphash.Seed
	members connector.Members
	text    []byte            // of the key of a record; used again
	first   map[uint64]uint64 // the hash of a record by the hash of its key
	old     map[uint64]uint64
	young   map[uint64]uint64
}

func newKnown(fields []string, seed maphash.Seed) *known {
	return &known{fields: fields, seed: seed, young: map[uint64]uint64{}}
}

// add remembers a record. It is fresh if its key is new or if it has no key, and moved if its key is known with other contents.
func (k *known) add(record []byte) (fresh, moved bool) {
	key, ok := k.keyOf(record)
	if !ok {
		return true, false
	}
	now := maphash.Bytes(k.seed, record)
	for _, of := range []map[uint64]uint64{k.young, k.old, k.first} {
		if before, is := of[key]; is {
			return false, before != now
		}
	}
	if len(k.young) < 32*maxKnown { // of a page without end the rest counts as new
		k.young[key] = now
	}
	return true, false
}

// turn ends a page.
func (k *known) turn() {
	switch {
	case k.first == nil:
		k.first, k.young = k.young, map[uint64]uint64{}
	case len(k.young) >= maxKnown/2:
		k.old, k.young = k.young, k.old
		clear(k.young)
		if k.young == nil {
			k.young = map[uint64]uint64{}
		}
	}
}

// keyOf hashes the key of a record; it says false if a part of it is missing.
func (k *known) keyOf(record []byte) (hash uint64, ok bool) {
	k.text = k.text[:0]
	for _, field := range k.fields {
		value := k.member(record, field)
		if value == nil || value.Kind() == 'n' {
			return 0, false
		}
		k.text = append(connector.AppendKey(k.text, value), 0)
	}
	return maphash.Bytes(k.seed, k.text), true
}

// member returns the value of a field, nil if there is none. It reads no further than it must.
func (k *known) member(record []byte, field string) jsontext.Value {
	for member, err := range k.members.Of(record) {
		switch {
		case err != nil:
			return nil
		case string(member.Name) == field:
			return member.Value
		}
	}
	value, _ := k.members.At(record, field)
	return value
}

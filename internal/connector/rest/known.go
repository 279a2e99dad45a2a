package rest

import (
	"hash/maphash"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport/internal/connector"
)

const (
	maxKnown = 1 << 15 // keys that are remembered of the pages behind the first, at least; and those of the last page
	maxHeld  = 8 << 20 // bytes of records that wait for the first new key of their page
)

// known remembers the keys of one pass: those of its first page, and those of its last pages. A list that begins again or repeats its end is
// recognised with these; a list of any length takes little memory. To remember a record is cheap, to look one up is not: of a page, that is done
// until the first new one.
type known struct {
	fields  []string
	seed    maphash.Seed
	members connector.Members
	text    []byte            // of the key of a record; used again
	first   []seen            // of the first page; nil before its end
	late    []seen            // of the last pages behind it
	page    []seen            // of the present one
	index   map[uint64]uint64 // first and late, once a record of the present page was found there
}

// seen is a record: the hashes of its key and of its content.
type seen struct{ key, content uint64 }

func newKnown(fields []string, seed maphash.Seed) *known { return &known{fields: fields, seed: seed} }

// add remembers a record with the hash of its content. If it is to be looked up, it is fresh if no earlier page had its key, or if it has none,
// and moved if its key is known with another content.
func (k *known) add(record []byte, content uint64, look bool) (fresh, moved bool) {
	key, ok := k.keyOf(record)
	if !ok {
		return true, false
	}
	if len(k.page) < 32*maxKnown { // of a page without end the rest counts as new
		k.page = append(k.page, seen{key, content})
	}
	if !look {
		return true, false
	}
	before, is := k.find(key)
	return !is, is && before != content
}

// find returns the content of the record that had a key on an earlier page.
func (k *known) find(key uint64) (content uint64, is bool) {
	if k.index != nil {
		content, is = k.index[key]
		return content, is
	}
	for _, of := range [][]seen{k.late, k.first} {
		for i := len(of) - 1; i >= 0; i-- {
			if of[i].key == key {
				k.build()
				return of[i].content, true
			}
		}
	}
	return 0, false
}

// build makes the index: where one record of a page was there before, others probably were.
func (k *known) build() {
	k.index = make(map[uint64]uint64, len(k.first)+len(k.late))
	for _, of := range [][]seen{k.first, k.late} {
		for _, s := range of {
			k.index[s.key] = s.content
		}
	}
}

// turn ends a page.
func (k *known) turn() {
	k.index = nil
	if k.first == nil {
		k.first, k.page = k.page, make([]seen, 0, len(k.page))
		return
	}
	if k.late = append(k.late, k.page...); len(k.late) > 2*maxKnown {
		keep := max(maxKnown, len(k.page))
		k.late = append(k.late[:0], k.late[len(k.late)-keep:]...)
	}
	k.page = k.page[:0]
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

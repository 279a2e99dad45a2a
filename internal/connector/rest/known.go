package rest

import (
	"hash/maphash"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport/internal/connector"
)

const (
	maxKnown = 1 << 13 // keys that are remembered of the pages behind the first, at least; and those of the last two pages
	maxKeys  = 256     // records of a page whose keys are read
	maxHeld  = 8 << 20 // bytes of records that wait for the first new key of their page
)

// known remembers the records of one pass: those of its first page, and those of its last pages. A list that begins again or repeats its end is
// recognised with these; a list of any length takes little memory. The hash of a content costs next to nothing. To read a key, or to look a record
// up, does not: keys are read of the first records of a page, and records are looked up until the first new one of a page.
type known struct {
	fields  []string
	seed    maphash.Seed
	members connector.Members
	text    []byte // of the key of a record; used again
	first   []seen // of the first page; nil before its end
	late    []seen // of the last pages behind it
	page    []seen // of the present one
	before  int    // how many the page before it has in late
	index   *index // of first and late, once a record of the present page was found there
}

// seen is a record: the hashes of its key, 0 if that was not read, and of its content.
type seen struct{ key, content uint64 }

// index finds records by their hashes.
type index struct{ keys, contents map[uint64]bool }

func newKnown(fields []string, seed maphash.Seed) *known { return &known{fields: fields, seed: seed} }

// add remembers a record with the hash of its content. If it is to be looked up, it is fresh if no earlier page had it, or if it has no key,
// and moved if its key is known with another content.
func (k *known) add(record []byte, content uint64, look bool) (fresh, moved bool) {
	now, ok := seen{content: content}, true
	if look || len(k.page) < maxKeys {
		if now.key, ok = k.keyOf(record); !ok {
			return true, false
		}
	}
	if len(k.page) < 32*maxKnown { // of a page without end the rest counts as new
		k.page = append(k.page, now)
	}
	if !look || k.index == nil && !k.has(now) {
		return true, false
	}
	if k.index == nil {
		k.build()
	}
	same, keyed := k.index.contents[now.content], k.index.keys[now.key]
	return !same && !keyed, !same && keyed
}

// has tells whether an earlier page had a record.
func (k *known) has(now seen) bool {
	is := func(before seen) bool { return before.content == now.content || before.key == now.key }
	return slices.ContainsFunc(k.late, is) || slices.ContainsFunc(k.first, is)
}

// build makes the index: where one record of a page was there before, others probably were.
func (k *known) build() {
	k.index = &index{map[uint64]bool{}, make(map[uint64]bool, len(k.first)+len(k.late))}
	for _, of := range [][]seen{k.first, k.late} {
		for _, s := range of {
			k.index.contents[s.content] = true
			if s.key != 0 {
				k.index.keys[s.key] = true
			}
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
		keep := min(len(k.late), max(maxKnown, k.before+len(k.page)))
		k.late = append(k.late[:0], k.late[len(k.late)-keep:]...)
	}
	k.before, k.page = len(k.page), k.page[:0]
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

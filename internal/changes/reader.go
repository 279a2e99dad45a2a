package changes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// errBroken is the error for a record that is no JSON object. It holds nothing of the record.
var errBroken = errors.New("the record is not a JSON object that can be read")

// maxDepth bounds how deep a record is nested: as deep as the decoder that it came through lets it be.
const maxDepth = 10_000

// Look is what is known of a record once it was read.
type Look struct {
	key    uint64
	state  uint64
	marked bool // it has a field _change of its own
}

// Reader reads records. It is used by one goroutine at a time.
type Reader struct {
	seed   Seed
	key    []string
	ignore []string
	dotted bool     // a name of the key may lead into an object
	values []uint64 // of the key's fields in the record that is being read; 0 for one that says nothing

	in      []byte
	at      int
	depth   int
	broken  bool
	text    []byte // a text without its escapes
	members connector.Members
	digits  []byte // a number without its point
}

// NewReader makes a reader of records that the fields of key name together, and whose fields in ignore do not matter, nor does the
// original beside them.
func NewReader(seed []byte, key, ignore []string) *Reader {
	return &Reader{
		seed: readSeed(seed), key: key, dotted: slices.ContainsFunc(key, func(name string) bool { return strings.Contains(name, ".") }),
		ignore: append([]string{sallyport.ChangeField, sallyport.RawField}, ignore...), values: make([]uint64, len(key)),
	}
}

// Read reads a record. One without its key, or with an empty one, is named by all that it says.
func (r *Reader) Read(record []byte) (Look, error) {
	r.in, r.at, r.depth, r.broken = record, 0, 0, false
	clear(r.values)
	var look Look
	if r.peek() != '{' {
		return look, errBroken
	}
	content, retired := r.fields(&look)
	if r.peek(); r.broken || r.at != len(r.in) {
		return look, errBroken
	}
	if r.dotted {
		r.reach(record)
	}
	look.state = stateOf(content, retired)
	look.key = r.seed.mix(content, ofWhole)
	if !slices.Contains(r.values, 0) {
		look.key = ofKey
		for _, value := range r.values {
			look.key = r.seed.mix(look.key^value, ofKey)
		}
	}
	look.key = max(look.key, 1)
	return look, nil
}

// reach reads the fields of the key that are in nested objects.
func (r *Reader) reach(record []byte) {
	for i, name := range r.key {
		raw, found := []byte(nil), false
		if r.values[i] == 0 {
			raw, found = r.members.At(record, name)
		}
		if found {
			r.in, r.at = raw, 0
			r.values[i] = r.named(raw, r.value())
		}
	}
	r.in, r.at = record, len(record)
}

// fields reads the record itself: its top-level fields may be part of the key, or not matter.
func (r *Reader) fields(look *Look) (content uint64, retired bool) {
	for more := r.open('}'); more; more = r.more('}') {
		name := r.string()
		hash := r.seed.hash(name, ofName)
		place, ignored, retires := slices.Index(r.key, string(name)), r.ignored(name), string(name) == sallyport.RetiredField
		look.marked = look.marked || ignored && string(name) == sallyport.ChangeField
		r.colon()
		begin := r.at
		value := r.value()
		switch {
		case r.broken:
			return 0, false
		case ignored:
			continue
		case place >= 0:
			r.values[place] = r.named(r.in[begin:r.at], value)
		case retires:
			retired = says(r.in[begin:r.at])
		}
		if value != 0 {
			content += r.seed.mix(hash^value, ofObject)
		}
	}
	return r.seed.mix(content, ofObject), retired
}

// ignored tells whether a field does not matter.
func (r *Reader) ignored(name []byte) bool {
	for _, other := range r.ignore {
		if len(other) == len(name) && other == string(name) {
			return true
		}
	}
	return false
}

// named is the hash of a value of the key, which is its text: 7, 7.0 and "7" name the same record.
func (r *Reader) named(raw []byte, value uint64) uint64 {
	switch {
	case value == 0 || len(raw) == len(`""`) && raw[0] == '"':
		return 0
	case raw[0] == '{' || raw[0] == '[':
		return value
	}
	return r.seed.hash(r.plain(raw), ofKey)
}

// plain is a scalar as text.
func (r *Reader) plain(raw []byte) []byte {
	if raw[0] != '"' {
		r.text = connector.AppendKey(r.text[:0], raw)
		return r.text
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	r.text, _ = jsontext.AppendUnquote(r.text[:0], raw) // it only says that it put in U+FFFD
	return r.text
}

// says tells whether a value says that something is so: it is not false, 0 or empty.
func says(raw []byte) bool {
	switch string(raw) {
	case "false", "null", "0", `""`, `"0"`, `"false"`, "[]", "{}":
		return false
	}
	return true
}

// value reads the value ahead. One that says nothing has the hash 0: null, an empty list, an object of such.
func (r *Reader) value() uint64 {
	switch r.peek() {
	case '"':
		return r.seed.hash(r.string(), ofText)
	case '{', '[':
		return r.nested()
	case 't':
		return r.word("true", ofTrue)
	case 'f':
		return r.word("false", ofFalse)
	case 'n':
		return r.word("null", 0)
	}
	return r.number()
}

// nested reads the object or list ahead.
func (r *Reader) nested() (hash uint64) {
	if r.depth++; r.depth > maxDepth {
		return r.fail()
	}
	if r.in[r.at] == '{' {
		hash = r.object()
	} else {
		hash = r.list()
	}
	r.depth--
	return hash
}

// object adds up its members, so that their order does not count.
func (r *Reader) object() uint64 {
	sum := uint64(0)
	for more := r.open('}'); more; more = r.more('}') {
		name := r.seed.hash(r.string(), ofName)
		r.colon()
		if value := r.value(); value != 0 {
			sum += r.seed.mix(name^value, ofObject)
		}
	}
	if sum == 0 {
		return 0
	}
	return r.seed.mix(sum, ofObject)
}

// list adds up its values, so that their order does not count, but how often each is there does.
func (r *Reader) list() uint64 {
	sum, n := uint64(0), uint64(0)
	for more := r.open(']'); more; more = r.more(']') {
		sum += r.seed.mix(r.value(), ofList)
		n++
	}
	if n == 0 {
		return 0
	}
	return r.seed.mix(sum^n, ofList) | 1
}

func (r *Reader) word(word string, hash uint64) uint64 {
	if !bytes.HasPrefix(r.in[r.at:], []byte(word)) {
		return r.fail()
	}
	r.at += len(word)
	return hash
}

// string reads the text ahead, valid until the next one.
func (r *Reader) string() []byte {
	if r.peek() != '"' {
		r.fail()
		return nil
	}
	begin := r.at
	i := special(r.in, begin+1)
	switch {
	case i == len(r.in):
		r.fail()
		return nil
	case r.in[i] == '\\':
		return r.escaped(begin, i)
	}
	r.at = i + 1
	return r.in[begin+1 : i]
}

// special finds the first quote or backslash from a place on, eight bytes at a time: texts are short.
func special(in []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(in); i += 8 {
		word := binary.LittleEndian.Uint64(in[i:])
		quotes, slashes := word^'"'*ones, word^'\\'*ones
		if found := ((quotes-ones)&^quotes | (slashes-ones)&^slashes) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(in) && in[i] != '"' && in[i] != '\\' {
		i++
	}
	return i
}

// escaped reads a text with escapes, the first of which is at i.
func (r *Reader) escaped(begin, i int) []byte {
	for ; i < len(r.in) && r.in[i] != '"'; i++ {
		if r.in[i] == '\\' {
			i++
		}
	}
	if i >= len(r.in) {
		r.fail()
		return nil
	}
	r.at = i + 1
	return r.plain(r.in[begin:r.at])
}

// open enters an object or list, and tells whether something is in it.
func (r *Reader) open(end byte) bool {
	r.at++
	if r.peek() == end {
		r.at++
		return false
	}
	return !r.broken
}

// more goes on to the next member, or leaves.
func (r *Reader) more(end byte) bool {
	c := r.peek()
	r.at++
	if c != end && c != ',' {
		r.fail()
	}
	return c == ',' && !r.broken
}

func (r *Reader) colon() {
	if r.peek() != ':' {
		r.fail()
		return
	}
	r.at++
	r.peek()
}

// peek goes to the next byte that is no space, and returns it; 0 at the end.
func (r *Reader) peek() byte {
	for ; r.at < len(r.in); r.at++ {
		if c := r.in[r.at]; c > ' ' {
			return c
		}
	}
	return 0
}

// fail gives the record up.
func (r *Reader) fail() uint64 {
	r.broken, r.at = true, len(r.in)
	return 0
}

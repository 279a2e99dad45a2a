package secret

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// index finds patterns in a text in one pass, in a time that hardly depends on how many patterns there are.
//
// It knows one segment of each pattern, of a fixed width. The pass looks at one gram in every few: one in each segment, wherever it begins. A
// filter says at which offsets in a segment that gram may stand, a map which patterns have the segment, and only those are compared. Grams
// and segments are folded to one case, so that hexadecimal digits of either case are one pattern.
type index struct {
	width    int
	filter   []uint16 // by the hash of a gram: a bit for each offset in a segment that it may have
	shift    int      // from the hash of a gram to its place in the filter
	written  int      // grams in the filter, including those of removed patterns
	segments map[segment][]pattern
}

// gram is how many bytes the filter looks at.
const gram = 4

// crowd is how many patterns may share a segment while they have others.
const crowd = 4

// minFilter is the smallest length of a filter. It fits into the nearest cache.
const minFilter = 1 << 12

// segment is the 8 or 16 bytes of a segment, folded.
type segment [2]uint64

// pattern is a known secret in a form, whose segment begins at a place.
type pattern struct {
	*known
	form form
	at   int
}

// step is the distance of the grams that are looked at, and how many offsets a gram has in a segment.
func (x *index) step() int { return x.width - gram + 1 }

// add adds a secret in a form and returns where its segment begins.
func (x *index) add(k *known, f form, written string) int {
	if x.segments == nil {
		x.segments = map[segment][]pattern{}
	}
	at := x.choose(written)
	s := x.segmentOf([]byte(written[at:]))
	if x.segments[s] = append(x.segments[s], pattern{k, f, at}); len(x.segments[s]) == 1 {
		x.enter(s)
	}
	return at
}

// choose returns where a pattern has a segment that few others have: the last one if that is, because keys often begin alike.
func (x *index) choose(written string) int {
	last := len(written) - x.width
	for at := last; at >= 0; at-- {
		if len(x.segments[x.segmentOf([]byte(written[at:at+x.width]))]) < crowd {
			return at
		}
	}
	return last
}

// remove removes what add added.
func (x *index) remove(k *known, f form, written string) {
	s := x.segmentOf([]byte(written[k.at[f]:]))
	old := x.segments[s]
	kept := make([]pattern, 0, len(old))
	for _, p := range old {
		if p.known != k || p.form != f {
			kept = append(kept, p)
		}
	}
	if x.segments[s] = kept; len(kept) == 0 {
		delete(x.segments, s)
	}
	if len(x.segments) == 0 {
		*x = index{width: x.width}
	}
}

// enter writes the grams of a segment to the filter, which is made anew when it is full: larger, or without those that were removed.
func (x *index) enter(s segment) {
	if x.written += x.step(); x.written*4 > len(x.filter) {
		x.written = len(x.segments) * x.step()
		x.filter = make([]uint16, max(minFilter, 1<<bits.Len(uint(x.written*8))))
		x.shift = 33 - bits.Len(uint(len(x.filter)))
		for s := range x.segments {
			x.write(s)
		}
		return
	}
	x.write(s)
}

func (x *index) write(s segment) {
	var text [16]byte
	binary.LittleEndian.PutUint64(text[:], s[0])
	binary.LittleEndian.PutUint64(text[8:], s[1])
	for offset := range x.step() {
		x.filter[x.slot(text[offset:])] |= 1 << offset
	}
}

// fold makes lower case of the letters in 8 bytes, and leaves digits alone.
const fold = 0x2020202020202020

// spread spreads the bits of a gram: its upper bits are a hash then.
const spread = 0x9E3779B1

// slot is the place in the filter of the gram that a text begins with.
func (x *index) slot(text []byte) uint32 {
	return (binary.LittleEndian.Uint32(text) | fold&math.MaxUint32) * spread >> x.shift
}

// segmentOf is the segment that a text begins with.
func (x *index) segmentOf(text []byte) segment {
	s := segment{binary.LittleEndian.Uint64(text) | fold}
	if x.width == 16 {
		s[1] = binary.LittleEndian.Uint64(text[8:]) | fold
	}
	return s
}

// find appends where patterns stand in a text.
func (x *index) find(text []byte, distinctive bool, spans []span) []span {
	if len(x.segments) == 0 || len(text) < x.width {
		return spans
	}
	step, filter, shift := x.step(), x.filter, x.shift&31
	for at := 0; at+gram <= len(text); at += step {
		folded := binary.LittleEndian.Uint32(text[at:]) | fold&math.MaxUint32 // as in slot, which is not inlined
		if offsets := filter[folded*spread>>shift]; offsets != 0 {
			spans = x.compare(text, at, offsets, distinctive, spans)
		}
	}
	return spans
}

// compare compares the patterns that may have their segment around a gram.
func (x *index) compare(text []byte, at int, offsets uint16, distinctive bool, spans []span) []span {
	for ; offsets != 0; offsets &= offsets - 1 {
		begin := at - bits.TrailingZeros16(offsets)
		if begin < 0 || begin+x.width > len(text) || !x.mayBegin(text[begin:]) {
			continue
		}
		for _, p := range x.segments[x.segmentOf(text[begin:])] {
			if distinctive && !p.distinctive {
				continue
			}
			start := begin - p.at
			end := start + p.form.length(len(p.text))
			if start >= 0 && end <= len(text) && p.form.is(text[start:end], p.text) {
				before, behind := p.form.mixed(len(p.text))
				spans = join(spans, span{max(start-before, 0), min(end+behind, len(text))})
			}
		}
	}
	return spans
}

// mayBegin tells whether the first and the last gram of a segment are where they may be, which is cheaper than to look the segment up.
func (x *index) mayBegin(text []byte) bool {
	last := x.width - gram
	return x.filter[x.slot(text)]&1 != 0 && x.filter[x.slot(text[last:])]&(1<<last) != 0
}

// join appends a span, or adds it to the last one that it overlaps: a text may be one secret after the other.
func join(spans []span, s span) []span {
	if n := len(spans); n > 0 && s.start < spans[n-1].end && spans[n-1].start < s.end {
		spans[n-1] = span{min(s.start, spans[n-1].start), max(s.end, spans[n-1].end)}
		return spans
	}
	return append(spans, s)
}

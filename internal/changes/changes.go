// Package changes tells what changed since the last pull.
//
// A [Reader] reduces a record to two hashes: one of its key, one of what it says. An [Index] knows those of the last pull, and judges a
// record by comparing. What an execution of a run took into its index is written down as [Entries], and what it only saw again as [Keys], so
// that the next execution can build the same index from them.
//
// The content's hash depends on nothing but what a record means: the order of fields and of the values in lists does not count, nor how a
// number or a text is spelled, nor whether a field is absent, null, an empty list or an empty object.
package changes

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// Seed is what makes the hashes of a dataset its own: who makes up records cannot make them collide without it.
type Seed [4]uint64

// NewSeed makes a random seed.
func NewSeed() []byte {
	seed := make([]byte, 32)
	rand.Read(seed) // never fails
	return seed
}

// readSeed reads what NewSeed made.
func readSeed(from []byte) (s Seed) {
	padded := make([]byte, 32)
	copy(padded, from)
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(padded[8*i:])
	}
	return s
}

// Kinds of values, mixed into their hashes.
const (
	ofText   = 0x9e3779b97f4a7c15
	ofNumber = 0xc2b2ae3d27d4eb4f
	ofTrue   = 0x165667b19e3779f9
	ofFalse  = 0xd6e8feb86659fd93
	ofList   = 0xa0761d6478bd642f
	ofObject = 0xe7037ed1a0b428db
	ofName   = 0x8ebc6af09c88c6e3
	ofKey    = 0x589965cc75374cc3
	ofWhole  = 0x1d8e4e27c47d124f // in the place of a key: a record without one goes by what it says
)

// fold multiplies two words and folds the product, so that every bit of both reaches every bit of the result.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// mix hashes a word of a kind.
func (s *Seed) mix(word, kind uint64) uint64 { return fold(fold(word^s[0], kind^s[1])^s[2], word^s[3]) }

// hash hashes bytes as a value of a kind. It is never 0, which stands for nothing.
func (s *Seed) hash(b []byte, kind uint64) uint64 {
	h := s[0] ^ kind ^ uint64(len(b))
	for ; len(b) > 16; b = b[16:] {
		h = fold(binary.LittleEndian.Uint64(b)^s[1], binary.LittleEndian.Uint64(b[8:])^h)
	}
	var first, last uint64
	switch n := len(b); {
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	case n > 0:
		first, last = uint64(b[0])|uint64(b[n/2])<<8, uint64(b[n-1])
	}
	return fold(fold(first^s[1], last^h)^s[2], h^s[3]) | 1
}

// Fingerprint names what hashes depend on besides the seed. Hashes of different fingerprints cannot be compared.
func Fingerprint(key, ignore []string) string {
	h := Seed{1, 2, 3, 4}
	sum := h.hash([]byte("version 1"), ofWhole)
	for _, names := range [][]string{key, ignore} {
		sum = h.mix(sum, ofList)
		for _, name := range names {
			sum = h.mix(sum^h.hash([]byte(name), ofName), ofName)
		}
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, sum))
}

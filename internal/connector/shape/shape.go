// Package shape says how what a system sends becomes one record, always of the same form.
//
// A [Shape] is compiled from a JSON Schema (schema.go), which is also what documents it (fields.go). A [Normaliser] brings records into it.
// What it promises of an object whose members the schema declares:
//
//   - The declared members come first, in the order of the schema, and are always there. Whether one is absent, null or empty makes no
//     difference: a list is [], an object {} (or has its own declared members), anything else null.
//   - A whole number, a number, true or false may have come as text; a time is RFC 3339 in UTC. What is none of its type stays, as text.
//   - A list is a list, also if one value came alone, in an object with numbers for names, or in lists within the list; an object that
//     came as a list has the numbers of its elements as names.
//   - Undeclared members follow as they came. Nothing but what stands for nothing is dropped, and of two members with one declared name the last
//     one counts. Names are compared as they are, so two that differ in case are two.
//   - What is normalised does not change by being normalised again.
//
// It does not order anything: lists, undeclared members and the members of objects without declared ones come as the system sent them,
// which may differ from one answer to the next.
package shape

import (
	"bytes"
)

// Shape is the form of a record. It may be used concurrently.
type Shape struct {
	root *node
	text []byte
}

// Text is the JSON Schema that the shape was compiled from.
func (s *Shape) Text() []byte { return bytes.Clone(s.text) }

// kind is what a value is meant to be.
type kind uint8

const (
	kindAny kind = iota
	kindText
	kindInteger
	kindNumber
	kindBoolean
	kindTime
	kindList
	kindObject
)

// node is the form of a value.
type node struct {
	kind
	description string
	fields      []field        // of an object: its declared members
	index       map[string]int // the declared members by name
	also        map[string]int // by their other names
	others      *node          // of an object: the form of the members that are not declared; nil: as they come
	rows        *rows          // an object in this one may come as a list of rows
	items       *node          // of a list
	separator   string         // of a list: what stands between values that come in one text
}

// field is a declared member of an object.
type field struct {
	name     string
	quoted   string // as it is written in front of its value
	inQuotes string
	*node
	role role
	of   int    // the member that the role is about
	word string // roleLevel, roleFlag
	// explained says that a text in the place of this flag goes to another member.
	explained bool
	// unknown says that this flag may be null: nothing is said about it. Otherwise what is not said is not so.
	unknown bool
}

// role says what a member has to do with another one of the same object.
type role uint8

const (
	roleNone    role = iota
	roleLevel        // text, without the word that stands for a flag
	roleFlag         // true if the word stands in the member of
	roleReason       // the text that stands in the boolean member of
	roleHistory      // the rows that the member of came as
)

// rows says how the rows of a list become an object of lists: name → values of those that are current.
type rows struct {
	name, value, current string // the members of a row
	group                string // the member of a kept row that names its group
}

// Normaliser brings records into a shape. It is used by one goroutine at a time.
type Normaliser struct {
	shape  *Shape
	out    []byte
	slots  [][]byte // the declared members of the objects that are open
	extras []member // their other members
}

// member is a member of an object as it came.
type member struct{ name, value []byte }

// Normaliser returns one for this shape.
func (s *Shape) Normaliser() *Normaliser { return &Normaliser{shape: s} }

// Record brings a record, which must be valid JSON, into the shape. The result is valid until the next call. What is no object is no
// record, and stays as it is.
func (n *Normaliser) Record(record []byte) []byte {
	if kindOf(record) != '{' {
		return record
	}
	n.out, n.slots, n.extras = n.out[:0], n.slots[:0], n.extras[:0]
	n.object(n.shape.root, record)
	return n.out
}

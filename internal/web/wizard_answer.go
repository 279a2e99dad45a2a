package web

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// What of an answer is shown as a tree.
const (
	maxDepth    = 6
	maxMembers  = 60 // of one object
	maxBranches = 600
)

// What a click on a value of an answer proposes it for.
const (
	pickRecords = "records"      // the path to the records
	pickNext    = "paging.value" // the path to the next page
	pickKey     = "key"          // a field that names a record
)

// branch is a value of an answer.
type branch struct {
	Name, Text string
	Pick       string // what a click proposes it for; "": nothing
	Value      string // what the click writes
	Branches   []branch
	More       bool // there is more in it than is shown
}

// tree is an answer that may be cut off, while it is read.
type tree struct {
	json  *jsontext.Decoder
	count int
}

// treeOf draws the beginning of an answer in JSON; nil if it is none.
func treeOf(answer []byte) *branch {
	t := tree{json: jsontext.NewDecoder(bytes.NewReader(answer), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	if kind := t.json.PeekKind(); kind != '{' && kind != '[' {
		return nil
	}
	root, _ := t.read("answer", place{path: "$"}) // an error is where the answer breaks off
	return &root
}

// place is where in an answer a value stands.
type place struct {
	path   string
	depth  int
	lists  int    // that it is within
	record bool   // its list is the nearest thing around it
	field  string // of a record
}

func (t *tree) read(name string, at place) (b branch, whole bool) {
	b.Name = name
	t.count++
	switch t.json.PeekKind() {
	case '{':
		b.Text = "object"
		return t.object(b, at)
	case '[':
		b.Text = "list"
		if at.lists == 0 {
			b.Pick, b.Value = pickRecords, at.path+"[*]"
		}
		return t.list(b, at)
	}
	value, err := t.json.ReadValue()
	if err != nil {
		return b, false
	}
	b.Text = cell([]byte(value))
	switch {
	case at.lists == 0:
		b.Pick, b.Value = pickNext, at.path
	case at.field != "":
		b.Pick, b.Value = pickKey, at.field
	}
	return b, true
}

func (t *tree) object(b branch, at place) (branch, bool) {
	t.json.ReadToken() // PeekKind has seen it
	for t.json.PeekKind() == '"' {
		token, err := t.json.ReadToken()
		if err != nil {
			return b, false
		}
		if at.depth == maxDepth || len(b.Branches) == maxMembers || t.count >= maxBranches {
			b.More = true
			if t.json.SkipValue() != nil {
				return b, false
			}
			continue
		}
		name := token.String()
		inner := place{path: at.path + step(name), depth: at.depth + 1, lists: at.lists}
		if at.record {
			inner.field = name
		}
		child, whole := t.read(name, inner)
		b.Branches = append(b.Branches, child)
		if !whole {
			return b, false
		}
	}
	_, err := t.json.ReadToken()
	return b, err == nil
}

// list shows the first element, and says how many there are.
func (t *tree) list(b branch, at place) (branch, bool) {
	t.json.ReadToken() // PeekKind has seen it
	n := 0
	for ; t.json.PeekKind() != ']'; n++ {
		if n > 0 || at.depth == maxDepth {
			if t.json.SkipValue() != nil {
				b.Text = fmt.Sprintf("list of more than %d", n)
				return b, false
			}
			continue
		}
		child, whole := t.read("first", place{path: at.path + "[*]", depth: at.depth + 1, lists: at.lists + 1, record: at.lists == 0})
		b.Branches = append(b.Branches, child)
		if !whole {
			return b, false
		}
	}
	b.Text = "list of " + strconv.Itoa(n)
	_, err := t.json.ReadToken()
	return b, err == nil
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// step is the part of a JSONPath that leads to a member.
func step(name string) string {
	if plainName.MatchString(name) {
		return "." + name
	}
	return "[" + strconv.Quote(name) + "]"
}

package filestest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
)

// Outcome is what a power failure makes of a change that was not synced.
type Outcome int

// The outcomes. Torn and Zeroed concern writes; other changes are kept.
const (
	Lost   Outcome = iota
	Kept           // as if it had been synced
	Torn           // only the first half of it is there
	Zeroed         // the file has become longer, its content has not arrived
)

// Change describes a change that was not synced.
type Change struct {
	Index int // among all of them, oldest first
	Op    Op
}

// Crash returns the disk after a power failure that makes of each unsynced change what outcome says.
func (d *Disk) Crash(outcome func(Change) Outcome) *Disk {
	after := New()
	copies := map[*node]*node{}
	after.root = d.root.kernel(copies)
	for i, c := range d.pending {
		n, reachable := copies[c.node]
		if !reachable {
			n = c.node.kernel(copies)
		}
		c.in(copies).keep(n, outcome(Change{i, c.op}))
	}
	after.inodes = d.inodes
	after.root.surface(map[*node]bool{})
	return after
}

// kernel copies what is on the disk of a node and of those below it.
func (n *node) kernel(copies map[*node]*node) *node {
	if known, ok := copies[n]; ok {
		return known
	}
	c := &node{inode: n.inode, disk: slices.Clone(n.disk)}
	copies[n] = c
	if n.names != nil {
		c.names, c.kept = map[string]*node{}, map[string]*node{}
		for name, sub := range n.kept {
			c.kept[name] = sub.kernel(copies)
		}
	}
	return c
}

// in is a change with the copies of the nodes that it names.
func (c *change) in(copies map[*node]*node) *change {
	moved := *c
	moved.names = map[string]*node{}
	for name, n := range c.names {
		if n != nil {
			n = n.kernel(copies)
		}
		moved.names[name] = n
	}
	return &moved
}

// keep brings a change, or what is left of it, to the disk of a node.
func (c *change) keep(n *node, outcome Outcome) {
	if outcome == Lost {
		return
	}
	if n.names == nil {
		n.disk = c.applied(n.disk, outcome)
		return
	}
	for name, sub := range c.names {
		if sub == nil {
			delete(n.kept, name)
		} else {
			n.kept[name] = sub
		}
	}
}

// applied is the content of a file after a change. It uses the memory of the content before.
func (c *change) applied(content []byte, outcome Outcome) []byte {
	if c.op == Truncate {
		return resized(content, c.size)
	}
	data := c.data
	switch outcome {
	case Torn:
		data = data[:len(data)/2]
	case Zeroed:
		return resized(content, max(int64(len(content)), c.at+int64(len(data))))
	}
	content = resized(content, max(int64(len(content)), c.at+int64(len(data))))
	copy(content[c.at:], data)
	return content
}

func resized(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// surface lets processes see what is on the disk.
func (n *node) surface(seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	n.data = slices.Clone(n.disk)
	for name, sub := range n.kept {
		n.names[name] = sub
		sub.surface(seen)
	}
}

// randomCrashes is how many states of a disk are drawn at random, besides those that are always tried.
const randomCrashes = 8

// Crashes yields the states that a power failure may leave now: nothing unsynced kept, everything, each change alone lost and alone kept,
// names without content, content without names, torn and zeroed writes, and some at random, which a seed determines.
func (d *Disk) Crashes(seed uint64) iter.Seq2[string, *Disk] {
	return func(yield func(string, *Disk) bool) {
		for name, outcome := range d.outcomes(seed) {
			if !yield(name, d.Crash(outcome)) {
				return
			}
		}
	}
}

func (d *Disk) outcomes(seed uint64) iter.Seq2[string, func(Change) Outcome] {
	return func(yield func(string, func(Change) Outcome) bool) {
		always := func(o Outcome) func(Change) Outcome { return func(Change) Outcome { return o } }
		content := func(c Change) bool { return c.Op == Write || c.Op == Truncate }
		either := func(is func(Change) bool, then, otherwise Outcome) func(Change) Outcome {
			return func(c Change) Outcome {
				if is(c) {
					return then
				}
				return otherwise
			}
		}
		if !yield("all lost", always(Lost)) || len(d.pending) == 0 {
			return
		}
		if !yield("all kept", always(Kept)) || !yield("torn", always(Torn)) || !yield("zeroed", always(Zeroed)) ||
			!yield("names only", either(content, Lost, Kept)) || !yield("content only", either(content, Kept, Lost)) {
			return
		}
		for i := range d.pending {
			one := func(c Change) bool { return c.Index == i }
			if !yield(fmt.Sprintf("change %d lost", i), either(one, Lost, Kept)) || !yield(fmt.Sprintf("change %d alone kept", i), either(one, Kept, Lost)) {
				return
			}
		}
		for i := range uint64(randomCrashes) {
			dice := rand.New(rand.NewPCG(seed, i))
			if !yield(fmt.Sprintf("at random %d", i), func(Change) Outcome { return Outcome(dice.IntN(int(Zeroed) + 1)) }) {
				return
			}
		}
	}
}

package rest

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/theory/jsonpath/spec"
)

// maxSteps bounds the work of evaluating one JSONPath on one response: a few seconds. A path of three `..` on 4 KB would take minutes.
const maxSteps = 50_000_000

// maxSelected bounds the values that one part of a path selects, and with them the memory that they take.
const maxSelected = 5_000_000

// stepsPerLook is how many steps pass between two looks whether the result is still wanted.
const stepsPerLook = 1 << 12

var errSteps = errors.New("too many steps")

// walk evaluates a JSONPath segment by segment, because the library that parses it cannot be interrupted. It pays for each value before
// the library looks at it.
type walk struct {
	ctx      context.Context
	root     any
	left     int // steps
	whole    int // values within the root, once they were counted
	sent     *filtered
	nodes    []any // that the whole path leads to
	elements bool  // they are elements of lists, or members whose name ends the path
}

// filtered are the values that the first filter or slice of a path chooses from: those that the system sent.
type filtered struct {
	lists []any
}

// count is how many there are.
func (f *filtered) count() (n int64) {
	for _, list := range f.lists {
		n += int64(count(list))
	}
	return n
}

// last returns the last one, nil if there is none.
func (f *filtered) last() any {
	for _, list := range slices.Backward(f.lists) {
		if list, ok := list.([]any); ok && len(list) > 0 {
			return list[len(list)-1]
		}
	}
	return nil
}

// along finds the values that segments lead to.
func (w *walk) along(segments []*spec.Segment) error {
	nodes := []any{w.root}
	for i, segment := range segments {
		if w.sent == nil && chooses(segment) {
			w.sent = &filtered{lists: nodes}
			if segment.IsDescendant() { // it has no list of its own: most likely it is about the longest one
				w.sent.lists = []any{largest(w.root)}
			}
		}
		var next []any
		for _, node := range nodes {
			if err := w.step(segment, node, &next); err != nil {
				return err
			}
		}
		if i == len(segments)-1 {
			w.elements = areElements(segment, nodes)
		}
		nodes = next
	}
	w.nodes = nodes
	return nil
}

// areElements tells whether what the last segment of a path selects are elements of lists, or members that it names.
func areElements(last *spec.Segment, nodes []any) bool {
	named := !slices.ContainsFunc(last.Selectors(), func(selector spec.Selector) bool {
		_, name := selector.(spec.Name)
		return !name
	})
	return named || !last.IsDescendant() && !slices.ContainsFunc(nodes, func(node any) bool {
		_, list := node.([]any)
		return !list
	})
}

// largest returns the longest list of objects within a value.
func largest(node any) (found []any) {
	if list, _ := node.([]any); len(list) > 0 {
		if _, objects := list[0].(map[string]any); objects {
			found = list
		}
	}
	for child := range children(node) {
		if within := largest(child); len(within) > len(found) {
			found = within
		}
	}
	return found
}

// chooses tells whether a segment leaves out some of the elements of a list.
func chooses(segment *spec.Segment) bool {
	return slices.ContainsFunc(segment.Selectors(), func(selector spec.Selector) bool {
		_, filter := selector.(*spec.FilterSelector)
		_, slice := selector.(spec.SliceSelector)
		return filter || slice
	})
}

// step appends what a segment selects from a value and, if it descends, from all values within it.
func (w *walk) step(segment *spec.Segment, node any, into *[]any) error {
	if err := w.choose(segment.Selectors(), node, into); err != nil || !segment.IsDescendant() {
		return err
	}
	for child := range children(node) {
		if err := w.step(segment, child, into); err != nil {
			return err
		}
	}
	return nil
}

// choose appends what selectors select from one value.
func (w *walk) choose(selectors []spec.Selector, node any, into *[]any) error {
	for _, selector := range selectors {
		if err := w.pay(1 + count(node)); err != nil {
			return err
		}
		if filter, ok := selector.(*spec.FilterSelector); ok {
			if err := w.payFilter(withoutLiterals(filter), node); err != nil {
				return err
			}
		}
		if *into = append(*into, selector.Select(node, w.root)...); len(*into) > maxSelected {
			return errSteps
		}
	}
	return nil
}

// payFilter pays for a filter, whose queries the library evaluates for each member of a value: each visits at most all values within the
// member, or within the root (see unbounded).
func (w *walk) payFilter(filter string, node any) error {
	absolute, relative := strings.Count(filter, "$"), strings.Count(filter, "@")
	if absolute > 0 && w.whole == 0 {
		n, err := w.size(w.root)
		if err != nil {
			return err
		}
		w.whole = n
	}
	for child := range children(node) {
		n, err := w.size(child)
		if err != nil {
			return err
		}
		if err := w.pay(relative*n + absolute*w.whole); err != nil {
			return err
		}
	}
	return nil
}

// size counts the values within a value, and itself. It pays for that.
func (w *walk) size(node any) (int, error) {
	n := 1
	if err := w.pay(1); err != nil {
		return 0, err
	}
	for child := range children(node) {
		within, err := w.size(child)
		if err != nil {
			return 0, err
		}
		n += within
	}
	return n, nil
}

// pay takes steps, and looks now and then whether the result is still wanted.
func (w *walk) pay(steps int) error {
	before := w.left / stepsPerLook
	if w.left -= steps; w.left < 0 {
		return errSteps
	}
	if w.left/stepsPerLook != before && w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	return nil
}

// count is how many members a value has.
func count(node any) int {
	switch node := node.(type) {
	case []any:
		return len(node)
	case map[string]any:
		return len(node)
	}
	return 0
}

// children yields the members of a value.
func children(node any) func(yield func(any) bool) {
	return func(yield func(any) bool) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				if !yield(child) {
					return
				}
			}
		case map[string]any:
			for _, child := range node {
				if !yield(child) {
					return
				}
			}
		}
	}
}

package rest

import (
	"context"
	"errors"
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
	ctx   context.Context
	root  any
	left  int // steps
	whole int // values within the root, once they were counted
}

// along returns the values that segments lead to.
func (w *walk) along(segments []*spec.Segment) ([]any, error) {
	nodes := []any{w.root}
	for _, segment := range segments {
		var next []any
		for _, node := range nodes {
			if err := w.step(segment, node, &next); err != nil {
				return nil, err
			}
		}
		nodes = next
	}
	return nodes, nil
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

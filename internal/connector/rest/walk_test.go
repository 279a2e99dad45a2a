package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/theory/jsonpath"

	"github.com/sallyport-io/sallyport"
)

// selected evaluates a path on a JSON text.
func selected(ctx context.Context, t *testing.T, path, text string) ([]any, error) {
	t.Helper()
	s, err := newShape(paths{atRecords: path})
	if err != nil {
		return nil, err
	}
	if s.query == nil {
		s.query = jsonpath.MustParse(path)
	}
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	w, err := s.selectFrom(ctx, root)
	return w.nodes, err
}

// TestSelectionIsTheLibrarys compares with what the library selects by itself. The objects have one member each, as their order is free.
func TestSelectionIsTheLibrarys(t *testing.T) {
	const text = `[{"a":[{"b":1},{"b":2},{"c":{"b":[3,[4]]}}]},[{"b":5}],{"n":"x..y"},6,null]`
	for _, path := range []string{
		"$", "$[0]", "$[*]", "$..b", "$..*", "$..[0]", "$..[0,1]", "$[1:4]", "$[::-1]", "$..a..b", "$..*..b", "$[?@.a]", "$..[?@.b]", "$..[?@.b > 1]",
		"$[?@.n == 'x..y']", `$[?@.n == "x\"..y" || @.n]`, "$[?count(@.*) == 1]", "$[?@.n && $[0].a]", "$.a.b", "$..[?length(@.n) == 4]", "$..[?@[?@.b]]",
	} {
		var root any
		if err := json.Unmarshal([]byte(text), &root); err != nil {
			t.Fatal(err)
		}
		want := []any(jsonpath.MustParse(path).Select(root))
		got, err := selected(t.Context(), t, path, text)
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", path, err, diff)
		}
	}
}

// deep is a small text of lists within lists.
func deep(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// wide is a text of many small objects.
func wide(n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(`{"a":{"b":[1,2,3]}},`, n), ",") + "]"
}

func TestSelectionIsBounded(t *testing.T) {
	for path, text := range map[string]string{
		"$..*..*..*":        deep(1000),
		"$..[?$[*].a.b[*]]": wide(2000),
	} {
		if _, err := selected(t.Context(), t, path, text); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(fmt.Sprint(err), "steps") {
			t.Errorf("%s: %v; want an error about its steps", path, err)
		}
	}
	for _, path := range []string{
		"$[?@..a]", "$[?@.a == 1 && $..b]", "$..[?count(@..*) > 1]", "$[?@[*,*][*,*]]", "$[?@['a',0]]", "$[?@[0:9,0:9]]", "$[?@[?$.a]]", "$[?$[?@.a]]",
	} {
		if _, err := newShape(paths{atRecords: path}); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(fmt.Sprint(err), "within a filter") {
			t.Errorf("%s: %v; want it refused", path, err)
		}
	}
	for _, path := range []string{"$[?match(@.a, 'x')]", "$[?@['a,b'] == '$?..,']", "$[?@.a, ?@.b]", "$[0,1][?@.a]", "$[?length(@.a) > 3 && $.b]"} {
		if _, err := newShape(paths{atRecords: path}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSelectionEndsWithItsCaller evaluates for somebody who has left.
func TestSelectionEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := selected(ctx, t, "$..*..*..*", deep(500)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want %v", err, context.Canceled)
	}
}

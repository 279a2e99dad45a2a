package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCountedWarning(t *testing.T) {
	var warnings []string
	for _, step := range []struct {
		replaced int64
		want     string
	}{
		{0, ""}, {1, "1 character in records was not valid and was replaced with U+FFFD"},
		{2, "3 characters in records were not valid and were replaced with U+FFFD"},
		{0, "3 characters in records were not valid and were replaced with U+FFFD"},
		{1997, "2,000 characters in records were not valid and were replaced with U+FFFD"},
		{1, "2,001 characters in records were not valid and were replaced with U+FFFD"},
	} {
		warnings = halves.add(warnings, step.replaced)
		var want []string
		if step.want != "" {
			want = []string{step.want}
		}
		if diff := cmp.Diff(want, warnings); diff != "" {
			t.Error(diff)
		}
	}
	before := []string{"there may be more pages"}
	if got := halves.add(before, 1); len(got) != 2 || got[1] != before[0] || len(before) != 1 {
		t.Error(got)
	}
}

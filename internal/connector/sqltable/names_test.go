package sqltable_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/connector/connectortest"
)

// FuzzNames writes two records with fields of any names, one after the other, and wants every value back under its own name. The names
// stand in the text one a line, or, for those with line breaks, in a table of their own.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"a\nA", "\n", "field\n\nField_2", "a_2\na\nA", "é\nÉ", "K\nk\nK", "\"\n\"\"", "a\x00\na\ufffd",
		"select\nrowid\n_rowid_", strings.Repeat("x", 64) + "\n" + strings.Repeat("X", 65), "++code\n--\n;\n/*", "ı\ni\nI\nİ"} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, text string, split int) {
		names := strings.Split(text, "\n")
		if !utf8.ValidString(text) || len(names) > 50 {
			t.Skip()
		}
		split = min(max(split, 1), len(names))
		records := []string{record(t, names[:split], 0), record(t, append(names[split:], names[:split]...), 100)}
		p := newPlace(t, "append")
		var want []connectortest.Row
		for _, r := range records {
			p.rejects(p.write(r))
			want = append(want, connectortest.RowOf(t, r, false))
		}
		if diff := cmp.Diff(want, readTable(t, p.target.Config)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func record(t *testing.T, names []string, value int) string {
	var members []string
	for i, name := range names {
		members = append(members, fmt.Sprintf("%s:%d", quotedJSON(t, name), value+i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

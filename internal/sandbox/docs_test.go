package sandbox

import (
	"os"
	"strings"
	"testing"
)

// The documentation says of every oddity and fault what the code says.
func TestDocumentationListsThemAll(t *testing.T) {
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, help string) {
		if row := "\n| `" + name + "` | " + help + " |\n"; !strings.Contains(string(text), row) {
			t.Errorf("docs/sandbox.md has no row %s", row)
		}
	}
	for _, o := range oddities {
		check(o.name, o.help)
	}
	for _, k := range faultKinds() {
		check(k.name, k.help)
	}
}

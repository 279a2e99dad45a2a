package vault_test

import (
	"bytes"
	"testing"
)

// TestSealedValues open under their own name only, and nothing else that was sealed does.
func TestSealedValues(t *testing.T) {
	v, value := newPlace(t).mustOpen(t), []byte("a secret of the program")
	sealed, err := v.SealValue("one", value)
	if err != nil || bytes.Contains(sealed, value) {
		t.Fatalf("%q, %v", sealed, err)
	}
	if opened, ok := v.OpenValue("one", sealed); !ok || !bytes.Equal(opened, value) {
		t.Errorf("it opens as %q, %v", opened, ok)
	}
	mark, err := v.Attest("one")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		name   string
		sealed []byte
	}{"another name": {"two", sealed}, "a value in the clear": {"one", value}, "nothing": {"one", nil}, "a mark": {"one", mark}} {
		if opened, ok := v.OpenValue(c.name, c.sealed); ok {
			t.Errorf("%s opens as %q", what, opened)
		}
	}
}

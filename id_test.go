package sallyport_test

import (
	"testing"

	"github.com/sallyport-io/sallyport"
)

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"Pulsedive personal": true, "Größe": true, "日本": true, "مفتاح": true, "👩‍👩‍👧": true, "a": true,
		"": false, " ": false, " a": false, "a ": false, "a\nb": false, "a\u2028b": false, "a\x00b": false, "\xff": false,
		"invoice\u202Efdp": false, "a\u200Fb": false, "a\u2066b\u2069": false, "\u061Ca": false, // the direction of text
		"\u200B": false, "\u2060\uFEFF": false, // nothing to see
	} {
		if err := sallyport.CheckName("name", name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNormalName(t *testing.T) {
	if composed, decomposed := "caf\u00e9", "cafe\u0301"; sallyport.NormalName(decomposed) != composed || sallyport.NormalName(composed) != composed {
		t.Errorf("%q and %q are not the same name", composed, decomposed)
	}
}

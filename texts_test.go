package sallyport_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

func TestTexts(t *testing.T) {
	for in, want := range map[string]sallyport.Texts{
		`"a b"`: {"a b"}, `12345678901234567890`: {"12345678901234567890"}, `1.50`: {"1.50"}, `true`: {"true"}, `""`: {""},
		`["a", 2, false]`: {"a", "2", "false"}, ` ["x"] `: {"x"}, `[]`: {}, `null`: nil,
	} {
		var got sallyport.Texts
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
	for _, in := range []string{`{"a":1}`, `[["a"]]`, `[null]`, `[{}]`} {
		var got sallyport.Texts
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s is read as %q", in, got)
		}
	}
	for want, texts := range map[string]sallyport.Texts{`"1"`: {"1"}, `["1","2"]`: {"1", "2"}, `[]`: {}} {
		if got, err := json.Marshal(texts); err != nil || string(got) != want {
			t.Errorf("%q is written as %s: %v", texts, got, err)
		}
	}
}

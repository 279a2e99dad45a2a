package sallyport_test

import (
	"encoding/json"
	"testing"

	"github.com/sallyport-io/sallyport"
)

func TestScalarFromJSON(t *testing.T) {
	for text, want := range map[string]sallyport.Scalar{
		`"a\u0062"`: "ab", `"false"`: "false", `false`: "false", ` -1.50 `: "-1.50", `12345678901234567890`: "12345678901234567890", `null`: "null",
		`""`: "", `[1]`: "", `{}`: "", `"\ud800`: "",
	} {
		var got sallyport.Scalar
		if err := json.Unmarshal([]byte(text), &got); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

package sallyport_test

import (
	"encoding/json"
	"testing"

	"github.com/sallyport-io/sallyport"
)

func TestBody(t *testing.T) {
	for in, want := range map[string]string{
		`"{\"a\": \"{cursor}\"}"`:               `{"a": "{cursor}"}`,
		`null`:                                  ``,
		`5`:                                     `5`,
		`{"b": "{cursor}", "a": [1.50, "{x}"]}`: `{"b":{cursor},"a":[1.50,{x}]}`,
		`["{a}", "{b}", "x {c}", "\"{d}\""]`:    `[{a},{b},"x {c}","\"{d}\""]`,
		`{"{a}": "<&>", "{b}": {"c": "{{d}}"}}`: `{"{a}":"<&>","{b}":{"c":"{{d}}"}}`,
	} {
		var got sallyport.Body
		if err := json.Unmarshal([]byte(in), &got); err != nil || string(got) != want {
			t.Errorf("%s is read as %s: %v", in, got, err)
		}
	}
	var got sallyport.Body
	value := map[string]any{"limit": json.Number("100"), "after": "{cursor}", "q": []any{"<a & b>", nil, true}}
	if err := got.UnmarshalValue(value); err != nil || got != `{"after":{cursor},"limit":100,"q":["<a & b>",null,true]}` {
		t.Errorf("got %s: %v", got, err)
	}
}

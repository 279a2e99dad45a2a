package rest

import (
	"encoding/json"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

func TestPlain(t *testing.T) {
	for from, want := range map[string]string{
		`{"url":"http:\/\/x"}`:         `{"url":"http://x"}`,
		`"\u00e9\u00E9é"`:              `"ééé"`,
		`"\ud83d\ude00"`:               "\"\U0001F600\"",
		`"a\\u00e9\\\/"`:               `"a\\u00e9\\/"`,
		`"\u0022\u005c\u002F"`:         `"\"\\/"`,
		`"\u000A\u0009\u001F\u0000\b"`: `"\n\t\u001f\u0000\b"`,
		`"\u2028\u007f"`:               "\"\u2028\u007f\"",
		`{"\u0061":1}`:                 `{"a":1}`,
	} {
		got, halves := plain(nil, []byte(from))
		if string(got) != want || halves != 0 {
			t.Errorf("%s: %s, %d", from, got, halves)
		}
	}
	for from, want := range map[string]int{`"\ud800"`: 1, `"\ud800\ud800 \udc00"`: 3, `"\ud800\u0041"`: 1, `"\udc00\ud800"`: 2, `"\ud83d\ude00"`: 0} {
		got, halves := plain(nil, []byte(from))
		if halves != want || !jsontext.Value(got).IsValid() {
			t.Errorf("%s: %s, %d", from, got, halves)
		}
	}
}

// FuzzPlain wants the same value of any JSON, and no escape that UTF-8 does not need.
func FuzzPlain(f *testing.F) {
	f.Add(`{"a\/":"\ud83d\ude00\u00e9\ud800"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(false)) {
			return
		}
		got, _ := plain(nil, []byte(text))
		var before, after any
		if json.Unmarshal([]byte(text), &before) != nil {
			return
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q: %q: %v", text, got, err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%q: %q %s", text, got, diff)
		}
		if again, _ := plain(nil, got); string(again) != string(got) {
			t.Errorf("%q: %q, then %q", text, got, again)
		}
	})
}

// TestRecordsHaveOneForm counts half characters of a page, in each decoder.
func TestRecordsHaveOneForm(t *testing.T) {
	for _, path := range []string{"$.r[*]", "$.r[?@.a]"} {
		server := serve(t, sends(200, `{"r":[{"a":"http:\/\/x","b":"\u00e9 \ud800"},{"a":"\ude00"}]}`))
		for page, err := range mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: path})).Pages(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for record := range page.Records {
				got = append(got, string(record))
			}
			if diff := cmp.Diff([]string{`{"a":"http://x","b":"é ` + "\uFFFD" + `"}`, `{"a":"` + "\uFFFD" + `"}`}, got); diff != "" || page.Replaced != 2 {
				t.Errorf("%s: %d replaced, %s", path, page.Replaced, diff)
			}
		}
	}
}

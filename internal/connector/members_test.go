package connector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/connector"
)

// read returns the fields of a record as name=text, and the error it ended in.
func read(members *connector.Members, record string) (fields []string, err error) {
	for m, err := range members.Of([]byte(record)) {
		if err != nil {
			return fields, err
		}
		fields = append(fields, string(m.Name)+"="+string(connector.AppendText(nil, m.Value)))
	}
	return fields, nil
}

func TestMembers(t *testing.T) {
	var members connector.Members
	for _, tc := range []struct {
		record string
		want   []string
	}{
		{`{}`, nil},
		{` { "a" : 1 , "b" : [ 1, 2 ] } `, []string{"a=1", "b=[ 1, 2 ]"}},
		{`{"a":"x","a":null,"":true}`, []string{"a=x", "a=null", "=true"}},
		{`{"++code":"2\u00e9\n\"","d\"q":{"k":"\n"}}`, []string{"++code=2é\n\"", `d"q={"k":"\n"}`}},
		{`{"n":12345678901234567890.10,"e":1E+400}`, []string{"n=12345678901234567890.10", "e=1E+400"}},
		{`{"half":"\ud83d","raw":"` + "\xff" + `","in":["` + "\xff" + `"]}`, []string{"half=\uFFFD", "raw=\uFFFD", "in=[\"\uFFFD\"]"}},
	} {
		got, err := read(&members, tc.record)
		if err != nil {
			t.Errorf("%s: %v", tc.record, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.record, diff)
		}
	}
}

func TestMembersOfNoRecord(t *testing.T) {
	var members connector.Members
	for record, want := range map[string]string{
		``:                      "no JSON object",
		`"hidden"`:              "no JSON object",
		`[{"a":"hidden"}]`:      "no JSON object",
		`{"a":"hidden"`:         "not valid JSON at or after byte",
		`{"a":hidden}`:          "not valid JSON at or after byte",
		`{1:"hidden"}`:          "not valid JSON at or after byte",
		`{"a":1,}`:              "not valid JSON at or after byte",
		`{"a":1} {"b":"hidden"`: "not valid JSON at or after byte",
		`{"a":1}hidden`:         "not valid JSON at or after byte",
	} {
		_, err := read(&members, record)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want an error that says %q and hides the record", record, err, want)
		}
	}
	if got, err := read(&members, `{"a":1}`); err != nil || len(got) != 1 {
		t.Errorf("after an error: %v, %v", got, err)
	}
}

func FuzzMembers(f *testing.F) {
	f.Add(`{"a":1,"b":"x\u0000","c":{"d":[null,true]}}`)
	f.Add(`{"a":"\ud800` + "\xff" + `"} `)
	f.Fuzz(func(t *testing.T, record string) {
		var members connector.Members
		fields, err := read(&members, record)
		var want map[string]json.RawMessage
		valid := json.Unmarshal([]byte(record), &want) == nil && want != nil
		if valid && err != nil {
			t.Fatalf("%q: %v", record, err)
		}
		if err == nil && !json.Valid([]byte(record)) {
			t.Fatalf("%q was taken: %q", record, fields)
		}
		if err == nil && !utf8.ValidString(fmt.Sprint(fields)) {
			t.Fatalf("%q is no UTF-8 in %q", fields, record)
		}
	})
}

func BenchmarkMembers(b *testing.B) {
	var members connector.Members
	record := []byte(`{"iid":1,"indicator":"host-1.example.net","risk":"none","summary":{"geo":{"org":"a"}},"threats":["Phishing","Emotet"]}`)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range members.Of(record) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

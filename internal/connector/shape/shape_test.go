package shape_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/connector/shape"
)

// things is a schema with everything that a schema can have.
const things = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{
	"id":{"type":["integer","null"],"description":"Its number."},
	"name":{"type":["string","null"],"x-sallyport":{"also":["thing","label"]}},
	"size":{"type":["number","null"]},
	"on":{"type":["boolean","null"]},
	"at":{"type":["string","null"],"format":"date-time"},
	"risk":{"type":["string","null"],"x-sallyport":{"flag":"retired"}},
	"retired":{"type":"boolean","x-sallyport":{"reason":"why"}},
	"why":{"type":["string","null"]},
	"tags":{"type":"array","items":{"type":"string"},"x-sallyport":{"separator":","}},
	"parts":{"type":"array","items":{"$ref":"#/$defs/part"}},
	"part":{"$ref":"#/$defs/part","description":"The main one."},
	"counts":{"type":"object","additionalProperties":{"type":"integer"}},
	"facts":{"type":"object","additionalProperties":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}},
		"x-sallyport":{"rows":{"name":"n","value":"v","current":"now","group":"group","keep":"rows"}}},
	"rows":{"type":"array","items":{"type":"object","properties":{"group":{"type":"string"},"n":{"type":"string"}}}},
	"free":{"description":"Whatever it is."}
},"$defs":{"part":{"type":"object","properties":{"id":{"type":"integer"},"x":{"type":"string"}}}}}`

func mustNew(t testing.TB, text string) *shape.Shape {
	t.Helper()
	s, err := shape.New([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// nothing is what a record has of a member that is not there.
var nothing = map[string]string{
	"id": "null", "name": "null", "size": "null", "on": "null", "at": "null", "risk": "null", "retired": "false", "why": "null", "tags": "[]",
	"parts": "[]", "part": `{"id":null,"x":null}`, "counts": "{}", "facts": "{}", "rows": "[]", "free": "null",
}

var order = []string{"id", "name", "size", "on", "at", "risk", "retired", "why", "tags", "parts", "part", "counts", "facts", "rows", "free"}

// whole is a record that has some members, and else nothing.
func whole(members map[string]string) string {
	var out []string
	for _, name := range order {
		value, ok := members[name]
		if !ok {
			value = nothing[name]
		}
		out = append(out, `"`+name+`":`+value)
	}
	return "{" + strings.Join(out, ",") + members["+"] + "}"
}

// TestUnknownFlag tells a flag that may be null from one that is false if nothing is said.
func TestUnknownFlag(t *testing.T) {
	n := mustNew(t, `{"type":"object","properties":{
		"risk":{"type":"string","x-sallyport":{"flag":"old"}},"old":{"type":["boolean","null"]}}}`).Normaliser()
	for record, want := range map[string]string{
		`{}`: "null", `{"risk":"low"}`: "null", `{"old":null}`: "null", `{"old":""}`: "null", `{"old":0}`: "false", `{"old":"false"}`: "false",
		`{"old":1}`: "true", `{"risk":"low:old"}`: "true", `{"risk":"old","old":0}`: "true", `{"old":"maybe"}`: `"maybe"`,
	} {
		if got := string(n.Record([]byte(record))); !strings.HasSuffix(got, `"old":`+want+"}") {
			t.Errorf("%s is %s, want %s", record, got, want)
		}
	}
}

func TestRecord(t *testing.T) {
	s := mustNew(t, things)
	n := s.Normaliser()
	for _, c := range []struct {
		record string
		want   map[string]string // members; + is what follows the declared ones
	}{
		{`{}`, nil},
		{`{"id":"","name":"","size":"","on":"","at":"","risk":"","why":"","tags":"","parts":"","part":"","counts":"","facts":"","rows":""}`, nil},
		{`{"id":[],"name":{},"size":[ ],"on":{ },"tags":{},"parts":{},"part":[],"counts":[],"facts":[]}`, nil},
		{`{"id":"7"}`, map[string]string{"id": "7"}},
		{`{"id":-7}`, map[string]string{"id": "-7"}},
		{`{"id":"007"}`, map[string]string{"id": `"007"`}},
		{`{"id":1.5}`, map[string]string{"id": `"1.5"`}},
		{`{"id":"1e3"}`, map[string]string{"id": `"1e3"`}},
		{`{"id":12345678901234567890}`, map[string]string{"id": `"12345678901234567890"`}},
		{`{"id":true}`, map[string]string{"id": `"true"`}},
		{`{"id":{"a":"b"}}`, map[string]string{"id": `"{\"a\":\"b\"}"`}},
		{`{"size":"1.50"}`, map[string]string{"size": "1.50"}},
		{`{"size":1E400}`, map[string]string{"size": "1E400"}},
		{`{"size":"1E400"}`, map[string]string{"size": `"1E400"`}},
		{`{"on":1}`, map[string]string{"on": "true"}},
		{`{"on":"0"}`, map[string]string{"on": "false"}},
		{`{"on":"maybe"}`, map[string]string{"on": `"maybe"`}},
		{`{"at":"2024-02-29 9:05:06"}`, map[string]string{"at": `"2024-02-29T09:05:06Z"`}},
		{`{"at":"2023-02-29 09:05:06"}`, map[string]string{"at": `"2023-02-29 09:05:06"`}},
		{`{"at":"2024-02-29T09:05:06+01:00"}`, map[string]string{"at": `"2024-02-29T09:05:06+01:00"`}},
		{`{"at":"2024-02-29 24:05:06"}`, map[string]string{"at": `"2024-02-29 24:05:06"`}},
		{`{"at":"0000-00-00"}`, nil},
		{`{"at":1700000000}`, map[string]string{"at": `"1700000000"`}},
		{`{"name":5}`, map[string]string{"name": `"5"`}},
		{`{"thing":"a"}`, map[string]string{"name": `"a"`}},
		{`{"thing":"a","name":""}`, map[string]string{"name": `"a"`}},
		{`{"thing":"a","name":"b"}`, map[string]string{"name": `"b"`, "+": `,"thing":"a"`}},
		{`{"thing":"a","label":"b"}`, map[string]string{"name": `"a"`, "+": `,"label":"b"`}},
		{`{"n\u0061me":"a"}`, map[string]string{"name": `"a"`}},
		{`{"id":1,"id":2}`, map[string]string{"id": "2"}},
		{`{"ID":1,"x":[],"y":null, "z" : { "a" : 1 }}`, map[string]string{"+": `,"ID":1,"x":[],"y":null,"z":{ "a" : 1 }`}},
		{`{"risk":"high:retired","retired":"old"}`, map[string]string{"risk": `"high"`, "retired": "true", "why": `"old"`}},
		{`{"risk":"unretired"}`, map[string]string{"risk": `"unretired"`}},
		{`{"risk":"retired:retired"}`, map[string]string{"retired": "true"}},
		{`{"risk":7,"retired":true,"why":"w"}`, map[string]string{"risk": `"7"`, "retired": "true", "why": `"w"`}},
		{`{"retired":2}`, map[string]string{"retired": "true", "why": `"2"`}},
		{`{"tags":"a, b,,c"}`, map[string]string{"tags": `["a","b","c"]`}},
		{`{"tags":"a\u002cb \" c"}`, map[string]string{"tags": `["a","b \" c"]`}},
		{`{"tags":["a,b","",null,[["c"],[]],5,{"d":1}]}`, map[string]string{"tags": `["a,b","","c","5","{\"d\":1}"]`}},
		{`{"tags":{"1":"a","5":"b"}}`, map[string]string{"tags": `["a","b"]`}},
		{`{"tags":7}`, map[string]string{"tags": `["7"]`}},
		{`{"parts":{"id":"1"}}`, map[string]string{"parts": `[{"id":1,"x":null}]`}},
		{`{"parts":[[{"id":"1","y":2}],null,"x"]}`, map[string]string{"parts": `[{"id":1,"x":null,"y":2},"x"]`}},
		{`{"part":{"x":["a"]}}`, map[string]string{"part": `{"id":null,"x":"[\"a\"]"}`}},
		{`{"part":"x"}`, map[string]string{"part": `"x"`}},
		{`{"part":5}`, map[string]string{"part": `"5"`}},
		{`{"counts":{"a":"1","b":null,"c":""}}`, map[string]string{"counts": `{"a":1,"b":null,"c":null}`}},
		{`{"counts":[5,"6"]}`, map[string]string{"counts": `{"0":5,"1":6}`}},
		{`{"facts":{"g":{"a":"x","A":["y",""],"e":""}}}`, map[string]string{"facts": `{"g":{"a":["x"],"A":["y",""],"e":[]}}`}},
		{`{"facts":{"g":[{"n":"a","v":"x","now":1},{"n":"a","v":"y"},{"n":7,"v":"z","now":"0"}]}}`, map[string]string{
			"facts": `{"g":{"a":["x","y"]}}`,
			"rows":  `[{"group":"g","n":"a","v":"x","now":1},{"group":"g","n":"a","v":"y"},{"group":"g","n":"7","v":"z","now":"0"}]`}},
		{`{"facts":{"g":["x",{"n":"a"}]}}`, map[string]string{"facts": `{"g":{"0":["x"],"1":["{\"n\":\"a\"}"]}}`}},
		{`{"facts":"none"}`, map[string]string{"facts": `"none"`}},
		{`{"free":[null,{"a":""}]}`, map[string]string{"free": `[null,{"a":""}]`}},
		{" {\t\"id\" : \"7\" , \"name\" :\"a\" } ", map[string]string{"id": "7", "name": `"a"`}},
	} {
		got := string(n.Record([]byte(c.record)))
		if diff := cmp.Diff(whole(c.want), got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.record, diff)
		}
		if again := string(n.Record([]byte(got))); again != got {
			t.Errorf("%s, once more:\n%s", got, again)
		}
		if err := s.Check([]byte(got)); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
	for _, record := range []string{`"x"`, `[1]`, `null`, `7`} {
		if got := string(n.Record([]byte(record))); got != record {
			t.Errorf("%s, which is no object, becomes %s", record, got)
		}
	}
}

func TestCheck(t *testing.T) {
	s := mustNew(t, `{"type":"object","properties":{"id":{"type":"integer"},"at":{"type":"array","items":{"type":"boolean"}},
		"in":{"type":"object","additionalProperties":{"type":"string"}}}}`)
	for record, want := range map[string]string{
		`{"id":1,"at":[],"in":{}}`: "", `{"id":null,"at":["x"],"in":"x","more":1}`: "", `{"id":"x","at":[true],"in":{"a":"b"}}`: "",
		`{"at":[],"in":{}}`: `$: "at" stands where id should`, `{"id":1}`: "$: at is missing", `{"id":1,"at":{},"in":{}}`: "$.at: is no list",
		`{"id":true,"at":[],"in":{}}`: "$.id: is true, not integer", `{"id":1,"at":[1],"in":{}}`: "$.at[]: is 1, not boolean",
		`{"id":1,"at":[],"in":[]}`: "$.in: is no object", `{"id":1,"at":[],"in":{"a":1}}`: "$.in.*: is 1, not text",
	} {
		switch err := s.Check([]byte(record)); {
		case err == nil && want != "", err != nil && err.Error() != want:
			t.Errorf("%s: %v, want %s", record, err, want)
		}
	}
}

func TestFields(t *testing.T) {
	want := []shape.Field{
		{Path: "id", Type: "integer", Description: "Its number."}, {Path: "tags", Type: "list of text"}, {Path: "part", Type: "object", Description: "The main one."},
		{Path: "part.id", Type: "integer"}, {Path: "at", Type: "time"}, {Path: "counts", Type: "object: name → integer"}, {Path: "free", Type: "anything", Description: "Whatever it is."},
	}
	all := map[string]shape.Field{}
	s := mustNew(t, things)
	for _, f := range s.Fields() {
		all[f.Path] = f
	}
	for _, w := range want {
		if all[w.Path] != w {
			t.Errorf("%v, want %v", all[w.Path], w)
		}
	}
	if _, ok := all["parts[].x"]; !ok || !s.Has("id") || s.Has("thing") || !bytes.Equal(s.Text(), []byte(things)) {
		t.Error("a field is missing, or the text is not the schema")
	}
}

func TestNewRefuses(t *testing.T) {
	object := func(properties string) string { return `{"type":"object","properties":{` + properties + `}}` }
	deep := strings.Repeat(`{"type":"array","items":`, 20) + `{"type":"string"}` + strings.Repeat("}", 20)
	for text, want := range map[string]string{
		``: "cannot be read", `[]`: "cannot be read", `{"type":"string"}`: "a record is an object", object(``): "a record is an object",
		`{"type":"object","additionalProperties":false}`: "cannot be read", object(`"a":{"type":"string","enum":["x"]}`): "cannot be read",
		object(`"a":{"type":"text"}`):                                                       `$.a: type "text" is none`,
		object(`"a":{"type":["string","integer"]}`):                                         "$.a: type must be one type",
		object(`"a":{"type":"string","format":"email"}`):                                    "$.a: format is date-time",
		object(`"a":{"type":"string","items":{}}`):                                          "$.a: properties belong to an object",
		object(`"a":{"type":"array"}`):                                                      "$.a: items are required",
		object(`"a":{"$ref":"#/$defs/x"}`):                                                  "$.a: $ref leads to no schema",
		object(`"a":` + deep):                                                               "levels deep",
		object(`"a":{"x-sallyport":{"also":["b"]}},"b":{}`):                                 "$.a: also: b is a member of its own",
		object(`"a":{"type":"string","x-sallyport":{"flag":"b"}},"b":{"type":"string"}`):    "$.a: flag: of a string",
		object(`"a":{"type":"boolean","x-sallyport":{"reason":"b"}},"b":{"type":"string"}`): "$.a: reason: names a string",
		object(`"a":{"type":"string","x-sallyport":{"separator":","}}`):                     "$.a: separator: belongs to an array",
		object(`"a":{"type":"object","x-sallyport":{"rows":{"name":"n","value":"v"}}}`):     "$.a: rows: of an object of objects",
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}}}}}`: "levels deep",
		strings.Repeat(" ", shape.MaxSchema+1): "longer than",
	} {
		if _, err := shape.New([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200s: %v, want %s", text, err, want)
		}
	}
}

// TestRecordAllocatesNothing normalises an indicator in full.
func TestRecordAllocatesNothing(t *testing.T) {
	record, err := os.ReadFile(filepath.Join(definition, "testdata/indicator-by-value.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := pulsedive(t, "indicator").Normaliser()
	if allocations := testing.AllocsPerRun(100, func() { n.Record(record) }); allocations > 0 {
		t.Errorf("it allocates %.0f times", allocations)
	}
}

var loose = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// FuzzRecord checks that whatever is valid JSON gives a record that is valid JSON, has all that is declared, and does not change any more.
func FuzzRecord(f *testing.F) {
	schemas := []*shape.Shape{mustNew(f, things)}
	files, err := filepath.Glob(filepath.Join(definition, "schema", "*.json"))
	if err != nil || len(files) < 10 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		schemas = append(schemas, pulsedive(f, strings.TrimSuffix(filepath.Base(file), ".json")))
	}
	seeds, err := filepath.Glob(filepath.Join(definition, "testdata", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range seeds {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for i := range schemas {
			f.Add(byte(i), text)
		}
	}
	f.Add(byte(0), []byte(`{"tags":"a,\ud800\"","parts":[[{"id":"1"},7]],"facts":{"g":[{"n":1.0,"v":[["x"]]}],"h":[1]},"risk":"a:retired","free":{}}`))
	f.Fuzz(func(t *testing.T, which byte, text []byte) {
		record := jsontext.Value(text)
		if !record.IsValid(loose...) || record.Kind() != '{' {
			return
		}
		s := schemas[int(which)%len(schemas)]
		got := bytes.Clone(s.Normaliser().Record(record))
		if !jsontext.Value(got).IsValid(loose...) {
			t.Fatalf("%s becomes %s, which is no JSON", text, got)
		}
		if err := s.Check(got); err != nil {
			t.Fatalf("%s becomes %s: %v", text, got, err)
		}
		if again := s.Normaliser().Record(got); !bytes.Equal(got, again) {
			t.Fatalf("%s becomes\n%s\nand then\n%s", text, got, again)
		}
	})
}

// FuzzBroken checks that what is no JSON ends, whatever it becomes.
func FuzzBroken(f *testing.F) {
	s := mustNew(f, things)
	for _, text := range []string{`{"id`, `{x`, `{"tags":[`, `{"risk":"`, `{"facts":{"g":[{"n":`, `{]`, `{"a":}`, `{"":"\`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(_ *testing.T, text []byte) { s.Normaliser().Record(text) })
}

func TestOnly(t *testing.T) {
	s := mustNew(t, things)
	for _, c := range []struct {
		names  []string
		record string
		want   string
	}{
		{[]string{"tags", "id"}, `{"tags":"a,b","x":"1"}`, `{"id":null,"tags":["a","b"],"x":"1"}`},
		{[]string{"risk"}, `{"risk":"high:retired"}`, `{"risk":"high","retired":true,"why":null}`},
	} {
		only, err := s.Only(c.names)
		if err != nil {
			t.Fatalf("%s: %v", c.names, err)
		}
		if got := string(only.Normaliser().Record([]byte(c.record))); got != c.want {
			t.Errorf("%s: %s, want %s", c.names, got, c.want)
		}
	}
	if only, err := s.Only([]string{"x"}); only != nil || err != nil {
		t.Errorf("nothing is left, but %v, %v", only, err)
	}
}

package strictyaml_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/strictyaml"
)

type flow struct {
	Flow     string                     `yaml:"flow"`
	Source   *source                    `yaml:"source"`
	Every    sallyport.Duration         `yaml:"every,omitempty"`
	Labels   map[string]string          `yaml:"labels"`
	Query    map[string]sallyport.Texts `yaml:"query"`
	Body     sallyport.Body             `yaml:"body"`
	Equals   []sallyport.Scalar         `yaml:"equals"`
	Names    []string                   `yaml:"names"`
	Count    int8                       `yaml:"count"`
	Size     uint16                     `yaml:"size"`
	Ratio    float64                    `yaml:"ratio"`
	Paused   bool                       `yaml:"paused"`
	Hidden   string                     `yaml:"-"`
	Untagged string
}

type source struct {
	Credential string         `yaml:"credential"`
	Params     map[string]any `yaml:"params"`
	Start      *int64         `yaml:"start"`
}

func TestDecode(t *testing.T) {
	var got flow
	err := strictyaml.Decode("flow.yaml", []byte(`# a comment
flow: 1000
source:
  credential: "Pulsedive personal"
  start: 0
  params:
    fid: 1
    big: 18446744073709551615
    bigger: 123456789012345678901234567890
    half: 0.50
    hex: 0x1F
    octal: 0o17
    plus: +1_000
    point: .5
    many: [1, two, true, ~, {three: 3}]
    day: 2024-01-02
    quoted: "1"
    yes: no
every: 2d
labels: {a: 1, b: true, c: 2024-01-02, d: 0017}
body: {after: "{cursor}", sort: [1, {b: 0.50}]}
query: {one: 007, more: [1, "two", true], none: , empty: []}
equals: [false, -1, 0.50, null, ~, "null", no]
names:
- x
- 2
count: -128
size: 65535
ratio: 1e3
paused: true
untagged:
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	start := int64(0)
	want := flow{
		Flow: "1000",
		Source: &source{
			Credential: "Pulsedive personal",
			Start:      &start,
			Params: map[string]any{
				"fid": json.Number("1"), "big": json.Number("18446744073709551615"), "bigger": json.Number("123456789012345678901234567890"),
				"half": json.Number("0.50"), "hex": json.Number("31"), "octal": json.Number("15"), "plus": json.Number("1000"),
				"point": json.Number("0.5"), "day": "2024-01-02", "quoted": "1", "yes": "no",
				"many": []any{json.Number("1"), "two", true, nil, map[string]any{"three": json.Number("3")}},
			},
		},
		Every:  sallyport.Duration(48 * time.Hour),
		Labels: map[string]string{"a": "1", "b": "true", "c": "2024-01-02", "d": "0017"},
		Query:  map[string]sallyport.Texts{"one": {"007"}, "more": {"1", "two", "true"}, "none": nil, "empty": {}},
		Body:   `{"after":{cursor},"sort":[1,{"b":0.50}]}`,
		Equals: []sallyport.Scalar{"false", "-1", "0.50", "null", "null", "null", "no"},
		Names:  []string{"x", "2"},
		Count:  -128, Size: 65535, Ratio: 1000, Paused: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(got.Source.Params); err != nil {
		t.Errorf("numbers are not those of JSON: %v", err)
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":       {"flow: a\nsource: {crdential: b}", `f.yaml:2:10: unknown key "crdential"; did you mean "credential"?`},
		"far from any key":  {"source: {zzzzzzzzzz: b}", `f.yaml:1:10: unknown key "zzzzzzzzzz"; the keys here are credential, params, start`},
		"hidden field":      {"-: b", "f.yaml:1:1: unknown key \"-\"; the keys here are body, count, equals, every, flow, labels, names, paused, query, ratio, size, source, untagged"},
		"key twice":         {"flow: a\nflow: b", `f.yaml:2:1: the key "flow" is already in line 1`},
		"key twice in any":  {"source:\n  params:\n    a: 1\n    a: 2", `f.yaml:4:5: the key "a" is already in line 3`},
		"key is a list":     {"? [a]\n: b", "f.yaml:1:3: must be a key, not a list"},
		"list for text":     {"flow: [a]", "f.yaml:1:7: must be text, not a list"},
		"keys for text":     {"flow: {a: b}", "f.yaml:1:7: must be text, not keys with values"},
		"fault in a body":   {"body: {a: 08}", "f.yaml:1:11: cannot be read as a number: write it in plain decimal digits, or put the text in quotes"},
		"empty scalar":      {`equals: [""]`, "f.yaml:1:10: must be text that is not empty, a number, true, false or null"},
		"list for scalar":   {`equals: [[a]]`, "f.yaml:1:10: must be text, not a list"},
		"text for struct":   {"source: é", "f.yaml:1:9: must be keys with values, not text"},
		"text for list":     {"names: a", "f.yaml:1:8: must be a list, not text"},
		"list for map":      {"labels: [a]", "f.yaml:1:9: must be keys with values, not a list"},
		"text for number":   {"ratio: a", "f.yaml:1:8: must be a number, not text"},
		"bool for integer":  {"count: true", "f.yaml:1:8: must be a whole number, not true or false"},
		"fraction":          {"count: 1.5", "f.yaml:1:8: must be a whole number, not a number"},
		"number for bool":   {"paused: 1", "f.yaml:1:9: must be true or false, not a whole number"},
		"yes for bool":      {"paused: yes", "f.yaml:1:9: must be true or false, not text"},
		"too large":         {"count: 128", "f.yaml:1:8: is a number that is too large or too small here"},
		"negative":          {"size: -1", "f.yaml:1:7: is a number that is too large or too small here"},
		"octal or decimal":  {"count: 017", "f.yaml:1:8: cannot be read as a number: write it in plain decimal digits, or put the text in quotes"},
		"leading zero":      {"source: {params: {a: 08}}", "f.yaml:1:22: cannot be read as a number: write it in plain decimal digits, or put the text in quotes"},
		"infinity":          {"source: {params: {a: .inf}}", "f.yaml:1:22: cannot be read as a number: write it in plain decimal digits, or put the text in quotes"},
		"text unmarshaler":  {"flow: a\n\nevery: 8x", `f.yaml:3:8: "8x" is no duration: write a whole number and s, m, h, d or w, such as 8h`},
		"list for duration": {"every: [8h]", "f.yaml:1:8: must be text, not a list"},
		"anchor":            {"flow: &a b", "f.yaml:1:7: anchors (&) and aliases (*) are not allowed: write the value out, or put the text in quotes"},
		"unknown alias":     {"flow: *a", "f.yaml:1:7: is no YAML: unknown anchor 'a' referenced"},
		"merge":             {"<<: {flow: a}", "f.yaml:1:1: merge keys (<<) are not allowed: write the keys out"},
		"tag":               {"flow: !!str 1", "f.yaml:1:7: tags (!) are not allowed: write the plain value, or put the text in quotes"},
		"own tag":           {"source: {params: {a: !x [b]}}", "f.yaml:1:22: tags (!) are not allowed: write the plain value, or put the text in quotes"},
		"syntax":            {"flow: a\nnames: [a\n", "f.yaml:3:1: is no YAML: did not find expected ',' or ']' while parsing a flow sequence"},
		"empty":             {"", "f.yaml: there is nothing in it"},
		"only comments":     {"# a\n---\n", "f.yaml: there is nothing in it"},
		"two documents":     {"flow: a\n---\nflow: b", "f.yaml:3:1: a second document begins here, but there may be only one"},
		"no UTF-8":          {"flow: a\nnames: [é, \xff]", "f.yaml:2:12: this is not readable text: the file must be written in UTF-8"},
		"control character": {"flow: a\x00", "f.yaml:1:8: this is not readable text: the file must be written in UTF-8"},
		"deep":              {strings.Repeat("[", 100), "f.yaml:1:51: is no YAML: exceeded max depth of 50 while increasing flow level"},
		"large":             {"flow: " + strings.Repeat("a", strictyaml.MaxSize), "f.yaml: is too large: at most 1048576 bytes and 20000 commas are read"},
		"many values":       {"names: [" + strings.Repeat("a,", 30_000) + "]", "f.yaml: is too large: at most 1048576 bytes and 20000 commas are read"},
		"several":           {"flw: a\nnames: b", "f.yaml:1:1: unknown key \"flw\"; did you mean \"flow\"?\nf.yaml:2:8: must be a list, not text"},
	} {
		t.Run(name, func(t *testing.T) {
			err := strictyaml.Decode("f.yaml", []byte(c.yaml), new(flow))
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			fault, ok := errors.AsType[*sallyport.Error](err)
			if !ok || fault.Code != sallyport.Invalid || !strings.HasPrefix(c.want, fault.Field+": ") {
				t.Errorf("got %#v", fault)
			}
		})
	}
}

func TestFaultsAreBounded(t *testing.T) {
	err := strictyaml.Decode("f.yaml", []byte(strings.Repeat("- 1\n", 10_000)), new([]flow))
	if n := strings.Count(err.Error(), "\n") + 1; n != 20 {
		t.Errorf("%d faults are told", n)
	}
	key := strings.Repeat("k", 10_000)
	if err := strictyaml.Decode("f.yaml", []byte(key+": 1"), new(flow)); err == nil || len(err.Error()) > 500 {
		t.Errorf("a long key was repeated whole: %v", err)
	}
}

func TestUnsuitableGoValues(t *testing.T) {
	for name, into := range map[string]any{
		"no pointer": flow{}, "nil": (*flow)(nil), "channel": new(chan int), "numbered keys": new(map[int]string), "interface": new(error),
	} {
		if err := strictyaml.Decode("f.yaml", []byte("flow: a"), into); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDocuments(t *testing.T) {
	var names []string
	for doc, err := range strictyaml.Documents("f.yaml", []byte("---\nflow: a\n---\n---\nflow: b\n...\n")) {
		if err != nil {
			t.Fatal(err)
		}
		var f flow
		if err := doc.Decode(&f); err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Flow+" "+doc.Place("flow"))
	}
	if diff := cmp.Diff([]string{"a f.yaml:2:7", "b f.yaml:5:7"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentsEndWithAnError(t *testing.T) {
	var got []string
	for doc, err := range strictyaml.Documents("f.yaml", []byte("flow: a\n---\nflow: [\n---\nflow: c\n")) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, doc.Place())
	}
	if len(got) != 2 || !strings.HasPrefix(got[1], "f.yaml:4:1: is no YAML") {
		t.Errorf("got %q", got)
	}
}

func TestPlace(t *testing.T) {
	doc, err := strictyaml.One("f.yaml", []byte("source:\n  params:\n    fid: 1\nnames: [a,\n  b]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string][]any{
		"f.yaml:1:1":  nil,
		"f.yaml:2:3":  {"source"},
		"f.yaml:3:10": {"source", "params", "fid"},
		"f.yaml:3:5":  {"source", "params", "tid", "x"},
		"f.yaml:5:3":  {"names", 1},
		"f.yaml:4:8":  {"names", 2},
	} {
		if got := doc.Place(path...); got != want {
			t.Errorf("%v: got %s, want %s", path, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("flow: a\nsource: {params: {a: [1, .5, 0x1F, ~]}}\nevery: 8h")
	f.Add("a: &x [*x]\n<<: *x\n? {b: c}\n: !!str d")
	f.Add("---\n...\n%YAML 1.1\n--- |\n text\n")
	f.Fuzz(func(t *testing.T, text string) {
		for doc, err := range strictyaml.Documents("f.yaml", []byte(text)) {
			if err != nil {
				placed(t, err)
				return
			}
			if err := doc.Decode(new(flow)); err != nil {
				placed(t, err)
			}
			var free any
			if err := doc.Decode(&free); err != nil {
				placed(t, err)
			} else if _, err := json.Marshal(free); err != nil {
				t.Errorf("what was read is no JSON: %v", err)
			}
		}
	})
}

func placed(t *testing.T, err error) {
	if fault, ok := errors.AsType[*sallyport.Error](err); !ok || !strings.HasPrefix(fault.Field, "f.yaml") {
		t.Errorf("a fault without a place: %v", err)
	}
}

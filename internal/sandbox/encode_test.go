package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStringsAreQuotedAsPHPDoes(t *testing.T) {
	for in, want := range map[string]string{
		"":                           `""`,
		"plain text 1.2":             `"plain text 1.2"`,
		"https://example.com/":       `"https:\/\/example.com\/"`,
		`say "hi" \ bye`:             `"say \"hi\" \\ bye"`,
		"<b>&'":                      `"<b>&'"`,
		"a\nb\rc\td\be\ff\x00g\x1bh": `"a\nb\rc\td\be\ff\u0000g\u001bh"`,
		"\x7f":                       "\"\x7f\"",
		"Łódź 東京":                    `"\u0141\u00f3d\u017a \u6771\u4eac"`,
		"😎":                          `"\ud83d\ude0e"`,
		"\u2028\u202e":               `"\u2028\u202e"`,
		"broken \xff\xc3":            `"broken \ufffd\ufffd"`,
	} {
		if got := string(appendQuoted(nil, in)); got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
		}
		if got := string(appendQuoted(nil, []byte(in))); got != want {
			t.Errorf("the bytes of %q become %s, want %s", in, got, want)
		}
	}
}

func FuzzQuotedStringsComeBack(f *testing.F) {
	f.Add("a/\"\\\n\x00é😎\xff")
	f.Fuzz(func(t *testing.T, in string) {
		quoted := appendQuoted(nil, in)
		var out string
		if err := json.Unmarshal(quoted, &out); err != nil {
			t.Fatalf("%q becomes %s: %v", in, quoted, err)
		}
		if utf8.ValidString(in) && out != in {
			t.Errorf("%q comes back as %q", in, out)
		}
		if i := bytes.IndexFunc(quoted, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
			t.Errorf("%q becomes %s, which is not ASCII", in, quoted)
		}
	})
}

func TestEncoderSetsCommas(t *testing.T) {
	var out bytes.Buffer
	e := &encoder{w: &out}
	e.begin('{')
	e.intField("a", 1)
	e.rawField("b", "null")
	e.key("c")
	e.begin('[')
	e.strings(nil)
	e.strings([]string{"x", "y"})
	e.end(']')
	e.stampField("d", 0)
	e.key("e")
	e.begin('{')
	e.anyKey("f/g")
	e.int(-2)
	e.end('}')
	e.end('}')
	e.flush()
	if want := `{"a":1,"b":null,"c":[[],["x","y"]],"d":"1970-01-01 00:00:00","e":{"f\/g":-2}}`; out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

func TestIndenterWritesWhatIndentWould(t *testing.T) {
	for _, compact := range []string{
		`{}`, `[]`, `1`, `""`, `{"a":1}`, `[1,2]`, `[[],{}]`, `{"a":{},"b":[],"c":[{}]}`, `{"a":"b,c:{[]}"}`, `["\"","\\","\\\"",""]`,
		`{"a":[1,"x",null,{"b":[[1],[2]]}],"c":"\\"}`,
	} {
		var want, got bytes.Buffer
		if err := json.Indent(&want, []byte(compact), "", "    "); err != nil {
			t.Fatal(err)
		}
		i := &indenter{w: &got}
		for _, c := range strings.Split(compact, "") { // a state lost between two writes would show
			if _, err := i.Write([]byte(c)); err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != want.String() {
			t.Errorf("%s becomes\n%s\nwant\n%s", compact, &got, &want)
		}
	}
}

package file_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestCells(t *testing.T) {
	for _, tc := range []struct{ value, cell string }{
		{`null`, ``},
		{`true`, `true`},
		{`1.50`, `1.50`},
		{`-1`, `-1`},
		{`1E+400`, `1E+400`},
		{`12345678901234567890123`, `12345678901234567890123`},
		{`""`, ``},
		{`"plain"`, `plain`},
		{`"a,b"`, `"a,b"`},
		{`"say \"hi\""`, `"say ""hi"""`},
		{`"two\nlines"`, "\"two\nlines\""},
		{`" a "`, `" a "`},
		{`"\u00e9 🦊"`, `é 🦊`},
		{`"=1+1"`, `=1+1`},
		{`"+1"`, `+1`},
		{`"-1"`, `-1`},
		{`"@a"`, `@a`},
		{`"\ta"`, "\"\ta\""},
		{`"\ra"`, "\"\ra\""},
		{`"a=1"`, `a=1`},
		{`{"a": [1,null]}`, `"{""a"": [1,null]}"`},
		{`[]`, `[]`},
	} {
		target := target(t, "csv")
		write(t, &target, `{"x":0,"a":`+tc.value+`}`)
		holds(t, target, "x,a\n0,"+tc.cell+"\n")
	}
}

// TestFormulaGuard wants texts led by an apostrophe where the guard is on, numbers as they are, and a file that goes on as it was begun.
func TestFormulaGuard(t *testing.T) {
	const record = `{"=a":"-5.00","b":-5.0,"c":"+49 30 1234","d":"=1+1","e":"@ann","f":"a-b"}`
	const plain, safe = "-5.00,-5.0,+49 30 1234,=1+1,@ann,a-b\n", "'-5.00,-5.0,'+49 30 1234,'=1+1,'@ann,a-b\n"
	on := target(t, "csv")
	on.Config["formula_guard"] = true
	write(t, &on, record)
	holds(t, on, "'=a,b,c,d,e,f\n"+safe)
	delete(on.Config, "formula_guard")
	write(t, &on, record)
	holds(t, on, "'=a,b,c,d,e,f\n"+safe+safe)
	on.Config["formula_guard"] = false
	write(t, &on, record)
	holds(t, on, "'=a,b,c,d,e,f\n"+safe+safe+plain)

	off := target(t, "csv")
	write(t, &off, record)
	write(t, &off, record)
	holds(t, off, "=a,b,c,d,e,f\n"+plain+plain)
	off.State = strings.Replace(off.State, `,"plain":true`, "", 1) // as an older version wrote it
	write(t, &off, record)
	holds(t, off, "=a,b,c,d,e,f\n"+plain+plain+safe)
}

func TestHeader(t *testing.T) {
	records := []string{`{"b":1,"++code":null}`, `{"a b":{},"b":2}`, `broken`}
	schema := sallyport.Schema{Fields: []sallyport.Field{{Name: "a b"}, {Name: "b"}, {Name: "=c"}, {Name: "++code"}}}
	for _, tc := range []struct {
		name    string
		columns []string
		schema  sallyport.Schema
		want    string
	}{
		{"of the configuration", []string{"++code", "a b", "b"}, schema, "++code,a b,b\n,,1\n,{},2\n"},
		{"of the schema", nil, schema, "a b,b,=c,++code\n,1,,\n{},2,,\n"},
		{"of the first batch", nil, sallyport.Schema{}, "b,++code,a b\n1,,\n2,,{}\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := target(t, "csv")
			target.Config["columns"], target.Schema = tc.columns, tc.schema
			result := write(t, &target, records...)
			if diff := cmp.Diff([]connector.Rejection{{Index: 2, Reason: "the record is no JSON object"}}, result.Rejected); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
			holds(t, target, tc.want)
			target.Config["columns"], target.Schema = nil, sallyport.Schema{Fields: []sallyport.Field{{Name: "new"}}}
			write(t, &target)
			holds(t, target, tc.want)
		})
	}
}

func TestFieldThatIsNoColumn(t *testing.T) {
	target := target(t, "csv")
	write(t, &target, `{"a":1}`)
	long := strings.Repeat("é", 1000)
	result := write(t, &target, `{"a":2,"b":"hidden"}`, `{"`+long+`":"hidden"}`, `{"a":3,"b":null}`)
	want := []connector.Rejection{
		{Index: 0, Reason: `the field "b" is no column of the file, which was begun without it; a new path takes it`},
		{Index: 1, Reason: `the field "` + long[:120] + `" is no column of the file, which was begun without it; a new path takes it`},
	}
	if diff := cmp.Diff(want, result.Rejected); diff != "" || result.Accepted != 1 {
		t.Errorf("%d accepted, rejected (-want +got):\n%s", result.Accepted, diff)
	}
	holds(t, target, "a\n1\n3\n")
}

func TestChosenColumnsLeaveTheOthersOut(t *testing.T) {
	target := target(t, "csv")
	target.Config["columns"] = []string{"b", "a"}
	result := write(t, &target, `{"a":1,"b":2,"c":3}`, `{"c":4}`)
	if len(result.Rejected) != 0 {
		t.Errorf("rejected: %v", result.Rejected)
	}
	holds(t, target, "b,a\n2,1\n,\n")
}

func TestRecordsWithoutFields(t *testing.T) {
	target := target(t, "csv")
	result := write(t, &target, `{}`)
	want := []connector.Rejection{{Reason: "the record has no field that could become a column"}}
	if diff := cmp.Diff(want, result.Rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	holds(t, target, "")
	write(t, &target, `{"a":1}`, `{}`, `{"a":null}`, `{"a":2,"a":null}`)
	holds(t, target, "a\n1\n\"\"\n\"\"\n\"\"\n")
}

// FuzzCells writes a text, under a name and as a value, and reads it with a reader of CSV that is not ours.
func FuzzCells(f *testing.F) {
	for _, seed := range []string{"", "a", "=1", "'=1", `"`, "a\r\nb", "\n", "\r", `\.`, "\ufeff", ",", " a", "\x00", "\xff", "\u2028"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if !utf8.ValidString(name) || !utf8.ValidString(text) {
			t.Skip("JSON holds no such text")
		}
		key, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		value, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		target := target(t, "csv")
		target.Config["formula_guard"] = true
		if result := write(t, &target, `{`+string(key)+`:`+string(value)+`}`); len(result.Rejected) > 0 {
			t.Fatalf("rejected: %v", result.Rejected)
		}
		rows, err := csv.NewReader(strings.NewReader(string(readFile(t, target.Config)))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{{guarded(name)}, {guarded(text)}}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// guarded is a text as encoding/csv should read it: it makes \n of \r\n.
func guarded(text string) string {
	if text != "" && strings.Contains("=+-@\t\r", text[:1]) {
		text = "'" + text
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

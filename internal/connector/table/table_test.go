package table

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func reader(text string, size int, d Dialect) *Reader {
	return NewReader(NewLines(bufio.NewReaderSize(strings.NewReader(text), size)), d)
}

// all reads all rows; a fault is written as what it says.
func all(r *Reader) (rows [][]string, err error) {
	for {
		cells, err := r.Read()
		fault, is := err.(*Fault)
		if err != nil && !is {
			return rows, err
		}
		row := []string{}
		for _, cell := range cells {
			row = append(row, string(cell))
		}
		if is {
			row = append(row, fault.Error())
		}
		rows = append(rows, row)
	}
}

func TestRead(t *testing.T) {
	comma := Dialect{Separator: ',', Quote: '"'}
	for name, test := range map[string]struct {
		d    Dialect
		text string
		want [][]string
	}{
		"nothing":          {comma, "", nil},
		"plain":            {comma, "a,b\n1,\n", [][]string{{"a", "b"}, {"1", ""}}},
		"no last end":      {comma, "a,b", [][]string{{"a", "b"}}},
		"CRLF":             {comma, "a,b\r\n\r\n1,2\r\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"CR":               {comma, "a,b\r1,2\r", [][]string{{"a", "b"}, {"1", "2"}}},
		"quotes":           {comma, "\"a,\"\"b\",\"c\r\nd\"\n", [][]string{{`a,"b`, "c\nd"}}},
		"a long cell":      {comma, "1,\"" + strings.Repeat("x\n", 100) + "\",2\n", [][]string{{"1", strings.Repeat("x\n", 100), "2"}}},
		"blanks at quotes": {comma, `"a" , "b",  c` + "\n", [][]string{{"a", "b", "  c"}}},
		"blanks":           {Dialect{Separator: ';', Blanks: true}, "192.0.2.0/24 ; SBL1\n", [][]string{{"192.0.2.0/24", "SBL1"}}},
		"tab":              {Dialect{Separator: '\t', Quote: '"'}, "a\t\t\"b\tc\"\n", [][]string{{"a", "", "b\tc"}}},
		"no quotes":        {Dialect{Separator: ','}, "a\"b,\"c\n", [][]string{{`a"b`, `"c`}}},
		"other quotes":     {Dialect{Separator: ',', Quote: '\''}, "'a,\"',b\n", [][]string{{`a,"`, "b"}}},
		"comments":         {Dialect{Separator: ',', Comment: "//"}, "// x\na,b\n  // y\n1,/\n", [][]string{{"a", "b"}, {"1", "/"}}},
		"a bare quote":     {comma, "1,a\"b,c\n2,d\n", [][]string{{"1", "the row at line 1 is not valid CSV: " + bareQuote}, {"2", "d"}}},
		"text behind":      {comma, "\n\"5\"6,low\n2,d\n", [][]string{{"the row at line 2 is not valid CSV: " + openQuote}, {"2", "d"}}},
		"no end":           {comma, "1,\"a\n2,d\n", [][]string{{"1", "the row at line 1 is not valid CSV: " + openQuote}}},
	} {
		for _, size := range []int{16, 4096} {
			got, err := all(reader(test.text, size, test.d))
			if diff := cmp.Diff(test.want, got); diff != "" || err != io.EOF {
				t.Errorf("%s, buffer %d: %v %s", name, size, err, diff)
			}
		}
	}
}

// TestReadAsTheLibrary writes any cells with the library, and wants them back.
func TestReadAsTheLibrary(t *testing.T) {
	cell := rapid.StringOf(rapid.SampledFrom([]rune("ab,;\"\n é\t#")))
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 4), 1, 5).Draw(t, "rows")
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = rapid.SampledFrom([]rune(",;\t|")).Draw(t, "separator")
		w.WriteAll(rows)
		got, err := all(reader(b.String(), 16, Dialect{Separator: byte(w.Comma), Quote: '"'}))
		if diff := cmp.Diff(rows, got); diff != "" || err != io.EOF {
			t.Fatalf("%q: %v %s", b.String(), err, diff)
		}
	})
}

const block = "################\r\n# Example IOCs: recent, all #\r\n################\r\n#\r\n"

// TestDetect has the beginnings of tables as systems publish them, and what is taken for granted of them.
func TestDetect(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		s     Settings
		want  string // separator, comment, header, names
		fault string
	}{
		"plain":                       {text: "id,risk\n1,high\n", want: `",", "", row []`},
		"nothing":                     {want: `",", "", row []`},
		"semicolons":                  {text: "id;name;price\r\n1;Schön;2,50\r\n", want: `";", "", row []`},
		"semicolons and more":         {text: "id;\"a,b\";price\n1;x;2\n", want: `";", "", row []`},
		"tabs":                        {text: "id\tname\n1\tx\n", want: `"\t", "", row []`},
		"pipes":                       {text: "id|name\n1|x\n", want: `"|", "", row []`},
		"one column":                  {text: "domain\nevil.example\n", want: `",", "", row []`},
		"commas and a bar":            {text: "id,a|b\n1,x\n2,y\n", want: `",", "", row []`},
		"not clear":                   {text: "id;a,b;c\n1;x;2\n2;y;3\n", fault: "declare `separator: \";\"`"},
		"not clear at all":            {text: "id;a|b\n1,x\n", fault: "declare it"},
		"declared":                    {text: "id;a,b;c\n1;x;2\n", s: Settings{Separator: ";"}, want: `";", "", row []`},
		"a blank":                     {text: "id name\n", s: Settings{Separator: " "}, want: `" ", "", row []`},
		"sep=":                        {text: "sep=;\r\nid;name\r\n1;x\r\n", want: `";", "", row []`},
		"a header in a comment":       {text: block + "# \"first_seen\",\"ioc\"\r\n\"2026-01-08 16:03:54\", \"203.0.113.7:8080\"\r\n# Number of entries: 1\r\n", want: `",", "#", comment [first_seen ioc]`},
		"a header behind comments":    {text: block + "first_seen,ioc\n2026-01-08 16:03:54,203.0.113.7\n", want: `",", "#", row []`},
		"one comment with names":      {text: "#fields,ioc\n2026-01-08,203.0.113.7\n", want: `",", "#", comment [fields ioc]`},
		"tabs in a comment":           {text: "# ip\tname, if any\n203.0.113.7\tx\n", fault: "declare `separator: tab`"},
		"comments, then data":         {text: block + "2026-01-08 16:03:54,203.0.113.7\n2026-01-08 16:03:54,203.0.113.8\n", fault: "header: none"},
		"Spamhaus":                    {text: "; Spamhaus DROP List\n; Expires: x\n192.0.2.0/24 ; SBL1\n198.51.100.0/24 ; SBL2\n", fault: "header: none"},
		"Spamhaus declared":           {text: "; Spamhaus DROP List\n192.0.2.0/24 ; SBL1\n", s: Settings{Separator: " ; ", Header: HeaderNone, Columns: []string{"net", "sbl"}}, want: `";", "; ", none [net sbl]`},
		"a column called #":           {text: "#,name\n1,x\n2,y\n", want: `",", "", row []`},
		"a leading empty name":        {text: ";a;b\n0;x;y\n", want: `";", "", row []`},
		"comments declared":           {text: "% x\nid,name\n", s: Settings{Comment: "%"}, want: `",", "%", row []`},
		"no comments":                 {text: "# id,name\n1,x\n", s: Settings{Comment: None}, want: `",", "", row []`},
		"a row that begins with #":    {text: "#id,name\n1,x\n", s: Settings{Header: HeaderRow}, want: `",", "", row []`},
		"a comment that is not there": {text: "id,name\n1,x\n", s: Settings{Header: HeaderComment}, fault: "header: row"},
		"addresses":                   {text: "203.0.113.1\n203.0.113.2\n", fault: "header: none"},
		"addresses declared":          {text: "203.0.113.1\n203.0.113.2\n", s: Settings{Header: HeaderNone}, want: `",", "", none []`},
		"numbers first":               {text: "1,foo\n2,bar\n", fault: "header: none"},
		"one row of data":             {text: "203.0.113.1,2026-01-08\n", fault: "header: none"},
		"years":                       {text: "country,2019,2020\nDE,1,2\nFR,3,4\n", want: `",", "", row []`},
		"days":                        {text: "state,1/22/20,1/23/20\nx,1,2\n", want: `",", "", row []`},
		"a wanted column":             {text: "2019,name\n2019,x\n", s: Settings{Columns: []string{"name"}}, want: `",", "", row []`},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Detect([]byte(test.text), true, test.s)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("%+v, %v, want an error with %q", l, err, test.fault)
				}
				return
			}
			if got := fmt.Sprintf("%q, %q, %s %v", string(l.Separator), l.Comment, l.Header, l.Names); err != nil || got != test.want {
				t.Errorf("%s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for want, s := range map[string]Settings{
		"":          {Separator: `\t`, Comment: "--", Header: HeaderNone, Quote: "'"},
		"separator": {Separator: "||"},
		"comment":   {Comment: "a\nb"},
		"header":    {Header: "first"},
		"quote":     {Quote: `""`},
	} {
		if field, err := s.Check(); field != want || (err != nil) != (want != "") {
			t.Errorf("%q: %q, %v", want, field, err)
		}
	}
	if field, _ := (Settings{Separator: `"`}).Check(); field != "quote" {
		t.Error("a separator that is the quote is taken")
	}
	if field, _ := (Settings{Header: HeaderComment, Comment: None}).Check(); field != "header" {
		t.Error("a header in comments that are none is taken")
	}
}

func TestLineComment(t *testing.T) {
	for text, want := range map[string]string{"192.0.2.1\n": "#", "; x\n1\n": ";", "// x": "//", "\n! x": "!", "": "#"} {
		if got := LineComment([]byte(text), ""); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if LineComment(nil, None) != "" || LineComment(nil, "--") != "--" {
		t.Error("a setting does not count")
	}
}

// FuzzTable reads any text as a table: no row has a cell that is not in the text, and nothing panics.
func FuzzTable(f *testing.F) {
	f.Add("sep=;\na;b\n\"1\";2\n", ";", "#", "")
	f.Add(block+"# \"a\",\"b\"\n1,2", "", "", "none")
	f.Fuzz(func(t *testing.T, text, separator, comment, quote string) {
		s := Settings{Separator: separator, Comment: comment, Quote: quote}
		if _, err := s.Check(); err != nil {
			return
		}
		l, err := Detect([]byte(text), true, s)
		if err != nil {
			return
		}
		rows, _ := all(reader(text, 16, l.Dialect))
		size := 0
		for _, row := range rows {
			for _, cell := range row {
				size += len(cell)
			}
		}
		if size > len(text)*2+200*len(rows) {
			t.Errorf("%d bytes of %d", size, len(text))
		}
	})
}

// BenchmarkRead reads a table with quotes in every 16th row, as this package and as the library does.
func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	for i := range 100_000 {
		note := "plain text"
		if i%16 == 0 {
			note = `"quoted, text"`
		}
		fmt.Fprintf(&text, "%d;host-%d.example.net;domain;high;2026-01-08 10:31:31;%s\n", i, i, note)
	}
	b.Run("dialect", func(b *testing.B) {
		b.SetBytes(int64(text.Len()))
		for b.Loop() {
			r := reader(text.String(), 64<<10, Dialect{Separator: ';', Quote: '"', Comment: "#"})
			for _, err := r.Read(); err == nil; _, err = r.Read() {
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(text.Len()))
		for b.Loop() {
			r := csv.NewReader(bufio.NewReaderSize(strings.NewReader(text.String()), 64<<10))
			r.Comma, r.ReuseRecord = ';', true
			for _, err := r.Read(); err == nil; _, err = r.Read() {
			}
		}
	})
}

package rest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

// pullFlawed reads all records, each with its flaw behind it.
func pullFlawed(t *testing.T, s *Source) (got []string, err error) {
	for page, err := range s.Pages(t.Context(), "") {
		if err != nil {
			return got, err
		}
		for record, err := range page.Records {
			if err != nil {
				return got, err
			}
			got = append(got, strings.TrimSpace(string(record)+" "+page.Flaw))
		}
	}
	return got, nil
}

// TestTextFormats reads tables and lines as systems publish them.
func TestTextFormats(t *testing.T) {
	csv := func(r sallyport.Request) sallyport.Request {
		r.Format = sallyport.FormatCSV
		return r
	}
	jsonl, lines := sallyport.Request{Format: sallyport.FormatJSONL}, sallyport.Request{Format: sallyport.FormatLines}
	for name, test := range map[string]struct {
		request sallyport.Request
		kind    string // text/plain if empty
		body    string
		want    []string
		fault   string
	}{
		"abuse.ch": {csv(sallyport.Request{}), "text/csv", "#####\r\n# Example: recent, all #\r\n#####\r\n#\r\n# \"first\",\"ioc\"\r\n\"2026-01-08 16:03:54\", \"203.0.113.7:8080\"\r\n# Number of entries: 1\r\n",
			[]string{`{"first":"2026-01-08 16:03:54","ioc":"203.0.113.7:8080"}`}, ""},
		"semicolons":           {csv(sallyport.Request{}), "", "\uFEFFid;price\r\n1;2,50\r\n", []string{`{"id":"1","price":"2,50"}`}, ""},
		"Excel":                {csv(sallyport.Request{}), "", "sep=|\r\nid|name\r\n1|x\r\n", []string{`{"id":"1","name":"x"}`}, ""},
		"a trailing comma":     {csv(sallyport.Request{}), "", "a,b,\n1,2,\n3,4\n5,6,7\n", []string{`{"a":"1","b":"2"}`, `{"a":"3","b":"4"}`, `["5","6","7"] the row at line 4 has 3 cells, and the table has 2 columns`}, ""},
		"rows that are longer": {csv(sallyport.Request{}), "", "term,text\nstart,Start,,,\nstop,Stop\n", []string{`["start","Start","","",""] the row at line 2 has 5 cells, and the table has 2 columns`, `{"term":"stop","text":"Stop"}`}, ""},
		"called HTML":          {csv(sallyport.Request{}), "text/html; charset=UTF-8", "Family,URL\nAgent,http://evil.example/p.php\n", []string{`{"Family":"Agent","URL":"http://evil.example/p.php"}`}, ""},
		"called JSON":          {csv(sallyport.Request{}), "application/json", "a,b\n1,2\n", []string{`{"a":"1","b":"2"}`}, ""},
		"no header":            {csv(sallyport.Request{Header: "none"}), "", "203.0.113.1,x\n203.0.113.2,y\n", []string{`{"column_1":"203.0.113.1","column_2":"x"}`, `{"column_1":"203.0.113.2","column_2":"y"}`}, ""},
		"no header, one":       {csv(sallyport.Request{Header: "none"}), "", "203.0.113.1\n203.0.113.2\n", []string{`{"value":"203.0.113.1"}`, `{"value":"203.0.113.2"}`}, ""},
		"no header, named":     {csv(sallyport.Request{Header: "none", Columns: []string{"ip", "n"}}), "", "203.0.113.1,1\n203.0.113.2\n203.0.113.3,3\n", []string{`{"ip":"203.0.113.1","n":"1"}`, `["203.0.113.2"] the row at line 2 has 1 cells, and the table has 2 columns`, `{"ip":"203.0.113.3","n":"3"}`}, ""},
		"Spamhaus":             {csv(sallyport.Request{Separator: " ; ", Comment: ";", Header: "none", Columns: []string{"net", "sbl"}}), "", "; Spamhaus DROP\n192.0.2.0/24 ; SBL1\n", []string{`{"net":"192.0.2.0/24","sbl":"SBL1"}`}, ""},
		"other quotes":         {csv(sallyport.Request{Quote: "'"}), "", "a,b\n'1,2',\"\n", []string{`{"a":"1,2","b":"\""}`}, ""},
		"no quotes":            {csv(sallyport.Request{Quote: "none", Separator: "tab"}), "", "a\tb\n5\" disk\t\"\n", []string{`{"a":"5\" disk","b":"\""}`}, ""},
		"it looks like data":   {csv(sallyport.Request{}), "", "203.0.113.1\n203.0.113.2\n", nil, "declare `header: none`"},
		"a zip that is text":   {csv(sallyport.Request{}), "", "PK\x03\x04", nil, "breaks off"},

		"JSON lines":              {jsonl, "", "{\"a\":1}\r\n\n \x1e{\"a\":2}\n{\"a\":3}", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}, ""},
		"no JSON lines":           {jsonl, "", "\n", nil, ""},
		"a broken line":           {jsonl, "", "{\"a\":1}\n{\"a\":\n{\"a\":3}\n", []string{`{"a":1}`, `"{\"a\":" line 2 is not valid JSON`, `{"a":3}`}, ""},
		"a line that breaks off":  {jsonl, "", "{\"a\":1}\n{\"a\":", []string{`{"a":1}`}, "it breaks off before its end"},
		"JSON over several lines": {jsonl, "", "[\n{\"a\":1}\n]\n", nil, "declare `format: json`"},
		"a reason":                {jsonl, "", "{\"error\":\"No such list.\"}\n", nil, "No such list."},
		"HTML":                    {jsonl, "", "<html>\n</html>\n", nil, "it is HTML, not lines"},

		"lines":                 {lines, "", "# list\n\n 203.0.113.1 \r\n203.0.113.\"2\"\n", []string{`{"value":"203.0.113.1"}`, `{"value":"203.0.113.\"2\""}`}, ""},
		"lines with semicolons": {lines, "", "; list\n192.0.2.0/24 ; SBL1\n", []string{`{"value":"192.0.2.0/24 ; SBL1"}`}, ""},
		"lines with a comment":  {sallyport.Request{Format: "lines", Comment: "none"}, "", "#tag\n", []string{`{"value":"#tag"}`}, ""},
		"lines called HTML":     {lines, "text/html", "a.example\nb.example\n", []string{`{"value":"a.example"}`, `{"value":"b.example"}`}, ""},
		"HTML lines":            {lines, "", "<!doctype html>\n<p>\n", nil, "it is HTML, not lines"},
		"JSON as lines":         {lines, "application/json", `{"error":"No such list."}`, nil, "No such list."},
	} {
		t.Run(name, func(t *testing.T) {
			test.request.URL, test.request.Records = "/", "$"
			if test.kind == "" {
				test.kind = "text/plain"
			}
			s, err := open(testConfig(serve(t, sendsTable(test.kind, test.body)).URL, test.request), 1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := pullFlawed(t, s)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), test.fault) {
				t.Errorf("got %v, want %q", err, test.fault)
			}
		})
	}
}

// BenchmarkFormats reads the same records in each format.
func BenchmarkFormats(b *testing.B) {
	body := string(indicators(50_000))
	list := strings.TrimSuffix(strings.TrimPrefix(body, `{"results":[`), `],"page_current":0,"page_next":null}`)
	var table strings.Builder
	table.WriteString("iid;indicator;type;risk;added\n")
	for i := range 200_000 {
		fmt.Fprintf(&table, "%d;host-%d.example.net;domain;high;2026-01-08 10:31:31\n", i, i)
	}
	for _, f := range []struct {
		name, body string
		request    sallyport.Request
	}{
		{"json", "[" + list + "]", sallyport.Request{URL: "/", Records: "$[*]"}},
		{"jsonl", strings.ReplaceAll(list, "},{", "}\n{"), sallyport.Request{URL: "/", Format: sallyport.FormatJSONL}},
		{"csv", table.String(), sallyport.Request{URL: "/", Format: sallyport.FormatCSV}},
		{"lines", table.String(), sallyport.Request{URL: "/", Format: sallyport.FormatLines}},
	} {
		source := mustOpen(b, testConfig(serve(b, sendsTable("text/plain", f.body)).URL, f.request))
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(f.body)))
			for b.Loop() {
				if _, _, err := pull(b.Context(), source, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

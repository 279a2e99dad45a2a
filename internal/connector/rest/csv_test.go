package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

var tableRequest = sallyport.Request{URL: "/", Records: "$", Format: sallyport.FormatCSV, Columns: []string{"id", "risk"}}

// sendsTable answers with a text of a type.
func sendsTable(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body) // the client would notice
	}
}

func TestCSV(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"plain":             {"id,risk\n1,high\n2,low\n", []string{`{"id":"1","risk":"high"}`, `{"id":"2","risk":"low"}`}},
		"no last newline":   {"id,risk\n1,high", []string{`{"id":"1","risk":"high"}`}},
		"mark and CRLF":     {"\uFEFFid,risk\r\n1,high\r\n\r\n2,low\r\n", []string{`{"id":"1","risk":"high"}`, `{"id":"2","risk":"low"}`}},
		"quoted":            {"id,risk\n\"1,2\",\"a \"\"b\"\"\r\nc\"\n", []string{`{"id":"1,2","risk":"a \"b\"\nc"}`}},
		"other columns too": {"x,risk,id\n,high:retired,1\n", []string{`{"x":"","risk":"high:retired","id":"1"}`}},
		"names as wanted":   {" ID ,\"Risk\"\n1,high\n", []string{`{"id":"1","risk":"high"}`}},
		"header only":       {"id,risk\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, sendsTable("text/csv; charset=utf-8", test.body))
			records, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, tableRequest)), "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, records); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCSVWithFlaws wants a bad row to be a list, with the reason, and the rows behind it to be records.
func TestCSVWithFlaws(t *testing.T) {
	const body = "id,risk\n1,high\n2\n3,low,more\n4,a\"b\n\"5\"6,low\n7,low\n"
	server := serve(t, sendsTable("text/csv", body))
	var got []string
	for page, err := range mustOpen(t, testConfig(server.URL, tableRequest)).Pages(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		for record, err := range page.Records {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(record)+" "+page.Flaw)
		}
	}
	want := []string{
		`{"id":"1","risk":"high"} `,
		`["2"] the row at line 3 has 1 cells, and the table has 2 columns`,
		`["3","low","more"] the row at line 4 has 3 cells, and the table has 2 columns`,
		`["4"] the row at line 5 is not valid CSV: a quotation mark stands within a cell that does not begin with one`,
		`[] the row at line 6 is not valid CSV: a cell that begins with a quotation mark does not end with one`,
		`{"id":"7","risk":"low"} `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCSVThatIsNone gives answers that are no table with the columns that were asked for.
func TestCSVThatIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		contentType, body string
		class             connector.Class
		want              string
	}{
		"a missing column":        {"text/csv", "id,type\n1,ip\n", connector.ClassPermanent, `it has no column "risk", which was asked for`},
		"a column twice":          {"text/csv", "id,risk,RISK\n", connector.ClassPermanent, `it has two columns "risk"`},
		"a column without a name": {"text/csv", "id,,risk\n", connector.ClassPermanent, "its column 2 has no name"},
		"nothing":                 {"text/csv", "", connector.ClassPermanent, "it is empty"},
		"an error":                {"text/csv", ` {"error":"Nothing to see."}`, connector.ClassPermanent, `"Nothing to see."`},
		"an error about the plan": {"application/json", `{"error":"This needs a Feed plan."}`, connector.ClassPlan, `"This needs a Feed plan."`},
		"JSON without a sentence": {"application/json", `[]`, connector.ClassPermanent, "it is JSON, not CSV"},
		"HTML":                    {"text/csv", "\n<!doctype html>", connector.ClassPermanent, "it is HTML, not CSV"},
		"text called HTML":        {"text/html", "Access denied", connector.ClassPermanent, "it is HTML, not CSV"},
		"a bad header":            {"text/csv", "id,\"ri\"sk\n", connector.ClassPermanent, "line 1 is not valid CSV"},
		"cut within a row":        {"text/csv", "id,risk\n1,high\n2", connector.ClassTransient, "it breaks off before its end"},
		"cut within quotes":       {"text/csv", "id,risk\n1,\"hi\n", connector.ClassTransient, "it breaks off before its end"},
		"a row without an end":    {"text/csv", "id,risk\n1,\"" + strings.Repeat("x,\n", 1<<20), connector.ClassPermanent, "it has a record larger than 1.0 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, sendsTable(test.contentType, test.body))
			c := testConfig(server.URL, tableRequest)
			c.Limits.Record = 1 << 20
			c.Definition.Errors = []connector.ErrorRule{{Status: []int{200}, Match: "plan", Class: connector.ClassPlan}}
			s, err := open(c, 1)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = pull(t.Context(), s, "")
			f, ok := errors.AsType[*connector.Failure](err)
			if !ok || f.Class != test.class || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s: %s", err, test.class, test.want)
			}
		})
	}
}

// TestCSVColumnsOfParameters wants the columns that a parameter names.
func TestCSVColumnsOfParameters(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.URL.Query().Get("fields")+"\n1,high\n") // the client would notice
	})
	c := testConfig(server.URL, sallyport.Request{URL: "/", Query: map[string]sallyport.Texts{"fields": {"{fields}"}}, Format: "csv", Columns: []string{"{fields}"}})
	c.Endpoint.Params = []connector.Field{{Name: "fields", Type: connector.TypeList, Sent: connector.SentCommas}}
	c.Params = map[string]any{"fields": []string{"id", "risk"}}
	records, _, err := pull(t.Context(), mustOpen(t, c), "")
	if err != nil || !cmp.Equal(records, []string{`{"id":"1","risk":"high"}`}) {
		t.Errorf("%v, %v", records, err)
	}
	c.Endpoint.Request.Columns = []string{"{fields}", "type"}
	if _, _, err := pull(t.Context(), mustOpen(t, c), ""); err == nil || !strings.Contains(err.Error(), `no column "type"`) {
		t.Errorf("got %v", err)
	}
}

// FuzzCSV takes any text for a table: every record is one line of JSON, and what is an object has all columns.
func FuzzCSV(f *testing.F) {
	f.Add("id,risk\n1,\"a\nb\"\n")
	f.Add("\uFEFFid;risk\r\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		c := testConfig("https://api.example.com", sallyport.Request{URL: "/", Format: "csv"})
		a := &answer{
			judge: &judge{known: newGate(c, &url.URL{Scheme: "https", Host: "api.example.com"}).known}, shape: &shape{rows: true}, ctx: t.Context(),
			response: &http.Response{StatusCode: 200},
		}
		a.body = newBody(io.NopCloser(strings.NewReader(text)), 1<<20, 1<<20, 0, func(error) {})
		r, err := a.table()
		if err != nil {
			return
		}
		for {
			record, err := r.next()
			if err != nil {
				return
			}
			var value any
			if err := json.Unmarshal(record, &value); err != nil || bytes.ContainsAny(record, "\r\n") || !utf8.Valid(record) {
				t.Fatalf("%q: %v", record, err)
			}
			if object, ok := value.(map[string]any); ok && len(object) != len(r.names) {
				t.Fatalf("%q has %d fields, not %d", record, len(object), len(r.names))
			}
		}
	})
}

// longTable is a CSV of n rows of made-up indicators, made while it is read.
type longTable struct {
	rows, at int
	rest     []byte
}

func (t *longTable) Read(p []byte) (int, error) {
	for len(t.rest) < len(p) && t.at <= t.rows {
		if t.at == 0 {
			t.rest = append(t.rest, "id,type,risk,threats,feeds,usersubmissions,riskfactors,reference\r\n"...)
		} else {
			t.rest = fmt.Appendf(t.rest, "%d,domain,high:retired,\"Zeus,Emotet\",\"Feed A,Feed B\",%d,\"Found in a feed, \"\"twice\"\"\",https://example.com/%[1]d\r\n", t.at, t.at%7)
		}
		t.at++
	}
	n := copy(p, t.rest)
	t.rest = t.rest[:copy(t.rest, t.rest[n:])]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// BenchmarkCSVOf2000000 reads a table of two million rows. The heap must not grow with the rows.
func BenchmarkCSVOf2000000(b *testing.B) {
	const rows = 2_000_000
	server := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		io.Copy(w, &longTable{rows: rows}) // the client would notice
	})
	source := mustOpen(b, testConfig(server.URL, sallyport.Request{URL: "/", Format: "csv", Columns: []string{"id"}}))
	size, err := io.Copy(io.Discard, &longTable{rows: rows})
	if err != nil {
		b.Fatal(err)
	}
	var memory runtime.MemStats
	var peak uint64
	b.SetBytes(size)
	for b.Loop() {
		n := 0
		for page, err := range source.Pages(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range page.Records {
				if err != nil {
					b.Fatal(err)
				}
				if n++; n%100_000 == 0 {
					runtime.ReadMemStats(&memory)
					peak = max(peak, memory.HeapInuse)
				}
			}
		}
		if n != rows {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

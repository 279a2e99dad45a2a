package rest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// indicators writes a page of n made-up indicators, each of about 430 bytes.
func indicators(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"results":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		stamp := fmt.Sprintf("%02d 10:%02d:%02d", 1+i%28, i%60, i%60)
		fmt.Fprintf(&b, `{"iid":%d,"indicator":"host-%d.example.net","type":"domain","risk":"%s","risk_recommended":"low","manualrisk":0,`+
			`"stamp_added":"2026-01-%s","stamp_updated":"2026-02-%s","stamp_seen":"2026-03-%s","recent":1,`+
			`"summary":{"properties":{"http":{"++code":"200","++content-type":"text/html"},"geo":{"countrycode":"US","org":"Example Org %d"}}},`+
			`"threats":["Phishing","Emotet"],"feeds":["Feed A","Feed B"]}`,
			i, i, [...]string{"none", "low", "medium", "high", "critical"}[i%5], stamp, stamp, stamp, i%97)
	}
	b.WriteString(`],"page_current":0,"page_next":null}`)
	return b.Bytes()
}

var listRequest = sallyport.Request{
	URL: "/api/list", Records: "$.results[*]", Paging: sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.page_next", Query: "page"},
}

// BenchmarkJSONText is the speed that decoding cannot exceed.
func BenchmarkJSONText(b *testing.B) {
	body := indicators(100_000)
	d := jsontext.NewDecoder(io.MultiReader(bytes.NewReader(body)), lenient...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(io.MultiReader(bytes.NewReader(body)), lenient...)
		for range 3 {
			if _, err := d.ReadToken(); err != nil {
				b.Fatal(err)
			}
		}
		for d.PeekKind() != ']' {
			if _, err := d.ReadValue(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkStream decodes one page of 43 MB.
func BenchmarkStream(b *testing.B) {
	body := indicators(100_000)
	shape, err := newShape(paths{"$.results[*]", "$.page_next", "$.error"})
	if err != nil {
		b.Fatal(err)
	}
	s := new(stream)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		s.reset(shape, io.MultiReader(bytes.NewReader(body)))
		n := 0
		for err = nil; err == nil; _, err = s.next() {
			n++
		}
		if err != io.EOF || n != 100_001 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkTidy makes one record ready to be passed on.
func BenchmarkTidy(b *testing.B) {
	record := jsontext.Value(indicators(1)[len(`{"results":[`):])
	r := &reading{Source: &Source{gate: &gate{known: secret.NewRedactor(secret.New(testKey))}}}
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		r.tidy(record)
	}
}

// benchmarkPages pulls pages from a system on loopback, all the way.
func benchmarkPages(b *testing.B, records int) {
	body := indicators(records)
	server := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(body) // the client would notice
	})
	source := mustOpen(b, testConfig(server.URL, listRequest))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
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
				n++
			}
		}
		if n != records {
			b.Fatal(n)
		}
	}
}

func BenchmarkPageOf1000(b *testing.B)   { benchmarkPages(b, 1000) }
func BenchmarkPageOf100000(b *testing.B) { benchmarkPages(b, 100_000) }

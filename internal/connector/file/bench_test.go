package file_test

import (
	"fmt"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector"
)

// indicator is a record of the size and form that a threat feed has.
func indicator(i int) []byte {
	return fmt.Appendf(nil, `{"iid":%d,"indicator":"host-%d.example.net","type":"domain","risk":"high","risk_recommended":"low",`+
		`"manualrisk":0,`+
		`"stamp_added":"2026-01-%02d 10:%02d:%02d","stamp_updated":"2026-02-%02d 10:%02d:%02d","stamp_seen":"2026-03-%02d 10:%02d:%02d",`+
		`"recent":1,"summary":{"properties":{"http":{"++code":"200","++content-type":"text/html"},"geo":{"countrycode":"US",`+
		`"org":"Example Org %d"}}},"threats":["Phishing","Emotet"],"feeds":["Feed A","Feed B"]}`,
		i, i, 1+i%28, i%60, i%60, 1+i%28, i%60, i%60, 1+i%28, i%60, i%60, i%97)
}

func BenchmarkWriteLines(b *testing.B) { benchmarkWrite(b, "ndjson") }
func BenchmarkWriteCSV(b *testing.B)   { benchmarkWrite(b, "csv") }

// benchmarkWrite writes batches of 10,000 records, without the time that the disk takes for the commit.
func benchmarkWrite(b *testing.B, format string) {
	const records = 10_000
	var all [][]byte
	var bytes int64
	for i := range records {
		all = append(all, indicator(i))
		bytes += int64(len(all[i]))
	}
	batch := connector.Batch{Seq: 1, Records: func(yield func([]byte) bool) {
		for _, r := range all {
			if !yield(r) {
				return
			}
		}
	}}
	target := connector.Target{ID: "dst_one", Config: map[string]any{"path": b.TempDir() + "/out", "format": format}}
	open, err := openFile(b.Context(), target)
	if err != nil {
		b.Fatal(err)
	}
	defer open.Close()
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}

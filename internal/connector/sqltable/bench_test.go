package sqltable_test

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

func BenchmarkWriteUpsert(b *testing.B) { benchmarkWrite(b, "upsert") }
func BenchmarkWriteAppend(b *testing.B) { benchmarkWrite(b, "append") }

// benchmarkWrite writes 100,000 records into a new table, in batches of 2,500, in one transaction with its commit.
func benchmarkWrite(b *testing.B, mode string) {
	const records, perBatch = 100_000, 2_500
	var all [][]byte
	var bytes int64
	for i := range records {
		all = append(all, indicator(i))
		bytes += int64(len(all[i]))
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		target := connector.Target{ID: "dst_one", Dataset: "set_one", Key: []string{"iid"},
			Config: map[string]any{"path": b.TempDir() + "/intel.db", "table": "indicators", "mode": mode}}
		open, err := openTable(b.Context(), target)
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < records; i += perBatch {
			if _, err := open.Write(b.Context(), batch(int64(i/perBatch+1), all[i:i+perBatch])); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := open.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := open.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}

func batch[T string | []byte](seq int64, records []T) connector.Batch {
	return connector.Batch{Seq: seq, Records: func(yield func([]byte) bool) {
		for _, r := range records {
			if !yield([]byte(r)) {
				return
			}
		}
	}}
}

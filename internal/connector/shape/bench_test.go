package shape_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector/shape"
)

const definition = "../../../connectors/pulsedive"

// pulsedive compiles a schema of the Pulsedive connector.
func pulsedive(t testing.TB, name string) *shape.Shape {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(definition, "schema", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := shape.New(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// row is an indicator as lists have it.
const row = `{"iid":53929,"indicator":"host-53929.example.net","type":"domain","risk":"high","stamp_linked":"2026-01-07 10:07:07",` +
	`"stamp_added":"2026-01-07 10:07:07","stamp_updated":"2026-02-07 9:07:07","stamp_seen":"2026-03-07 10:07:07",` +
	`"summary":{"properties":{"http":{"++code":"200","++content-type":"text\/html"},"geo":{"country":"United States of America","city":"Springfield",` +
	`"region":"Illinois","countrycode":"US","org":"Example Org 97"}}}}`

// BenchmarkRecord normalises indicators: as lists have them, and in full.
func BenchmarkRecord(b *testing.B) {
	full, err := os.ReadFile(filepath.Join(definition, "testdata/indicator-by-value.json"))
	if err != nil {
		b.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join(definition, "testdata/indicator-historical.json"))
	if err != nil {
		b.Fatal(err)
	}
	for _, test := range []struct {
		name, schema string
		record       []byte
	}{{"row", "feed_indicator", []byte(row)}, {"full", "indicator", full}, {"rows of properties", "indicator", rows}} {
		b.Run(test.name, func(b *testing.B) {
			n := pulsedive(b, test.schema).Normaliser()
			b.SetBytes(int64(len(test.record)))
			b.ReportAllocs()
			for b.Loop() {
				n.Record(test.record)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

package dataset

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

func TestPackedRecordsComeBack(t *testing.T) {
	packer, err := NewPacker()
	if err != nil {
		t.Fatal(err)
	}
	unpacker, err := NewUnpacker()
	if err != nil {
		t.Fatal(err)
	}
	defer unpacker.Close()
	for round := range 3 {
		var want []string
		full := false
		for i := 0; !full; i++ {
			record := fmt.Sprintf(`{"round":%d,"i":%d,"text":"%s"}`, round, i, strings.Repeat("ä", i%300))
			want = append(want, record)
			full = packer.Add([]byte(record))
		}
		size := packer.Bytes()
		batch, finished := packer.Pack()
		packer.Wait()
		if finished || batch.Records != int64(len(want)) || batch.Bytes != size || size < BatchBytes || packer.Bytes() != 0 {
			t.Fatalf("batch of %d records and %d bytes, want %d and %d", batch.Records, batch.Bytes, len(want), size)
		}
		var got []string
		records, err := unpacker.Records(*batch)
		if err != nil {
			t.Fatal(err)
		}
		for r := range records {
			got = append(got, string(r))
		}
		if !slices.Equal(got, want) {
			t.Fatal("the records changed")
		}
	}
}

func TestUnfinishedPageStaysApart(t *testing.T) {
	packer, err := NewPacker()
	if err != nil {
		t.Fatal(err)
	}
	packer.Add([]byte(`{"page":1}`))
	packer.Finish()
	packer.Add([]byte(`{"page":2}`))
	packer.Add([]byte(`{"page":2}`))
	if batch, finished := packer.Pack(); !finished || batch.Records != 1 {
		t.Errorf("packed %d records, finished %v; want the one of the finished page", batch.Records, finished)
	}
	if batch, finished := packer.Pack(); finished || batch.Records != 2 {
		t.Errorf("packed %d records, finished %v; want the two of the unfinished page", batch.Records, finished)
	}
	packer.Add([]byte(`{"page":3}`))
	packer.Finish()
	packer.Add([]byte(`{"page":4}`))
	packer.Discard()
	if batch, finished := packer.Pack(); !finished || batch.Records != 1 || packer.Bytes() != 0 {
		t.Errorf("packed %d records, finished %v, %d bytes left; want one and nothing left", batch.Records, finished, packer.Bytes())
	}
}

func TestDamagedBatchIsAnError(t *testing.T) {
	packer, _ := NewPacker()
	packer.Add([]byte(`{"a":1}`))
	batch, _ := packer.Pack()
	packer.Wait()
	batch.Body = batch.Body[:len(batch.Body)-1]
	unpacker, _ := NewUnpacker()
	if _, err := unpacker.Records(*batch); err == nil {
		t.Error("a damaged batch was read")
	}
}

func TestObserver(t *testing.T) {
	field := func(name string, kind sallyport.Kind, nullable bool, example string) sallyport.Field {
		return sallyport.Field{Name: name, Kind: kind, Nullable: nullable, Example: example}
	}
	for _, c := range []struct {
		name    string
		records []string
		want    []sallyport.Field
	}{
		{"kinds", []string{`{"s":"x","i":1,"n":1.5,"b":true,"o":{"a":1},"l":[1],"z":null}`}, []sallyport.Field{
			field("s", "string", false, `"x"`), field("i", "integer", false, "1"), field("n", "number", false, "1.5"), field("b", "boolean", false, "true"),
			field("o", "object", false, `{"a":1}`), field("l", "array", false, "[1]"), field("z", "null", true, ""),
		}},
		{"widening", []string{`{"a":1,"b":1,"c":true,"d":{}}`, `{"a":1e3,"b":"x","c":1,"d":"x"}`}, []sallyport.Field{
			field("a", "number", false, "1"), field("b", "string", false, "1"), field("c", "mixed", false, "true"), field("d", "mixed", false, "{}"),
		}},
		{"absent", []string{`{"a":1}`, `{"b":1}`}, []sallyport.Field{field("a", "integer", true, "1"), field("b", "integer", true, "1")}},
		{"null first", []string{`{"a":null}`, `{"a":[]}`}, []sallyport.Field{field("a", "array", true, "[]")}},
		{"empty", []string{`{}`}, nil},
		{"names that differ by case", []string{`{"a":1,"A":"x"}`}, []sallyport.Field{field("a", "integer", false, "1"), field("A", "string", false, `"x"`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := NewObserver(sallyport.Schema{})
			for _, r := range c.records {
				if err := o.Observe([]byte(r)); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, o.Schema().Fields); diff != "" {
				t.Error(diff)
			}
			again := NewObserver(o.Schema())
			for _, r := range c.records {
				if err := again.Observe([]byte(r)); err != nil {
					t.Fatal(err)
				}
			}
			if again.Changed() {
				t.Errorf("the same records changed the schema to %v", again.Schema())
			}
		})
	}
}

// TestObserverLearns joins what two observers of one dataset found, each in its own records.
func TestObserverLearns(t *testing.T) {
	known := NewObserver(sallyport.Schema{})
	known.Observe([]byte(`{"a":1}`))
	mine, others := NewObserver(known.Schema()), NewObserver(known.Schema())
	mine.Observe([]byte(`{"a":2,"b":true}`))
	others.Observe([]byte(`{"a":1.5,"c":"x"}`))
	others.Observe([]byte(`{"b":null}`))
	mine.Changed()
	mine.Learn(others.Schema())
	if mine.Changed() {
		t.Error("what others wrote down counts as a change")
	}
	if diff := cmp.Diff([]sallyport.Field{
		{Name: "a", Kind: "number", Nullable: true, Example: "1"}, {Name: "b", Kind: "boolean", Nullable: true, Example: "true"},
		{Name: "c", Kind: "string", Nullable: true, Example: `"x"`},
	}, mine.Schema().Fields); diff != "" {
		t.Error(diff)
	}
	if mine.Observe([]byte(`{"c":"y"}`)); mine.Changed() {
		t.Error("a field that was learned is new again")
	}
}

func TestObserverRefusesBrokenJSON(t *testing.T) {
	if err := NewObserver(sallyport.Schema{}).Observe([]byte(`{"a":`)); err == nil {
		t.Error("broken JSON was observed")
	}
}

func TestSchemaIsBounded(t *testing.T) {
	o := NewObserver(sallyport.Schema{})
	for i := range maxFields + 10 {
		if err := o.Observe(fmt.Appendf(nil, `{"f%d":1}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(o.Schema().Fields); n != maxFields {
		t.Errorf("%d fields", n)
	}
}

const record = `{"iid":4711,"indicator":"host-4711.example.net","type":"domain","risk":"high","risk_recommended":"low","manualrisk":0,"stamp_added":"2026-01-08 10:31:31","stamp_updated":"2026-02-08 10:31:31","stamp_seen":"2026-03-08 10:31:31","recent":1,"summary":{"properties":{"http":{"++code":"200","++content-type":"text/html"},"geo":{"countrycode":"US","org":"Example Org 55"}}},"threats":["Phishing","Emotet"],"feeds":["Feed A","Feed B"]}`

func BenchmarkPack(b *testing.B) {
	packer, err := NewPacker()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if packer.Add([]byte(record)) {
			packer.Pack()
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	packer, err := NewPacker()
	if err != nil {
		b.Fatal(err)
	}
	for !packer.Add([]byte(record)) {
	}
	batch, _ := packer.Pack()
	packer.Wait()
	unpacker, err := NewUnpacker()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(batch.Bytes)
	b.ReportAllocs()
	for b.Loop() {
		records, err := unpacker.Records(*batch)
		if err != nil {
			b.Fatal(err)
		}
		for range records {
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	o := NewObserver(sallyport.Schema{})
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if err := o.Observe([]byte(record)); err != nil {
			b.Fatal(err)
		}
	}
}

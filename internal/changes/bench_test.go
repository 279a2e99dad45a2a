package changes

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

const benchRecord = `{"iid":4711,"indicator":"host-4711.example.net","type":"domain","risk":"high","risk_recommended":"low","manualrisk":0,"stamp_added":"2026-01-08 10:31:31","stamp_updated":"2026-02-08 10:31:31","stamp_seen":"2026-03-08 10:31:31","recent":1,"summary":{"properties":{"http":{"++code":"200","++content-type":"text/html"},"geo":{"countrycode":"US","org":"Example Org 55"}}},"threats":["Phishing","Emotet"],"feeds":["Feed A","Feed B"]}`

// BenchmarkRead reads records of about 430 bytes.
func BenchmarkRead(b *testing.B) {
	r := NewReader(NewSeed(), []string{"iid"}, []string{"stamp_updated", "stamp_seen"})
	record := []byte(benchRecord)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(record); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJudge looks records up, in indices of several sizes, and reports the memory of the process that they take.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("unchanged of %d", n), func(b *testing.B) {
			before := resident(b)
			x := filled(n)
			defer x.Close()
			taken := float64(resident(b)-before) / 1e6
			keys := rand.New(rand.NewPCG(1, 2))
			for i := 0; b.Loop(); i++ {
				if i%n == 0 {
					keys = rand.New(rand.NewPCG(1, 2))
				}
				x.Judge(Look{key: keys.Uint64(), state: 8})
			}
			b.ReportMetric(taken, "MB")
		})
	}
}

// BenchmarkFill takes ten million new keys in: what the first pull of a large source does.
func BenchmarkFill(b *testing.B) {
	const n = 10_000_000
	taken := 0.0
	for b.Loop() {
		before := resident(b)
		x := filled(n)
		taken = float64(resident(b)-before) / 1e6
		x.Close()
	}
	b.ReportMetric(taken, "MB")
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkLoad takes in an index of ten million keys that was written down.
func BenchmarkLoad(b *testing.B) {
	x := filled(10_000_000)
	var parts []Entries
	for part := range x.Whole(someDay) {
		parts = append(parts, append(Entries{}, part...))
	}
	x.Close()
	for b.Loop() {
		x := &Index{}
		x.Reserve(160_000_000)
		for _, part := range parts {
			if err := x.Load(part, false, true); err != nil {
				b.Fatal(err)
			}
		}
		x.Close()
	}
}

func filled(n int) *Index {
	x := &Index{}
	keys := rand.New(rand.NewPCG(1, 2))
	for range n {
		x.Judge(Look{key: keys.Uint64(), state: 8})
	}
	return x
}

// resident is the memory that the process has, in bytes.
func resident(b *testing.B) int64 {
	b.Helper()
	runtime.GC()
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(content))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// BenchmarkHash hashes a short text.
func BenchmarkHash(b *testing.B) {
	seed := readSeed(NewSeed())
	text := binary.LittleEndian.AppendUint64([]byte("text"), 1)
	for b.Loop() {
		seed.hash(text, ofText)
	}
}

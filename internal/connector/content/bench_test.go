package content

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// BenchmarkText reads 8 MB of JSON text with some accents, written in several charsets.
func BenchmarkText(b *testing.B) {
	sample := strings.Repeat(`{"iid":4711,"indicator":"host-4711.example.net","city":"Zürich","note":"plain text of a usual length"},`, 80_000)
	for _, name := range []string{"utf-8", "iso-8859-15", "windows-1252", "koi8-r", "utf-16le", "gb18030"} {
		if name == "koi8-r" {
			sample = strings.ReplaceAll(sample, "ü", "я")
		}
		encoded, err := charsets[name].NewEncoder().String(sample)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { readAll(b, []byte(encoded), len(sample), name) })
	}
}

func readAll(b *testing.B, body []byte, size int, declared string) {
	buffer := make([]byte, 64<<10)
	b.SetBytes(int64(size))
	for b.Loop() {
		r := open(header("text/plain"), bytes.NewReader(body), declared)
		n := 0
		for {
			k, err := r.Read(buffer)
			if n += k; err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		if n != size {
			b.Fatal(n, size)
		}
	}
}

// BenchmarkUnpack reads 8 MB of JSON, packed in each way.
func BenchmarkUnpack(b *testing.B) {
	sample := []byte(strings.Repeat(`{"iid":4711,"indicator":"host-4711.example.net","note":"plain text of a usual length"},`, 100_000))
	for _, coding := range []string{"gzip", "zstd", "br", "deflate"} {
		body := pack(b, coding, sample)
		b.Run(coding, func(b *testing.B) {
			b.SetBytes(int64(len(sample)))
			for b.Loop() {
				r := open(header("", coding), bytes.NewReader(body), "")
				if n, err := io.Copy(io.Discard, r); err != nil || n != int64(len(sample)) {
					b.Fatal(n, err)
				}
				r.Close()
			}
		})
	}
}

package store_test

import (
	"crypto/rand"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// BenchmarkCommitPage commits pages of one batch: 4 MB of records, 400 kB when compressed.
func BenchmarkCommitPage(b *testing.B) {
	for _, db := range databases {
		b.Run(db.name, func(b *testing.B) {
			s := open(b, db.fresh(b))
			i := addIngest(b, s, "one", "a")
			body := make([]byte, 400_000)
			rand.Read(body)
			b.SetBytes(4_000_000)
			for b.Loop() {
				i.commit(b, s, sallyport.Batch{Records: 10_000, Bytes: 4_000_000, Body: body})
			}
		})
	}
}

// BenchmarkOpen opens a database that is there and up to date.
func BenchmarkOpen(b *testing.B) {
	for _, db := range databases {
		b.Run(db.name, func(b *testing.B) {
			dsn := db.fresh(b)
			open(b, dsn).Close()
			for b.Loop() {
				s, err := store.Open(b.Context(), dsn)
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}

package store_test

import (
	"crypto/rand"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/sallyport-io/sallyport/internal/store"
)

// TestLogIsFull lets another program read the database in one transaction while much is written, and then end.
func TestLogIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, "sqlite:"+path)
	s.LimitLog(64 << 10)
	write := func() {
		t.Helper()
		for range 64 {
			addCredential(t, s, rand.Text())
		}
	}
	full := func() bool { t.Helper(); return get(s.LogIsFull(t.Context()))(t) }
	write()
	if full() {
		t.Error("the log is full although nobody reads it")
	}
	other := get(sql.Open("sqlite", "file:"+path))(t)
	defer other.Close()
	reading := get(other.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))(t)
	var n int
	if err := reading.QueryRow("SELECT count(*) FROM credential").Scan(&n); err != nil {
		t.Fatal(err)
	}
	write()
	if !full() {
		t.Error("the log grows while somebody reads, and is not full")
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if full() {
		t.Error("the log is still full although nobody reads any more")
	}
	if full, err := new(store.Store).LogIsFull(t.Context()); full || err != nil {
		t.Errorf("without SQLite: %v, %v", full, err)
	}
}

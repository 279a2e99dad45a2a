package sqltable_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func quotedJSON(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

func TestBatchesAtOrBelowTheMarkerAreLeftOut(t *testing.T) {
	p := newPlace(t, "append")
	p.writeAs(1, `{"a":1}`)
	p.writeAs(2, `{"a":2}`)
	for seq := range int64(3) {
		p.target.State = `{"seq":0}`
		if diff := cmp.Diff(connector.Result{Repeated: true}, p.writeAs(seq, `{"a":3}`)); diff != "" {
			t.Errorf("batch %d (-want +got):\n%s", seq, diff)
		}
	}
	p.target.State = `{"seq":2}`
	p.writeAs(4, `{"a":4}`)
	p.holds("SELECT a FROM t", "1", "2", "4")
}

func TestRepeatedBatchTellsItsRejectionsAgain(t *testing.T) {
	p := newPlace(t, "upsert", "id")
	first := p.writeAs(1, `{"id":1,"a":1}`, `{"a":2}`, `{"id":3,"a":3}`)
	if len(first.Rejected) != 1 || first.Rejected[0].Index != 1 {
		t.Fatalf("the first time: %+v", first)
	}
	p.target.State = `{"seq":0}`
	again := p.writeAs(1, `{"id":1,"a":1}`, `{"a":2}`, `{"id":3,"a":3}`)
	if diff := cmp.Diff(connector.Result{Rejected: first.Rejected, Repeated: true}, again); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	p.holds("SELECT a FROM t ORDER BY a", "1", "3")
}

// TestModeChangesWhileABatchIsRepeated makes the unique index that the new mode needs, though the first batch is only looked at.
func TestModeChangesWhileABatchIsRepeated(t *testing.T) {
	p := newPlace(t, "append", "id")
	p.writeAs(1, `{"id":1,"a":1}`)
	p.target.State, p.target.Config["mode"] = `{"seq":0}`, "upsert"
	open, err := openTable(p.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for seq, record := range []string{`{"id":1,"a":1}`, `{"id":1,"a":2}`} {
		if _, err := open.Write(p.Context(), batch(int64(seq)+1, []string{record})); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open.Commit(p.Context()); err != nil {
		t.Fatal(err)
	}
	p.holds("SELECT a FROM t", "2")
}

func TestCommitOfNothingKeepsTheState(t *testing.T) {
	p := newPlace(t, "append")
	p.write(`{"a":1}`)
	for _, want := range []string{p.target.State, ""} {
		p.target.State = want
		open, err := openTable(t.Context(), p.target)
		if err != nil {
			t.Fatal(err)
		}
		if state, err := open.Commit(t.Context()); err != nil || state != want {
			t.Errorf("%q, %v, want %q", state, err, want)
		}
		if err := open.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneFileIsLeft(t *testing.T) {
	p := newPlace(t, "append")
	p.write(`{"a":1}`)
	entries, err := os.ReadDir(filepath.Dir(p.target.Text("path")))
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestConfiguration(t *testing.T) {
	p := newPlace(t, "upsert")
	p.fails(sallyport.Invalid, "key: ", "append")
	p.target.Config["mode"] = "merge"
	p.fails(sallyport.Invalid, "mode: ", "merge", "upsert, append")
	p.target.Config["mode"] = "append"
	for _, name := range []string{"", "sqlite_x", "SQLITE_x", "_sallyport_columns", "a\x00b"} {
		p.target.Config["table"] = name
		p.fails(sallyport.Invalid, "table: ")
	}
	p.target.Config["table"] = "seen"
	p.exec("CREATE VIEW seen AS SELECT 1 AS a")
	p.fails(sallyport.Invalid, "table: ", "is a view")
}

func TestWhatIsNoDatabase(t *testing.T) {
	p := newPlace(t, "append")
	path := p.target.Text("path")
	if err := os.WriteFile(path, []byte("precious, and longer than the sixteen bytes of a header"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.fails(sallyport.Invalid, "path: ", path, "is not an SQLite database", "move it away")
	if content, err := os.ReadFile(path); err != nil || string(content[:8]) != "precious" {
		t.Errorf("%q, %v", content, err)
	}
	for _, path := range []string{t.TempDir(), "/dev/null"} {
		p.target.Config["path"] = path
		p.fails(sallyport.Invalid, "path: ", path, "not a regular file")
	}
	p.target.Config["path"] = "a\x00b"
	p.fails(sallyport.Invalid, "path: ", "cannot be written")
}

func TestDatabaseInUse(t *testing.T) {
	p := newPlace(t, "append")
	p.write(`{"a":1}`)
	db := database(t, p.target.Text("path"))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	open, err := openTable(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := open.Write(ctx, batch(2, []string{`{"a":2}`})); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %v", err, context.DeadlineExceeded)
	}
	if err := errors.Join(open.Close(), conn.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	p.writeAs(2, `{"a":3}`)
	p.holds("SELECT a FROM t", "1", "3")
}

// TestTwoDeliveries lets a delivery that was given up for dead commit a batch, while another one has begun with the same state.
func TestTwoDeliveries(t *testing.T) {
	p := newPlace(t, "append")
	late, err := openTable(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	open, err := openTable(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []connector.Destination{late, open} {
		if _, err := d.Write(t.Context(), batch(1, []string{`{"a":1}`})); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(late.Close(), open.Close()); err != nil {
		t.Fatal(err)
	}
	p.holds("SELECT a FROM t", "1")
}

package sqltable_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/sqltable"
	"github.com/sallyport-io/sallyport/internal/files"
)

// openTable opens a table in any database, as one that was granted.
func openTable(ctx context.Context, target connector.Target) (connector.Destination, error) {
	target.Files = func(_ context.Context, path string) (files.FS, string, error) {
		return files.OpenPath(path, files.Options{Foreign: true})
	}
	return sqltable.Open(ctx, target)
}

// below opens what lies below a folder, as the pages may.
func below(root string, own *files.Own) connector.OpenFiles {
	return func(_ context.Context, path string) (files.FS, string, error) {
		name, err := filepath.Rel(root, path)
		if err != nil {
			return nil, "", err
		}
		in, err := files.OpenRoot(root, files.Options{Own: own})
		return in, name, err
	}
}

// TestPlace opens databases below a root that a flow must not write to. None of them is changed.
func TestPlace(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	key := filepath.Join(outside, "master.key")
	for _, path := range []string{key, filepath.Join(root, "text.db")} {
		if err := os.WriteFile(path, []byte("not a database, but something of value"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	create := func(path, table string) {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("CREATE TABLE " + table + " (a)"); err != nil {
			t.Fatal(err)
		}
	}
	create(filepath.Join(root, "foreign.db"), "accounts")
	create(filepath.Join(outside, "elsewhere.db"), "accounts")
	create(filepath.Join(root, "beside.db"), "_sallyport_deliveries")
	create(filepath.Join(root, "journal.db"), "_sallyport_deliveries")
	for link, to := range map[string]string{
		"link.db": filepath.Join(outside, "elsewhere.db"), "inner.db": "foreign.db", "beside.db-wal": key, "dangling.db": filepath.Join(outside, "new.db"),
		"folder": outside,
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, hard := range []string{"hard.db", "journal.db-journal"} {
		if err := os.Link(key, filepath.Join(root, hard)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "directory.db"), 0o755); err != nil {
		t.Fatal(err)
	}
	open := below(root, files.NewOwn(key))
	for name, want := range map[string]string{
		"foreign.db": "a database of another program", "link.db": "symbolic link", "inner.db": "symbolic link", "dangling.db": "symbolic link",
		"folder/elsewhere.db": "leaves", "hard.db": "a file of Sallyport itself", "beside.db": "symbolic link", "journal.db": "a file of Sallyport itself",
		"directory.db": "not a regular file", "text.db": "not an SQLite database",
	} {
		_, err := sqltable.Open(t.Context(), connector.Target{
			ID: "dst_1", Dataset: "set_1", Config: map[string]any{"path": filepath.Join(root, name), "table": "t", "mode": "append"}, Files: open,
		})
		if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	for path, want := range map[string]string{key: "not a database, but something of value"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(outside, "new.db")); err == nil {
		t.Error("a database was created behind a link")
	}
}

// TestPlaceIsFamiliar opens a database again that the destination created.
func TestPlaceIsFamiliar(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "a.db")
	target := connector.Target{ID: "dst_1", Dataset: "set_1", Config: map[string]any{"path": path, "table": "t", "mode": "append"}, Files: below(root, nil)}
	first, err := sqltable.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sqltable.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTableOfAnotherProgram is not written, whether it is in the database of a destination or not, unless the database was granted.
func TestTableOfAnotherProgram(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "a.db")
	write := func(id sallyport.ID, table, mode string, open connector.OpenFiles) error {
		d, err := sqltable.Open(t.Context(), connector.Target{
			ID: id, Dataset: "set_1", Epoch: "epo_1", Files: open,
			Config: map[string]any{"path": path, "table": table, "mode": mode, "key": []any{"id"}},
		})
		if err != nil {
			return err
		}
		_, err = d.Write(t.Context(), connector.Batch{Seq: 1, Records: slices.Values([][]byte{[]byte(`{"id":1}`)})})
		if err == nil {
			_, err = d.Commit(t.Context())
		}
		return errors.Join(err, d.Close())
	}
	mine := below(root, nil)
	if err := write("dst_1", "t", "upsert", mine); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO accounts VALUES (7, 'theirs')"); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"append", "upsert"} {
		if err := write("dst_2", "Accounts", mode, mine); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), "created by another program") {
			t.Errorf("%s: %v", mode, err)
		}
	}
	var rows int
	if err := db.QueryRow("SELECT count(*) FROM accounts WHERE name = 'theirs'").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
	if err := write("dst_3", "T", "upsert", mine); err != nil { // which another destination created
		t.Error(err)
	}
	granted := func(_ context.Context, path string) (files.FS, string, error) {
		return files.OpenPath(path, files.Options{Foreign: true})
	}
	if err := write("dst_4", "accounts", "upsert", granted); err != nil {
		t.Error(err)
	}
}

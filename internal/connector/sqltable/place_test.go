package sqltable_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
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
